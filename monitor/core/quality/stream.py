"""The stream of one symbol: what is remembered of its raw prices, and what is observed when the next one comes.

Raw prices go into the memory, of verdicts only for how long there has been doubt. Nothing older than `HORIZON_MS` and
a minute counts, and after a pause of that length a stream begins anew: whoever has read as much of a partition observes
the same as one who has read all of it. What follows from an observation is in `judging`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from math import sqrt
from typing import NamedTuple

from monitor.core.quality.judging import SECOND_MS, Doubt, Observation, Venue
from monitor.core.quality.settings import Limits

BLOCK_MS = 60_000
BLOCKS = 15
HORIZON_MS = BLOCK_MS * BLOCKS
FEWEST_BLOCKS = 3
"""So many minutes must have been seen for a volatility."""


class Others(NamedTuple):
    """Hold what is known besides the symbol's own stream; see `Observation`."""

    peers_moving: float | None = None
    venues: tuple[Venue, ...] | None = None
    sources: int | None = None
    sources_mark: float | None = None
    is_unsettled: bool = False


Stated = tuple[tuple[str, ...], bool]
NOTHING_STATED: Stated = ((), True)


class Block(NamedTuple):
    """Hold a minute: what it began with, and the variance of a second in it (None: it had no two times)."""

    number: int
    mark_price: float
    index_price: float | None
    variance: float | None


