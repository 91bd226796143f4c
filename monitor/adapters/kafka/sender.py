"""The sending half of aiokafka's producer, its tasks kept in sight so that they can be ended; it knows no records."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiokafka.producer.sender import Sender


class TrackedSender(Sender):
    """Remember the tasks in flight: while the broker is away they retry for ever, and stopping does not end them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_flight_tasks: set[asyncio.Task[Any]] = set()

    @classmethod
    def install(cls, producer: Any) -> None:
        """Replace the sender of a producer that is not started."""
        plain = producer._sender  # noqa: SLF001 - the producer offers no way to choose its sender
        producer._sender = cls(  # noqa: SLF001
            plain.client,
            acks=plain._acks,  # noqa: SLF001
            txn_manager=plain._txn_manager,  # noqa: SLF001
            message_accumulator=plain._message_accumulator,  # noqa: SLF001
            retry_backoff_ms=int(plain._retry_backoff * 1000),  # noqa: SLF001
            request_timeout_ms=plain._request_timeout_ms,  # noqa: SLF001
        )

    async def end(self, seconds: float) -> None:
        """Cancel everything in flight and wait for it at most `seconds`."""
        tasks = {task for task in (self.sender_task, *self._in_flight_tasks) if task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def _tracked(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        self._in_flight_tasks.add(task)
        try:
            return await work
        finally:
            self._in_flight_tasks.discard(task)

    async def _send_produce_req(self, node_id: Any, batches: Any) -> Any:
        return await self._tracked(super()._send_produce_req(node_id, batches))

    async def _do_add_partitions_to_txn(self, tps: Any) -> Any:
        return await self._tracked(super()._do_add_partitions_to_txn(tps))

    async def _do_add_offsets_to_txn(self, group_id: Any) -> Any:
        return await self._tracked(super()._do_add_offsets_to_txn(group_id))

    async def _do_txn_offset_commit(self, offsets: Any, group_id: Any) -> Any:
        return await self._tracked(super()._do_txn_offset_commit(offsets, group_id))

    async def _do_txn_commit(self, commit_result: Any) -> Any:
        return await self._tracked(super()._do_txn_commit(commit_result))
