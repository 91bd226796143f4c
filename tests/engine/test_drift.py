"""A million ticks on one store: nothing drifts, and no status differs from the exact one."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import numpy as np
import pytest

from monitor.core.accounts import AccountEvent, MarginMode, MarginType, PositionChange, Side
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, Clock, InstrumentTerms, Origin, Prices
from monitor.core.instruments import Asset, Contract, Instrument, MarginTier
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.ladder import BY_RANK, Ladder
from monitor.core.prices import PriceUpdate
from monitor.core.told import UNTOLD
from monitor.core.verdict import Ladders, judge

D = Decimal
SYMBOLS = tuple(f"S{number}" for number in range(8))
TICKS = 1_000_000 if HAS_NUMBA else 20_000
CHECKPOINTS = 4
"""How often every scope is compared with the exact verdict."""
JUDGEMENTS = 40
"""How often the engine decides and tells; in between only the store is ticked."""
ACCOUNTS = 100
START = 10_000
"""Cents: where every mark begins, and what it is drawn back to."""
LADDERS = Ladders.same(Ladder.build())


def accounts(random: Random) -> list[AccountMessage]:
    """Make accounts of every kind, most of them far enough from a line to be left alone by most ticks."""
    made = []
    for number in range(ACCOUNTS):
        chosen = random.sample(SYMBOLS, 3)
        positions = tuple(
            PositionChange(
                symbol,
                Side.BOTH,
                D(random.choice((4, -4, 8, -12))) / (1 if symbol < "S6" else D("0.01")),
                D(random.randrange(9_000, 11_000)) / 100,
                *((MarginType.ISOLATED, D(random.randrange(4_000, 20_000)) / 100) if place == 0 else ()),
            )
            for place, symbol in enumerate(chosen)
        )
        event = AccountEvent(
            f"a{number}",
            1,
            1,
            snapshot=True,
            margin_mode=MarginMode.MULTI_ASSET if number % 3 == 0 else MarginMode.SINGLE_ASSET,
            balances={"USDT": D(random.randrange(10_000, 60_000)) / 100, "COIN": D(random.randrange(200, 900)) / 100},
            positions=positions,
        )
        made.append(AccountMessage(event, Origin("account-events", 0, number)))
    return made


def market(engine: MarginEngine) -> None:
    """Put contracts, coins and first prices in force."""
    tiers = (MarginTier(D(0), D("0.02"), D(0)), MarginTier(D(250), D("0.05"), D("7.5")))
    origin = Origin("topic", 0, 0)
    for symbol in SYMBOLS:
        inverse = symbol >= "S6"
        kind, coin = (Contract.INVERSE, "COIN") if inverse else (Contract.LINEAR, "USDT")
        terms = Instrument(symbol, kind, coin, tiers, D(1), D("0.0005"), D(0))
        engine.apply([InstrumentTerms(symbol, terms, origin)], 1)
    for name, index in (("USDT", D(1)), ("COIN", D(100))):
        terms = Asset(name, index, None, D("0.05"), D("0.05"))
        engine.apply([AssetTerms(name, terms, origin, 1)], 1)


def check(engine: MarginEngine) -> int:
    """Compare every scope with the exact verdict at this price; return how many there are."""
    scopes = np.nonzero(engine.store.is_live())[0]
    equity, requirement = engine.store.figures(scopes)
    for place, scope in enumerate(scopes.tolist()):
        account = engine.book.account(engine.store.account_of(scope))
        name = engine.store.name_of(scope)
        told = engine.teller.memory.get(account.account_id, {}).get(name, UNTOLD)
        verdict = judge(account, name, engine.board, LADDERS, told.last_status)
        assert verdict.status is BY_RANK[engine.store.told[scope]] is told.status, (account.account_id, name)
        exact = verdict.assessment
        assert exact.equity is not None
        assert exact.maintenance_margin is not None
        gross = sum(abs(float(leg.notional or 0)) * (100 if leg.position.symbol >= "S6" else 1) for leg in exact.legs)
        size = max(gross + float(exact.wallet_balance or 0), 1.0)
        assert abs(equity[place] - float(exact.equity)) <= 1e-9 * size
        assert abs(requirement[place] - float(exact.maintenance_margin)) <= 1e-9 * size
    return len(scopes)


class Walk:
    """Marks that wander about where they began."""

    def __init__(self) -> None:
        self.cents = dict.fromkeys(SYMBOLS, START)
        self.random = Random(7)
        self.steps = 0

    def step(self) -> dict[str, Decimal]:
        """Move every mark, or every eighth time one."""
        self.steps += 1
        chosen = SYMBOLS if self.steps % 8 else (self.random.choice(SYMBOLS),)
        for symbol in chosen:
            up = self.random.random() * 2 * START > self.cents[symbol]
            self.cents[symbol] += self.random.randrange(1, 40) if up else -self.random.randrange(1, 40)
        return {symbol: D(self.cents[symbol]).scaleb(-2) for symbol in chosen}

    def prices(self) -> Prices:
        """Return all marks as one message."""
        marks = ((symbol, D(cents).scaleb(-2)) for symbol, cents in self.cents.items())
        updates = tuple(PriceUpdate(symbol, mark, None, None, None, self.steps) for symbol, mark in marks)
        return Prices(updates, Origin("mark-prices", 0, self.steps), 1)


@pytest.mark.timeout(600)
def test_a_million_ticks_leave_no_trace() -> None:
    """After 10^6 ticks every status is the exact one and every figure within 1e-9 of it."""
    board = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0), ("USDT",))
    engine, walk = MarginEngine(EngineSettings(LADDERS), board), Walk()
    market(engine)
    engine.apply([walk.prices(), *accounts(Random(20240809)), Clock(1)], 1)
    ticks = events = 0
    for judgement in range(JUDGEMENTS):
        while ticks < TICKS * (judgement + 1) / JUDGEMENTS:
            moved = walk.step()
            for symbol, mark in moved.items():
                engine.store.set_mark(symbol, mark)
            engine.store.judge_symbols(moved.keys())
            ticks += len(moved)
        outcome = engine.apply([walk.prices()], 1)
        events += sum(len(account.events) for account in outcome.accounts.values())
        if (judgement + 1) % (JUDGEMENTS // CHECKPOINTS) == 0:
            assert check(engine) >= 2 * ACCOUNTS
    assert events > ACCOUNTS
