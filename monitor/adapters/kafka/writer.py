"""Transactions under one transactional id: one producer, one epoch; what is to be told is decided elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition as ClientPartition
from aiokafka import errors

from monitor.adapters.kafka.batches import BatchTooLarge, acknowledged, look_at, retire, send_batches
from monitor.adapters.kafka.clients import Clients
from monitor.adapters.kafka.faults import fault_of, text_of
from monitor.adapters.kafka.sender import TrackedSender
from monitor.app.ports import (
    LogFault,
    LogForbidden,
    OutcomeUnknown,
    OutputRecord,
    RecordRefused,
    TopicPartition,
    WriterFenced,
)

_FENCED = (errors.ProducerFenced, errors.InvalidProducerEpoch)
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
            self._clients.in_background(retire(producer, abort=self._abortable))

    async def _send(self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int]) -> None:
        await self._producer.begin_transaction()
        self._abortable = True
        self._producer._txn_manager.wait_for_transaction_end().add_done_callback(look_at)  # noqa: SLF001 - see look_at
        sent = await send_batches(self._producer, records, self._clients.one_by_one)
        if consumed:
            offsets = {ClientPartition(*where): offset for where, offset in consumed.items()}
            await self._producer.send_offsets_to_transaction(offsets, self._group_id)
        await acknowledged(sent, self._clients.one_by_one)

    def _fault_before_commit(self, error: Exception) -> LogFault:
        doing = f"writing as {self._id}"
        if isinstance(error, RecordRefused):
            return error
        if isinstance(error, BatchTooLarge):
            return RecordRefused(str(error))
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
