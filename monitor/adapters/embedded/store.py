"""What all parts of an embedded log share: topics, transactions, epochs, cleaning, the journal; no call here waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.adapters.embedded.faults import Faults
from monitor.adapters.embedded.journal import Change, Journal, StoredRecord
from monitor.adapters.embedded.partition import Partition
from monitor.app.ports import (
    OutputRecord,
    Record,
    RecordRefused,
    RecordTooLarge,
    TopicPartition,
    TopicSpec,
    WriterFenced,
)

DEFAULT_MAX_MESSAGE_BYTES = 1_048_588
CLEAN_EVERY_RECORDS = 10_000
HEAD_RECORDS = 5_000
"""The newest of a partition, left alone as Kafka leaves its active segment: somebody may not have read them yet."""
REWRITE_FROM_BYTES = 64 * 1024 * 1024
_RECORD_OVERHEAD_BYTES = 70
_RECORDS_PER_CHANGE = 1_000


def _stored(record: Record) -> StoredRecord:
    topic, partition, offset, timestamp_ms, key, value, headers = record
    return (topic, partition, offset, timestamp_ms, key, value, headers)


@dataclass(slots=True)
class Topic:
    """Hold one topic: as it was specified, and its partitions."""

    spec: TopicSpec
    partitions: list[Partition]
    since_cleaned: int = 0

    def setting_ms(self, name: str, default: int) -> int:
        """Return a setting in milliseconds."""
        return int(self.spec.settings.get(name, default))

    @property
    def policy(self) -> str:
        """Return `cleanup.policy`."""
        return self.spec.settings.get("cleanup.policy", "delete")


@dataclass(slots=True)
class Store:
    """Hold what is shared; `changed` is set, and replaced, whenever readers may find more than before."""

    clock: Callable[[], int]
    faults: Faults
    topics: dict[str, Topic] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    consumed: dict[str, dict[TopicPartition, int]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    journal: Journal | None = None
    on_topics_changed: list[Callable[[], None]] = field(default_factory=list)
    _rewrite_at: int = REWRITE_FROM_BYTES

    def restore(self, directory: Path) -> None:
        """Load what an earlier process kept in `directory`, and keep everything there from now on."""
        journal = Journal(directory)
        for change in journal.load():
            self._apply(change)
        self.journal = journal
        for topic in self.topics.values():
            self._clean(topic)
        self._rewrite()

    def create(self, spec: TopicSpec) -> str | None:
        """Make a topic; return what is wrong with it instead when something is."""
        if spec.name in self.topics:
            return "the topic exists"
        if spec.partitions < 1:
            return "a topic has at least one partition"
        self._change(Change(created=[(spec.name, spec.partitions, spec.replication_factor, dict(spec.settings))]))
        return None

    def delete(self, name: str) -> None:
        """Drop a topic with all it holds."""
        self._change(Change(deleted=[name]))

    def partition(self, where: TopicPartition) -> Partition | None:
        """Return a partition, None when there is no such."""
        topic = self.topics.get(where.topic)
        if topic is None or not 0 <= where.partition < len(topic.partitions):
            return None
        return topic.partitions[where.partition]

    def take_over(self, transactional_id: str) -> int:
        """Begin a new epoch: what older epochs left open is aborted."""
        self.epochs[transactional_id] = self.epochs.get(transactional_id, -1) + 1
        ends = []
        for name, topic in self.topics.items():
            for index, partition in enumerate(topic.partitions):
                if partition.open.pop(transactional_id, None) is not None:
                    ends.append((name, index, partition.end + 1))
        self._change(Change(ends=ends))
        return self.epochs[transactional_id]

    def check_epoch(self, transactional_id: str, epoch: int) -> None:
        """Raise `WriterFenced` unless `epoch` is the youngest."""
        if self.epochs.get(transactional_id) != epoch:
            raise WriterFenced(f"{transactional_id} was taken over")

    def check(self, records: Sequence[OutputRecord]) -> None:
        """Raise `RecordRefused` for the first record a broker would not take."""
        for record in records:
            if self.partition(TopicPartition(record.topic, record.partition)) is None:
                raise RecordRefused(f"{record.topic}[{record.partition}] does not exist")
            topic = self.topics[record.topic]
            if record.key is None and "compact" in topic.policy:
                raise RecordRefused(f"{record.topic} is compacted and the record has no key")
            if record.key is None and record.value is None:
                raise RecordRefused("a record needs a key or a value")
            size = _RECORD_OVERHEAD_BYTES + len(record.key or b"") + len(record.value or b"")
            size += sum(len(name) + len(text) for name, text in record.headers)
            if size > int(topic.spec.settings.get("max.message.bytes", DEFAULT_MAX_MESSAGE_BYTES)):
                raise RecordTooLarge(record, f"a record of {size} bytes is too large for {record.topic}")

    def commit(self, records: Sequence[OutputRecord], *, markers: bool, timestamp_ms: int | None = None) -> None:
        """Append records, visible at once; with `markers` each partition of theirs gets a commit marker."""
        now = self.clock()
        change = Change()
        ends: dict[TopicPartition, int] = {}
        for record in records:
            where = TopicPartition(record.topic, record.partition)
            offset = ends.get(where, self.topics[record.topic].partitions[record.partition].end)
            ends[where] = offset + 1
            stamped = now if timestamp_ms is None or self._stamps(record.topic) else timestamp_ms
            change.records.append((*where, offset, stamped, record.key, record.value, record.headers))
        change.ends = [(*where, end + markers) for where, end in ends.items()]
        self._change(change)
        for name in {record.topic for record in records}:
            self._clean_sometimes(self.topics[name], len(records))

    def leave_open(self, transactional_id: str, records: Sequence[OutputRecord]) -> None:
        """Take offsets for records that will be aborted by the next epoch of the id."""
        ends: dict[TopicPartition, int] = {}
        for record in records:
            where = TopicPartition(record.topic, record.partition)
            partition = self.topics[record.topic].partitions[record.partition]
            partition.open.setdefault(transactional_id, partition.end)
            ends[where] = ends.get(where, partition.end) + 1
        self._change(Change(ends=[(*where, end) for where, end in ends.items()]))

    def delete_before(self, where: TopicPartition, offset: int) -> None:
        """Drop the records of a partition before `offset`."""
        self._change(Change(starts=[(*where, offset)]))

    def clean(self) -> None:
        """Apply retention and compaction to every topic now, and shrink the journal when it is mostly history."""
        for topic in self.topics.values():
            self._clean(topic)
        if self.journal is not None and self.journal.size > self._rewrite_at:
            self._rewrite()

    def _stamps(self, topic: str) -> bool:
        return self.topics[topic].spec.settings.get("message.timestamp.type") == "LogAppendTime"

    def _change(self, change: Change) -> None:
        if self.journal is not None:
            self.journal.append(change)
        self._apply(change)
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def _apply(self, change: Change) -> None:
        for name, partitions, replication_factor, settings in change.created:
            spec = TopicSpec(name, partitions, replication_factor, settings)
            self.topics[name] = Topic(spec, [Partition() for _ in range(partitions)])
        for name in change.deleted:
            self.topics.pop(name, None)
        if change.created or change.deleted:
            for tell in self.on_topics_changed:
                tell()
        for stored in change.records:
            self.topics[stored[0]].partitions[stored[1]].append(Record(*stored))
        for name, index, end in change.ends:
            self.topics[name].partitions[index].end = end
        for name, index, start in change.starts:
            self.topics[name].partitions[index].delete_before(start)

    def _clean_sometimes(self, topic: Topic, added: int) -> None:
        topic.since_cleaned += added
        if topic.since_cleaned >= CLEAN_EVERY_RECORDS:
            self._clean(topic)
            if self.journal is not None and self.journal.size > self._rewrite_at:
                self._rewrite()

    def _clean(self, topic: Topic) -> None:
        topic.since_cleaned = 0
        now = self.clock()
        retention_ms = topic.setting_ms("retention.ms", -1)
        for partition in topic.partitions:
            if "delete" in topic.policy and retention_ms >= 0:
                partition.expire(now - retention_ms)
            if "compact" in topic.policy:
                partition.compact(now - topic.setting_ms("delete.retention.ms", 86_400_000), HEAD_RECORDS)

    def _rewrite(self) -> None:
        assert self.journal is not None
        self.journal.rewrite(self._image())
        self._rewrite_at = max(REWRITE_FROM_BYTES, 2 * self.journal.size)

    def _image(self) -> Iterator[Change]:
        for name, topic in self.topics.items():
            spec = topic.spec
            yield Change(created=[(name, spec.partitions, spec.replication_factor, dict(spec.settings))])
            for index, partition in enumerate(topic.partitions):
                for first in range(0, len(partition.records), _RECORDS_PER_CHANGE):
                    part = partition.records[first : first + _RECORDS_PER_CHANGE]
                    yield Change(records=[_stored(record) for record in part])
                yield Change(ends=[(name, index, partition.end)], starts=[(name, index, partition.start)])
