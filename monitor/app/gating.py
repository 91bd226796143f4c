"""Gating: the price quality gate of a process, before any shard sees a price.

Which message is in which partition, and what is counted, is known here; verdicts are the core's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

from monitor.app.observing import Observer
from monitor.app.ports import TopicPartition
from monitor.app.reading import FeedEntry
from monitor.core.inputs import Prices
from monitor.core.quality.gate import NO_SOURCES, SETTLED_MS, PartitionGate
from monitor.core.quality.settings import QualitySettings, Source

QUALITY_BYTES = 600
"""About what one verdict takes: the feed's window is bounded by bytes."""


class Gating:
    """Give every price of the feed its verdict; each message is to be shown once, in the order of its partition."""

    def __init__(
        self, settings: QualitySettings, observer: Observer, sources: Mapping[str, Sequence[Source]] = NO_SOURCES
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._observer = observer
        self._distrusted: set[str] = set()
        self._settled_ms = inf
        self._gates: dict[TopicPartition, PartitionGate] = {}
        self._quarantined: set[tuple[TopicPartition, str]] = set()

    def distrust(self, symbol: str) -> None:
        """Note, before anything is read, that prices of a symbol were quarantined for longer than is read back."""
        self._distrusted.add(symbol)

    def judged(self, entry: FeedEntry) -> FeedEntry:
        """Return an entry with the verdicts on its prices; any other as it is."""
        if not isinstance(entry.input, Prices):
            return entry
        where, prices = entry.where, entry.input
        self._settled_ms = min(self._settled_ms, prices.timestamp_ms + SETTLED_MS)
        gate = self._gates.get(where)
        if gate is None or entry.offset < gate.next_offset:  # a partition that begins again is another
            if prices.timestamp_ms >= self._settled_ms:
                self._distrusted.clear()
            gate = self._gates[where] = PartitionGate(self._settings, self._sources, self._distrusted)
        qualities, changes = gate.judge(prices.updates, prices.origin, prices.timestamp_ms)
        reasons = Counter(reason for quality in qualities for reason in quality.reasons)
        for reason, count in reasons.items():
            self._observer.doubted_prices(reason, count)
        for change in changes:
            (self._quarantined.discard if change.quality.is_believed else self._quarantined.add)((where, change.symbol))
        if changes:
            self._observer.quarantined(len(self._quarantined))
        size = entry.size + QUALITY_BYTES * len(qualities)
        return replace(entry, input=replace(prices, qualities=qualities), changes=tuple(changes), size=size)
