"""Portfolio accounts on the hot path: every tick leaves the exact status, decided of few of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest

from monitor.core.accounts import AccountEvent, MarginMode, MarginType, PositionChange, Side
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, Clock, InstrumentTerms, Origin, Prices
from monitor.core.instruments import Asset, Contract, Instrument, MarginTier
from monitor.core.ladder import BY_RANK, Ladder
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    Method,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)
from monitor.core.prices import PriceUpdate
from monitor.core.teller import Scopes
from monitor.core.told import UNTOLD
from monitor.core.verdict import Ladders, judge

D = Decimal
SYMBOLS = tuple(f"S{number}" for number in range(8))
ORIGIN = Origin("topic", 0, 0)
LADDERS = Ladders(Ladder.build(), Ladder.build(), Ladder.build(inclusive=True))
GROUPS = (
    Group("A", ("S0", "S1", "S6"), (), D("0.16"), D("-0.12"), D(5_000)),
    Group("B", ("S2", "S3"), (), D("0.2"), D("-0.2")),
    Group("C", ("S4",), (), D("0.3"), D("-0.3")),
)
METHODS: Mapping[Method, Terms] = {
    Method.SCENARIO: ScenarioTerms(GROUPS),
    Method.SPAN: SpanTerms(GROUPS, credits=(Credit(("A", "B"), D("0.6")), Credit(("B", "C"), D("0.4")))),
    Method.TIMS: TimsTerms(GROUPS, (Bundle("major", ("A", "B"), D("0.5")),)),
    Method.HYPERLIQUID: HyperliquidTerms(
        (Token("USDT", borrowable=True, ltv=D("0.9")), Token("COIN", borrowable=True, ltv=D("0.5"), supply_cap=D(6)))
    ),
}


def market(engine: MarginEngine, symbols: tuple[str, ...] = SYMBOLS) -> None:
    """Put contracts and coins in force."""
    tiers = (MarginTier(D(0), D("0.02"), D(0)), MarginTier(D(250), D("0.05"), D("7.5")))
    for symbol in symbols:
        kind, coin = (Contract.INVERSE, "COIN") if symbol >= "S6" else (Contract.LINEAR, "USDT")
        terms = Instrument(symbol, kind, coin, tiers, D(1), D("0.0005"), D(0))
        engine.apply([InstrumentTerms(symbol, terms, ORIGIN)], 1)
    for name, index in (("USDT", D(1)), ("COIN", D(100))):
        engine.apply([AssetTerms(name, Asset(name, index, None, D("0.05"), D("0.05")), ORIGIN, 1)], 1)


def account(random: Random, number: int) -> AccountMessage:
    """Make a portfolio account, now and then with an isolated position beside it."""
    positions = tuple(
        PositionChange(
            symbol,
            Side.BOTH,
            D(random.choice((4, -4, 8, -12))) * (100 if symbol >= "S6" else 1),
            D(random.randrange(9_000, 11_000)) / 100,
            *((MarginType.ISOLATED, D(random.randrange(4_000, 20_000)) / 100) if random.random() < 0.1 else ()),
        )
        for symbol in random.sample(SYMBOLS, random.randrange(0, 5))
    )
    balances = {"USDT": D(random.randrange(-2_000, 90_000)) / 100, "COIN": D(random.randrange(-100, 900)) / 100}
    event = AccountEvent(
        f"a{number}",
        1,
        1,
        snapshot=True,
        margin_mode=MarginMode.PORTFOLIO,
        balances=balances,
        positions=positions,
    )
    return AccountMessage(event, Origin("account-events", 0, number))


def check(engine: MarginEngine) -> None:
    """Compare every scope with the exact verdict."""
    scopes = np.nonzero(engine.store.is_live())[0]
    equity, requirement = engine.store.figures(scopes)
    for place, scope in enumerate(scopes.tolist()):
        facts = engine.book.account(engine.store.account_of(scope))
        name = engine.store.name_of(scope)
        told = engine.teller.memory.get(facts.account_id, {}).get(name, UNTOLD)
        verdict = judge(facts, name, engine.board, LADDERS, told.last_status)
        assert verdict.status is BY_RANK[engine.store.told[scope]] is told.status, (facts.account_id, name)
        exact = verdict.assessment
        if exact.maintenance_margin is None or exact.equity is None:
            continue
        assert equity[place] == pytest.approx(float(exact.equity), rel=1e-11, abs=1e-9)
        assert requirement[place] == pytest.approx(float(exact.maintenance_margin), rel=1e-11, abs=1e-9)


def prices(random: Random, marks: dict[str, int], step: int) -> Prices:
    """Move some marks, in cents, and return them as one message."""
    moved = random.sample(SYMBOLS, 3) if step % 3 else list(SYMBOLS)
    for symbol in moved:
        marks[symbol] = max(100, marks[symbol] + random.randrange(-600, 601))
    updates = tuple(PriceUpdate(symbol, D(marks[symbol]).scaleb(-2), None, None, None, step) for symbol in moved)
    return Prices(updates, Origin("mark-prices", 0, step), 1)


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_portfolios_are_margined_on_every_tick(
    method: Method, use_numba: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a random market every told status is the exact verdict's, though most scopes are never decided."""
    random, marks = Random(11), dict.fromkeys(SYMBOLS, 10_000)
    board = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0), ("USDT",), PortfolioTerms(method, METHODS))
    engine = MarginEngine(EngineSettings(LADDERS), board, use_numba=use_numba)
    market(engine)
    engine.apply([prices(random, marks, 0), *(account(random, number) for number in range(60)), Clock(1)], 1)
    check(engine)
    decided: list[int] = []
    decide = engine.teller.decide

    def counted(scopes: Scopes, *rest: Any) -> None:
        decided.append(len(scopes))
        decide(scopes, *rest)

    monkeypatch.setattr(engine.teller, "decide", counted)
    events = judged = 0
    for step in range(1, 31):
        outcome = engine.apply([prices(random, marks, step)], 1)
        events += sum(len(each.events) for each in outcome.accounts.values())
        judged += outcome.scopes_judged
        if step % 5 == 0:
            check(engine)
    assert events > 30
    assert sum(decided) < judged / 3
    assert sum(decided) <= events * 1.1 + 5


