"""Which shards are ours, by membership in a consumer group; nothing is fetched and nothing committed through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from monitor.adapters.kafka.assignor import StickyAssignor
from monitor.adapters.kafka.clients import STOP_SECONDS, Clients
from monitor.adapters.kafka.faults import CLIENT_FAILURES, fault_of
from monitor.app.ports import LogUnavailable

LEAVE_SECONDS = 2.5
RETRY_SECONDS = 1.0
_POLL_MS = 200
_NEVER_MS = 2**31 - 1
_PLACEHOLDER = 0
_HARMLESS = (NoOffsetForPartitionError, OffsetOutOfRangeError)

_log = structlog.get_logger(__name__)


class KafkaMembership:
    """Keep a member in the group, through absences of the broker, until stopped."""

    def __init__(self, clients: Clients, group_id: str, topic: str) -> None:
        self._clients = clients
        self._group_id = group_id
        self._topic = topic
        self._assignor = StickyAssignor()
        self._shards: frozenset[int] = frozenset()
        self._confirmed = 0.0
        self._on_change: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[None] | None = None

    async def start(self, on_change: Callable[[], None]) -> None:
        """Begin to join; the first shards come with the first `on_change`."""
        loop = asyncio.get_running_loop()
        self._on_change, self._confirmed = on_change, loop.time()
        self._ended = loop.create_future()
        self._task = asyncio.create_task(self._keep_up(), name=f"membership of {self._group_id}")
        self._task.add_done_callback(self._note_end)

    async def stop(self) -> None:
        """Leave the group, within bounds."""
        self._on_change = lambda: None
        self._shards = frozenset()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=LEAVE_SECONDS + 2 * STOP_SECONDS)

    async def watch(self) -> None:
        """Wait until cancelled; raise what ended the membership."""
        assert self._ended is not None, "start() comes first"
        await asyncio.shield(self._ended)

    def shards(self) -> frozenset[int]:
        """Return the shards assigned to this instance."""
        return self._shards

    def keep_warm(self, shards: frozenset[int]) -> None:
        """State which shards a standby keeps here, for the next time the shards are shared out."""
        self._assignor.warm = shards

    def confirmed_ms(self) -> int:
        """Return the time since the last confirmed heartbeat or assignment; heartbeats pause while others rejoin."""
        return int((asyncio.get_running_loop().time() - self._confirmed) * 1000)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        assert self._ended is not None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._end(error)

    def _end(self, error: BaseException) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)
            self._ended.exception()

    async def _keep_up(self) -> None:
        while True:
            try:
                await self._be_member()
                _log.warning("membership_unconfirmed", group=self._group_id, for_ms=self.confirmed_ms())
            except LogUnavailable as fault:
                _log.warning("membership_away", group=self._group_id, reason=str(fault))
            await asyncio.sleep(RETRY_SECONDS)

    async def _be_member(self) -> None:
        """Join and stay; return when the group has not confirmed us for so long that a fresh start is better."""
        settings = self._clients.settings
        consumer = self._clients.consumer(
            group_id=self._group_id,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            request_timeout_ms=settings.rebalance_timeout_ms + settings.request_timeout_ms,
            max_poll_interval_ms=_NEVER_MS,
            partition_assignment_strategy=[self._assignor],
        )
        consumer.subscribe([self._topic], listener=_Listener(self, consumer))
        patience_ms = 2 * (settings.session_timeout_ms + settings.rebalance_timeout_ms)
        try:
            await self._clients.open(consumer, "joining the group", patience_ms / 1000)
            self._hear_heartbeats(consumer)
            self._confirmed = asyncio.get_running_loop().time()
            while self.confirmed_ms() < patience_ms:
                await self._poll(consumer)
        finally:
            await self._clients.discard(consumer, LEAVE_SECONDS)

    async def _poll(self, consumer: Any) -> None:
        """Keep the client believing that we consume, and learn of its errors."""
        try:
            async with asyncio.timeout(5 * _POLL_MS / 1000):
                await consumer.getmany(timeout_ms=_POLL_MS)
        except (*_HARMLESS, TimeoutError):
            await asyncio.sleep(_POLL_MS / 1000)
        except CLIENT_FAILURES as error:
            raise fault_of(error, "staying in the group") from error

    def _hear_heartbeats(self, consumer: Any) -> None:
        """Note every heartbeat the coordinator confirms; the client keeps that to itself."""
        coordinator = consumer._coordinator  # noqa: SLF001
        beat = coordinator._do_heartbeat  # noqa: SLF001
        loop = asyncio.get_running_loop()

        async def heard() -> bool:
            confirmed = bool(await beat())
            if confirmed:
                self._confirmed = loop.time()
            return confirmed

        coordinator._do_heartbeat = heard  # noqa: SLF001

    def _accept(self, shards: frozenset[int]) -> None:
        loop = asyncio.get_running_loop()
        self._confirmed = loop.time()
        if shards != self._shards:
            self._shards = shards
            _log.info("shards_assigned", group=self._group_id, shards=sorted(shards))
            loop.call_soon(self._tell)

    def _tell(self) -> None:
        try:
            self._on_change()
        except Exception as error:  # noqa: BLE001 - handed to whoever watches
            self._end(error)


class _Listener(ConsumerRebalanceListener):
    """Hand assignments over; the client swallows what is raised here, and calls both sides at every rebalance."""

    def __init__(self, membership: KafkaMembership, consumer: Any) -> None:
        self._membership = membership
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Do nothing: what is revoked is mostly given back a moment later."""

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Tell, then silence the partitions: paused alone they would still be asked for positions."""
        partitions = list(assigned)
        self._membership._accept(frozenset(where.partition for where in partitions))  # noqa: SLF001
        self._consumer.pause(*partitions)
        for where in partitions:
            self._consumer.seek(where, _PLACEHOLDER)
