"""The named points of a chaos run: where in its work a daemon of the test build kills or stops itself.

The switch lives here, around the log port the daemon is given; the product knows nothing of it. A point is passed once
for each time the daemon does what it names; the switch acts on the n-th passing.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from monitor.adapters.kafka import KafkaLog
from monitor.adapters.kafka.writer import KafkaWriter
from monitor.app.ports import OutputRecord, TopicPartition

AFTER_FENCE = "after-fence"
DURING_RESTORE = "during-restore"
DURING_CATCH_UP = "during-catch-up"
PRODUCED = "between-produce-and-offsets"
BEFORE_COMMIT = "before-commit"
DURING_COMMIT = "during-commit"
AFTER_COMMIT = "after-commit"
REVOCATION = "during-revocation"
LETTING_GO = "while-letting-go"
POINTS = (
    AFTER_FENCE,
    DURING_RESTORE,
    DURING_CATCH_UP,
    PRODUCED,
    BEFORE_COMMIT,
    DURING_COMMIT,
    AFTER_COMMIT,
    REVOCATION,
    LETTING_GO,
)
ACTIONS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
MARK = "chaos point"
"""How the line begins by which the harness learns that a point was reached."""


class Switch:
    """Act on the n-th passing of one point."""

    def __init__(self, point: str, action: str, passing: int) -> None:
        self._point = point
        self._signal = ACTIONS[action]
        self._left = passing

    def pass_by(self, point: str) -> None:
        """Note a passing; kill or stop this process where it is the one."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.write(2, f"{MARK} {point}\n".encode())
            os.kill(os.getpid(), self._signal)


class SwitchedWriter(KafkaWriter):
    """Write through a switch; the client's own steps inside a transaction are points too."""

    switch: Switch

    async def fence(self) -> None:
        """Fence, then pass the points of a fence; from then on the producer passes points as well."""
        await super().fence()
        self.switch.pass_by(AFTER_FENCE)
        producer = self._producer
        producer.send_offsets_to_transaction = self._before(PRODUCED, producer.send_offsets_to_transaction)
        producer.commit_transaction = self._committing(producer.commit_transaction)

    async def write(
        self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Write; the memory of what was told has not changed yet when this returns."""
        await super().write(records, consumed)
        self.switch.pass_by(AFTER_COMMIT)

    async def close(self) -> None:
        """Pass the point, then let go."""
        self.switch.pass_by(LETTING_GO)
        await super().close()

    def _before(self, point: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def passing(*args: Any) -> Any:
            self.switch.pass_by(point)
            return await call(*args)

        return passing

    def _committing(self, call: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        """Pass one point before the commit, and one while it is on its way."""

        async def passing() -> Any:
            self.switch.pass_by(BEFORE_COMMIT)
            on_its_way = asyncio.ensure_future(call())
            try:
                await asyncio.wait({on_its_way}, timeout=0.002)
                self.switch.pass_by(DURING_COMMIT)
                return await on_its_way
            except asyncio.CancelledError:
                on_its_way.cancel()
                raise

        return passing


class SwitchedReader:
    """Read through a switch."""

    def __init__(self, inner: Any, switch: Switch, points: Mapping[str, str]) -> None:
        self._inner = inner
        self._switch = switch
        self._points = points
        self._passing: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """Assign, and know which points the polls that follow pass."""
        self._passing = {self._points[where.topic] for where in positions if where.topic in self._points}
        self._inner.assign(positions)

    async def poll(self, max_records: int, timeout_ms: int) -> Any:
        """Poll, then pass."""
        found = await self._inner.poll(max_records, timeout_ms)
        for point in self._passing:
            self._switch.pass_by(point)
        return found


class SwitchedMembership:
    """Be a member through a switch: a revocation that takes a shard is passed before the daemon learns of it."""

    def __init__(self, inner: Any, switch: Switch) -> None:
        self._inner = inner
        self._switch = switch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def start(self, on_change: Callable[[], None]) -> None:
        """Join; look at every change first."""
        had: frozenset[int] = frozenset()

        def changed() -> None:
            nonlocal had
            has = self._inner.shards()
            if had - has:
                self._switch.pass_by(REVOCATION)
            had = has
            on_change()

        await self._inner.start(changed)


class SwitchedLog(KafkaLog):
    """Open everything behind one switch; `state` and `accounts` name the topics a takeover reads."""

    switch: Switch
    points: Mapping[str, str]

    def reader(self) -> Any:
        """Return a reader behind the switch."""
        return SwitchedReader(super().reader(), self.switch, self.points)

    def writer(self, transactional_id: str) -> SwitchedWriter:
        """Return a writer behind the switch."""
        writer = SwitchedWriter(self._clients, transactional_id, self._offsets_group)
        writer.switch = self.switch
        return writer

    def membership(self, group_id: str, topic: str) -> Any:
        """Return a membership behind the switch."""
        return SwitchedMembership(super().membership(group_id, topic), self.switch)
