"""The reader of the embedded log: positions of one reader over the shared store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from monitor.adapters.embedded.partition import Partition
from monitor.adapters.embedded.store import Store
from monitor.app.ports import CorruptRecord, LogUnavailable, PositionLost, Record, TopicPartition


class EmbeddedReader:
    """Read committed records from explicit positions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._positions: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect."""
        await self._call()

    async def stop(self) -> None:
        """Disconnect."""
        self._positions = {}

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        await self._call()
        found = self._store.topics.get(topic)
        return len(found.partitions) if found else 0

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """Replace what is read, and from where."""
        self._positions = dict(positions)

    def position(self, where: TopicPartition) -> int:
        """Return the offset after the last record returned."""
        return self._positions[where]

    def unresolved(self, where: TopicPartition) -> int:
        """Return how many offsets wait behind an open transaction."""
        partition = self._store.partition(where)
        return 0 if partition is None else partition.end - partition.last_stable()

    async def poll(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return the next records, waiting for the first."""
        await self._call()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_ms / 1000
        while True:
            changed = self._store.changed
            if (found := self._take(max_records)) or loop.time() >= deadline:
                return found
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                return self._take(max_records)
            self._store.faults.check()

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the oldest offset kept, per partition."""
        await self._call()
        return {where: self._existing(where).start for where in partitions}

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the last stable offset, per partition."""
        await self._call()
        return {where: self._existing(where).last_stable() for where in partitions}

    async def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset after the last record, open transactions included, per partition."""
        await self._call()
        return {where: self._existing(where).end for where in partitions}

    async def offsets_at(self, partitions: Iterable[TopicPartition], timestamp_ms: int) -> dict[TopicPartition, int]:
        """Return the first offset not before a time, per partition."""
        await self._call()
        return {where: self._existing(where).first_at(timestamp_ms) for where in partitions}

    async def _call(self) -> None:
        await asyncio.sleep(0)
        self._store.faults.check()

    def _existing(self, where: TopicPartition) -> Partition:
        partition = self._store.partition(where)
        if partition is None:
            raise LogUnavailable(f"{where.topic}[{where.partition}] does not exist")
        return partition

    def _take(self, max_records: int) -> list[Record]:
        found: list[Record] = []
        for where in list(self._positions):
            if len(found) < max_records and (partition := self._store.partition(where)) is not None:
                found += self._take_from(where, partition, max_records - len(found), last=bool(found))
        if found:
            self._rotate(TopicPartition(found[0].topic, found[0].partition))
        return found

    def _take_from(self, where: TopicPartition, partition: Partition, limit: int, *, last: bool) -> list[Record]:
        position = self._positions[where]
        corrupt = self._store.faults.corrupt.get(where)
        if not partition.start <= position <= partition.end:
            if last:
                return []
            raise PositionLost(where, position)
        found, after = partition.read(position, limit)
        if corrupt is not None and position <= corrupt < after:
            found = [record for record in found if record.offset < corrupt]
            if not found and not last:
                raise CorruptRecord(where, position)
            after = found[-1].offset + 1 if found else position
        self._positions[where] = after
        return found

    def _rotate(self, served: TopicPartition) -> None:
        self._positions[served] = self._positions.pop(served)
