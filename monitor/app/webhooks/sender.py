"""The sender: stands by until the group names it, lives, and begins a new life after every fault of the log.

Of all instances one sends: the group shares out the one partition of the state topic, and the fence of the
transactional id is the proof. Whoever was overtaken learns it from its next transaction, before anything is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from monitor.app.ports import (
    LogFault,
    LogUnavailable,
    Membership,
    OutcomeUnknown,
    PositionLost,
    RecordRefused,
    WriterFenced,
)
from monitor.app.webhooks.life import QUIET_SECONDS, Life, commit_once
from monitor.app.webhooks.restoring import Tools, find_positions, restored

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_CHOSEN_SECONDS = 5.0
_SILENT_SECONDS = 30.0
"""Who stands by and was not confirmed for so long may be needed without knowing it."""
_MENDED_BY_A_NEW_LIFE = (LogUnavailable, OutcomeUnknown, PositionLost, RecordRefused, WriterFenced)


class Sender:
    """Send while the group says so; any thread may ask `why_not_ready`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._life: Life | None = None
        self._waiting = "the group has not answered yet"
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()

    def why_not_ready(self) -> list[str]:
        """Return what keeps alarms from being told, empty when nothing does; who stands by is ready."""
        if self._life is None:
            return [self._waiting] if self._waiting else []
        silent = self._tools.clock() - self._life.heard
        return [f"the log has not been heard for {silent:.0f} s"] if silent > 2 * QUIET_SECONDS else []

    def stop(self) -> None:
        """End, once what is under way has ended, or its time has."""
        self._stopping.set()
        self._changed.set()
        if self._life is not None:
            self._life.stop()

    async def run(self) -> None:
        """Send until stopped. Raises `LogForbidden`, `CorruptRecord`, `BadState`."""
        membership = self._tools.log.membership(self._tools.sender_id, self._tools.state)
        try:
            await membership.start(self._changed.set)
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(membership.watch(), name="webhooks: membership")
                await self._serve(membership)
                watching.cancel()
        finally:
            await membership.stop()

    async def _serve(self, membership: Membership) -> None:
        def is_ours() -> bool:
            return 0 in membership.shards()

        while not self._stopping.is_set():
            await self._stand_by(membership, is_ours)
            if self._stopping.is_set():
                return
            life = asyncio.create_task(self._live_once(), name="webhooks: life")
            lost = asyncio.create_task(self._not_ours(is_ours), name="webhooks: lost")
            try:
                await asyncio.wait({life, lost}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (life, lost):
                    task.cancel()
                await asyncio.wait({life, lost})
            if not life.cancelled():
                life.result()

    async def _live_once(self) -> None:
        tools = self._tools
        self._waiting = "the state is being read"
        try:
            await self._live()
        except* _MENDED_BY_A_NEW_LIFE as group:
            fault = _first(group)
            tools.observer.log_fault(type(fault).__name__)
            self._waiting = f"{type(fault).__name__}: {fault}"
            log.warning("everything is read from the log again: %s", self._waiting)
        finally:
            self._life = None
            tools.observer.active(is_active=False)
        if not self._stopping.is_set():
            await asyncio.sleep(RETRY_SECONDS)

    async def _live(self) -> None:
        tools = self._tools
        writer, reader = tools.log.writer(tools.writer_id), tools.log.reader()
        try:
            await reader.start()
            await writer.fence()
            board = await restored(tools, reader)
            await find_positions(tools, reader, board)
            self._life = Life(tools, reader, writer, board)
            if self._stopping.is_set():
                return
            waiting = sum(len(queue.waiting()) for queue in board.queues.values())
            log.info("sending to %d targets; %d messages wait", len(board.queues), waiting)
            tools.observer.active(is_active=True)
            await self._life.run()
        finally:
            await reader.stop()
            await writer.close()

    async def _stand_by(self, membership: Membership, is_ours: Callable[[], bool]) -> None:
        """Wait until the group names us, or for the end; ready while the group knows us."""
        started, is_told = self._tools.clock(), False
        while not is_ours() and not self._stopping.is_set():
            silent = membership.confirmed_ms() / 1000
            is_known = silent < min(_SILENT_SECONDS, self._tools.clock() - started)
            self._waiting = "" if is_known else f"the group has not been heard for {silent:.0f} s"
            if is_known and not is_told and self._tools.clock() - started > _CHOSEN_SECONDS:
                log.info("standing by: another instance sends")
                is_told = True
            self._changed.clear()
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _not_ours(self, is_ours: Callable[[], bool]) -> None:
        while is_ours():
            self._changed.clear()
            await self._changed.wait()


async def enable(tools: Tools, target: str) -> bool:
    """Send to a target again that wanted no more; return False where it never said so. Raises `LogFault`.

    Whoever sends is fenced off by this, reads the log again, and finds it so.
    """
    writer, reader = tools.log.writer(tools.writer_id), tools.log.reader()
    try:
        await reader.start()
        await writer.fence()
        board = await restored(tools, reader)
        if not board.queues[target].is_gone:
            return False
        board.queues[target].enable()
        await commit_once(tools, writer, board)
    finally:
        await reader.stop()
        await writer.close()
    return True


def _first(group: BaseExceptionGroup[LogFault]) -> BaseException:
    one: BaseException = group
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    return one
