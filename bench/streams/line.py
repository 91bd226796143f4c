"""The line to a stream engine: a topic of one partition to it and one back, used from code that is not asynchronous.

Its event loop only runs inside the calls, so that nothing of it is in anybody's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

KEY: Final = b"0"
"""The key of every record: that of the partition, which all its accounts share."""
PATIENCE_MS: Final = 600_000
"""Calls may be minutes apart, and no request fails by that."""
_LARGEST_BYTES: Final = 900_000
_POLL_SECONDS: Final = 1.0


class Ends(NamedTuple):
    """Hold where a line runs: over which Kafka, to an engine by `source` and back by `target`."""

    bootstrap: str
    source: str
    target: str


class Line:
    """Hold a line, whose topics are created; it is closed with the stack."""

    def __init__(self, ends: Ends, stack: ExitStack) -> None:
        self._ends = ends
        self._runner = stack.enter_context(asyncio.Runner())
        self._producer: Any = None
        self._consumer: Any = None
        stack.callback(lambda: self._runner.run(self._close()))
        self._runner.run(self._open())

    def send(self, records: Iterable[bytes]) -> None:
        """Send records; return when all are written."""
        self._runner.run(self._send(records))

    def next(self, seconds: float, is_over: Callable[[], bool]) -> bytes | None:
        """Return the next record of the engine, None when that many seconds are gone or it is over with the engine."""
        found: bytes | None = self._runner.run(self._next(seconds, is_over))
        return found

    async def _open(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._ends.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, 1, 1) for name in (self._ends.source, self._ends.target)])
        finally:
            await admin.close()
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._ends.bootstrap, request_timeout_ms=PATIENCE_MS, max_batch_size=_LARGEST_BYTES
        )
        await self._producer.start()
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._ends.bootstrap, request_timeout_ms=PATIENCE_MS, enable_auto_commit=False
        )
        await self._consumer.start()
        partition = TopicPartition(self._ends.target, 0)
        self._consumer.assign([partition])
        self._consumer.seek(partition, 0)

    async def _close(self) -> None:
        for client in (self._producer, self._consumer):
            if client is not None:
                await client.stop()

    async def _send(self, records: Iterable[bytes]) -> None:
        sent, batch = [], self._producer.create_batch()
        for record in records:
            if batch.append(key=KEY, value=record, timestamp=None) is None:
                sent.append(await self._producer.send_batch(batch, self._ends.source, partition=0))
                batch = self._producer.create_batch()
                batch.append(key=KEY, value=record, timestamp=None)
        sent.append(await self._producer.send_batch(batch, self._ends.source, partition=0))
        await asyncio.gather(*sent)

    async def _next(self, seconds: float, is_over: Callable[[], bool]) -> bytes | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline and not is_over():
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    return bytes((await self._consumer.getone()).value)
            except TimeoutError:
                continue
        return None
