"""Judging one price: from what was observed when it came to its reasons and its verdict.

A pure function of the observation and the limits, so that whoever reads them in evidence makes the verdict again. How
observations are made is in `stream`.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from monitor.core.quality.settings import Limits, Reason

SECOND_MS = 1_000
MOST_PEERS = 0.5
"""A mark that stands is stuck where more than this part of the others moves."""
_LARGEST_UNIT = 12
_NOTHING: tuple[str, ...] = ()


class Observation(NamedTuple):
    """Hold what is known of a symbol's stream when a price comes; the price itself is in it, the future is not.

    Attributes:
        mark_price: the price judged.
        index_price: the index of the same message.
        log_ms: the log's time of the message.
        is_late: its event time lies before one that was stated.
        reference: the median of the last samples of the mark.
        elapsed_ms: the time since the oldest of them.
        sigma: the standard deviation of a second, None where too little is known.
        basis: the median of mark ÷ index of the samples.
        level: the median of the marks the last minutes began with.
        is_gap: nothing was seen between the level and a power of ten of it that the mark is near; None: it is not.
        index_unchanged_ms: for how long the index has stood.
        mark_unchanged_ms: for how long the mark has stood.
        index_moved: by how much the index has moved since a mark that is stuck stood.
        peers_moving: which part of the other symbols has moved since.
        doubted_ms, doubted: for how long, and for how many messages before this one, no price has been beyond doubt.
    """

    mark_price: float
    index_price: float | None
    log_ms: int
    is_late: bool
    reference: float | None
    elapsed_ms: int
    sigma: float | None
    basis: float | None
    level: float | None
    is_gap: bool | None
    index_unchanged_ms: int
    mark_unchanged_ms: int
    index_moved: float | None
    peers_moving: float | None
    doubted_ms: int
    doubted: int


class Quality(NamedTuple):
    """Hold the verdict on a price.

    `until_ms`: when a delay is over, None where there is none or nothing but the reason's end ends it. `released_ms`:
    the log's time of the message after which the price was believed because of that.
    """

    observed: Observation
    limits: Limits
    reasons: tuple[str, ...]
    is_believed: bool
    until_ms: int | None = None
    released_ms: int | None = None

    @property
    def verdict(self) -> str:
        """`good`, `suspect`, or `bad` where a reason refuses the price."""
        if not self.reasons:
            return "good"
        return "bad" if _refused(self.reasons, self.limits) else "suspect"

    @property
    def is_doubted(self) -> bool:
        """Whether there is a reason to wait for more prices before this one is believed."""
        return any(reason in self.limits.delay or reason in self.limits.refuse for reason in self.reasons)

    @property
    def is_shaky(self) -> bool:
        """Whether what stands on this price is to be called degraded although it is believed."""
        return bool(self.reasons) and any(reason in self.limits.display for reason in self.reasons)


def judged(observed: Observation, limits: Limits) -> Quality:
    """Return the verdict on a price."""
    reasons = reasons_of(observed, limits)
    if not reasons:
        return Quality(observed, limits, _NOTHING, is_believed=True)
    if _refused(reasons, limits):
        return Quality(observed, limits, reasons, is_believed=False)
    left_ms = limits.delay_ms - observed.doubted_ms
    is_delayed = any(reason in limits.delay for reason in reasons)
    if not is_delayed or left_ms <= 0 or observed.doubted + 1 >= limits.confirmations:
        return Quality(observed, limits, reasons, is_believed=True)
    return Quality(observed, limits, reasons, is_believed=False, until_ms=observed.log_ms + left_ms)


def reasons_of(observed: Observation, limits: Limits) -> tuple[str, ...]:
    """Return why a price is doubted, in the order of `Reason`; a late one is compared with nothing."""
    if observed.is_late:
        return (Reason.TIME_BACK.value,)
    mark, index, reference = observed.mark_price, observed.index_price, observed.reference
    found: list[str] = []
    is_constant = _is_constant(observed, limits)
    if reference is not None and abs(mark / reference - 1) > jump_limit(observed, limits):
        is_confirmed = (
            index is not None
            and observed.basis is not None
            and not is_constant
            and abs(mark / index / observed.basis - 1) <= limits.index_agreement
        )
        if not is_confirmed:
            found.append(Reason.JUMP.value)
    if observed.is_gap:
        found.append(Reason.UNIT_CHANGE.value)
    if index is not None:
        apart = abs(mark / index - 1)
        if apart > limits.index_divergence:
            found.append(Reason.INDEX_DIVERGENCE.value)
        if is_constant and (apart > limits.constant_divergence or _has_left(observed, limits.constant_move)):
            found.append(Reason.INDEX_CONSTANT.value)
    if _is_stuck(observed, limits):
        found.append(Reason.STUCK.value)
    return tuple(found) if found else _NOTHING


def jump_limit(observed: Observation, limits: Limits) -> float:
    """Return how far from the reference a mark may be: σ·√t times so many, between floor and ceiling."""
    if observed.sigma is None:
        return limits.jump_ceiling
    elapsed = max(observed.elapsed_ms, SECOND_MS) / SECOND_MS
    return min(max(limits.jump_sigmas * observed.sigma * sqrt(elapsed), limits.jump_floor), limits.jump_ceiling)


def unit_near(ratio: float, tolerance: float) -> int | None:
    """Return n where a ratio is as near to 10ⁿ as tolerated, n not 0; None where it is not."""
    if 0.2 < ratio < 5:
        return None
    power, n = 1.0, 0
    while ratio > power * 5 and n < _LARGEST_UNIT:
        power, n = power * 10, n + 1
    while ratio < power / 5 and n > -_LARGEST_UNIT:
        power, n = power / 10, n - 1
    return n if n and abs(ratio / power - 1) <= tolerance else None


def _is_constant(observed: Observation, limits: Limits) -> bool:
    return observed.index_unchanged_ms >= limits.constant_after_ms


def _has_left(observed: Observation, limit: float) -> bool:
    return observed.level is not None and abs(observed.mark_price / observed.level - 1) > limit


def _is_stuck(observed: Observation, limits: Limits) -> bool:
    if observed.mark_unchanged_ms < limits.stuck_after_ms:
        return False
    if observed.index_moved is not None and observed.index_moved > limits.stuck_move:
        return True
    return observed.peers_moving is not None and observed.peers_moving > MOST_PEERS


def _refused(reasons: tuple[str, ...], limits: Limits) -> bool:
    return any(reason in limits.refuse or reason == Reason.TIME_BACK for reason in reasons)
