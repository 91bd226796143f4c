"""The outlet: messages written by an idempotent producer, in order; what feeds write goes out here.

A producer that has failed is replaced with the next attempt: what it had in flight may then be written twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import errors

from monitor.adapters.kafka.batches import BatchTooLarge, acknowledged, retire, send_batches
from monitor.adapters.kafka.clients import Clients
from monitor.adapters.kafka.faults import CLIENT_FAILURES, fault_of
from monitor.adapters.kafka.sender import TrackedSender
from monitor.app.ports import LogUnavailable, OutputRecord, RecordRefused, RecordTooLarge
from monitor.app.venue_feed.ports import NativeMessage
from monitor.core.partitioning import partition_of

_DOING = "writing"


class KafkaOutlet:
    """Write messages; a key's partition is the one the Java client gives it."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._producer: Any = None

    async def write(self, messages: Sequence[NativeMessage]) -> None:
        """Write all messages and wait until every replica in sync has them; see the port for what is raised."""
        try:
            async with asyncio.timeout(self._clients.request_seconds):
                producer = await self._started()
                records = [await self._placed(producer, message) for message in messages]
                sent = await send_batches(producer, records, self._clients.one_by_one)
                await acknowledged(sent, self._clients.one_by_one)
        except RecordTooLarge:
            raise
        except (RecordRefused, LogUnavailable):
            await self.close()
            raise
        except BatchTooLarge as fault:
            await self.close()
            raise LogUnavailable(str(fault)) from fault
        except TimeoutError as fault:
            await self.close()
            raise LogUnavailable(f"{_DOING}: no answer within {self._clients.request_seconds:g} s") from fault
        except (*CLIENT_FAILURES, AssertionError) as fault:  # the client asserts what a broker should have answered
            await self.close()
            raise fault_of(fault, _DOING) from fault
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        """Let the producer go; it is stopped in the background, within bounds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            self._clients.in_background(retire(producer, abort=False))

    async def _started(self) -> Any:
        if self._producer is None:
            producer = self._clients.idempotent_producer()
            TrackedSender.install(producer)
            await self._clients.open(producer, "connecting to write")
            self._producer = producer
        return self._producer

    async def _placed(self, producer: Any, message: NativeMessage) -> OutputRecord:
        try:
            partitions = await producer.partitions_for(message.topic)
        except errors.UnknownTopicOrPartitionError as fault:
            raise LogUnavailable(f"{message.topic} does not exist; `liqmon topics create` makes it") from fault
        return OutputRecord(message.topic, partition_of(message.key, len(partitions)), message.key, message.value)
