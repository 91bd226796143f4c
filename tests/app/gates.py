"""Gates: a log whose every call can be made to fail, to hang, or to be the last thing an instance does.

The faults a gate can bring about live here; which call meets which fault is the test's choice.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from monitor.adapters.embedded import EmbeddedLog
from monitor.adapters.embedded.faults import WriteFault
from monitor.adapters.embedded.group import EmbeddedMembership
from monitor.app.ports import LogUnavailable, OutcomeUnknown, OutputRecord, TopicPartition

T = TypeVar("T")


class Fate(enum.Enum):
    """Name what happens at one call."""

    DIE_BEFORE = "the instance dies before the call"
    DIE_AFTER = "the call takes effect, the instance dies before it learns"
    DIE_OPEN = "the instance dies in the middle of a transaction"
    AWAY_BEFORE = "the call fails and had no effect"
    AWAY_AFTER = "the call takes effect, the answer is lost"
    OPEN = "the outcome is unknown: nothing was committed, the transaction is left open"
    REFUSED = "the log refuses a record"
    FENCED = "a younger writer appears"
    HANG = "the call never returns"
    SLOW = "the call takes its time"
    ZOMBIE = "the instance is frozen before the call, dropped by the group, and goes on when others have its shards"
    TIMED_OUT = "the transaction takes longer than the log allows: it is aborted and its writer locked out"


KILLS = (Fate.DIE_BEFORE, Fate.DIE_AFTER)
WRITE_KILLS = (*KILLS, Fate.DIE_OPEN)
FAULTS = (Fate.AWAY_BEFORE, Fate.AWAY_AFTER)
WRITE_FAULTS = (*FAULTS, Fate.OPEN, Fate.REFUSED, Fate.FENCED)
_ORDERS = {
    Fate.DIE_OPEN: WriteFault.LOST_BEFORE_COMMIT,
    Fate.OPEN: WriteFault.LOST_BEFORE_COMMIT,
    Fate.REFUSED: WriteFault.REFUSED,
    Fate.FENCED: WriteFault.FENCED,
}

Plan = Callable[[int, str], "Fate | None"]
"""Says what happens at call number n (from 1), of which the name is given."""


class Gate:
    """Stand before every call of one instance."""

    def __init__(self, on_death: Callable[[], None], on_freeze: Callable[[], None] = lambda: None) -> None:
        self.dead = False
        self.calls: list[str] = []
        self.booked: list[str] = []
        self.plan: Plan = lambda number, name: None
        self.pause: Callable[[Fate], float] = lambda fate: 0.5
        self.patience = 1.0
        """Polls wait so many times longer for a record: fewer turns of the loop where nothing happens."""
        self.on_wake: Callable[[], None] = lambda: None
        self._frozen: asyncio.Event | None = None
        self._on_death = on_death
        self._on_freeze = on_freeze

    def die(self) -> None:
        """From now on nothing of this instance has an effect."""
        if not self.dead:
            self.dead = True
            self._on_death()

    def close_book(self) -> None:
        """Note which calls there were until now."""
        self.booked = list(self.calls)

    def freeze(self, seconds: float) -> None:
        """Hold every call for so long, as a process that is stopped and goes on; the group learns of it."""
        if self._frozen is None and not self.dead:
            self._frozen = asyncio.Event()
            self._on_freeze()
            asyncio.get_running_loop().call_later(seconds, self.wake)

    def wake(self) -> None:
        """Let a frozen instance go on."""
        frozen, self._frozen = self._frozen, None
        if frozen is not None:
            frozen.set()
            self.on_wake()

    @property
    def is_frozen(self) -> bool:
        """Whether every call is held."""
        return self._frozen is not None

    async def _thawed(self) -> None:
        while self._frozen is not None:
            await self._frozen.wait()
        if self.dead:
            await self.forever()

    async def forever(self) -> Any:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    async def around(self, name: str, call: Callable[[], Awaitable[T]], order: Callable[[Fate], None]) -> T:
        """Make a call, or what fate has in store for it."""
        if self.dead:
            await self.forever()
        if self._frozen is not None:
            await self._thawed()
        self.calls.append(name)
        fate = self.plan(len(self.calls), name)
        if fate is Fate.ZOMBIE:
            self.freeze(self.pause(fate))
            await self._thawed()
        if fate is None or fate is Fate.ZOMBIE:
            return await self._alive(call)
        await self._before(fate, name)
        if fate in _ORDERS or fate is Fate.TIMED_OUT:
            order(fate)
        try:
            result = await call()
        except OutcomeUnknown:
            if fate is not Fate.DIE_OPEN:
                raise
            result = await self._last()
        return await self._after(fate, name, result)

    async def _before(self, fate: Fate, name: str) -> None:
        if fate is Fate.AWAY_BEFORE:
            raise _lost(name)
        if fate is Fate.DIE_BEFORE:
            await self._last()
        if fate is Fate.HANG:
            await self.forever()
        if fate is Fate.SLOW:
            await asyncio.sleep(self.pause(fate))
            if self.dead:
                await self.forever()

    async def _after(self, fate: Fate, name: str, result: T) -> T:
        if fate is Fate.AWAY_AFTER:
            raise _lost(name)
        return await self._last() if fate is Fate.DIE_AFTER else result

    async def _last(self) -> Any:
        self.die()
        return await self.forever()

    async def _alive(self, call: Callable[[], Awaitable[T]]) -> T:
        result = await call()
        if self.dead:
            await self.forever()
        return result


def _lost(name: str) -> Exception:
    return OutcomeUnknown("the gate is shut") if name == "write" else LogUnavailable(f"the gate is shut: {name}")


def _no_order(fate: Fate) -> None:
    raise AssertionError(f"only writes can be {fate}")


class GatedReader:
    """Read through a gate."""

    def __init__(self, inner: Any, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in ("assign", "position", "unresolved"):
            return found

        async def call(*args: Any) -> Any:
            if name == "stop":
                return None if self._gate.dead else await found()
            where = _topics(args)
            if name == "poll":
                args = (args[0], args[1] * self._gate.patience)
            return await self._gate.around(f"{name}{where}", lambda: found(*args), _no_order)

        return call


def _topics(args: Sequence[Any]) -> str:
    if args and isinstance(args[0], Iterable) and not isinstance(args[0], str):
        return " " + ",".join(sorted({where.topic for where in args[0]}))
    return ""


class GatedWriter:
    """Write through a gate."""

    def __init__(self, log: EmbeddedLog, transactional_id: str, gate: Gate) -> None:
        self._log = log
        self._id = transactional_id
        self._inner = log.writer(transactional_id)
        self._gate = gate

    async def fence(self) -> None:
        """Fence."""
        await self._gate.around("fence", self._inner.fence, _no_order)

    async def write(
        self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Write."""
        slow: list[Fate] = []

        def order(fate: Fate) -> None:
            if fate is Fate.TIMED_OUT:
                slow.append(fate)
            else:
                self._log.faults.next_write(_ORDERS[fate], self._id)

        async def write() -> None:
            if slow:
                await self._time_out(records)
            if not self._gate.dead:
                await self._inner.write(records, consumed)

        await self._gate.around("write", write, order)

    async def _time_out(self, records: Sequence[OutputRecord]) -> None:
        """Leave the records open until the log has had enough: it aborts them and locks the writer out."""
        store, epoch = self._log._store, self._inner._epoch
        if store.epochs.get(self._id) != epoch:
            return
        store.leave_open(self._id, records)
        await asyncio.sleep(self._gate.pause(Fate.TIMED_OUT))
        if store.epochs.get(self._id) == epoch:
            store.take_over(self._id)

    async def close(self) -> None:
        """Close."""
        if not self._gate.dead:
            await self._inner.close()


