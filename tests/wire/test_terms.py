"""Tests of instruments, assets and insurance funds on the wire."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.adapters.wire import Code, TermDefaults, decode_asset, decode_instrument, decode_insurance_fund
from monitor.core.instruments import Contract, Haircut, InstrumentStatus, MaintenanceBasis, MarginTier
from tests.wire.samples import ASSET, FUND, INSTRUMENT, LIMITS, refusal, text, without

BARE = {
    "symbol": "BTCUSDT",
    "status": "settling",
    "contract": "inverse",
    "settle_asset": "BTC",
    "brackets": [{"floor": 0, "rate": "0.01"}],
}


def test_an_instrument_arrives_in_full() -> None:
    """Every term of a contract arrives; a deduction that is left out is chained."""
    message = decode_instrument(text(INSTRUMENT), b"BTCUSDT", LIMITS)
    terms = message.instrument
    assert (message.symbol, message.confirm) == ("BTCUSDT", True)
    assert terms is not None
    assert (terms.contract, terms.status, terms.sector) == (Contract.LINEAR, InstrumentStatus.TRADING, "layer1")
    assert [tier.deduction for tier in terms.tiers] == [Decimal(0), Decimal(50)]
    assert terms.liquidation_fee_rate == Decimal("0.005")


def test_what_an_instrument_does_not_state_has_its_default() -> None:
    """Terms that are left out have the contract's defaults, or those of the venue's profile."""
    plain = decode_instrument(text(BARE), b"BTCUSDT", LIMITS).instrument
    assert plain is not None
    assert (plain.contract_size, plain.closing_fee_rate, plain.maintenance_basis) == (1, 0, MaintenanceBasis.MARK)
    assert (plain.base_asset, plain.tick_size, plain.sector) == (None, None, None)
    defaults = TermDefaults(Decimal("0.1"), Decimal("0.2"), MaintenanceBasis.ENTRY)
    under = decode_instrument(text(BARE), b"BTCUSDT", LIMITS, defaults).instrument
    assert under is not None
    assert (under.closing_fee_rate, under.liquidation_fee_rate) == (Decimal("0.1"), Decimal("0.2"))
    assert under.maintenance_basis is MaintenanceBasis.ENTRY


def test_a_contract_without_brackets_has_those_of_the_profile() -> None:
    """Brackets that are left out are the profile's for that symbol; without a table there they are required."""
    tier = MarginTier(Decimal(0), Decimal("0.05"), Decimal(0))
    defaults = TermDefaults(brackets={"BTCUSDT": (tier,)})
    silent = without(BARE, "brackets")
    taken = decode_instrument(text(silent), b"BTCUSDT", LIMITS, defaults).instrument
    assert taken is not None
    assert taken.tiers == (tier,)
    stated = decode_instrument(text(BARE), b"BTCUSDT", LIMITS, defaults).instrument
    assert stated is not None
    assert stated.tiers[0].rate == Decimal("0.01")
    other = text(silent | {"symbol": "ETHUSDT"})
    missing = (Code.MISSING_FIELD, "$.brackets")
    assert refusal(lambda: decode_instrument(other, b"ETHUSDT", LIMITS, defaults)) == missing


def test_an_asset_without_a_haircut_has_that_of_the_profile() -> None:
    """An asset that states none of buffers and ratio has the profile's haircut; one that states any has its own."""
    defaults = TermDefaults(haircuts={"USDT": Haircut(collateral_ratio=Decimal("0.9"))})
    silent = without(without(without(ASSET, "bid_buffer"), "ask_buffer"), "collateral_ratio")
    taken = decode_asset(text(silent), b"USDT", LIMITS, defaults).asset
    assert taken is not None
    assert (taken.bid_buffer, taken.collateral_ratio) == (None, Decimal("0.9"))
    stated = decode_asset(text(silent | {"ask_buffer": "0"}), b"USDT", LIMITS, defaults).asset
    assert stated is not None
    assert (stated.ask_buffer, stated.collateral_ratio) == (0, None)


@pytest.mark.parametrize("value", [None, b"null", b" null "])
def test_null_deletes_what_the_key_names(value: bytes | None) -> None:
    """No value, and JSON null, delete the contract, asset or fund that the key names."""
    assert decode_instrument(value, b"xyz:A", LIMITS) == ("xyz:A", None, False)
    assert decode_asset(value, b"USDT", LIMITS) == ("USDT", None, None)
    assert decode_insurance_fund(value, b"main", LIMITS) == ("main", None)


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"A|B", b"A\x00", b"a" * 257])
def test_a_deletion_needs_a_key(key: bytes | None) -> None:
    """A deletion whose key names nothing is a bad message."""
    assert refusal(lambda: decode_instrument(None, key, LIMITS)) == (Code.WRONG_KEY, "$")


@pytest.mark.parametrize("decode", [decode_instrument, decode_asset, decode_insurance_fund])
def test_arrays_are_refused(decode: object) -> None:
    """These topics are compacted by the one thing the key names: an array is a wrong type."""
    assert refusal(lambda: decode(b"[]", b"A", LIMITS)) == (Code.WRONG_TYPE, "$")  # type: ignore[operator]


def test_an_asset_arrives_in_full() -> None:
    """Every term of an asset arrives; what is left out is None, neutral and available."""
    message = decode_asset(text(ASSET), b"USDT", LIMITS)
    assert message.event_time_ms == 1
    assert message.asset is not None
    assert message.asset.ask_buffer == Decimal("0.02")
    streamed = without(ASSET, "index_price") | {"index_symbol": "BTCUSDT", "margin_available": False}
    other = decode_asset(text(streamed), b"USDT", LIMITS).asset
    assert other is not None
    assert (other.index_price, other.index_symbol, other.margin_available) == (None, "BTCUSDT", False)


def test_a_fund_arrives_in_full() -> None:
    """A fund stands behind the symbols it names, or behind all of its asset."""
    fund = decode_insurance_fund(text(FUND), b"main", LIMITS).fund
    assert fund is not None
    assert (fund.balance, fund.symbols) == (Decimal(-5), frozenset({"BTCUSDT"}))
    general = decode_insurance_fund(text(without(FUND, "symbols")), b"main", LIMITS).fund
    assert general is not None
    assert general.symbols is None
