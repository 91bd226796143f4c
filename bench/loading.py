"""A population in an engine of the daemon, the way a restart brings it there; and its prices, tick after tick.

The daemon's own code loads everything: terms and prices as inputs, accounts through `MarginEngine.restore`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench import facts
from bench.population import Population
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.facts import pack
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
_SHOWN_HEALTHY: Final = pack_memory({"cross:USDT": Remembered(Told(), 0)})
_NO_AGEING: Final = FreshnessSettings(max_age_ms=0, unknown_after_ms=0)


class Book:
    """Hold a population in an engine, every scope told the status it has, and move its prices."""

    def __init__(self, population: Population, *, use_numba: bool | None = None) -> None:
        self.population = population
        self._offsets = count(1)
        portfolio = population.venue.portfolio() if population.mix.portfolio else None
        board = MarketBoard(_NO_AGEING, ("USD", "USDT"), portfolio)
        self.engine = MarginEngine(EngineSettings(Ladders.same(LADDER)), board, use_numba=use_numba)
        self.engine.absorb(self._market(), facts.START_MS)
        records = {account.account_id: pack(account) for account in facts.accounts(population)}
        self.engine.restore(records, dict.fromkeys(records, _SHOWN_HEALTHY))
        self._exact = population.venue.exact_prices(0), population.venue.exact_prices(1)
        self.candidates_at_first = self._settle()

    @property
    def store(self) -> MarginStore:
        """The store of the engine."""
        return self.engine.store

    @property
    def names(self) -> list[str]:
        """The names of all contracts."""
        return self.population.venue.names

    def turn(self, which: int) -> None:
        """Set all prices to the first or the second ones, as the engine does before it judges."""
        for name, price in zip(self.names, self._exact[which], strict=True):
            self.store.set_mark(name, price)

    def turn_one(self, rank: int, which: int) -> None:
        """Set one price."""
        self.store.set_mark(self.names[rank], self._exact[which][rank])

    def prices(self, which: int) -> Prices:
        """Return one message with all prices."""
        updates = [
            PriceUpdate(name, price, None, None, None, facts.START_MS)
            for name, price in zip(self.names, self.population.venue.exact_prices(which), strict=True)
        ]
        return Prices(tuple(updates), self._origin("mark-prices"), facts.START_MS)

    def _market(self) -> Iterator[Input]:
        venue = self.population.venue
        for asset in venue.assets():
            yield AssetTerms(asset.asset, asset, self._origin("assets"), facts.START_MS)
        for terms in venue.instruments:
            yield InstrumentTerms(terms.symbol, terms, self._origin("instruments"))
        yield self.prices(0)

    def _origin(self, topic: str) -> Origin:
        return Origin(topic, 0, next(self._offsets))

    def _settle(self) -> int:
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
