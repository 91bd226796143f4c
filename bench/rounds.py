"""Timing cases in turns: every round runs each case once, so that whatever slows the machine down slows all alike.

What is timed is processor time of the whole process (of all its threads), which other programs do not lengthen; only
two threads beside each other need a clock on the wall. What a ratio has to be is in `measures`.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Clock = Callable[[], float]


def _nothing(which: int) -> None:
    del which


@dataclass(frozen=True)
class Case:
    """Hold what is timed. `act` is told at which of the two prices (0 or 1), `before` is not timed.

    A case whose work is done by another process has a clock of its own.
    """

    name: str
    units: int
    """How many positions, holders or messages one act is about."""
    act: Callable[[int], object]
    before: Callable[[int], object] = _nothing
    clock: Clock | None = None


class Ratio(NamedTuple):
    """Hold a ratio of two cases: of their minima, and the median of what it was in each round."""

    minima: float
    median: float


@dataclass
class Timings:
    """Hold the seconds per unit of every case in every round."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def share(self, name: str, of: str) -> Ratio:
        """Return how quick a case is as a share of another one: below 1 is slower."""
        mine, theirs = self.seconds[name], self.seconds[of]
        rounds = [other / one for one, other in zip(mine, theirs, strict=True)]
        return Ratio(min(theirs) / min(mine), statistics.median(rounds))

    def least(self, name: str) -> Ratio:
        """Return the least and the median seconds per unit."""
        return Ratio(min(self.seconds[name]), statistics.median(self.seconds[name]))


def run(cases: Sequence[Case], rounds: int, *, warm: int = 2, clock: Clock = time.process_time) -> Timings:
    """Run the cases in turns, the first `warm` rounds untimed."""
    timings = Timings({case.name: [] for case in cases})
    gc.collect()
    gc.freeze()
    try:
        for number in range(warm + rounds):
            for case in cases:
                which = 1 - number % 2
                case.before(which)
                now = case.clock or clock
                start = now()
                case.act(which)
                spent = now() - start
                if number >= warm:
                    timings.seconds[case.name].append(spent / case.units)
    finally:
        gc.unfreeze()
    return timings
