"""Plans in events, statuses and reports: who carries one, and that each follows from the evidence of its event."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.core.accounts import AccountEvent, PositionChange, Side
from monitor.core.board import MarketBoard
from monitor.core.engine import MarginEngine
from monitor.core.engine_settings import EngineSettings
from monitor.core.events import digest_of
from monitor.core.explain import explanation
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, Input, InstrumentTerms, Origin, Prices, RejectedMessage
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.outcome import Outcome
from monitor.core.plan.plan import PLANNED
from monitor.core.plan.rule import LiquidationRule, RuleName
from monitor.core.prices import PriceUpdate
from monitor.core.verdict import Ladders
from tests.core.building import BTC_USDT, instrument
from tests.engine.proving import difference, read
from tests.plan.planning import charged

RULE = LiquidationRule(RuleName.TO_RATIO, target=Fraction(10, 9), fund_share=Decimal("0.5"))
ORIGIN = Origin("inputs", 0, 1)
FALL = ("60000", "59600", "59480", "59460", "59300", "59100", "59200", "59400", "61000")
"""Marks at which the account goes from healthy to bankrupt, and back."""


class Desk:
    """Hold an engine with one account: 20 long at 60,000 over 17,000 and something short beside it."""

    def __init__(self, rule: LiquidationRule) -> None:
        board = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0))
        settings = EngineSettings(Ladders.same(Ladder.build()), liquidation=rule)
        self.engine = MarginEngine(settings, board, use_numba=False)
        self.now_ms = 0
        terms = [charged(instrument(symbol, brackets=BTC_USDT), "0.0005") for symbol in ("X", "Y")]
        self.take(*(InstrumentTerms(each.symbol, each, ORIGIN) for each in terms))
        self.at("60000")
        self.take(self.account(1))

    def take(self, *inputs: Input) -> Outcome:
        """Apply inputs."""
        self.now_ms += 1
        return self.engine.apply(inputs, self.now_ms)

    def at(self, mark: str) -> Outcome:
        """Apply a mark of X; Y stays."""
        price = Decimal(mark)
        updates = (PriceUpdate("X", price, price, None, None, self.now_ms), *self._still())
        return self.take(Prices(updates, Origin("mark-prices", 0, self.now_ms), self.now_ms))

    def _still(self) -> Iterator[PriceUpdate]:
        yield PriceUpdate("Y", Decimal(3000), Decimal(3000), None, None, self.now_ms)

    def account(self, version: int) -> AccountMessage:
        """Return a snapshot of the account."""
        held = (
            PositionChange("X", Side.BOTH, quantity=Decimal(20), entry_price=Decimal(60000)),
            PositionChange("Y", Side.BOTH, quantity=Decimal(-10), entry_price=Decimal(3000)),
        )
        orders = {"cross:USDT": Decimal("12.5")}
        balances = {"USDT": Decimal(17000)}
        event = AccountEvent(
            "a1", version, 1, snapshot=True, balances=balances, positions=held, open_order_initial_margin=orders
        )
        return AccountMessage(event, Origin("account-events", 0, version))


def events(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the bodies of a chain's events."""
    return [event.body for one in outcome.accounts.values() for event in one.events if "sequence" in event.body]


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """Return the events of the fall and of the way back."""
    desk = Desk(RULE)
    return [event for mark in FALL for event in events(desk.at(mark))]


def test_events_carry_a_plan_when_a_liquidation_gets_worse(told: list[dict[str, Any]]) -> None:
    """Liquidation, critical, takeover and bankrupt do on the way down; nothing milder, and nothing on the way up."""
    worse = [str(event["status"]) for event in told if "plan" in event]
    assert worse == ["liquidation", "critical", "takeover", "bankrupt"]
    for event in told:
        planned = event["status"] in PLANNED and event["direction"] == "worse"
        assert ("plan" in event) == ("liquidation" in event["evidence"]["document"]) == planned
    assert any(event["direction"] == "better" and event["status"] in PLANNED for event in told)


def test_the_rule_is_part_of_the_evidence(told: list[dict[str, Any]]) -> None:
    """Every parameter that is not absent goes by value into the document of the evidence, and is read back the same."""
    for event in told:
        if "plan" in event:
            body, document = read(event)
            assert document is not None
            assert document.liquidation == RULE
            assert body["evidence"]["document"]["liquidation"]["target"] == "10/9"


