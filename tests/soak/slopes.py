"""Slopes with their errors: whether a figure grows, or only moves.

Samples of a process follow each other closely and are anything but independent, so that the error of a line through all
of them would be far too small. They are taken together in blocks first, and the line goes through the blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

BLOCKS = 24
LEAST_SAMPLES = 48
ENOUGH_SECONDS = 300.0
"""A life that was watched for less has not settled: its line is shown, but not judged."""
SURE = 3.0
"""Errors a slope must be above what is allowed before it is called growth."""
HOUR = 3600.0


class Sample(NamedTuple):
    """Hold a figure at a time, in seconds."""

    at: float
    value: float


@dataclass(frozen=True)
class Slope:
    """Hold the line through a figure: its level, its rise an hour, and the standard error of that."""

    level: float
    per_hour: float
    error: float
    samples: int
    seconds: float
    most: float

    @property
    def is_known(self) -> bool:
        """Whether there were enough samples for a line."""
        return self.samples >= LEAST_SAMPLES

    @property
    def is_long(self) -> bool:
        """Whether the line is one to judge by."""
        return self.is_known and self.seconds >= ENOUGH_SECONDS


def slope_of(samples: Sequence[Sample], middle: Callable[[Sequence[float]], float] = fmean) -> Slope:
    """Return the line through samples in order of time; `middle` makes one number of those of a block."""
    values = [sample.value for sample in samples]
    if len(samples) < LEAST_SAMPLES:
        return Slope(middle(values) if values else 0.0, 0.0, 0.0, len(samples), 0.0, max(values, default=0.0))
    edges = [len(samples) * number // BLOCKS for number in range(BLOCKS + 1)]
    blocks = [samples[start:end] for start, end in pairwise(edges)]
    times = [fmean(sample.at for sample in block) for block in blocks]
    points = [middle([sample.value for sample in block]) for block in blocks]
    time, level = fmean(times), fmean(points)
    spread = sum((at - time) ** 2 for at in times)
    rise = sum((at - time) * (point - level) for at, point in zip(times, points, strict=True)) / spread
    rest = [point - level - rise * (at - time) for at, point in zip(times, points, strict=True)]
    error = (sum(one**2 for one in rest) * _followed(rest) / (BLOCKS - 2) / spread) ** 0.5
    return Slope(level, rise * HOUR, error * HOUR, len(samples), samples[-1].at - samples[0].at, max(values))


def _followed(rest: Sequence[float]) -> float:
    """Return by how much a variance is too small because what is left over of a block goes on in the next one."""
    total = sum(one**2 for one in rest)
    if total == 0.0:
        return 1.0
    kept = sum(one * other for one, other in pairwise(rest)) / total
    kept = min(0.9, max(0.0, kept))
    return (1 + kept) / (1 - kept)


@dataclass(frozen=True)
class Allowed:
    """Hold how much a figure may rise in an hour: the larger of a number and a share of its level."""

    number: float
    share: float = 0.0

    def grows(self, slope: Slope) -> bool:
        """Return whether a rise is beyond what is allowed, and surely so."""
        most = max(self.number, self.share * abs(slope.level))
        return slope.is_long and slope.per_hour - SURE * slope.error > most
