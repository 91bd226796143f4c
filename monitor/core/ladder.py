"""The status ladder: which status equity and requirement give, and which one a scope keeps (hysteresis).

Thresholds, the rule of each status and the memory rule live here; the figures they are applied to and the events that
follow do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from monitor.core.amounts import Number, exactly, fraction_of


class MarginStatus(StrEnum):
    """Name the states of a scope, the mildest first; `unknown` stands outside the order."""

    HEALTHY = "healthy"
    WATCH = "watch"
    WARNING = "warning"
    MARGIN_CALL = "margin_call"
    LIQUIDATION = "liquidation"
    CRITICAL = "critical"
    TAKEOVER = "takeover"
    BANKRUPT = "bankrupt"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """How bad the status is: 0 healthy … 7 bankrupt; 8 stands for unknown and is not comparable."""
        return _RANK[self]


_RANK = {status: rank for rank, status in enumerate(MarginStatus)}
BY_RANK: tuple[MarginStatus, ...] = tuple(MarginStatus)

RUNGS: tuple[MarginStatus, ...] = (
    MarginStatus.WATCH,
    MarginStatus.WARNING,
    MarginStatus.MARGIN_CALL,
    MarginStatus.LIQUIDATION,
    MarginStatus.CRITICAL,
    MarginStatus.TAKEOVER,
)
"""The statuses that have a threshold, the mildest first."""

DEFAULT_THRESHOLDS: Mapping[MarginStatus, Fraction] = {
    MarginStatus.WATCH: Fraction(3, 2),
    MarginStatus.WARNING: Fraction(5, 4),
    MarginStatus.MARGIN_CALL: Fraction(11, 10),
    MarginStatus.LIQUIDATION: Fraction(1),
    MarginStatus.CRITICAL: Fraction(10, 11),
    MarginStatus.TAKEOVER: Fraction(2, 3),
}


class BadLadder(ValueError):
    """A ladder that contradicts itself; `path` names the threshold."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


