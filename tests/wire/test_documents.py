"""Tests of account documents: read in full, written and read again, and their ladders."""

from __future__ import annotations

import importlib.util
import json
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given

from monitor.adapters.wire import Base, Code, TermDefaults, decode_document
from monitor.core.accounts import Account, Side
from monitor.core.document import Document, account_object, asset_object, instrument_object
from monitor.core.evidence import ladder_object
from monitor.core.instruments import Asset, Instrument
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.verdict import Ladders
from tests.wire.samples import DOCUMENT, LIMITS, refusal, text
from tests.wire.strategies import accounts, assets, instruments

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "acceptance" / "cases.py"


def read(document: dict[str, Any], base: Base | None = None) -> Document:
    """Return a document as read from its text."""
    return decode_document(text({"accounts": []} | document), LIMITS, base)


def test_a_document_arrives_in_full() -> None:
    """Every part of a document arrives; names of accounts, symbols and assets are taken as keys."""
    document = read(DOCUMENT)
    market = document.market
    assert set(market.instruments) == {"BTCUSDT", "xyz:A"}
    assert market.instruments["BTCUSDT"].symbol == "BTCUSDT"
    assert market.marks == {"BTCUSDT": Decimal(61000)}
    btc = market.asset("BTC")
    assert btc is not None
    assert (btc.index_price, btc.margin_available) == (60990, False)
    assert market.usd_assets == {"USD", "USDC"}
    [entry] = document.accounts
    assert entry.previous_status == {"cross:USD": MarginStatus.WATCH}
    assert entry.account.complete
    assert entry.account.positions["BTCUSDT", Side.BOTH].leverage == 20
    assert document.portfolio is not None
    [group] = document.portfolio.terms.groups  # type: ignore[union-attr]  # the sample states the scenario method
    assert (document.portfolio.method, group.name, group.members) == ("scenario", "BTC", ("BTCUSDT",))
    assert group.up == -group.down == Decimal("0.16")
    assert document.portfolio.rules.minimum_vip_level == 3


def test_a_document_may_hold_accounts_alone() -> None:
    """Only `accounts` is required, and it may be empty; a position of quantity 0 is none."""
    assert read({}).accounts == ()
    closed = {"account_id": "a", "positions": [{"symbol": "A", "quantity": "0"}]}
    assert read({"accounts": [closed]}).accounts[0].account.positions == {}


def test_what_a_document_does_not_say_comes_from_below() -> None:
    """Ladders, USD assets and fees stand as given below the document, which outranks them."""
    base = Base(Ladders.same(Ladder.build(inclusive=True)), ("X",), TermDefaults(closing_fee_rate=Decimal("0.1")))
    terms = {"contract": "linear", "settle_asset": "X", "brackets": [{"floor": "0", "rate": "0.1"}]}
    document = read({"instruments": {"A": terms, "B": terms | {"closing_fee_rate": "0"}}}, base)
    assert document.ladders == base.ladders
    assert document.market.usd_assets == {"X"}
    assert [terms.closing_fee_rate for terms in document.market.instruments.values()] == [Decimal("0.1"), 0]
    assert read({"usd_assets": []}, base).market.usd_assets == frozenset()


def test_a_ladder_may_be_written_as_risk() -> None:
    """In the risk convention thresholds are the inverses; a kind of scope may return to health."""
    ladders = read(
        {
            "ladder": {
                "convention": "risk",
                "critical": "1.1",
                "takeover": "3/2",
                "isolated": {"convention": "health", "critical": "0.95"},
            }
        }
    ).ladders
    assert ladders.cross.threshold(MarginStatus.CRITICAL) == Fraction(10, 11)
    assert ladders.portfolio.threshold(MarginStatus.TAKEOVER) == Fraction(2, 3)
    assert ladders.isolated.threshold(MarginStatus.CRITICAL) == Fraction(95, 100)
    assert ladders.isolated.threshold(MarginStatus.TAKEOVER) == Fraction(2, 3)


