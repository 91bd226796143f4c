"""The gate: every price of a partition of `mark-prices` judged in its order.

What is read and what becomes of verdicts is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from monitor.core.inputs import Origin
from monitor.core.prices import PriceUpdate
from monitor.core.quality.judging import SECOND_MS, Quality, Venue, doubts_after, judged, weighted_median
from monitor.core.quality.settings import QualitySettings, Source, limits_of
from monitor.core.quality.stream import BLOCK_MS, HORIZON_MS, NOTHING_STATED, Others, Stream

FEWEST_PEERS = 5
SETTLED_MS = 2 * HORIZON_MS + BLOCK_MS + 60_000
"""After so long, a delay included, nothing tells where reading began.

The price before may lie a horizon back; the return since counts in its minute, which counts for a horizon more.
"""
NO_SOURCES: Mapping[str, Sequence[Source]] = {}
NOBODY = Others()


class QualityChange(NamedTuple):
    """Tell that prices of a symbol are doubted for other reasons than before, or are good again."""

    symbol: str
    quality: Quality
    origin: Origin


class PartitionGate:
    """Judge the prices of one partition; `next_offset` says which message it has not seen yet."""

    def __init__(
        self,
        settings: QualitySettings,
        sources: Mapping[str, Sequence[Source]] = NO_SOURCES,
        quarantined: Collection[str] = (),
    ) -> None:
        """`quarantined`: symbols of which none but quarantined prices is to be expected where reading begins."""
        self._limits = limits_of(settings)
        self._warn = frozenset(settings.warn)
        self._source_max_age_ms = settings.source_max_age_ms
        self._sources = {name: [(one.symbol, float(one.weight)) for one in some] for name, some in sources.items()}
        self._streams: dict[str, Stream] = {}
        self._quarantined = frozenset(quarantined)
        self._settled_ms: int | None = None
        self._peers: tuple[int, float | None] = (-1, None)
        self.next_offset = 0

    def judge(
        self, updates: Iterable[PriceUpdate], origin: Origin, log_ms: int
    ) -> tuple[tuple[Quality, ...], list[QualityChange]]:
        """Return the verdict on each price of a message, and what has changed."""
        limits, streams = self._limits, self._streams
        if self._settled_ms is None:
            self._settled_ms = log_ms + SETTLED_MS
        if self._quarantined and log_ms >= self._settled_ms:
            self._quarantined = frozenset()
        special = self._sources.keys() | self._quarantined
        found: list[Quality] = []
        changes: list[QualityChange] = []
        for symbol, exact, exact_index, _, _, event_ms in updates:
            mark = float(exact)
            index = None if exact_index is None else float(exact_index)
            stream = streams.get(symbol)
            if stream is None or log_ms - stream.log_ms > HORIZON_MS:
                stated = NOTHING_STATED if stream is None else stream.stated
                stream = streams[symbol] = Stream(limits, stated)
            is_stuck = stream.unchanged_ms(mark, log_ms) >= limits.stuck_after_ms
            others = self._others(symbol, log_ms, is_stuck=is_stuck) if is_stuck or symbol in special else NOBODY
            observed = stream.observe(mark, index, event_ms, log_ms, limits, others)
            quality = judged(observed, limits)
            found.append(quality)
            if observed.is_late:
                is_news, stream.late_block = stream.late_block != log_ms // BLOCK_MS, log_ms // BLOCK_MS
                told = quality.reasons
            else:
                reasons = quality.reasons
                stream.take(observed, event_ms, doubts_after(observed, reasons, limits) if reasons else ())
                now = quality.reasons, quality.is_believed
                is_news, told, stream.stated = stream.stated != now, (*stream.stated[0], *now[0]), now
            if is_news and not self._warn.isdisjoint(told):
                changes.append(QualityChange(symbol, quality, origin))
        self.next_offset = origin.offset + 1
        return tuple(found), changes

    def _others(self, symbol: str, log_ms: int, *, is_stuck: bool) -> Others:
        peers = self._peers_moving(log_ms) if is_stuck else None
        sources, is_unsettled = self._sources.get(symbol), symbol in self._quarantined
        if sources is None:
            return Others(peers, is_unsettled=is_unsettled)
        since_ms = log_ms - self._source_max_age_ms
        known = [(name, weight, self._streams.get(name)) for name, weight in sources]
        venues = tuple(
            Venue(name, weight, one.mark if one is not None and one.log_ms >= since_ms else None)
            for name, weight, one in known
        )
        fresh = [(one.mark_price, one.weight) for one in venues if one.mark_price is not None]
        return Others(peers, venues, len(fresh), weighted_median(fresh), is_unsettled)

    def _peers_moving(self, log_ms: int) -> float | None:
        """Return which part of the symbols priced lately has moved lately; counted once a second."""
        second = log_ms // SECOND_MS
        if self._peers[0] != second:
            after_ms = log_ms - self._limits.stuck_after_ms
            live = [stream for stream in self._streams.values() if stream.log_ms > after_ms]
            moving = sum(stream.mark_since_ms > after_ms for stream in live)
            self._peers = second, moving / len(live) if len(live) > FEWEST_PEERS else None
        return self._peers[1]
