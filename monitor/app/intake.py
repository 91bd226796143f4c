"""The intake of a shard: reads its account events ahead, into a bounded buffer.

Reading and waiting live here; what a record says is decoded by the step that uses it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from monitor.app.observing import Observer
from monitor.app.ports import Log, LogReader, LogUnavailable, Record, TopicPartition

_POLL_MS = 200
_RETRY_SECONDS = 0.5
_BATCHES_AHEAD = 4
_OBSERVED_EVERY_SECONDS = 5.0


class Intake:
    """Read one partition from a given offset on, in a task of its own.

    The buffer belongs to this object alone: a batch read for one owner can never reach the next.
    """

    def __init__(
        self, log: Log, where: TopicPartition, most: int, on_arrival: Callable[[], None], observer: Observer
    ) -> None:
        self._log = log
        self._where = where
        self._most = most
        self._on_arrival = on_arrival
        self._observer = observer
        self._batches: asyncio.Queue[list[Record]] = asyncio.Queue(_BATCHES_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self._seen_ms: int | None = None
        self._observed_at = 0.0

    def start(self, offset: int) -> None:
        """Begin to read at `offset`."""
        self._task = asyncio.create_task(self._run(offset), name=f"intake {self._where.topic}[{self._where.partition}]")
        self._task.add_done_callback(lambda _: self._on_arrival())

    async def stop(self) -> None:
        """End reading; what is buffered is dropped."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is buffered."""
        return self._batches.empty()

    def take(self) -> list[Record]:
        """Return the next batch, empty when none is there. Raises what ended the reading, `PositionLost` for one."""
        if not self._batches.empty():
            return self._batches.get_nowait()
        if self._task is not None and self._task.done():
            self._task.result()
        return []

    async def _run(self, offset: int) -> None:
        while True:
            reader = self._log.reader()
            try:
                await reader.start()
                reader.assign({self._where: offset})
                while True:
                    offset = await self._read(reader, offset)
                    await self._observe(reader, offset)
            except LogUnavailable as fault:
                self._observer.log_fault(type(fault).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
            finally:
                await reader.stop()

    async def _observe(self, reader: LogReader, offset: int) -> None:
        now = time.monotonic()
        if now - self._observed_at >= _OBSERVED_EVERY_SECONDS:
            self._observed_at = now
            end = (await reader.end_offsets([self._where]))[self._where]
            self._observer.position(self._where, offset, end, self._seen_ms)

    async def _read(self, reader: LogReader, offset: int) -> int:
        records = await reader.poll(self._most, _POLL_MS)
        if records:
            self._seen_ms = records[-1].timestamp_ms
            await self._batches.put(records)
            self._on_arrival()
            return records[-1].offset + 1
        await asyncio.sleep(0)
        return max(offset, reader.position(self._where))
