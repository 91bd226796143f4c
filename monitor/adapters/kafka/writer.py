"""Transactions under one transactional id: one producer, one epoch; what is to be told is decided elsewhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, groupby
from typing import Any

from aiokafka import TopicPartition as ClientPartition
from aiokafka import errors

from monitor.adapters.kafka.clients import STOP_SECONDS, Clients, finish
from monitor.adapters.kafka.faults import fault_of, text_of
from monitor.adapters.kafka.sender import TrackedSender
from monitor.app.ports import (
    LogFault,
    LogForbidden,
    OutcomeUnknown,
    OutputRecord,
    RecordRefused,
    RecordTooLarge,
    TopicPartition,
    WriterFenced,
)

_ABORT_SECONDS = 1.0
_FENCED = (errors.ProducerFenced, errors.InvalidProducerEpoch)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)
_REFUSED = (
    errors.CorruptRecordException,
    errors.InvalidTimestampError,
    errors.InvalidTopicError,
    errors.PolicyViolationError,
    errors.UnknownError,  # also every code the client does not know, like INVALID_RECORD: no key on a compacted topic
    errors.UnknownTopicOrPartitionError,
    errors.UnsupportedForMessageFormatError,
)


class KafkaWriter:
    """Write transactions; lives from `fence` to its first failure."""

    def __init__(self, clients: Clients, transactional_id: str, group_id: str) -> None:
        self._clients = clients
        self._id = transactional_id
        self._group_id = group_id
        self._producer: Any = None
        self._usable = False
        self._abortable = False

    async def fence(self) -> None:
        """Start a producer of a new epoch; the broker resolves what older ones left open before it answers."""
        assert self._producer is None, "one writer object fences once"
        producer = self._clients.producer(self._id)
        TrackedSender.install(producer)
        await self._clients.open(producer, f"fencing {self._id}")
        self._producer, self._usable = producer, True

    async def write(
        self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Write one transaction; the object is spent unless this returns."""
        assert self._usable, "a writer writes after fence() and until its first fault"
        self._usable = False
        try:
            async with asyncio.timeout(self._clients.settings.transaction_timeout_ms / 1000):
                await self._send(records, consumed or {})
        except Exception as error:  # the client asserts and raises of many kinds
            raise self._fault_before_commit(error) from error
        self._abortable = False
        try:
            async with asyncio.timeout(self._clients.request_seconds):
                await self._producer.commit_transaction()
        except Exception as error:  # whatever it was, the commit may have been on its way
            raise self._fault_of_commit(error) from error
        self._usable = True

    async def close(self) -> None:
        """Let the producer go; it is stopped in the background, within bounds."""
        self._usable = False
        producer, self._producer = self._producer, None
        if producer is not None:
            self._clients.in_background(_retire(producer, abort=self._abortable))

    async def _send(self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int]) -> None:
        await self._producer.begin_transaction()
        self._abortable = True
        self._producer._txn_manager.wait_for_transaction_end().add_done_callback(_look_at)  # noqa: SLF001 - see _look_at
        sent = await _send_batches(self._producer, records, self._clients.one_by_one)
        if consumed:
            offsets = {ClientPartition(*where): offset for where, offset in consumed.items()}
            await self._producer.send_offsets_to_transaction(offsets, self._group_id)
        await asyncio.gather(*(self._acknowledged(*each) for each in sent))

    async def _acknowledged(self, batch: asyncio.Future[Any], records: Sequence[OutputRecord]) -> None:
        """Wait for a batch. Where its topic takes none so large, the records of the topic go one by one from now on."""
        try:
            await batch
        except _TOO_LARGE as error:
            topic, *_ = largest = max(records, key=_size)
            if len(records) == 1:
                raise RecordTooLarge(largest, f"a record of {_size(largest)} bytes is too large for {topic}") from error
            self._clients.one_by_one.add(topic)
            raise RecordRefused(f"a batch of {len(records)} records is too large for {topic}") from error

    def _fault_before_commit(self, error: Exception) -> LogFault:
        doing = f"writing as {self._id}"
        if isinstance(error, RecordRefused):
            return error
        if isinstance(error, _FENCED):
            self._abortable = False
            return WriterFenced(f"{doing}: {text_of(error)}")
        if isinstance(error, _REFUSED):
            return RecordRefused(f"{doing}: {text_of(error)}")
        if isinstance(fault := fault_of(error, doing), LogForbidden):
            return fault
        return OutcomeUnknown(f"{doing}: {text_of(error)}")

    def _fault_of_commit(self, error: Exception) -> LogFault:
        doing = f"committing as {self._id}"
        if isinstance(error, _FENCED):
            return WriterFenced(f"{doing}: {text_of(error)}")
        return OutcomeUnknown(f"{doing}: {text_of(error)}")


