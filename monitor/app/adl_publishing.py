"""Publishing a shard's part of the ADL queue: when a turn is taken, and the records that tell every other shard.

Which symbols are ranked, and what is news, is the core's; how it is committed the shard's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from math import inf
from typing import Final

from monitor.app.observing import Observer
from monitor.app.ports import OutputRecord, TopicPartition
from monitor.app.results import StepResult
from monitor.app.topics import TopicNames
from monitor.core.adl.candidates import name_of
from monitor.core.engine import MarginEngine

STANDING_KEY = b"__shard__"
"""No symbol and side has this key: they have a `|` between them."""


EVERY_SECONDS: Final = 0.2
_AT_ONCE_SECONDS: Final = 0.001
"""A shorter wait is none: timers of an event loop are no finer."""
SHARE: Final = 4
"""Ranking may have one part in so many of the kernel thread's time, however many shards we have."""


class AdlPublisher:
    """Make the records of one shard, on one engine; `queue_read` is set once those of the others have been read."""

    def __init__(
        self,
        shard: int,
        shards: int,
        topics: TopicNames,
        engine: MarginEngine,
        queue_read: asyncio.Event | None,
        observer: Observer,
    ) -> None:
        self._shard = shard
        self._queue_read = queue_read
        self._shards = shards
        self._observer = observer
        self._took_seconds = 0.0
        self._due_at = 0.0
        self._topics = topics
        self._engine = engine
        self._accounts = TopicPartition(topics.account_events, shard)

    def wait_seconds(self, now: float) -> float:
        """Return how long no turn is due: for ever where there is no queue, or not all of it has been read.

        `now` is the event loop's time.
        """
        has_queue = self._queue_read is not None and self._queue_read.is_set()
        if not has_queue:
            return inf
        wait = self._due_at - now
        return wait if wait > _AT_ONCE_SECONDS else 0.0

    def rest(self, now: float) -> None:
        """Let the next turn wait, the longer the more the last one took. One that goes on is due sooner."""
        pause = self._took_seconds * (SHARE - 1) * self._shards
        self._due_at = now + (pause if self._engine.adl.is_amid_round else max(EVERY_SECONDS, pause))

    def turn(self, positions: Mapping[TopicPartition, int], now_ms: int) -> StepResult:
        """Rank what is due; return what is to be written, nothing where there is no news.

        `positions` are those the engine stands at. For the kernel thread.
        """
        started = time.thread_time()
        prices = {at.partition: offset for at, offset in positions.items() if at.topic == self._topics.mark_prices}
        news = self._engine.adl.turn(prices, positions.get(self._accounts, 0), now_ms)
        result = StepResult()
        if news is not None:
            for key, digest in news.digests.items():
                result.tail.append(self._record(name_of(key).encode(), None if digest is None else digest.packed))
            if news.standing is not None:
                result.tail.append(self._record(STANDING_KEY, news.standing.pack()))
            result.groups.append(result.tail)
        self._took_seconds = time.thread_time() - started
        self._observer.stage("rank", self._took_seconds)
        return result

    def _record(self, key: bytes, value: bytes | None) -> OutputRecord:
        return OutputRecord(self._topics.adl_queue, self._shard, key, value)
