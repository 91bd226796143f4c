"""The embedded log as its users hold it: opens readers, writers, memberships; feeding and cleaning by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from monitor.adapters.embedded.faults import Faults
from monitor.adapters.embedded.group import EmbeddedMembership, Group
from monitor.adapters.embedded.reader import EmbeddedReader
from monitor.adapters.embedded.store import Store
from monitor.adapters.embedded.writer import EmbeddedWriter
from monitor.app.ports import Headers, OutputRecord, TopicPartition, TopicSpec, TopicState
from monitor.core.partitioning import partition_of


class EmbeddedAdmin:
    """Create and describe topics, and look at groups."""

    def __init__(self, store: Store, groups: Mapping[tuple[str, str], Group]) -> None:
        self._store = store
        self._groups = groups

    async def describe(self, names: Iterable[str]) -> dict[str, TopicState]:
        """Return the topics that exist among `names`, with the settings they were created with."""
        await asyncio.sleep(0)
        self._store.faults.check()
        specs = [self._store.topics[name].spec for name in names if name in self._store.topics]
        return {spec.name: TopicState(spec.partitions, spec.replication_factor, spec.settings) for spec in specs}

    async def create(self, specs: Iterable[TopicSpec]) -> dict[str, str]:
        """Create topics; return an error text per topic that was refused."""
        await asyncio.sleep(0)
        self._store.faults.check()
        errors = {spec.name: self._store.create(spec) for spec in specs}
        return {name: error for name, error in errors.items() if error is not None}

    async def members(self, group_id: str) -> int:
        """Return how many members a group has now."""
        await asyncio.sleep(0)
        self._store.faults.check()
        return sum(len(group.members) for (name, _), group in self._groups.items() if name == group_id)


class EmbeddedLog:
    """Keep topics in memory, and in `directory` when one is given; belongs to one event loop.

    `clock` returns milliseconds since 1970 and stamps the records. Retention and compaction follow the topics' settings
    every ten thousand records of a topic, and whenever `clean` is called. `faults` lets tests order failures.
    """

    def __init__(
        self, clock: Callable[[], int], *, faults: Faults | None = None, directory: Path | None = None
    ) -> None:
        """Open the log; raise `LogForbidden` when another process holds the directory."""
        self._store = Store(clock, faults or Faults())
        self._groups: dict[tuple[str, str], Group] = {}
        if directory is not None:
            self._store.restore(directory)

    @property
    def faults(self) -> Faults:
        """Return where failures are ordered."""
        return self._store.faults

    def reader(self) -> EmbeddedReader:
        """Return a new reader, not started."""
        return EmbeddedReader(self._store)

    def writer(self, transactional_id: str) -> EmbeddedWriter:
        """Return a new writer, not fenced."""
        return EmbeddedWriter(self._store, transactional_id)

    def membership(self, group_id: str, topic: str) -> EmbeddedMembership:
        """Return a membership in the group that shares the partitions of `topic`, not started."""
        if (group_id, topic) not in self._groups:
            self._groups[group_id, topic] = Group(self._store, topic)
        return EmbeddedMembership(self._store, self._groups[group_id, topic])

    async def admin(self) -> EmbeddedAdmin:
        """Return the admin of the log."""
        return EmbeddedAdmin(self._store, self._groups)

    async def close(self) -> None:
        """Force what is kept in a directory to the disk and let it go."""
        journal, self._store.journal = self._store.journal, None
        if journal is not None:
            journal.close()

    def create(self, spec: TopicSpec) -> None:
        """Make a topic; raise `ValueError` when that is refused."""
        if (error := self._store.create(spec)) is not None:
            raise ValueError(f"{spec.name}: {error}")

    def delete_topic(self, name: str) -> None:
        """Drop a topic with all it holds."""
        self._store.delete(name)

    def produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        *,
        headers: Headers = (),
        timestamp_ms: int | None = None,
    ) -> TopicPartition:
        """Append one record outside any transaction and return where; the key chooses the partition as in Java.

        A record without a key goes to partition 0. `timestamp_ms` (default: the clock) is overruled by LogAppendTime.
        Raises `RecordRefused`.
        """
        if partition is None:
            found = self._store.topics.get(topic)
            partition = partition_of(key, len(found.partitions)) if found and key is not None else 0
        record = OutputRecord(topic, partition, key, value, headers)
        self._store.check([record])
        self._store.commit([record], markers=False, timestamp_ms=timestamp_ms)
        return TopicPartition(topic, partition)

    def consumed(self, transactional_id: str) -> dict[TopicPartition, int]:
        """Return the consumed offsets the transactions of an id have stated."""
        return dict(self._store.consumed.get(transactional_id, {}))

    def delete_before(self, where: TopicPartition, offset: int) -> None:
        """Drop the records of a partition before `offset`, as retention would."""
        self._store.delete_before(where, offset)

    def compact(self, where: TopicPartition, tombstones_before_ms: int | None = None) -> None:
        """Compact a partition now, whatever its settings; tombstones go when older than given."""
        partition = self._store.partition(where)
        assert partition is not None, where
        partition.compact(tombstones_before_ms)

    def clean(self) -> None:
        """Apply the retention and compaction of every topic's settings now."""
        self._store.clean()
