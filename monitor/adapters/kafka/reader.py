"""Reading committed records from explicit positions through a consumer without a group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError, UnsupportedCodecError

from monitor.adapters.kafka.clients import Clients
from monitor.adapters.kafka.faults import CLIENT_FAILURES, bounded, fault_of
from monitor.app.ports import CorruptRecord, LogUnavailable, PositionLost, Record, TopicPartition

_CAREFUL_RECORDS = 2_000
_CAREFUL_POLL_MS = 300
_UNCOMMITTED = 0
_new = tuple.__new__
"""Makes a named tuple in half of the time that its own constructor takes: once for every record that is read."""
_UNREADABLE = (CorruptRecordException, UnsupportedCodecError)


class _Unreadable(Exception):
    """The client cannot unpack a batch; its position, and what it took in the same call, cannot be trusted."""


class KafkaReader:
    """Read committed records; the positions kept here are the truth, the client's follow them.

    When the client cannot unpack a batch it loses what it had taken from others in the same call. So after such a
    failure every partition is wound back and records are taken one by one, until the batch itself is reached.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._consumer: Any = None
        self._wanted = False
        self._positions: dict[TopicPartition, int] = {}
        self._careful = 0

    async def start(self) -> None:
        """Connect."""
        self._wanted = True
        await self._connect()

    async def stop(self) -> None:
        """Disconnect."""
        self._wanted = False
        await self._disconnect()

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions a topic has; asking for all topics keeps brokers from creating this one."""
        async with bounded(self._clients.request_seconds, "asking for topics"):
            cluster = await self._client()._client.fetch_all_metadata()  # noqa: SLF001 - the public call drops the partitions
        return len(cluster.partitions_for_topic(topic) or ())

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """Replace what is read, and from where."""
        self._positions = {TopicPartition(*where): position for where, position in positions.items()}
        self._careful = 0
        if self._consumer is not None:
            self._follow()

    def position(self, where: TopicPartition) -> int:
        """Return the offset after the last record returned."""
        return self._positions[where]

    def unresolved(self, where: TopicPartition) -> int:
        """Return how many offsets wait behind an open transaction, as of the last fetch."""
        at = ClientPartition(*where)
        if self._consumer is None or where not in self._positions:
            return 0
        high, stable = self._consumer.highwater(at), self._consumer.last_stable_offset(at)
        return max(0, high - stable) if high is not None and stable is not None else 0

    async def poll(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return the next records, waiting for the first."""
        await asyncio.sleep(0)
        if not self._positions:
            await asyncio.sleep(timeout_ms / 1000)
            return []
        await self._reconnect()
        if self._careful > 0:
            return await self._poll_one_by_one(max_records, timeout_ms)
        try:
            return await self._take((), max_records, timeout_ms)
        except _Unreadable:
            self._careful = _CAREFUL_RECORDS
            self._follow()
            return []

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the oldest offset kept, per partition."""
        wanted = [ClientPartition(*where) for where in partitions]
        async with bounded(self._clients.request_seconds, "asking for beginnings"):
            found = await self._client().beginning_offsets(wanted)
        return {TopicPartition(*where): offset for where, offset in found.items()}

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the last stable offset, per partition."""
        wanted = [ClientPartition(*where) for where in partitions]
        async with bounded(self._clients.request_seconds, "asking for ends"):
            found = await self._client().end_offsets(wanted)
        return {TopicPartition(*where): offset for where, offset in found.items()}

    async def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the high watermark, per partition."""
        wanted = [ClientPartition(*where) for where in partitions]
        fetcher = copy(self._client()._fetcher)  # noqa: SLF001 - the public call asks as the consumer reads: committed
        fetcher._isolation_level = _UNCOMMITTED  # noqa: SLF001
        async with bounded(self._clients.request_seconds, "asking for what is written"):
            found = await fetcher.end_offsets(wanted, self._clients.settings.request_timeout_ms)
        return {TopicPartition(*where): offset for where, offset in found.items()}

    async def offsets_at(self, partitions: Iterable[TopicPartition], timestamp_ms: int) -> dict[TopicPartition, int]:
        """Return the first offset not before a time; the end is asked for first, or what comes now would be missed."""
        wanted = list(partitions)
        ends = await self.end_offsets(wanted)
        async with bounded(self._clients.request_seconds, "asking for offsets by time"):
            found = await self._client().offsets_for_times(
                {ClientPartition(*where): max(0, timestamp_ms) for where in wanted}
            )
        first = {TopicPartition(*where): at.offset for where, at in found.items() if at is not None}
        return {where: first.get(where, end) for where, end in ends.items()}

    async def _connect(self) -> None:
        consumer = self._clients.consumer()
        await self._clients.open(consumer, "connecting a reader")
        self._consumer = consumer
        self._follow()

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await self._clients.discard(consumer)

    async def _reconnect(self) -> None:
        """Replace a consumer whose fetching task has died: it would only ever return nothing."""
        assert self._wanted, "a reader reads between start() and stop()"
        if self._consumer is not None and self._consumer._fetcher.error_future.done():  # noqa: SLF001
            await self._disconnect()
        if self._consumer is None:
            await self._connect()

    def _client(self) -> Any:
        if self._consumer is None:
            raise LogUnavailable("the reader is not connected")
        return self._consumer

    def _follow(self) -> None:
        if not self._positions:
            self._consumer.unsubscribe()
            return
        self._consumer.assign([ClientPartition(*where) for where in self._positions])
        for where, position in self._positions.items():
            self._consumer.seek(ClientPartition(*where), position)

    async def _poll_one_by_one(self, max_records: int, timeout_ms: int) -> list[Record]:
        found: list[Record] = []
        patience_ms = max(_CAREFUL_POLL_MS, timeout_ms // len(self._positions))
        for where in list(self._positions):
            try:
                while len(found) < max_records and (more := await self._take([where], 1, patience_ms)):
                    found += more
            except _Unreadable as error:
                if not found:
                    raise CorruptRecord(where, self._positions[where]) from error
                break
        self._careful = max(0, self._careful - len(found))
        return found

    async def _take(self, partitions: Iterable[TopicPartition], max_records: int, timeout_ms: int) -> list[Record]:
        asked = [ClientPartition(*where) for where in partitions]
        try:
            async with asyncio.timeout(timeout_ms / 1000 + self._clients.request_seconds):
                batches = await self._consumer.getmany(*asked, timeout_ms=timeout_ms, max_records=max_records)
                reached = {
                    where: await self._consumer.position(ClientPartition(*where)) for where in tuple(self._positions)
                }
        except TimeoutError as error:
            raise LogUnavailable("reading: the client does not answer") from error
        except OffsetOutOfRangeError as error:
            where, position = next(iter(error.args[0].items()))
            raise PositionLost(TopicPartition(*where), position) from error
        except _UNREADABLE as error:
            raise _Unreadable from error
        except CLIENT_FAILURES as error:
            raise fault_of(error, "reading") from error
        except Exception as error:  # unpacking foreign bytes may raise anything
            raise _Unreadable from error
        self._positions |= reached  # only now: what is not returned must be read again
        return [
            _new(Record, (topic, partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers)))
            for (topic, partition), batch in batches.items()
            for r in batch
        ]
