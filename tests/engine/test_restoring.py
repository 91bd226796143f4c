"""Tests of restoring many accounts at once: the same store, bit for bit, as account by account."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from monitor.app.second_thread import SecondThread
from monitor.core import restoring
from monitor.core.accounts import Account, MarginMode, MarginType, Position, PositionMode, Side
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.everybody import judged_in_turns
from monitor.core.facts import pack, settings_of
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import Input, InstrumentTerms, Origin, Prices
from monitor.core.instruments import MaintenanceBasis
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.ladder import BY_RANK, Ladder
from monitor.core.outcome import Outcome
from monitor.core.prices import PriceUpdate
from monitor.core.store_columns import ASSET, BASE, FIXED, PAGE_BITS, PAGE_CAPACITY, PAGE_CELL, SCOPE_ROW, STATES
from monitor.core.told import NOT_SHOWN, Remembered, Told, pack_memory
from monitor.core.verdict import Ladders
from tests.core.building import instrument, inverse

pytestmark = pytest.mark.skipif(not HAS_NUMBA, reason="many at once are only read where numba is")

CONTRACTS = [
    instrument("AUSDT"),
    instrument("BÜSDT", size="0.001"),
    instrument("CUSDC", settle="USDC", size="10"),
    inverse("DUSD"),
    instrument("EUSDT", basis=MaintenanceBasis.ENTRY),
    instrument("FODD", settle="USDC", size="0.12345678901234567890123"),
]
SYMBOLS = [*(terms.symbol for terms in CONTRACTS), "UNKNOWN"]
PLAIN = SYMBOLS[:3]
NOW_MS = 1_700_000_000_000


def amount(rng: random.Random) -> Decimal:
    """Draw an amount: mostly a plain one, now and then one with many digits, an exponent or a sign before 0."""
    kind = rng.random()
    if kind < 0.7:
        return Decimal(rng.randint(-(10**8), 10**8)).scaleb(-rng.randint(0, 5))
    if kind < 0.9:
        return Decimal(rng.randint(-(10**18), 10**18)).scaleb(-rng.randint(0, 12))
    return rng.choice(
        [Decimal("1E-7"), Decimal("1e12"), Decimal("-0.00"), Decimal(10) ** 25, Decimal(2**60), Decimal(0)]
    )


def above_zero(rng: random.Random) -> Decimal:
    """Draw an amount above 0."""
    return abs(amount(rng)) or Decimal("0.1")


def position(rng: random.Random, symbols: list[str], alone: float) -> Position:
    """Draw a position, isolated in some of the cases."""
    isolated = rng.random() < alone
    return Position(
        rng.choice(symbols),
        rng.choice(list(Side)),
        above_zero(rng) * rng.choice([1, -1]),
        above_zero(rng),
        MarginType.ISOLATED if isolated else MarginType.CROSS,
        amount(rng) if isolated else None,
        rng.choice([None, Decimal(10)]),
    )


def account_of(rng: random.Random, name: str) -> Account:
    """Draw an account: in half of the cases one that may be read with many others."""
    plain = rng.random() < 0.5
    symbols, assets = (PLAIN, ["USDT", "USDC"]) if plain else (SYMBOLS, ["USDT", "USDC", "BTC", "ZZZ"])
    held = [position(rng, symbols, 0 if plain else 0.4) for _ in range(rng.randint(0, 6))]
    account = Account(
        name,
        balances={asset: amount(rng) for asset in rng.sample(assets, rng.randint(0, 2))},
        positions={one.key: one for one in held},
        open_order_initial_margin={"XYZ": amount(rng)} if rng.random() < 0.3 else {},
        version=rng.randint(0, 2**60),
        complete=True,
    )
    if plain:
        return account
    raw = rng.choice([{}, {"bracket_multiplier": {"AUSDT": "2"}}, {"drawdown_stop": ["0.1"]}, {"labels": {"a": "b"}}])
    odd: dict[str, Any] = rng.choice(
        [
            {},
            {"margin_mode": MarginMode.MULTI_ASSET},
            {"complete": False},
            {"suspect": True},
            {"deleted": True, "positions": {}, "balances": {}},
            {"settings": settings_of(raw)},
            {"net_transfers": {"USDT": amount(rng)}, "position_mode": PositionMode.HEDGE},
        ]
    )
    return replace(account, **odd)


def memory_of(rng: random.Random) -> dict[str, Remembered] | None:
    """Draw what is remembered of an account: mostly that it is healthy and was shown so."""
    kind = rng.random()
    if kind < 0.2:
        return None
    if kind < 0.6:
        return {"cross:USDT": Remembered(Told(), 0)}
    names = ["cross:USDT", "cross:USDC", "cross:USD", "isolated:AUSDT:both", "cross:GONE"]
    lines = {}
    for name in rng.sample(names, rng.randint(0, 3)):
        status, last = BY_RANK[rng.randint(0, 8)], BY_RANK[rng.randint(0, 7)]
        lines[name] = Remembered(Told(status, last, rng.randint(0, 3), 1), rng.choice([NOT_SHOWN, 0, 0, 2, 8]))
    return lines


def new_engine() -> MarginEngine:
    """Return an engine that knows the market."""
    ladders = Ladders.same(Ladder.build())
    engine = MarginEngine(EngineSettings(ladders=ladders), MarketBoard(FreshnessSettings(), ("USD",)))
    market: list[Input] = [
        InstrumentTerms(terms.symbol, terms, Origin("i", 0, number)) for number, terms in enumerate(CONTRACTS)
    ]
    prices = tuple(PriceUpdate(terms.symbol, Decimal("1.5"), None, None, None, NOW_MS) for terms in CONTRACTS)
    engine.absorb([*market, Prices(prices, Origin("p", 0, 0), NOW_MS)], NOW_MS)
    return engine


def restored(facts: Mapping[str, bytes], memory: Mapping[str, bytes], *, at_once: bool) -> MarginEngine:
    """Return an engine that was restored many at once in two threads, or by the specification."""
    engine = new_engine()
    with pytest.MonkeyPatch.context() as patch, SecondThread() as second:
        if not at_once:
            engine.store.uses_numba = False
        patch.setattr(restoring, "AT_ONCE", 5)
        engine.restore(facts, memory, begin=second.begin)
    engine.store.uses_numba = True
    return engine


def described(engine: MarginEngine) -> dict[tuple[str, str], Any]:
    """Return everything the store holds of every scope, by names instead of numbers."""
    store, columns = engine.store, engine.store._space.columns
    symbols = {
        line: (name, multiplier)
        for name, symbol in store._contracts.symbols.items()
        for multiplier, line in symbol.lines.items()
    }
    assets = {number: name for name, number in store._assets.numbers.items()}

    def row_of(row: int, *, parts: bool) -> Any:
        page = columns.pages[row >> PAGE_BITS]
        begin = int(page[PAGE_CELL]) + (row & ((1 << PAGE_BITS) - 1)) * int(page[PAGE_CAPACITY])
        cells = range(begin, begin + int(page[PAGE_CAPACITY]))
        if parts:
            return [row_of(int(columns.codes[cell]), parts=False) for cell in cells if columns.codes[cell]]
        figures = tuple(columns.figures[row, [BASE, FIXED]].tolist())
        live = [cell for cell in cells if columns.sizes[cell]]
        kept = [
            (*symbols[int(columns.codes[cell]) >> 4], float(columns.sizes[cell]), float(store.adl._costs[cell]))
            for cell in live
        ]
        return (*map(repr, figures), assets.get(int(columns.links[row, ASSET])), kept)

    found: dict[tuple[str, str], Any] = {}
    for scope in np.nonzero(store.is_live())[0].tolist():
        name, account = store.name_of(scope), engine.book.id_of(store.account_of(scope))
        row = int(columns.scopes[scope, SCOPE_ROW])
        watch = int(columns.watch[row])
        told = int(store.told[scope]), int(store.shown[scope]), watch // STATES, watch % STATES
        is_pool = engine.book.account(store.account_of(scope)).margin_mode is MarginMode.MULTI_ASSET
        found[account, name] = (told, row_of(row, parts=is_pool and name == "cross:USD"))
    return found


def ended(engine: MarginEngine) -> dict[str, dict[str, int]]:
    """Return the scopes that were shown and are no more."""
    return {account_id: names for account_id, names in engine.teller.ended.items() if names}


def told_by(engine: MarginEngine) -> Any:
    """Judge everybody; return what is said of every account, in an order of its own."""
    outcome = Outcome()
    for turn in judged_in_turns(engine, NOW_MS):
        outcome.join(turn)
    return {
        account_id: ([event.body for event in one.events], one.statuses, one.memory, one.facts, one.rules)
        for account_id, one in sorted(outcome.accounts.items())
    }


@pytest.mark.parametrize("seed", range(40))
def test_many_at_once_are_what_each_alone_is(seed: int) -> None:
    """The same rows, cells, costs, told and shown states, ends and memory; and then the same verdicts."""
    rng = random.Random(seed)
    facts, memory = {}, {"nobody": pack_memory({"cross:USDT": Remembered(Told(sequence=1), 0)})}
    for number in range(12):
        name = f"account {number}"
        facts[name] = pack(account_of(rng, name))
        remembered = memory_of(rng)
        if remembered is not None:
            memory[name] = pack_memory(remembered)
    fast, slow = restored(facts, memory, at_once=True), restored(facts, memory, at_once=False)
    assert described(fast) == described(slow)
    assert fast.teller.memory == slow.teller.memory
    assert ended(fast) == ended(slow)
    assert list(fast.book.ids()) == list(slow.book.ids())
    assert vars(fast._placement.waiting) == vars(slow._placement.waiting)
    assert told_by(fast) == told_by(slow)


def test_plain_accounts_are_read_without_being_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a restore of a million of them would take minutes."""

    def refuse(*_args: object) -> None:
        raise AssertionError("a plain account was unpacked")

    short = Position("AUSDT", Side.BOTH, Decimal("-12.5"), Decimal("101.25"))
    account = Account("a", balances={"USDT": Decimal("1000.5")}, positions={short.key: short}, complete=True)
    engine = new_engine()
    with monkeypatch.context() as patch:
        patch.setattr("monitor.core.book.unpack", refuse)
        engine.restore({"a": pack(account)}, {})
    _, (base, fixed, asset, cells) = described(engine)["a", "cross:USDT"]
    assert (base, fixed, asset) == ("2266.125", "0.0", "USDT")
    assert cells == [("AUSDT", Decimal(1), -12.5, -1265.625)]
