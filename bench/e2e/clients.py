"""Who writes to the log and who reads from it, each message with the moment it was handed over or came.

Moments are of one monotonic clock. What is written and what is made of it is elsewhere.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

BATCH_BYTES: Final = 256 * 1024
_RECORDS_AT_ONCE: Final = 2_000
_POLL_MS: Final = 200


Message = tuple[bytes, bytes]
"""The key and the value of a record."""


class Place(NamedTuple):
    """Name a message."""

    topic: str
    partition: int
    offset: int


class Handed(NamedTuple):
    """Hold that from an offset on messages were handed over at a moment, until the next."""

    offset: int
    messages: int
    at: float


class Feeder:
    """Write messages, and keep when each was handed to the producer."""

    def __init__(self, bootstrap: str) -> None:
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=16 * BATCH_BYTES,
        )
        self._handed: dict[tuple[str, int], list[Handed]] = {}
        self._waiting: list[asyncio.Task[Handed]] = []

    async def open(self) -> None:
        """Connect."""
        await self._producer.start()

    async def close(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def send(self, topic: str, partition: int, messages: Sequence[Message]) -> list[asyncio.Task[Handed]]:
        """Hand messages over, in as few batches as hold them; return what waits for where each batch came to stand."""
        tasks, rest = [], list(messages)
        while rest:
            at, batch = time.perf_counter(), self._producer.create_batch()
            taken = 0
            while taken < len(rest) and batch.append(key=rest[taken][0], value=rest[taken][1], timestamp=None):
                taken += 1
            assert taken, f"a message for {topic} is larger than a batch"
            batch.close()
            future = await self._producer.send_batch(batch, topic, partition=partition)
            tasks.append(asyncio.create_task(self._note(topic, partition, taken, at, future)))
            rest = rest[taken:]
        self._waiting = [task for task in self._waiting if not task.done()] + tasks
        return tasks

    async def settle(self) -> None:
        """Wait until everything handed over is acknowledged; raise what was refused."""
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*waiting)

    def at(self, place: Place) -> float | None:
        """Return when a message was handed over."""
        handed = self._handed.get((place.topic, place.partition), [])
        index = bisect_right(handed, place.offset, key=lambda one: one.offset) - 1
        if index < 0 or place.offset >= handed[index].offset + handed[index].messages:
            return None
        return handed[index].at

    def end(self, topic: str, partition: int) -> int:
        """Return the offset after the last acknowledged message of a partition."""
        handed = self._handed.get((topic, partition))
        return handed[-1].offset + handed[-1].messages if handed else 0

    async def _note(self, topic: str, partition: int, count: int, at: float, future: asyncio.Future[Any]) -> Handed:
        handed = Handed((await future).offset, count, at)
        self._handed.setdefault((topic, partition), []).append(handed)
        return handed


class Came(NamedTuple):
    """Hold a record and when a reader of committed records had it."""

    at: float
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


class Listener:
    """Read whole topics as a subscriber does: committed records only."""

    def __init__(self, bootstrap: str, topics: Iterable[str], partitions: int) -> None:
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="none",
            enable_auto_commit=False,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        self._places = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
        self._task: asyncio.Task[None] | None = None
        self.records: list[Came] = []

    async def open(self) -> None:
        """Begin at the beginning."""
        await self._consumer.start()
        self._consumer.assign(self._places)
        for place in self._places:
            self._consumer.seek(place, 0)
        self._task = asyncio.create_task(self._listen(), name="listener")

    async def close(self) -> None:
        """End; raise what has ended the reading before."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._consumer.stop()

    async def caught_up(self) -> None:
        """Return when everything that is committed now has been read."""
        ends = await self._consumer.end_offsets(self._places)
        for place, end in ends.items():
            while await self._consumer.position(place) < end:
                self.check()
                await asyncio.sleep(0.01)

    def check(self) -> None:
        """Raise what has ended the reading, if anything has."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _listen(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS_AT_ONCE)
            at = time.perf_counter()
            for records in found.values():
                self.records += [Came(at, r.topic, r.partition, r.key, r.value, r.timestamp) for r in records]
            await asyncio.sleep(0)
