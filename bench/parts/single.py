"""The tick of one contract: its holders are judged, nobody else's price has moved.

The daemon evaluates every holder from scratch, or everybody where there are many. C does it both ways, and in a third:
by what the price has moved.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from bench import rounds as timing
from bench.equality import same_bits, same_set, within
from bench.inside import columns_of, holders_kernel_of
from bench.loading import Book
from bench.measures import Goal, Measure, Result
from bench.parts.context import Context
from bench.rounds import Case
from bench.twins import MovedTwin, ScopesTwin
from monitor.core.store_columns import EQUITY, REQUIREMENT

RANKS: Final = (1, 21, 400)
"""In the standard population held by 300,000, 34,000 and 4,000 accounts."""
GOALS: Final = (0.85, 0.8, 0.8)
_EVICTING: Final = 3_000_000


class _Twins(NamedTuple):
    scopes: ScopesTwin
    moved: MovedTwin


class SingleTick:
    """Measure the tick of a popular, a middling and a rare contract."""

    def __init__(self, context: Context) -> None:
        self._book, self._tiles, self._why = context.standard, context.tiles_twin, context.no_loops
        last = context.sizes.symbols
        self._ranks = sorted({min(rank, last) - 1 for rank in RANKS})
        self._twins: dict[int, _Twins] = {}
        self._cold = np.ones(_EVICTING)
        if context.loops is not None:
            values = context.values
            self._book.turn(0)
            self._book.store.judge_symbols(self._book.names)
            for rank in self._ranks:
                made = ScopesTwin(context.loops, self._book, values, rank)
                self._twins[rank] = _Twins(made, MovedTwin(context.loops, self._book, values, rank))

    def check(self) -> list[str]:
        """Compare with C from scratch to the last bit, with C by deltas within the bound that it keeps."""
        self._book.turn(0)
        self._book.store.judge_symbols(self._book.names)
        return [fault for rank, twins in self._twins.items() for fault in _unlike(self._book, rank, twins)]

    def measure(self, rounds: int) -> Result:
        """Time each contract by itself; between two cases the caches are filled with something else."""
        measures: list[Measure] = []
        timings = timing.Timings()
        for rank, goal in zip(self._ranks, GOALS, strict=False):
            mine = timing.run(self._cases(rank), rounds)
            timings.seconds |= mine.seconds
            if self._twins:
                measures += self._measures(rank, goal, mine)
            self._book.turn_one(rank, 0)
            self._book.store.judge_symbols([self._book.names[rank]])
        skipped = () if self._twins else (f"C: {self._why}",)
        return Result("single", tuple(measures), timings, "holder", skipped)

    def _cases(self, rank: int) -> list[Case]:
        book, store, name = self._book, self._book.store, self._book.names[rank]
        holders = book.population.holders(rank)

        def turn(which: int) -> None:
            book.turn_one(rank, which)
            self._evict(which)

        cases = [Case(f"daemon, {holders:,}", holders, lambda _: store.judge_symbols([name]), turn)]
        if self._twins and self._tiles is not None:
            twins, everybody = self._twins[rank], self._tiles
            kernel = holders_kernel_of(store, name)
            cases += [
                Case(f"its kernel by holders, {holders:,}", holders, lambda _: kernel(), turn),
                Case(f"C everybody, {holders:,}", holders, everybody, self._evict),
                Case(f"C from scratch, {holders:,}", holders, twins.scopes, self._evict),
                Case(f"C by deltas, {holders:,}", holders, twins.moved, self._evict),
            ]
        return cases

    def _evict(self, which: int) -> None:
        del which
        self._cold.sum()

    def _measures(self, rank: int, goal: float, timings: timing.Timings) -> list[Measure]:
        holders = self._book.population.holders(rank)
        ours, kernel, everybody, scratch, moved = (f"{name}, {holders:,}" for name in _NAMES)
        quicker = min(everybody, scratch, key=lambda name: timings.least(name).minima)
        before = self._book.store.judged
        self._book.store.judge_symbols([self._book.names[rank]])
        evaluated = self._book.store.judged - before
        note = f"the daemon evaluates {evaluated:,} scopes"
        what = f"tick of one contract, {holders:,} holders"
        return [
            Measure(
                "single", f"{what} / {quicker.partition(',')[0]}", timings.share(ours, quicker), Goal(goal), note=note
            ),
            Measure("single", f"{what} / C by deltas", timings.share(ours, moved), Goal(goal)),
            Measure("single", f"its kernel by {holders:,} holders / C from scratch", timings.share(kernel, scratch)),
        ]


_NAMES: Final = ("daemon", "its kernel by holders", "C everybody", "C from scratch", "C by deltas")


def _unlike(book: Book, rank: int, twins: _Twins) -> list[str]:
    """Return what differs after the price of one contract has moved, and after it has moved back."""
    faults: list[str] = []
    for which in (1, 0):
        what = f"{book.names[rank]} at price {which}"
        book.turn_one(rank, which)
        ours = book.store.judge_symbols([book.names[rank]])
        theirs, moved, figures = twins.scopes(which), twins.moved(which), columns_of(book.store).figures
        rows = twins.moved.rows
        faults += same_set(f"candidates, {what}", np.intersect1d(ours, twins.scopes.chosen), theirs)
        faults += same_bits(f"figures, {what}", figures[rows], twins.scopes.figures[rows])
        state = twins.moved.state[rows]
        faults += within(f"equity by deltas, {what}", figures[rows, EQUITY], state[:, 0], state[:, 2])
        faults += within(f"requirement by deltas, {what}", figures[rows, REQUIREMENT], state[:, 1], state[:, 2])
        faults += same_set(f"candidates by deltas, {what}", theirs, moved)
    return faults