def test_terms_that_come_late_regroup_everybody() -> None:
    """An inverse member that becomes known makes its coin a held asset: who only holds the coin is judged at once."""
    board = MarketBoard(
        FreshnessSettings(max_age_ms=0, unknown_after_ms=0), ("USDT",), PortfolioTerms(Method.SCENARIO, METHODS)
    )
    engine = MarginEngine(EngineSettings(LADDERS), board)
    market(engine, SYMBOLS[:6])
    coins = AccountEvent(
        "a", 1, 1, snapshot=True, margin_mode=MarginMode.PORTFOLIO, balances={"COIN": D(10), "USDT": D("-800")}
    )
    engine.apply([AccountMessage(coins, ORIGIN), Clock(1)], 1)
    check(engine)
    (scope,) = engine.store.scopes_of(0)
    assert BY_RANK[engine.store.told[scope]].value == "healthy"
    market(engine, SYMBOLS[6:])
    check(engine)
    assert BY_RANK[engine.store.told[scope]].value == "takeover"


def test_without_a_method_portfolios_are_blocked() -> None:
    """Portfolio accounts are unknown without parameters, and no tick makes them candidates."""
    random = Random(3)
    engine = MarginEngine(EngineSettings(LADDERS), MarketBoard(FreshnessSettings(), ("USDT",)))
    market(engine)
    engine.apply([*(account(random, number) for number in range(5)), Clock(1)], 1)
    scopes = [engine.store.scopes_of(number)[0] for number in range(5)]
    assert engine.store.is_blocked(np.array(scopes)).all()
    assert {BY_RANK[engine.store.told[scope]].value for scope in scopes} == {"unknown"}
