"""Where the contract of the log is played: the same few levers over the embedded log and over a real Kafka."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as ClientPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from monitor.adapters.embedded import EmbeddedLog, WriteFault
from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import Log, OutcomeUnknown, OutputRecord, TopicPartition, TopicSpec
from tests.waiting import create


class Stage(Protocol):
    """Hold a log and do to it what the port has no words for."""

    log: Log

    async def feed(self, where: TopicPartition, values: list[bytes], timestamp_ms: int) -> None:
        """Append records as a stranger would, stamped a millisecond apart."""

    async def leave_open(self, transactional_id: str, where: TopicPartition) -> None:
        """Write a record in a transaction that nobody ends."""

    async def delete_before(self, where: TopicPartition, offset: int) -> None:
        """Drop old records."""

    async def close(self) -> None:
        """Let everything go."""


async def new_topic(stage: Stage, partitions: int = 1, settings: Mapping[str, str] | None = None) -> str:
    """Create a topic nobody else knows and return its name."""
    name = f"topic-{uuid.uuid4().hex[:12]}"
    await create(stage.log, TopicSpec(name, partitions, 1, settings or {}))
    return name


class EmbeddedStage:
    """Play on the embedded log."""

    def __init__(self) -> None:
        self.log: EmbeddedLog = EmbeddedLog(lambda: time.time_ns() // 1_000_000)

    async def feed(self, where: TopicPartition, values: list[bytes], timestamp_ms: int) -> None:
        """Append records as a stranger would."""
        for at, value in enumerate(values):
            self.log.produce(where.topic, b"key", value, where.partition, timestamp_ms=timestamp_ms + at)

    async def leave_open(self, transactional_id: str, where: TopicPartition) -> None:
        """Write a record in a transaction that nobody ends."""
        writer = self.log.writer(transactional_id)
        await writer.fence()
        self.log.faults.next_write(WriteFault.LOST_BEFORE_COMMIT, transactional_id)
        try:
            await writer.write([OutputRecord(where.topic, where.partition, b"key", b"open")])
        except OutcomeUnknown:
            return
        raise AssertionError("the order was not followed")

    async def delete_before(self, where: TopicPartition, offset: int) -> None:
        """Drop old records."""
        self.log.delete_before(where, offset)

    async def close(self) -> None:
        """Let everything go."""
        await self.log.close()


class KafkaStage:
    """Play on a real broker."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._open: list[Any] = []
        self.log: KafkaLog = KafkaLog(KafkaSettings(bootstrap_servers=bootstrap_servers))

    async def feed(self, where: TopicPartition, values: list[bytes], timestamp_ms: int) -> None:
        """Append records as a stranger would."""
        async with AIOKafkaProducer(bootstrap_servers=self._servers) as producer:
            for at, value in enumerate(values):
                await producer.send(
                    where.topic, value, key=b"key", partition=where.partition, timestamp_ms=timestamp_ms + at
                )
            await producer.flush()

    async def leave_open(self, transactional_id: str, where: TopicPartition) -> None:
        """Write a record in a transaction that nobody ends."""
        producer = AIOKafkaProducer(bootstrap_servers=self._servers, transactional_id=transactional_id)
        self._open.append(producer)
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(where.topic, b"open", key=b"key", partition=where.partition)

    async def delete_before(self, where: TopicPartition, offset: int) -> None:
        """Drop old records."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        try:
            await admin.delete_records({ClientPartition(*where): RecordsToDelete(before_offset=offset)})
        finally:
            await admin.close()

    async def close(self) -> None:
        """Let everything go."""
        for producer in self._open:
            await producer.stop()
        await self.log.close()
