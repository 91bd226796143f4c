"""A population in an engine of the daemon, the way a restart brings it there; and its prices, tick after tick.

The daemon's own code loads everything: terms and prices as inputs, accounts through `MarginEngine.restore`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench import facts
from bench.packing import records
from bench.population import Population
from bench.venue import Venue
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AssetTerms, Input, InstrumentTerms, Origin, Prices
from monitor.core.ladder import RUNGS, Ladder
from monitor.core.prices import PriceUpdate
from monitor.core.store import MarginStore
from monitor.core.told import Remembered, Told, pack_memory
from monitor.core.verdict import Ladders

LADDER: Final = Ladder.build()
LINES: Final = tuple(float(k) for k in (LADDER.threshold(status) for status in RUNGS) if k is not None)
"""The lines of the ladder, the mildest first: a status begins below its line times the requirement."""
BANKRUPT: Final = len(RUNGS) + 1
SHOWN_HEALTHY: Final = pack_memory({"cross:USDT": Remembered(Told(), 0)})
_FIRST_OFFSET: Final = 1_000_000
_NO_AGEING: Final = FreshnessSettings(max_age_ms=0, unknown_after_ms=0)


def engine_of(venue: Venue, *, with_portfolio: bool = False, use_numba: bool | None = None) -> MarginEngine:
    """Return an engine that knows terms and first prices of all contracts, and nobody yet."""
    board = MarketBoard(_NO_AGEING, ("USD", "USDT"), venue.portfolio() if with_portfolio else None)
    engine = MarginEngine(EngineSettings(Ladders.same(LADDER)), board, use_numba=use_numba)
    engine.absorb(_market(venue), facts.START_MS)
    return engine


def _market(venue: Venue) -> Iterator[Input]:
    offsets = count(1)
    for asset in venue.assets():
        yield AssetTerms(asset.asset, asset, Origin("assets", 0, next(offsets)), facts.START_MS)
    for terms in venue.instruments:
        yield InstrumentTerms(terms.symbol, terms, Origin("instruments", 0, next(offsets)))
    yield _prices(venue, 0, next(offsets))


def _prices(venue: Venue, which: int, offset: int) -> Prices:
    updates = [
        PriceUpdate(name, price, None, None, None, facts.START_MS)
        for name, price in zip(venue.names, venue.exact_prices(which), strict=True)
    ]
    return Prices(tuple(updates), Origin("mark-prices", 0, offset), facts.START_MS)


class Book:
    """Hold a population in an engine and move its prices.

    `packed`: the facts of its accounts where these are others than it was drawn with. `settles`: the store is made to
    believe that every scope was told the status it has; else nobody was told anything.
    """

    def __init__(
        self,
        population: Population,
        *,
        use_numba: bool | None = None,
        settles: bool = True,
        packed: Mapping[str, bytes] | None = None,
    ) -> None:
        self.population = population
        self._offsets = count(_FIRST_OFFSET)
        self.engine = engine_of(population.venue, with_portfolio=bool(population.mix.portfolio), use_numba=use_numba)
        packed = dict(records(population)) if packed is None else packed
        self.restore(packed)
        exact = (zip(self.names, population.venue.exact_prices(which), strict=True) for which in (0, 1))
        self._exact: tuple[dict[str, Decimal], ...] = tuple(dict(pairs) for pairs in exact)
        self.candidates_at_first = self.settle() if settles else 0

    @property
    def store(self) -> MarginStore:
        """The store of the engine."""
        return self.engine.store

    @property
    def names(self) -> list[str]:
        """The names of all contracts."""
        return self.population.venue.names

    def restore(self, packed: Mapping[str, bytes]) -> None:
        """Take accounts over that were never seen, shown as healthy so far."""
        self.engine.restore(packed, dict.fromkeys(packed, SHOWN_HEALTHY))

    def turn(self, which: int) -> None:
        """Set all prices to the first or the second ones, as the engine does before it judges."""
        self.store.set_marks(self._exact[which])

    def turn_one(self, rank: int, which: int) -> None:
        """Set one price."""
        self.store.set_mark(self.names[rank], self._exact[which][self.names[rank]])

    def prices(self, which: int) -> Prices:
        """Return one message with all prices."""
        return _prices(self.population.venue, which, next(self._offsets))

    def settle(self) -> int:
        """Tell every candidate the status its figures say; return how many there were."""
        candidates = self.store.judge_all()
        for scope, rank in zip(candidates.tolist(), ranks(*self.store.figures(candidates)).tolist(), strict=True):
            self.store.set_state(scope, rank)
        return len(candidates)


def ranks(equity: NDArray[np.float64], requirement: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the status that figures say, as a rank, of scopes whose requirement is above 0 or equity not below."""
    rank = np.zeros(len(equity), np.int64)
    for k in LINES:
        rank += equity < k * requirement
    rank[(equity <= 0.0) & (requirement > 0.0)] = BANKRUPT
    return rank
