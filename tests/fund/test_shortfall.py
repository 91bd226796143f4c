"""Tests of sharing a shortfall out: over funds and positions, in one asset and in USD, and where a fund is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from monitor.core.accounts import Account, MarginMode
from monitor.core.board import MarketBoard
from monitor.core.freshness import FreshnessSettings
from monitor.core.fund.shortfall import Share, shares_of
from monitor.core.funds import InsuranceFund, Place
from monitor.core.instruments import Instrument
from monitor.core.margin import assess
from monitor.core.prices import PriceUpdate
from tests.core.building import account, asset, instrument, inverse, position


def board(*funds: tuple[Any, ...], marks: dict[str, str], terms: tuple[Instrument[Decimal], ...]) -> MarketBoard:
    """Return a board; funds as (name, asset, symbols…), collateral USDT at 1, USDC at 0.5, BTC at 20000."""
    made = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0))
    for each in terms:
        made.set_instrument(each.symbol, each)
    for offset, (symbol, mark) in enumerate(marks.items()):
        made.take(PriceUpdate(symbol, Decimal(mark) + 1, None, None, None, 1), 0, offset, 1)
        made.take(PriceUpdate(symbol, Decimal(mark), None, None, None, 2), 0, 10 + offset, 2)
    for one in (asset("USDT"), asset("USDC", "0.5"), asset("BTC", "20000")):
        made.set_asset(one.asset, one, 0)
    for name, held, *symbols in funds:
        made.funds.take(name, InsuranceFund(name, held, Decimal(100), 1, frozenset(symbols) or None), Place(0, 7))
    return made


def shares(one: Account, scope: str, market: MarketBoard) -> dict[str | None, Share]:
    """Return the shares of a scope, by fund."""
    found = shares_of(assess(one, scope, market), market)
    return {None if share.figure is None else share.figure.fund: share for share in found}


def test_one_asset_one_fund() -> None:
    """E = −80 is asked of the asset's fund, with the positions as they were judged."""
    market = board(("usdt", "USDT"), marks={"X": "90"}, terms=(instrument("X"),))
    found = shares(account(position("10", "100"), balances={"USDT": "20"}), "cross:USDT", market)
    (share,) = found.values()
    (held,) = share.positions
    assert share.figure is not None
    assert (share.figure.fund, share.asset, share.amount) == ("usdt", "USDT", 80)
    assert (held.quantity, held.mark_price, held.previous_mark, held.bankruptcy_price) == (10, 90, 91, 98)
    assert (held.price.offset, held.price.event_time_ms) == (10, 2)


def test_a_contract_goes_to_the_fund_that_names_it() -> None:
    """X has a fund of its own, Y has not: the shortfall is shared 3 to 1 as the requirements are."""
    terms = (instrument("X"), instrument("Y"))
    market = board(("usdt", "USDT"), ("x", "USDT", "X"), marks={"X": "90", "Y": "90"}, terms=terms)
    positions = (position("15", "100"), position("5", "100", symbol="Y"))
    found = shares(account(*positions, balances={"USDT": "120"}), "cross:USDT", market)
    assert {fund: share.amount for fund, share in found.items()} == {"x": 60, "usdt": 20}


def test_a_scope_in_usd_is_split_by_settle_asset() -> None:
    """Of 80 USD, 60 fall to USDT contracts and 20 to USDC ones: 60 USDT, and 40 USDC at an index of 0.5."""
    terms = (instrument("X"), instrument("Y", settle="USDC"))
    market = board(("usdt", "USDT"), ("usdc", "USDC"), marks={"X": "90", "Y": "90"}, terms=terms)
    positions = (position("15", "100"), position("10", "100", symbol="Y"))
    one = account(*positions, balances={"USDT": "120"}, mode=MarginMode.MULTI_ASSET)
    found = shares(one, "cross:USD", market)
    assert {fund: (share.asset, share.amount) for fund, share in found.items()} == {
        "usdt": ("USDT", 60),
        "usdc": ("USDC", 40),
    }


def test_a_fund_may_hold_another_asset() -> None:
    """A fund in BTC that names a USDT contract is asked in BTC, at the index."""
    market = board(("x", "BTC", "X"), marks={"X": "90"}, terms=(instrument("X"),))
    found = shares(account(position("10", "100"), balances={"USDT": "20"}), "cross:USDT", market)
    assert (found["x"].asset, found["x"].amount) == ("BTC", Decimal("0.004"))


def test_an_inverse_contract_lacks_coins() -> None:
    """10 contracts of 100 USD from 25000 to 20000 lose 0.01 BTC: with 0.004 in the wallet 0.006 are lacking."""
    market = board(("btc", "BTC"), marks={"X": "20000"}, terms=(inverse("X"),))
    found = shares(account(position("10", "25000"), balances={"BTC": "0.004"}), "cross:BTC", market)
    assert (found["btc"].asset, found["btc"].amount) == ("BTC", Decimal("0.006"))


def test_without_a_fund_the_share_has_none() -> None:
    """What no fund stands behind keeps its settle asset and says why; so does what has no index to convert at."""
    market = board(marks={"X": "90"}, terms=(instrument("X"),))
    one = account(position("10", "100"), balances={"USDT": "20"})
    assert [(s.amount, s.because) for s in shares(one, "cross:USDT", market).values()] == [(80, "fund_unknown")]
    strange = board(("x", "GOLD", "X"), marks={"X": "90"}, terms=(instrument("X"),))
    assert [(s.amount, s.because) for s in shares(one, "cross:USDT", strange).values()] == [(80, "missing_asset:GOLD")]


def test_an_isolated_position_asks_alone() -> None:
    """Its own wallet and loss count, whatever the account holds besides."""
    market = board(("usdt", "USDT"), marks={"X": "90"}, terms=(instrument("X"),))
    one = account(position("10", "100", wallet="20"), balances={"USDT": "1000"})
    assert shares(one, "isolated:X:both", market)["usdt"].amount == 80


def test_equity_of_nought_lacks_nothing() -> None:
    """A scope that is bankrupt at E = 0 claims 0: its positions still have to be taken over."""
    market = board(("usdt", "USDT"), marks={"X": "90"}, terms=(instrument("X"),))
    found = shares(account(position("10", "100"), balances={"USDT": "100"}), "cross:USDT", market)
    assert found["usdt"].amount == 0


def test_of_several_funds_the_first_by_name_counts() -> None:
    """Every shard agrees on the fund, in whatever order the figures came."""
    for names in (("b", "a"), ("a", "b")):
        market = board(*((name, "USDT") for name in names), marks={"X": "90"}, terms=(instrument("X"),))
        found = market.funds.fund_for("X", "USDT")
        assert found is not None
        assert found.fund == "a"