def test_a_status_may_be_left_out() -> None:
    """Null removes a status for all kinds of scope, or for one."""
    ladders = read({"ladder": {"watch": None, "cross": {"margin_call": None}, "isolated": {"watch": "3"}}}).ladders
    assert ladders.cross.threshold(MarginStatus.WATCH) is None
    assert ladders.cross.threshold(MarginStatus.MARGIN_CALL) is None
    assert ladders.portfolio.threshold(MarginStatus.MARGIN_CALL) == Fraction(11, 10)
    assert ladders.isolated.threshold(MarginStatus.WATCH) == 3


def test_evidence_writes_ladders_a_document_reads() -> None:
    """A ladder written into evidence is read back the same, fractions included."""
    ladder = Ladder.build({MarginStatus.WATCH: None}, Fraction(1, 300), inclusive=True, debt_floor=Fraction(7, 3))
    assert read({"ladder": ladder_object(ladder)}).ladders == Ladders.same(ladder)


@given(instruments())
def test_terms_survive_being_written_and_read(instrument: Instrument[Decimal]) -> None:
    """The terms of a contract, written into a document and read again, are the same terms, deductions included."""
    document = read({"instruments": {instrument.symbol: instrument_object(instrument)}})
    assert document.market.instruments == {instrument.symbol: instrument}


def test_chained_deductions_of_any_length_survive() -> None:
    """A chained deduction may have more digits than an amount may state: it is written as nothing and chained again."""
    rows = [{"floor": "0", "rate": "0.0" + "1" * 60}, {"floor": "3" * 20 + "." + "7" * 40, "rate": "0.1" + "7" * 60}]
    terms = {"contract": "linear", "settle_asset": "A", "brackets": rows}
    first = read({"instruments": {"X": terms}}).market.instruments["X"]
    assert read({"instruments": {"X": instrument_object(first)}}).market.instruments["X"] == first


@given(assets())
def test_assets_survive_being_written_and_read(asset: Asset[Decimal]) -> None:
    """The terms of an asset, written into a document and read again, are the same terms."""
    assert read({"assets": {asset.asset: asset_object(asset)}}).market.assets == {asset.asset: asset}


@given(accounts())
def test_facts_survive_being_written_and_read(account: Account) -> None:
    """The facts of an account, written into a document and read again, are the same facts."""
    [entry] = read({"accounts": [account_object(account)]}).accounts
    assert entry.account == account


def published() -> ModuleType:
    """Return the module that turns the published cases into documents."""
    if not PUBLISHED.exists():
        pytest.skip("the published cases lie beside the repository (../shared), and are not there")
    spec = importlib.util.spec_from_file_location("published_cases", PUBLISHED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_every_published_case_is_a_document() -> None:
    """Each published case is read, and is written and read again as the same accounts and terms."""
    cases = published().all_cases()
    assert len(cases) > 30
    for _, case, _ in cases:
        document = decode_document(json.dumps(case).encode(), LIMITS)
        again = {
            "instruments": {name: instrument_object(terms) for name, terms in document.market.instruments.items()},
            "accounts": [account_object(entry.account) for entry in document.accounts],
        }
        copy = read(again)
        assert copy.market.instruments == document.market.instruments
        assert copy.accounts == document.accounts


def test_nesting_without_end_is_refused() -> None:
    """Parameters that are nested without end are refused like any other that do not belong there."""
    for deep in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        bad = b'{"accounts":[],"portfolio":{"groups":{"a":' + deep + b"}}}"
        code, path = refusal(lambda bad=bad: decode_document(bad, LIMITS))
        assert code in {Code.WRONG_TYPE, Code.UNKNOWN_FIELD, Code.MALFORMED_JSON}
        assert path.startswith("$")


def test_names_stated_twice_are_found() -> None:
    """A key that occurs twice is refused also where names are free: two groups cannot have one name."""
    group = b'{"members":["X"]}'
    bad = b'{"accounts":[],"portfolio":{"method":"scenario","groups":{"a":' + group + b',"a":' + group + b"}}}"
    assert refusal(lambda: decode_document(bad, LIMITS)) == (Code.DUPLICATE_KEY, "$.portfolio.groups.a")
