"""Random books for the ADL queue: accounts of every mode over linear and inverse contracts, and engines that hold them.

Only made-up facts live here; scores are worked out by whoever tests them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from decimal import Decimal

from monitor.core.accounts import (
    AccountEvent,
    MarginMode,
    MarginType,
    PositionChange,
    PositionMode,
    Settings,
    Side,
)
from monitor.core.adl.settings import AdlSettings
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, InstrumentTerms, Origin, Prices
from monitor.core.ladder import Ladder
from monitor.core.portfolio.terms import Group, Method, PortfolioTerms, ScenarioTerms
from monitor.core.prices import PriceUpdate
from monitor.core.verdict import Ladders
from tests.core.building import BTC_USDT, asset, instrument, inverse

HERE = Origin("t", 0, 0)
NOW = 1_000_000
MARKS = {"X": "120", "Y": "7.5", "Z": "60000", "I": "60100"}
TERMS = (
    instrument("X", base="X"),
    instrument("Y", brackets=BTC_USDT, size="0.1", base="Y"),
    instrument("Z", brackets=BTC_USDT, settle="USDC", base="BTC"),
    inverse("I"),
)
ASSETS = (
    asset("USDT", "0.9997", bid="0.001", ask="0.002"),
    asset("USDC", "1.0003"),
    asset("BTC", "60050", ratio="0.95"),
)

GROUPED = PortfolioTerms(
    Method.SCENARIO, {Method.SCENARIO: ScenarioTerms((Group("X", ("X",)), Group("BTC", ("Z", "I"), ("BTC",))))}
)


def engine(adl: AdlSettings, events: Iterable[AccountEvent], *, use_numba: bool = True) -> MarginEngine:
    """Return an engine that has judged a market and some accounts."""
    board = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0), ("USD",), GROUPED)
    made = MarginEngine(EngineSettings(Ladders.same(Ladder.build()), adl=adl), board, use_numba=use_numba)
    made.apply([InstrumentTerms(terms.symbol, terms, HERE) for terms in TERMS], NOW)
    made.apply([AssetTerms(terms.asset, terms, HERE, NOW) for terms in ASSETS], NOW)
    price(made, MARKS)
    made.apply([AccountMessage(event, HERE) for event in events], NOW)
    return made


def price(made: MarginEngine, marks: dict[str, str], at_ms: int = NOW) -> None:
    """Apply one price message."""
    updates = tuple(PriceUpdate(name, Decimal(mark), None, None, None, at_ms) for name, mark in marks.items())
    made.apply([Prices(updates, Origin("p", 0, at_ms), at_ms)], at_ms)


def book(seed: int, count: int) -> list[AccountEvent]:
    """Return the snapshots of some accounts; many of them have twins that differ in their id alone."""
    chance = random.Random(seed)
    events: list[AccountEvent] = []
    for number in range(count):
        if events and chance.random() < 0.2:
            events.append(renamed(chance.choice(events), f"a{number:05d}"))
        else:
            events.append(_snapshot(chance, f"a{number:05d}"))
    return events


def renamed(event: AccountEvent, account_id: str) -> AccountEvent:
    """Return the same snapshot of another account."""
    return AccountEvent(
        account_id,
        event.version,
        event.event_time_ms,
        snapshot=True,
        margin_mode=event.margin_mode,
        position_mode=event.position_mode,
        balances=event.balances,
        positions=event.positions,
        settings=event.settings,
    )


def _snapshot(chance: random.Random, account_id: str) -> AccountEvent:
    hedged = chance.random() < 0.35
    mode = chance.choices([MarginMode.SINGLE_ASSET, MarginMode.MULTI_ASSET, MarginMode.PORTFOLIO], [6, 2, 2])[0]
    multi = mode is not MarginMode.SINGLE_ASSET
    sides = (Side.LONG, Side.SHORT) if hedged else (Side.BOTH,)
    held = [(symbol, side) for symbol in MARKS for side in sides if chance.random() < 0.55]
    return AccountEvent(
        account_id,
        1,
        NOW,
        snapshot=True,
        margin_mode=mode,
        position_mode=PositionMode.HEDGE if hedged else PositionMode.ONE_WAY,
        balances={name: _amount(chance, 3000, 4) for name in ("USDT", "USDC") if chance.random() < 0.9}
        | ({"BTC": _amount(chance, 2, 6)} if chance.random() < 0.7 else {}),
        positions=tuple(_position(chance, symbol, side, multi=multi) for symbol, side in held),
        settings=Settings(raw={"adl_exempt": True} if chance.random() < 0.05 else {}),
    )


def _position(chance: random.Random, symbol: str, side: Side, *, multi: bool) -> PositionChange:
    mark = Decimal(MARKS[symbol])
    size = {"X": 50, "Y": 5000, "Z": Decimal("0.2"), "I": 200}[symbol]
    quantity = (Decimal(size) * Decimal(chance.randint(1, 100)) / 100).normalize()
    if side is Side.SHORT or (side is Side.BOTH and chance.random() < 0.5):
        quantity = -quantity
    entry = (mark * Decimal(chance.randint(80, 120)) / 100).normalize()
    isolated = not multi and chance.random() < 0.3
    wallet = _amount(chance, 1500, 3) if symbol != "I" else _amount(chance, 1, 6)
    if not isolated:
        return PositionChange(symbol, side, quantity, entry, MarginType.CROSS)
    return PositionChange(symbol, side, quantity, entry, MarginType.ISOLATED, wallet)


def _amount(chance: random.Random, most: float, places: int) -> Decimal:
    return Decimal(f"{chance.uniform(-0.05 * most, most):.{places}f}")


def spread(events: Sequence[AccountEvent], shards: int) -> list[list[AccountEvent]]:
    """Return the accounts of each shard."""
    return [[event for event in events if int(event.account_id[1:]) % shards == shard] for shard in range(shards)]
