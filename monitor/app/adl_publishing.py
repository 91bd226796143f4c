"""Publishing a shard's part of the ADL queue: the records that tell every other shard of its holders.

Which symbols are ranked, and what is news, is the core's; when a turn is taken and how it is committed the shard's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from monitor.app.ports import OutputRecord, TopicPartition
from monitor.app.results import StepResult
from monitor.app.topics import TopicNames
from monitor.core.adl.candidates import name_of
from monitor.core.engine import MarginEngine

STANDING_KEY = b"__shard__"
"""No symbol and side has this key: they have a `|` between them."""


class AdlPublisher:
    """Make the records of one shard, on one engine."""

    def __init__(self, shard: int, topics: TopicNames, engine: MarginEngine) -> None:
        self._shard = shard
        self._topics = topics
        self._engine = engine
        self._accounts = TopicPartition(topics.account_events, shard)

    def turn(self, positions: Mapping[TopicPartition, int], now_ms: int) -> tuple[StepResult, float]:
        """Rank what is due; return what is to be written, nothing where there is no news, and how many seconds it took.

        `positions` are those the engine stands at. For the kernel thread.
        """
        started = time.perf_counter()
        prices = {at.partition: offset for at, offset in positions.items() if at.topic == self._topics.mark_prices}
        news = self._engine.adl.turn(prices, positions.get(self._accounts, 0), now_ms)
        result = StepResult()
        if news is not None:
            for key, digest in news.digests.items():
                result.tail.append(self._record(name_of(key).encode(), None if digest is None else digest.packed))
            if news.standing is not None:
                result.tail.append(self._record(STANDING_KEY, news.standing.pack()))
            result.groups.append(result.tail)
        return result, time.perf_counter() - started

    def _record(self, key: bytes, value: bytes | None) -> OutputRecord:
        return OutputRecord(self._topics.adl_queue, self._shard, key, value)
