"""What is measured, what it has to be, and whether it is: a measure is met by its minima and by its median, or not.

Which measures there are is said by the parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.rounds import Ratio, Timings


@dataclass(frozen=True)
class Goal:
    """Hold what a measure has to be."""

    limit: float
    is_least: bool = True

    def is_met(self, measured: Ratio) -> bool:
        """Return whether both ways to look at it meet the goal."""
        if self.is_least:
            return min(measured) >= self.limit
        return max(measured) <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.limit:g}"


@dataclass(frozen=True)
class Measure:
    """Hold one measure; without a goal it is there to explain another one."""

    part: str
    name: str
    measured: Ratio
    goal: Goal | None = None
    unit: str = "×"
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal is met, in a word."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.measured) else "MISSED"


@dataclass(frozen=True)
class Result:
    """Hold what a part has measured, the time of each of its cases, and what it left out and why."""

    part: str
    measures: tuple[Measure, ...]
    timings: Timings
    unit: str
    """What the seconds of the timings are per."""
    skipped: tuple[str, ...] = ()