_Sent = tuple[asyncio.Future[Any], list[OutputRecord]]


async def _send_batches(producer: Any, records: Sequence[OutputRecord], one_by_one: Collection[str]) -> list[_Sent]:
    """Hand all records over in batches, a batch of each partition in turn; return the futures of their acknowledgement.

    Every one of them must be awaited before the commit: a commit succeeds although a batch was refused. Records of the
    topics `one_by_one` get a batch each.
    """
    sent: list[_Sent] = []
    queues = [deque(group) for group in _by_partition(records)]
    while queues:
        for queue in queues:
            topic, partition = queue[0].topic, queue[0].partition
            batch, inside = _fill(producer, queue, 1 if topic in one_by_one else len(queue))
            try:
                future = await producer.send_batch(batch, topic, partition=partition)
            except AssertionError as error:
                raise RecordRefused(f"{topic}[{partition}] does not exist") from error
            future.add_done_callback(_look_at)
            sent.append((future, inside))
        queues = [queue for queue in queues if queue]
        await asyncio.sleep(0)
    return sent


def _by_partition(records: Iterable[OutputRecord]) -> list[list[OutputRecord]]:
    def where(record: OutputRecord) -> tuple[str, int]:
        return record.topic, record.partition

    return [list(group) for _, group in groupby(sorted(records, key=where), key=where)]


def _fill(producer: Any, queue: deque[OutputRecord], most: int) -> tuple[Any, list[OutputRecord]]:
    """Move as many records as fit, at most `most`, from the queue to a new batch, at least one."""
    batch = producer.create_batch()
    inside: list[OutputRecord] = []
    while queue and len(inside) < most:
        record = queue[0]
        if record.key is None and record.value is None:
            raise RecordRefused(f"a record for {record.topic} has neither key nor value")
        added = batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))
        if added is None:
            break
        inside.append(queue.popleft())
    batch.close()
    return batch, inside


def _size(record: OutputRecord) -> int:
    """Return the bytes of a record's contents; the log adds a few."""
    return len(record.key or b"") + len(record.value or b"") + sum(len(k) + len(v) for k, v in record.headers)


def _look_at(future: asyncio.Future[Any]) -> None:
    """Take note of an exception nobody may come to await: asyncio complains about those."""
    if not future.cancelled():
        future.exception()


def _fail_unsent(producer: Any) -> None:
    """Fail the batches that are not sent: `stop()` would wait for them. Nobody waits for them any more either."""
    accumulator = producer._message_accumulator  # noqa: SLF001
    batches = [*chain.from_iterable(accumulator._batches.values()), *accumulator._pending_batches]  # noqa: SLF001
    accumulator.fail_all(errors.ProducerClosed())
    for batch in batches:
        _look_at(batch.future)
        _look_at(batch._drain_waiter)  # noqa: SLF001


async def _retire(producer: Any, *, abort: bool) -> None:
    """Stop a producer in whatever state; with `abort` give up what it has open first, so that readers need not wait."""
    if abort:
        await finish(producer.abort_transaction(), _ABORT_SECONDS)
    _fail_unsent(producer)
    if not await finish(producer.stop(), STOP_SECONDS):
        await producer._sender.end(STOP_SECONDS)  # noqa: SLF001
        await finish(producer.client.close(), STOP_SECONDS)