@dataclass(frozen=True)
class Ladder:
    """Hold the thresholds k of one kind of scope, in the health convention: a status begins at E < k·MM.

    `thresholds` lists (status, k), the mildest first. `inclusive` makes it E ≤ k·MM. `hysteresis` h: a status is left
    upwards only at E ≥ k·(1+h)·MM. `debt_floor` is in USD.
    """

    thresholds: tuple[tuple[MarginStatus, Fraction], ...]
    hysteresis: Fraction = Fraction(1, 200)
    inclusive: bool = False
    debt_floor: Fraction = Fraction(1)
    adl_watch: MarginStatus = MarginStatus.CRITICAL

    @classmethod
    def build(
        cls,
        thresholds: Mapping[MarginStatus, Fraction | None] | None = None,
        hysteresis: Fraction = Fraction(1, 200),
        *,
        inclusive: bool = False,
        debt_floor: Fraction = Fraction(1),
        adl_watch: MarginStatus = MarginStatus.CRITICAL,
    ) -> Ladder:
        """Return a ladder: the given thresholds over the defaults, None for a status that does not exist.

        Raises `BadLadder` when the thresholds do not fall strictly, one is not above 0, liquidation is None, or the
        hysteresis reaches the next threshold.
        """
        merged = {**DEFAULT_THRESHOLDS, **(thresholds or {})}
        rungs = tuple((status, k) for status in RUNGS if (k := merged[status]) is not None)
        if merged[MarginStatus.LIQUIDATION] is None:
            raise BadLadder("liquidation", "cannot be null")
        if hysteresis < 0:
            raise BadLadder("hysteresis", "must not be below 0")
        if debt_floor < 0:
            raise BadLadder("debt_floor", "must not be below 0")
        for (milder, upper), (status, k) in pairwise(rungs):
            if k >= upper:
                raise BadLadder(status, f"must lie below {milder}")
            if k * (1 + hysteresis) >= upper:
                raise BadLadder("hysteresis", f"leaving {status} would reach the threshold of {milder}")
        for status, k in rungs:
            if k <= 0:
                raise BadLadder(status, "must be above 0")
        return cls(rungs, hysteresis, inclusive, debt_floor, adl_watch)

    def threshold(self, status: MarginStatus) -> Fraction | None:
        """Return k of a status, None where it has no line."""
        return next((k for named, k in self.thresholds if named is status), None)

    def with_liquidation(self, k: Fraction) -> Ladder:
        """Return the same ladder with another liquidation line. Raises `BadLadder` where it does not fit in."""
        thresholds = {status: self.threshold(status) for status in RUNGS} | {MarginStatus.LIQUIDATION: k}
        return Ladder.build(
            thresholds,
            self.hysteresis,
            inclusive=self.inclusive,
            debt_floor=self.debt_floor,
            adl_watch=self.adl_watch,
        )

    @property
    def liquidation(self) -> Fraction:
        """The k of liquidation, which every ladder has."""
        k = self.threshold(MarginStatus.LIQUIDATION)
        assert k is not None, "a ladder is built with a liquidation threshold"
        return k

    @property
    def call(self) -> Fraction:
        """The k that `deposit_to_clear` aims at: margin_call's, or liquidation's where that does not exist."""
        return self.threshold(MarginStatus.MARGIN_CALL) or self.liquidation

    @cached_property
    def clear(self) -> Fraction:
        """The line a margin call is taken back at: `call` widened by the hysteresis."""
        return self.call * (1 + self.hysteresis)

    @cached_property
    def falling(self) -> Lines:
        """The lines a status begins below: (status, n, d), the worst first."""
        return _lines(self.thresholds, Fraction(1))

    @cached_property
    def rising(self) -> Lines:
        """The lines a status is left at upwards, in the same form."""
        return _lines(self.thresholds, 1 + self.hysteresis)

    def raw(self, equity: Number, requirement: Number, debt_floor: Number) -> MarginStatus:
        """Return the status without memory. `debt_floor` is in the unit of the figures."""
        return self._status(equity, requirement, debt_floor, self.falling)

    def told(self, last: MarginStatus, equity: Number, requirement: Number, debt_floor: Number) -> MarginStatus:
        """Return the status a scope has after `last` (never unknown): down at k, up only at k·(1+h)."""
        down = self._status(equity, requirement, debt_floor, self.falling)
        if down.rank > last.rank:
            return down
        up = self._status(equity, requirement, debt_floor, self.rising)
        return up if up.rank < last.rank else last

    @exactly
    def _status(self, equity: Number, requirement: Number, debt_floor: Number, lines: Lines) -> MarginStatus:
        if requirement <= 0:
            in_debt = equity < 0 and -equity >= debt_floor
            return MarginStatus.BANKRUPT if in_debt else MarginStatus.HEALTHY
        if equity <= 0:
            return MarginStatus.BANKRUPT
        for status, numerator, denominator in lines:
            left, right = equity * denominator, requirement * numerator
            if left < right or (self.inclusive and left == right):
                return status
        return MarginStatus.HEALTHY


Lines = tuple[tuple[MarginStatus, int, int], ...]


def _lines(thresholds: tuple[tuple[MarginStatus, Fraction], ...], widened: Fraction) -> Lines:
    """Return (status, n, d) with k·widened = n/d, the worst first: E·d < n·MM compares without a division, exactly."""
    scaled = ((status, k * widened) for status, k in reversed(thresholds))
    return tuple((status, k.numerator, k.denominator) for status, k in scaled)


def is_breach(status: MarginStatus) -> bool:
    """Return whether a status is watch or worse, and known."""
    return status not in (MarginStatus.HEALTHY, MarginStatus.UNKNOWN)


def worse_of(one: MarginStatus, other: MarginStatus) -> MarginStatus:
    """Return the worse of two known statuses."""
    return one if one.rank >= other.rank else other


def debt_floor_in(ladder: Ladder, index_price: Number | None) -> Fraction:
    """Return the debt floor in units of an asset worth `index_price` USD (None counts 1:1)."""
    return ladder.debt_floor if index_price is None else ladder.debt_floor / fraction_of(index_price)
