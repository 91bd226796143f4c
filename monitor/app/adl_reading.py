"""Reading the ADL queue: every process reads what all shards publish of their holders, whole, into one queue.

Reading and handing over live here. The queue belongs to the kernel thread: nothing else looks into it, so that a step
sees it unchanged from its beginning to its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from monitor.app.adl_publishing import STANDING_KEY
from monitor.app.kernel_thread import KernelThread
from monitor.app.observing import Observer
from monitor.app.outage import RETRY_SECONDS, outlast
from monitor.app.ports import LogReader, Record, TopicPartition
from monitor.core.adl.candidates import key_of
from monitor.core.adl.digest import Digest, Standing
from monitor.core.adl.queue import AdlQueue

log = logging.getLogger(__name__)

_POLL_MS = 100
_RECORDS_AT_ONCE = 500


class AdlReader:
    """Read the topic of the queue for ever, from its beginning."""

    def __init__(
        self, topic: str, shards: int, reader: LogReader, on_kernel_thread: KernelThread, observer: Observer
    ) -> None:
        self.queue = AdlQueue()
        self._topic = topic
        self._shards = shards
        self._reader = reader
        self._on_kernel_thread = on_kernel_thread
        self._observer = observer
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self.caught_up = asyncio.Event()
        """What stood in the topic at the start has been read: whoever ranks now knows what was published before."""

    async def run(self) -> None:
        """Read for ever. A log that is away is waited out; one that refuses us for good ends the task."""
        await outlast("the ADL queue", self._reader, self._observer, self._follow, self._forget)

    async def _follow(self) -> None:
        await self._find_positions()
        self._reader.assign(self._positions)
        while True:
            await self._read()

    async def _forget(self, _: TopicPartition) -> None:
        """Begin anew: what one partition has lost may be of anybody."""
        self._positions = {}

    async def _find_positions(self) -> None:
        """Begin where we were; at the beginning, with an empty queue, where that is not known."""
        if self._positions:
            return
        while await self._reader.partition_count(self._topic) < self._shards:
            log.warning("%s does not exist: nobody is ranked; `liqmon topics create` makes it", self._topic)
            await asyncio.sleep(RETRY_SECONDS)
        await self._on_kernel_thread(self.queue.clear)
        wanted = [TopicPartition(self._topic, shard) for shard in range(self._shards)]
        self._ends = await self._reader.end_offsets(wanted)
        self._positions = await self._reader.beginning_offsets(wanted)

    async def _read(self) -> None:
        records = await self._reader.poll(_RECORDS_AT_ONCE, _POLL_MS)
        if records:
            await self._on_kernel_thread(lambda: self._take(records))
        for where in self._positions:
            self._positions[where] = max(self._positions[where], self._reader.position(where))
        if not self.caught_up.is_set() and all(self._positions[where] >= end for where, end in self._ends.items()):
            self.caught_up.set()
        await asyncio.sleep(0)

    def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                self._take_one(record)
            except ValueError as fault:  # somebody else writes here, or another version: it ranks nobody
                self._observer.log_fault("ForeignRecord")
                log.warning("%s[%d] offset %d is left out: %s", *record[:3], fault)

    def _take_one(self, record: Record) -> None:
        """Take a record over. Raises ValueError, with nothing taken, for one that is not a shard's."""
        key, value = record.key or b"", record.value
        if key == STANDING_KEY:
            self.queue.stand(record.partition, None if value is None else Standing.unpack(value))
            return
        digest = None if value is None else Digest(value)
        if digest is not None:
            digest.contents(record.partition)
        self.queue.take(record.partition, *key_of(key.decode()), digest)
