"""The intake of a shard: reads its account events, and what other shards ask of it, ahead, into a bounded buffer.

Reading and waiting live here; what a record says is decoded by the step that uses it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from monitor.app.input_watch import InputWatch, times_of
from monitor.app.observing import Observer
from monitor.app.ports import Log, LogReader, LogUnavailable, PositionLost, Record, TopicPartition

log = logging.getLogger(__name__)

_POLL_MS = 200
_RETRY_SECONDS = 0.5
_BATCHES_AHEAD = 4
_OBSERVED_EVERY_SECONDS = 5.0


class Intake:
    """Read a shard's partitions from given offsets on, in a task of its own.

    The buffer belongs to this object alone: a batch read for one owner can never reach the next. Of the `passable`
    partitions what is lost is lost: reading goes on at the oldest record there is.
    """

    def __init__(
        self,
        log: Log,
        passable: Collection[TopicPartition],
        most: int,
        on_arrival: Callable[[], None],
        observer: Observer,
        inputs: InputWatch,
    ) -> None:
        self._log = log
        self._inputs = inputs
        self._passable = frozenset(passable)
        self._most = most
        self._on_arrival = on_arrival
        self._observer = observer
        self._batches: asyncio.Queue[list[Record]] = asyncio.Queue(_BATCHES_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._seen_ms: dict[TopicPartition, int] = {}
        self._observed_at = 0.0

    def start(self, positions: Mapping[TopicPartition, int]) -> None:
        """Begin to read at these offsets."""
        self._positions = dict(positions)
        name = ", ".join(f"{where.topic}[{where.partition}]" for where in self._positions)
        self._task = asyncio.create_task(self._run(), name=f"intake {name}")
        self._task.add_done_callback(lambda _: self._on_arrival())

    async def stop(self) -> None:
        """End reading; what is buffered is dropped."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        for where in self._positions:
            self._inputs.forget(where)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is buffered."""
        return self._batches.empty()

    def take(self) -> list[Record]:
        """Return what has come, no more than one batch beyond the most that one may hold; empty when nothing has.

        Small batches are joined: each step ends in a transaction, which takes longer than the next message takes to
        come. Raises what ended the reading, `PositionLost` for one.
        """
        found: list[Record] = []
        while len(found) < self._most and not self._batches.empty():
            found += self._batches.get_nowait()
        if found:
            return found
        if self._task is not None and self._task.done():
            self._task.result()
        return []

    async def _run(self) -> None:
        while True:
            reader = self._log.reader()
            try:
                await reader.start()
                reader.assign(self._positions)
                while True:
                    await self._read(reader)
                    await self._observe(reader)
            except LogUnavailable as fault:
                self._observer.log_fault(type(fault).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
            except PositionLost as fault:
                if fault.where not in self._passable:
                    raise
                self._observer.log_fault(type(fault).__name__)
                await self._pass_over(fault.where)
            finally:
                await reader.stop()

    async def _pass_over(self, where: TopicPartition) -> None:
        """Go on at the oldest record: retention has passed our position, or the topic was made anew."""
        reader = self._log.reader()
        try:
            await reader.start()
            begin = (await reader.beginning_offsets([where]))[where]
        except LogUnavailable as fault:
            self._observer.log_fault(type(fault).__name__)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            log.error("%s[%d] has no offset %d any more, going on at %d", *where, self._positions[where], begin)
            self._positions[where] = begin
        finally:
            await reader.stop()

    async def _observe(self, reader: LogReader) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._observed_at >= _OBSERVED_EVERY_SECONDS:
            self._observed_at = now
            for where, end in (await reader.end_offsets(self._positions)).items():
                self._observer.position(where, self._positions[where], end, self._seen_ms.get(where))

    async def _read(self, reader: LogReader) -> None:
        records = await reader.poll(self._most, _POLL_MS)
        seen_ms = times_of(records)
        self._seen_ms |= seen_ms
        for where in self._positions:
            self._inputs.note(reader, where, seen_ms.get(where))
        if records:
            await self._batches.put(records)
            self._on_arrival()
        else:
            await asyncio.sleep(0)
        for where, position in self._positions.items():
            self._positions[where] = max(position, reader.position(where))
