"""Judging one price: from what was observed when it came to its reasons and its verdict.

A pure function of the observation and the limits, so that whoever reads them in evidence makes the verdict again. How
observations are made is in `stream`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

from monitor.core.quality.settings import NEVER_BELIEVED, Limits, Reason

SECOND_MS = 1_000
MOST_PEERS = 0.5
"""A mark that stands is stuck where more than this part of the others moves."""
_NOTHING: tuple[str, ...] = ()


class Doubt(NamedTuple):
    """Hold for how long, and for how many messages in a row, a reason to wait has held."""

    reason: str
    lasted_ms: int
    messages: int

    def is_over(self, limits: Limits) -> bool:
        """Return whether nobody waits for it any more."""
        return self.lasted_ms >= limits.delay_ms or self.messages >= limits.confirmations


class Venue(NamedTuple):
    """Hold what another venue says of the same thing: the symbol it stands under, its weight, None without a price."""

    symbol: str
    weight: float
    mark_price: float | None


class Observation(NamedTuple):
    """Hold what is known of a symbol's stream when a price comes; the price itself is in it, the future is not.

    Attributes:
        mark_price: the price judged.
        index_price: the index of the same message.
        log_ms: the log's time of the message.
        is_late: its event time lies before one that was stated.
        is_unsettled: the symbol was quarantined before anything that has been read, and too little has been read since.
        reference: the median of the last samples of the mark.
        elapsed_ms: the time since the oldest of them.
        sigma: the standard deviation of a second, None where too little is known.
        basis: the median of mark ÷ index of the samples.
        level: the median of the marks the last minutes began with.
        is_gap: the mark is many times the level, or a small part of it, and nothing was seen on the way.
        index_unchanged_ms: for how long the index has stood.
        mark_unchanged_ms: for how long the mark has stood.
        index_moved: by how much the index has moved since a mark that is stuck stood.
        peers_moving: which part of the other symbols has moved since.
        venues: the other venues, None where the symbol has none,
        sources, sources_mark: how many of them count, and the weighted median of their marks.
        doubts: what has been doubted until now about prices of this kind.
    """

    mark_price: float
    index_price: float | None
    log_ms: int
    is_late: bool
    is_unsettled: bool
    reference: float | None
    elapsed_ms: int
    sigma: float | None
    basis: float | None
    level: float | None
    is_gap: bool
    index_unchanged_ms: int
    mark_unchanged_ms: int
    index_moved: float | None
    peers_moving: float | None
    venues: tuple[Venue, ...] | None
    sources: int | None
    sources_mark: float | None
    doubts: tuple[Doubt, ...]


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
    waiting = [doubt.lasted_ms for doubt in doubts_after(observed, reasons, limits) if not doubt.is_over(limits)]
    if not waiting:
        return Quality(observed, limits, reasons, is_believed=True)
    until_ms = observed.log_ms + limits.delay_ms - min(waiting)
    return Quality(observed, limits, reasons, is_believed=False, until_ms=until_ms)


def doubts_after(observed: Observation, reasons: tuple[str, ...], limits: Limits) -> tuple[Doubt, ...]:
    """Return the doubts that hold with a price, each reason to wait by itself.

    One that begins while another is still waited for is of the same crash: it has lasted as long. One that begins
    later, beside a doubt everybody has got used to, is another, and waited for anew.
    """
    known = {doubt.reason: doubt for doubt in observed.doubts}
    begun = max((one[1:] for one in observed.doubts if not one.is_over(limits)), default=(0, 0))
    found: list[Doubt] = []
    for reason in reasons:
        if reason in limits.delay:
            lasted_ms, messages = known[reason][1:] if reason in known else begun
            found.append(Doubt(reason, lasted_ms, min(messages + 1, limits.confirmations)))
    return tuple(found)


def reasons_of(observed: Observation, limits: Limits) -> tuple[str, ...]:
    """Return why a price is doubted, in the order of `Reason`; a late one is compared with nothing."""
    if observed.is_late:
        return (Reason.TIME_BACK.value,)
    found: list[str] = [Reason.UNSETTLED.value] if observed.is_unsettled else []
    is_constant = observed.index_unchanged_ms >= limits.constant_after_ms
    if _has_jumped(observed, limits, is_constant=is_constant):
        found.append(Reason.JUMP.value)
    if observed.is_gap:
        found.append(Reason.UNIT_CHANGE.value)
    if observed.index_price is not None:
        apart = abs(observed.mark_price / observed.index_price - 1)
        if apart > limits.index_divergence:
            found.append(Reason.INDEX_DIVERGENCE.value)
        if is_constant and (apart > limits.constant_divergence or _has_left(observed, limits.constant_move)):
            found.append(Reason.INDEX_CONSTANT.value)
    if _is_stuck(observed, limits):
        found.append(Reason.STUCK.value)
    if observed.sources is not None and (why := _against_sources(observed, limits)) is not None:
        found.append(why.value)
    return tuple(found) if found else _NOTHING


def jump_limit(observed: Observation, limits: Limits) -> float:
    """Return how far from the reference a mark may be: σ·√t times so many, between floor and ceiling."""
    if observed.sigma is None:
        return limits.jump_ceiling
    elapsed = max(observed.elapsed_ms, SECOND_MS) / SECOND_MS
    return min(max(limits.jump_sigmas * observed.sigma * sqrt(elapsed), limits.jump_floor), limits.jump_ceiling)


def weighted_median(values: Iterable[tuple[float, float]]) -> float | None:
    """Return the first value, in their order, up to which half of the weight lies; None of none."""
    ordered = sorted(values)
    left = sum(weight for _, weight in ordered) / 2
    for value, weight in ordered:
        left -= weight
        if left <= 0:
            return value
    return None


def _has_jumped(observed: Observation, limits: Limits, *, is_constant: bool) -> bool:
    """Return whether the mark is too far from its reference, and nothing else stands where it has gone.

    What confirms it is an index that is not constant, or enough other venues; a step beyond the ceiling nothing does.
    """
    mark, index, basis = observed.mark_price, observed.index_price, observed.basis
    if observed.reference is None:
        return False
    change = abs(mark / observed.reference - 1)
    if change <= jump_limit(observed, limits):
        return False
    if change > limits.jump_ceiling:
        return True
    if index is not None and basis is not None and not is_constant:
        apart = abs(mark / index / basis - 1)
        if apart <= limits.index_agreement:
            return False
    enough = observed.sources is not None and observed.sources >= limits.source_quorum
    return not (enough and _agrees(observed, limits.index_agreement))


def _against_sources(observed: Observation, limits: Limits) -> Reason | None:
    """Return what is wrong with a mark beside those of other venues. It has some."""
    if observed.sources is not None and observed.sources < limits.source_quorum:
        return Reason.TOO_FEW_SOURCES
    return None if _agrees(observed, limits.venue_divergence) else Reason.VENUE_DIVERGENCE


def _agrees(observed: Observation, limit: float) -> bool:
    return observed.sources_mark is not None and abs(observed.mark_price / observed.sources_mark - 1) <= limit


def _has_left(observed: Observation, limit: float) -> bool:
    return observed.level is not None and abs(observed.mark_price / observed.level - 1) > limit


def _is_stuck(observed: Observation, limits: Limits) -> bool:
    if observed.mark_unchanged_ms < limits.stuck_after_ms:
        return False
    if observed.index_moved is not None and observed.index_moved > limits.stuck_move:
        return True
    return observed.peers_moving is not None and observed.peers_moving > MOST_PEERS


def _refused(reasons: tuple[str, ...], limits: Limits) -> bool:
    return any(reason in limits.refuse or reason in NEVER_BELIEVED for reason in reasons)
