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

from monitor.core.quality.judging import SECOND_MS, Observation, unit_near
from monitor.core.quality.settings import Limits

BLOCK_MS = 60_000
BLOCKS = 15
HORIZON_MS = BLOCK_MS * BLOCKS
FEWEST_BLOCKS = 3
"""So many minutes must have been seen for a volatility."""


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
        "_doubted",
        "_doubted_since_ms",
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
        self._doubted = self._doubted_since_ms = 0
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
        self, mark: float, index: float | None, event_ms: int, log_ms: int, limits: Limits, peers_moving: float | None
    ) -> Observation:
        """Return what is observed as a price comes. `peers_moving` counts only where the mark is stuck."""
        self._turn(log_ms)
        is_late = event_ms < self.event_ms
        ratio = mark / self._level if self._level is not None else 1.0
        is_near = not 0.2 < ratio < 5 and unit_near(ratio, limits.unit_tolerance) is not None
        unchanged_ms = self.unchanged_ms(mark, log_ms)
        is_stuck = unchanged_ms >= limits.stuck_after_ms
        is_same = index is not None and index == self._index
        goes_on = self._goes_on(mark, limits)
        return Observation(
            mark,
            index,
            log_ms,
            is_late,
            self._reference,
            log_ms - self._oldest_ms if self._reference is not None else 0,
            self._sigma,
            self._basis,
            self._level,
            self._is_gap(ratio) if is_near else None,
            min(max(log_ms - self._index_since_ms, 0), HORIZON_MS) if is_same else 0,
            unchanged_ms,
            self._index_moved(index, log_ms - limits.stuck_after_ms) if is_stuck else None,
            peers_moving if is_stuck else None,
            min(max(log_ms - self._doubted_since_ms, 0), limits.delay_ms) if goes_on else 0,
            min(self._doubted, limits.confirmations) if goes_on else 0,
        )

    def unchanged_ms(self, mark: float, log_ms: int) -> int:
        """Return for how long the mark has stood, if this is the next one."""
        return min(max(log_ms - self.mark_since_ms, 0), HORIZON_MS) if mark == self.mark else 0

    def take(self, observed: Observation, event_ms: int, limits: Limits, *, is_doubted: bool) -> None:
        """Remember an observed price that is not late, and for how long prices have been doubted."""
        mark, index, log_ms = observed.mark_price, observed.index_price, observed.log_ms
        if is_doubted:
            if not self._goes_on(mark, limits):
                self._doubted, self._doubted_since_ms = 0, log_ms
            self._doubted += 1
        else:
            self._doubted = 0
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

    def _goes_on(self, mark: float, limits: Limits) -> bool:
        """Return whether doubt that there was is about the like of this price: no step of `jump_ceiling` lies between.

        Else whoever has waited for one price to be confirmed would have waited for any other as well.
        """
        if not self._doubted:
            return False
        times, marks = self._sampled_ms, self._samples
        doubted = [one for at_ms, one in zip(times, marks, strict=True) if at_ms >= self._doubted_since_ms]
        return min(doubted) * (1 - limits.jump_ceiling) <= mark <= max(doubted) * (1 + limits.jump_ceiling)

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

    def _is_gap(self, ratio: float) -> bool:
        """Return whether no mark of the horizon lies on the way from the level to a multiple of it."""
        level = self._level
        assert level is not None, "a ratio is to a level"
        root = sqrt(sqrt(ratio))
        near, far = sorted((level * root, level * ratio / root))
        marks = [block.mark_price for block in self._blocks] + list(self._samples)
        return not any(near < mark < far for mark in marks)

    def _index_moved(self, index: float | None, since_ms: int) -> float | None:
        """Return by how much of itself the index has moved since the minute that held a time."""
        before = [block.index_price for block in self._blocks if block.number <= since_ms // BLOCK_MS]
        if index is None or not before or before[-1] is None:
            return None
        return abs(index / before[-1] - 1)


def _median(values: Collection[float]) -> float | None:
    """Return the middle one, of an even number the lower middle one: no arithmetic, no rounding."""
    return sorted(values)[(len(values) - 1) // 2] if values else None