class Stream:
    """Remember the recent raw prices of one symbol in one partition."""

    __slots__ = (
        "_bases",
        "_basis",
        "_begin",
        "_blocks",
        "_doubts",
        "_index",
        "_index_since_ms",
        "_level",
        "_oldest_ms",
        "_reference",
        "_sampled_ms",
        "_samples",
        "_seconds",
        "_sigma",
        "_squares",
        "event_ms",
        "late_block",
        "log_ms",
        "mark",
        "mark_since_ms",
        "stated",
    )

    def __init__(self, limits: Limits, stated: Stated) -> None:
        self.event_ms = self.log_ms = -1
        self.mark = 0.0
        self.mark_since_ms = 0
        self.late_block = -1
        """The last minute in which a price was late."""
        self._index: float | None = None
        self._index_since_ms = 0
        self._doubts: tuple[Doubt, ...] = ()
        """As of the last price that was not late."""
        self.stated = stated
        """The reasons of the last price, and whether it was believed: what was last told on `data-quality`."""
        most = 2 * -(-limits.delay_ms // SECOND_MS) + 1
        self._sampled_ms: deque[int] = deque(maxlen=most)
        self._samples: deque[float] = deque(maxlen=most)
        self._bases: deque[float | None] = deque(maxlen=most)
        """The last mark of each second: when it came, what it was, and what it was to the index of its message."""
        self._oldest_ms = 0
        self._reference: float | None = None
        self._basis: float | None = None
        self._blocks: deque[Block] = deque(maxlen=BLOCKS)
        self._begin: Block | None = None
        self._squares = self._seconds = 0.0
        self._sigma: float | None = None
        self._level: float | None = None

    def observe(
        self, mark: float, index: float | None, event_ms: int, log_ms: int, limits: Limits, others: Others
    ) -> Observation:
        """Return what is observed as a price comes, `others` besides the stream."""
        self._turn(log_ms)
        is_late = event_ms < self.event_ms
        unchanged_ms = self.unchanged_ms(mark, log_ms)
        is_stuck = unchanged_ms >= limits.stuck_after_ms
        is_same = index is not None and index == self._index
        level = self._level or mark
        is_far = not 1 / limits.unit_factor < mark / level < limits.unit_factor
        return Observation(
            mark,
            index,
            log_ms,
            is_late,
            others.is_unsettled,
            self._reference,
            log_ms - self._oldest_ms if self._reference is not None else 0,
            self._sigma,
            self._basis,
            self._level,
            is_far and self._is_gap(mark, level),
            min(max(log_ms - self._index_since_ms, 0), HORIZON_MS) if is_same else 0,
            unchanged_ms,
            self._index_moved(index, log_ms - limits.stuck_after_ms) if is_stuck else None,
            others.peers_moving if is_stuck else None,
            others.venues,
            others.sources,
            others.sources_mark,
            self._doubts_until(log_ms, mark, limits) if self._doubts else (),
        )

    def unchanged_ms(self, mark: float, log_ms: int) -> int:
        """Return for how long the mark has stood, if this is the next one."""
        return min(max(log_ms - self.mark_since_ms, 0), HORIZON_MS) if mark == self.mark else 0

    def take(self, observed: Observation, event_ms: int, doubts: tuple[Doubt, ...]) -> None:
        """Remember an observed price that is not late, and what is doubted with it."""
        mark, index, log_ms = observed.mark_price, observed.index_price, observed.log_ms
        self._doubts = doubts
        if self._begin is None:
            self._begin = Block(log_ms // BLOCK_MS, mark, index, None)
        if self._samples:
            change = mark / self.mark - 1
            self._squares += change * change
            self._seconds += max(log_ms - self.log_ms, 0) / SECOND_MS
        if mark != self.mark:
            self.mark, self.mark_since_ms = mark, log_ms
        if index is not None and index != self._index:
            self._index, self._index_since_ms = index, log_ms
        if self._samples and self._sampled_ms[-1] // SECOND_MS == log_ms // SECOND_MS:
            self._sampled_ms.pop(), self._samples.pop(), self._bases.pop()
        self._sampled_ms.append(log_ms)
        self._samples.append(mark)
        self._bases.append(None if index is None else mark / index)
        self.event_ms, self.log_ms = event_ms, log_ms

    def _doubts_until(self, log_ms: int, mark: float, limits: Limits) -> tuple[Doubt, ...]:
        """Return the doubts there are when a price comes: none where a step of `jump_ceiling` lies before it.

        Else whoever has waited for one price to be confirmed would have waited for any other as well.
        """
        since_ms = self.log_ms - max(doubt.lasted_ms for doubt in self._doubts)
        times, marks = self._sampled_ms, self._samples
        doubted = [one for at_ms, one in zip(times, marks, strict=True) if at_ms >= since_ms]
        if not min(doubted) * (1 - limits.jump_ceiling) <= mark <= max(doubted) * (1 + limits.jump_ceiling):
            return ()
        more_ms = max(log_ms - self.log_ms, 0)
        return tuple(
            Doubt(reason, min(lasted_ms + more_ms, limits.delay_ms), messages)
            for reason, lasted_ms, messages in self._doubts
        )

    def _turn(self, log_ms: int) -> None:
        """Measure anew where a second is over, and close the minute that is."""
        if self._samples and log_ms // SECOND_MS != self._sampled_ms[-1] // SECOND_MS:
            oldest = (log_ms - HORIZON_MS) // SECOND_MS
            while self._sampled_ms[0] // SECOND_MS < oldest:
                self._sampled_ms.popleft(), self._samples.popleft(), self._bases.popleft()
            self._oldest_ms = self._sampled_ms[0]
            self._reference = _median(self._samples)
            self._basis = _median([basis for basis in self._bases if basis is not None])
            begin = self._begin
            if begin is not None and begin.number != log_ms // BLOCK_MS:
                self._turn_block(begin, log_ms // BLOCK_MS)

    def _turn_block(self, begin: Block, number: int) -> None:
        variance = self._squares / self._seconds if self._seconds else None
        blocks = self._blocks
        blocks.append(begin._replace(variance=variance))
        while blocks and blocks[0].number < number - BLOCKS:
            blocks.popleft()
        self._begin, self._squares, self._seconds = None, 0.0, 0.0
        known = [block.variance for block in blocks if block.variance is not None]
        variance = _median(known) if len(known) >= FEWEST_BLOCKS else None
        self._sigma = None if variance is None else sqrt(variance)
        self._level = _median([block.mark_price for block in blocks])

    def _is_gap(self, mark: float, level: float) -> bool:
        """Return whether nothing lies between mark and level: beyond the fourth root of their ratio from either."""
        root = sqrt(sqrt(mark / level))
        near, far = sorted((level * root, mark / root))
        marks = [block.mark_price for block in self._blocks] + list(self._samples)
        return not any(near < one < far for one in marks)

    def _index_moved(self, index: float | None, since_ms: int) -> float | None:
        """Return by how much of itself the index has moved since the minute that held a time."""
        before = [block.index_price for block in self._blocks if block.number <= since_ms // BLOCK_MS]
        if index is None or not before or before[-1] is None:
            return None
        return abs(index / before[-1] - 1)


def _median(values: Collection[float]) -> float | None:
    """Return the middle one, of an even number the lower middle one: no arithmetic, no rounding."""
    return sorted(values)[(len(values) - 1) // 2] if values else None