def test_a_plan_follows_from_its_evidence(told: list[dict[str, Any]]) -> None:
    """Each event proves itself, its plan included."""
    for event in told:
        assert difference(event) is None


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every leaf, and of every list."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*path, key))
    else:
        yield path
        for number, part in enumerate(value if isinstance(value, list) else ()):
            yield from places(part, (*path, number))


def altered(value: Any) -> Any:
    """Return another value."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value, "more"]
    return "1" if value is None else f"{value}1"


def test_any_altered_term_of_a_plan_is_named(told: list[dict[str, Any]]) -> None:
    """Even under a fresh digest: the first differing term is a term of the plan."""
    tried = 0
    for event in told:
        for path in places(event.get("plan", {})):
            forged = deepcopy(event)
            inner = forged["plan"]
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = altered(inner[path[-1]])
            forged["digest"] = digest_of(forged)
            found = difference(forged)
            assert found is not None, path
            assert found.term.startswith("plan"), (path, found)
            tried += 1
    assert tried > 100


def test_a_plan_cannot_be_taken_away_nor_added(told: list[dict[str, Any]]) -> None:
    """An event without the plan it should have, or with one it should not have, differs in `plan`."""
    plan = next(event["plan"] for event in told if "plan" in event)
    for event in told:
        forged = deepcopy(event)
        if "plan" in event:
            del forged["plan"]
        else:
            forged["plan"] = plan
        forged["digest"] = digest_of(forged)
        found = difference(forged)
        assert found is not None
        assert found.term == "plan"


def test_another_rule_is_another_plan(told: list[dict[str, Any]]) -> None:
    """A forged rule in the evidence does not give the plan any more."""
    event = next(event for event in told if event["status"] == "liquidation" and "plan" in event)
    for name, value in (
        ("rule", "whole"),
        ("target", "3"),
        ("brackets", 2),
        ("fund_share", "1"),
        ("cancel_orders", False),
    ):
        forged = deepcopy(event)
        forged["evidence"]["document"]["liquidation"][name] = value
        forged["digest"] = digest_of(forged)
        found = difference(forged)
        assert found is not None, name
        assert found.term.startswith("plan."), name


def test_a_suspect_account_has_no_plan() -> None:
    """Its facts are doubted: events and statuses go on without one, until the next snapshot."""
    desk = Desk(RULE)
    desk.take(RejectedMessage("a1", ORIGIN))
    [event] = events(outcome := desk.at("59480"))
    assert (event["status"], event["suspect"]) == ("liquidation", True)
    assert "plan" not in event
    assert "plan" not in status_of(outcome)
    assert difference(event) is None
    desk.take(desk.account(2))
    assert "plan" in status_of(desk.at("59300"))


def status_of(outcome: Outcome) -> dict[str, Any]:
    """Return the status of the scope that a step has shown."""
    shown = outcome.accounts["a1"].statuses["cross:USDT"]
    assert shown is not None
    return shown


def test_a_status_shows_the_plan_of_its_figures() -> None:
    """Below the liquidation line a status carries the plan; above it none."""
    desk = Desk(RULE)
    assert "plan" not in status_of(desk.at("59600"))
    outcome = desk.at("59480")
    [event] = events(outcome)
    assert status_of(outcome)["plan"] == event["plan"]


def test_a_plan_is_explained_step_by_step(told: list[dict[str, Any]]) -> None:
    """Every reduction, fee and bankruptcy price stands in the lines, with the comparison that ends the plan."""
    event = next(event for event in told if event["status"] == "liquidation" and "plan" in event)
    text = "\n".join(explanation(*read(event)))
    plan = event["plan"]
    assert "cancel open orders: 12.5 of initial margin is freed" in text
    for step in plan["reductions"]:
        assert f"reduce {step['symbol']} {step['side']} by {step['quantity']}" in text
        assert step["equity_after"] in text
    assert text.count("× MM? yes") >= 1
    assert all(str(position["bankruptcy_price"]) in text for position in plan["positions"])


def test_a_plan_is_made_for_every_breach_alike() -> None:
    """What is in liquidation or worse is what is planned for."""
    assert {status for status in MarginStatus if status.rank in range(4, 8)} == PLANNED
    assert replace(RULE, rule=RuleName.WHOLE).step == 1
