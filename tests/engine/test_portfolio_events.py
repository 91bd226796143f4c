"""Events of portfolio scopes prove themselves: terms by value, the method's line, doubts, and changes of method."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.core.accounts import AccountEvent, MarginMode, PositionChange, Settings, Side
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.explain import explanation
from monitor.core.facts import unpack
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, InstrumentTerms, Origin, Prices
from monitor.core.ladder import Ladder
from monitor.core.outcome import Outcome
from monitor.core.portfolio.eligibility import OnIneligible, PortfolioRules
from monitor.core.portfolio.ladder import with_line_of_method
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    Method,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    TimsTerms,
    Token,
)
from monitor.core.prices import PriceUpdate
from monitor.core.verdict import Ladders
from tests.core.building import asset, instrument, inverse
from tests.engine.proving import difference, read

D = Decimal
BTC = Group("BTC", ("BTCUSDT", "BTCUSD"))
ETH = Group("ETH", ("ETHUSDT",), ("ETH",))
METHODS = {
    Method.SCENARIO: ScenarioTerms((BTC, dataclasses.replace(ETH, daily_volume=D(100_000)))),
    Method.SPAN: SpanTerms((BTC, ETH), credits=(Credit(("BTC", "ETH"), D("0.6")),)),
    Method.TIMS: TimsTerms((BTC, ETH), (Bundle("major", ("BTC", "ETH"), D("0.5")),)),
    Method.HYPERLIQUID: HyperliquidTerms((Token("USDT", borrowable=True), Token("BTC", ltv=D("0.5")))),
}
MIXED = ScenarioTerms((Group("ALL", ("BTCUSDT", "ETHUSDT", "OTHER")),))


class Life:
    """One engine with a market of three contracts, and what it has told."""

    def __init__(self, terms: PortfolioTerms) -> None:
        ladders = with_line_of_method(Ladders.same(Ladder.build()), terms.method)
        board = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0), ("USD",), terms)
        self.engine = MarginEngine(EngineSettings(ladders), board, use_numba=False)
        self.offset = 0
        self.events: list[dict[str, Any]] = []
        self.rules: list[dict[str, Any]] = []
        self.facts: dict[str, bytes] = {}
        linear = [instrument(symbol, base=symbol[:3]) for symbol in ("BTCUSDT", "ETHUSDT")]
        for contract in (*linear, inverse("BTCUSD")):
            self.apply(InstrumentTerms(contract.symbol, contract, self.origin()))
        for held in (asset("USDT", "0.99", ask="0.01"), asset("BTC", "100000", ratio="0.9"), asset("ETH", "3000")):
            self.apply(AssetTerms(held.asset, held, self.origin(), 0))
        self.marks(BTCUSDT="100000", ETHUSDT="3000", BTCUSD="100000")

    def origin(self) -> Origin:
        """Return the place of the next message."""
        self.offset += 1
        return Origin("t", 0, self.offset)

    def apply(self, item: Any) -> Outcome:
        """Apply one input and keep its events."""
        outcome = self.engine.apply([item], self.offset)
        for account in outcome.accounts.values():
            self.events += (event.body for event in account.events if "sequence" in event.body)
            self.rules += (event.body for event in account.events if "rule_sequence" in event.body)
        self.facts.update({name: of.facts for name, of in outcome.accounts.items() if of.facts is not None})
        return outcome

    def marks(self, **prices: str) -> Outcome:
        """Apply prices."""
        origin = self.origin()
        updates = tuple(PriceUpdate(s, D(p), None, None, None, origin.offset) for s, p in prices.items())
        return self.apply(Prices(updates, origin, 0))

    def account(self, wallet: str, *, snapshot: bool = True, level: int = 3, mode: MarginMode | None = None) -> Outcome:
        """Apply an account event: long 1 BTC, short 20 ETH and some inverse contracts, 0.1 BTC in the wallet."""
        held = {"BTCUSDT": "1", "ETHUSDT": "-20", "BTCUSD": "-100"}
        entries = {"BTCUSDT": D(100_000), "ETHUSDT": D(3000), "BTCUSD": D(90_000)}
        changes = tuple(PositionChange(s, Side.BOTH, D(q), entries[s]) for s, q in held.items())
        self.offset += 1
        event = AccountEvent(
            "a",
            self.offset,
            0,
            snapshot=snapshot,
            margin_mode=mode or MarginMode.PORTFOLIO,
            balances={"USDT": D(wallet), "BTC": D("0.1")},
            positions=changes,
            settings=Settings(raw={"vip_level": level, "account_limit": "0.8"}),
        )
        return self.apply(AccountMessage(event, self.origin()))


def one(method: Method, rules: PortfolioRules | None = None) -> PortfolioTerms:
    """Return one method in force, the others beside it."""
    return PortfolioTerms(method, METHODS, rules or PortfolioRules())


@pytest.mark.parametrize("method", Method)
def test_an_event_proves_itself(method: Method) -> None:
    """Events of every method are computed again from their evidence, and explained with their groups and components."""
    life = Life(one(method))
    for wallet in ("100000", "9000", "3000", "100", "-9000", "200000"):
        life.account(wallet)
    statuses = {event["status"] for event in life.events}
    assert "healthy" in statuses
    assert statuses & {"takeover", "bankrupt"}
    for event in life.events:
        assert difference(event) is None
        lines = explanation(*read(event))
        assert any(f"portfolio method {method}" in line for line in lines)
        stated = event["evidence"]["document"]["portfolio"]
        assert stated["method"] == method
        assert not {str(other) for other in Method} & set(stated), "other methods are no evidence"


def test_the_line_of_the_method_is_stated_in_the_evidence() -> None:
    """The ladder of the evidence states the portfolio line, so that it is read as it was, whatever the method says."""
    life = Life(one(Method.HYPERLIQUID))
    life.account("-9000")
    event, document = read(life.events[-1])
    assert document is not None
    assert document.ladders.portfolio.liquidation == Fraction(100, 95)
    life = Life(one(Method.SCENARIO))
    life.account("3000")
    assert life.events[-1]["evidence"]["document"]["ladder"]["portfolio"] == {"liquidation": "1"}
    assert event["evidence"]["document"]["ladder"]["portfolio"] == {"liquidation": "20/19"}


@pytest.mark.parametrize("method", [Method.SCENARIO, Method.SPAN, Method.TIMS, Method.HYPERLIQUID])
def test_a_forged_parameter_is_found(method: Method) -> None:
    """A parameter changed in the evidence gives another requirement."""
    life = Life(one(method))
    life.account("-9000" if method is Method.HYPERLIQUID else "3000")
    event = life.events[-1]
    document = event["evidence"]["document"]["portfolio"]
    document["borrow_offset" if method is Method.HYPERLIQUID else "minimum_rate"] = "1"
    found = difference(event)
    assert found is not None
    assert found.term == "maintenance_margin"


def test_a_mixed_group_makes_its_users_unknown_and_can_be_proven() -> None:
    """Members of different bases: unknown, told to those who were in trouble, with the terms that show why."""
    life = Life(PortfolioTerms(Method.SCENARIO, {Method.SCENARIO: MIXED}))
    life.apply(InstrumentTerms("ETHUSDT", None, life.origin()))
    life.apply(InstrumentTerms("OTHER", instrument("OTHER", base="BTC"), life.origin()))
    held = PositionChange("BTCUSDT", Side.BOTH, D(1), D(100_000))
    event = AccountEvent(
        "a",
        1,
        0,
        snapshot=True,
        margin_mode=MarginMode.PORTFOLIO,
        balances={"USDT": D(100)},
        positions=(held,),
    )
    life.apply(AccountMessage(event, life.origin()))
    life.apply(InstrumentTerms("OTHER", instrument("OTHER", base="DOGE"), life.origin()))
    again = event._replace(version=2)
    life.apply(AccountMessage(again, life.origin()))
    told = life.events[-1]
    assert (told["status"], told["unknown_because"]) == ("unknown", ["mixed_bases:ALL"])
    assert difference(told) is None


def test_eligibility_is_decided_by_account_events_alone() -> None:
    """An ineligible account is margined as multi_asset from its event on; ticks change nothing; facts remember it."""
    rules = PortfolioRules(minimum_vip_level=3, minimum_equity=D(1000), on_ineligible=OnIneligible.MULTI_ASSET)
    life = Life(one(Method.SCENARIO, rules))
    eligible = life.account("50000")
    assert set(eligible.accounts["a"].statuses) == {"portfolio"}
    fallen = life.marks(BTCUSDT="50100")
    assert "cross:USD" not in fallen.of("a").statuses, "a tick below the minimum equity changes no method"
    life.marks(BTCUSDT="100000")
    changed = life.account("50000", level=2)
    statuses = changed.accounts["a"].statuses
    assert statuses["portfolio"] is None
    assert statuses["cross:USD"] is not None
    assert statuses["cross:USD"]["margin_mode"] == "portfolio"
    assert statuses["cross:USD"]["ineligible"][0] == "vip_level 2 < 3"
    assert unpack(life.facts["a"]).ineligible[0] == "vip_level 2 < 3"
    life.account("1")
    life.account("-7999", level=2)
    life.account("50000")
    for event in life.events:
        assert difference(event) is None
    assert {event["scope"] for event in life.events} == {"portfolio", "cross:USD"}
    assert "closed" in {event["event_type"] for event in life.events}


@pytest.mark.parametrize("method", Method)
def test_a_rule_about_a_portfolio_scope_proves_itself(method: Method) -> None:
    """The evidence of an account rule holds the method and its line, so that its value is computed again."""
    life = Life(one(method))
    life.account("200000")
    life.account("-9000" if method is Method.HYPERLIQUID else "1")
    [told] = [event for event in life.rules if event["event_type"] == "account_limit"]
    assert told["scope"] == "portfolio"
    assert difference(told) is None


def test_old_records_of_facts_are_read() -> None:
    """A record from before there was eligibility has one section less."""
    life = Life(one(Method.SCENARIO))
    life.account("50000")
    record = life.facts["a"]
    assert record.count(b"\x1e") == 5
    assert unpack(record).ineligible == ()
