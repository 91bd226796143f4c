"""Ports of the application: what it needs from a message log, and the faults such a log may report.

Only shapes and promises live here. How a log keeps them (Kafka, memory) is the adapters' business; what is done with
the records is the business of the rooms beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Headers = tuple[tuple[str, bytes], ...]


class TopicPartition(NamedTuple):
    """Name one partition of one topic."""

    topic: str
    partition: int


class Record(NamedTuple):
    """Hold one committed record as it was read; `timestamp_ms` is the log's own."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class OutputRecord(NamedTuple):
    """Hold one record to be written; a `value` of None is a tombstone."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class LogFault(Exception):
    """Report that the log did not do what was asked; the subclass says what is known about it."""


class LogUnavailable(LogFault):
    """The log did not answer in time or refused for now: nothing was done, try again later."""


class LogForbidden(LogFault):
    """The log refuses us for good: wrong credentials, certificate or authorisation."""


class PositionLost(LogFault):
    """A reader's position is no longer in the log: retention passed it, or the topic was made anew."""

    def __init__(self, where: TopicPartition, position: int) -> None:
        super().__init__(f"{where.topic}[{where.partition}] has no offset {position}")
        self.where = where
        self.position = position


class CorruptRecord(LogFault):
    """A stored batch fails its checksum: reading cannot pass it."""

    def __init__(self, where: TopicPartition, position: int) -> None:
        super().__init__(f"{where.topic}[{where.partition}] is corrupt at offset {position}")
        self.where = where
        self.position = position


class WriterFenced(LogFault):
    """A younger writer with our transactional id exists, or the log timed our transaction out: we write no more."""


class OutcomeUnknown(LogFault):
    """A transaction may or may not have been committed; only the log can tell."""


class RecordRefused(LogFault):
    """The log refused a record of a transaction (too large, unknown partition …): the transaction was not committed."""


class RecordTooLarge(RecordRefused):
    """One record is larger than its topic takes: the same transaction will never be committed."""

    def __init__(self, record: OutputRecord, why: str) -> None:
        super().__init__(why)
        self.record = record


class LogReader(Protocol):
    """Read committed records of assigned partitions, in order, from positions that are always explicit.

    Every call ends within the log's own request timeout; faults are `LogUnavailable`, `LogForbidden`, `PositionLost`,
    `CorruptRecord`.
    """

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect; never raises a `LogFault`."""

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions a topic has now (0 when it does not exist)."""

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """Replace what is read: these partitions, each from the given next offset."""

    def position(self, where: TopicPartition) -> int:
        """Return the offset after the last record returned by `poll` (moving past markers and aborted records)."""

    def unresolved(self, where: TopicPartition) -> int:
        """Return how many offsets wait behind an open transaction in a partition that is read, as last seen."""

    async def poll(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return up to `max_records` next records, waiting up to `timeout_ms` for the first; empty when none came."""

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the oldest offset kept, per partition."""

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset after the last committed record (the last stable offset), per partition."""

    async def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset after the last record that is written, committed or not, per partition."""

    async def offsets_at(self, partitions: Iterable[TopicPartition], timestamp_ms: int) -> dict[TopicPartition, int]:
        """Return the first offset whose timestamp is not before `timestamp_ms`; the end offset where there is none."""


class ShardWriter(Protocol):
    """Write transactions under one transactional id; one object lives for one epoch."""

    async def fence(self) -> None:
        """Take the transactional id over: older writers are locked out, what they left open is resolved.

        After it returns, `end_offsets` of the partitions they wrote to cover all they ever committed.
        Raises `LogUnavailable`, `LogForbidden`.
        """

    async def write(
        self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Write all records, and the consumed offsets for lag tools, in one transaction; return once it is committed.

        Raises `RecordRefused` (nothing of it was committed; `RecordTooLarge` names the record), `WriterFenced` (the id
        is not ours any more; whether this transaction still went through, the log tells whoever takes over),
        `LogForbidden` (not committed) or `OutcomeUnknown`; after any of them, or a cancellation, the object is spent.
        """

    async def close(self) -> None:
        """Let the object go without waiting for the log longer than a moment; never raises a `LogFault`."""


class Membership(Protocol):
    """Tell which shards this instance owns, among all instances of the group.

    `shards()` is the latest assignment; a revocation that is followed by an assignment naming the shard again is not
    seen. Ownership is only a hint: the fence of `ShardWriter` is the proof.
    """

    async def start(self, on_change: Callable[[], None]) -> None:
        """Join the group; `on_change` is called in the event loop after every change of `shards()`."""

    async def stop(self) -> None:
        """Leave the group, so that others take over at once; never raises a `LogFault`."""

    async def watch(self) -> None:
        """Wait until cancelled; raise what ended the membership for good: `LogForbidden`, or a bug.

        A log that is away ends nothing: the membership goes on trying.
        """

    def shards(self) -> frozenset[int]:
        """Return the shards assigned to this instance now."""

    def keep_warm(self, shards: frozenset[int]) -> None:
        """State which shards a standby keeps here: the next time shards are shared out they are given to us sooner."""

    def confirmed_ms(self) -> int:
        """Return the milliseconds since the group last confirmed this membership."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """Describe a topic as it should be: its partitions, replication and settings."""

    name: str
    partitions: int
    replication_factor: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicState:
    """Describe a topic as it is."""

    partitions: int
    replication_factor: int
    settings: Mapping[str, str]


class TopicAdmin(Protocol):
    """Create and describe topics, and look at groups."""

    async def describe(self, names: Iterable[str]) -> dict[str, TopicState]:
        """Return the topics that exist among `names`."""

    async def create(self, specs: Iterable[TopicSpec]) -> dict[str, str]:
        """Create topics; return an error text per topic that was refused."""

    async def members(self, group_id: str) -> int:
        """Return how many members a group has now, 0 for a group nobody knows."""


class Log(Protocol):
    """Open everything the application needs from one message log."""

    def reader(self) -> LogReader:
        """Return a new reader, not started."""

    def writer(self, transactional_id: str) -> ShardWriter:
        """Return a new writer, not fenced."""

    def membership(self, group_id: str, topic: str) -> Membership:
        """Return a membership in the group that shares the partitions of `topic`, not started."""

    async def admin(self) -> TopicAdmin:
        """Return the admin of the log."""

    async def close(self) -> None:
        """Release what the log itself holds."""