class GatedMembership:
    """Be a member through a gate; a dead member believes for ever what it owned."""

    def __init__(self, inner: EmbeddedMembership, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate

    async def start(self, on_change: Callable[[], None]) -> None:
        """Join."""
        await self._gate.around("join", lambda: self._inner.start(on_change), _no_order)

    async def stop(self) -> None:
        """Leave."""
        if not self._gate.dead:
            await self._gate.around("leave", self._inner.stop, _no_order)

    async def watch(self) -> None:
        """Watch."""
        await self._inner.watch()

    def shards(self) -> frozenset[int]:
        """Return the shards."""
        return self._inner.shards()

    def keep_warm(self, shards: frozenset[int]) -> None:
        """State what is warm, unless dead."""
        if not self._gate.dead:
            self._inner.keep_warm(shards)

    def confirmed_ms(self) -> int:
        """Return the age of the last confirmation."""
        return self._inner.confirmed_ms()


class GatedLog:
    """Open everything behind one gate."""

    def __init__(self, inner: EmbeddedLog, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate
        self.inner_membership: EmbeddedMembership | None = None

    def reader(self) -> Any:
        """Return a reader behind the gate."""
        return GatedReader(self._inner.reader(), self._gate)

    def writer(self, transactional_id: str) -> Any:
        """Return a writer behind the gate."""
        return GatedWriter(self._inner, transactional_id, self._gate)

    def membership(self, group_id: str, topic: str) -> Any:
        """Return a membership behind the gate."""
        self.inner_membership = self._inner.membership(group_id, topic)
        return GatedMembership(self.inner_membership, self._gate)

    async def admin(self) -> Any:
        """Return the admin."""
        return await self._inner.admin()

    async def close(self) -> None:
        """Close."""
        await self._inner.close()
