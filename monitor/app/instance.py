"""One running instance: the global feed, the membership, and a task for each shard the group has given us.

Starting, following assignments and stopping live here; the process around it (signals, ports, configuration) is the
command line's.
"""

from __future__ import annotations

import asyncio
import itertools
import logging

from monitor.app.heartbeats import HeartbeatReader, HeartbeatWriter, Turn
from monitor.app.ports import LogUnavailable, Membership
from monitor.app.shard import Shard
from monitor.app.shared import Shared
from monitor.app.standby import Standby
from monitor.app.watch import Watch

log = logging.getLogger(__name__)

STOP_SECONDS = 8.0
"""All of stopping fits into this, so that a supervisor that waits ten seconds never has to kill."""
RETRY_SECONDS = 1.0
_BEAT_SECONDS = 0.1
_BEATS_A_COUNT = 10
"""Going through all tasks costs more than the rest of a beat."""


class Instance:
    """Run the shards of this process until asked to stop."""

    def __init__(self, shared: Shared, membership: Membership) -> None:
        self._shared = shared
        self._membership = membership
        self._standby = Standby(shared, membership.keep_warm) if shared.recovery.standby else None
        self._shards: dict[int, Shard] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask the instance to stop; `run` then returns."""
        self._stopping.set()
        self._changed.set()

    def why_not_ready(self) -> list[str]:
        """Return what is missing before this instance does its work, empty when it is ready; from any thread."""
        reasons: list[str] = []
        if not self._shared.feed.caught_up.is_set():
            reasons.append("the global inputs are not read to their end yet")
        assigned = self._membership.shards()
        steady = {number for number, shard in tuple(self._shards.items()) if shard.is_steady}
        if assigned - steady:
            reasons.append(f"shards not restored yet: {sorted(assigned - steady)}")
        return reasons

    def why_not_live(self) -> list[str]:
        """Return why this process should be restarted, empty when it should not; from any thread."""
        return self._shared.pulse.alarms.not_live(self._shared.pulse.clock())

    def why_not_well(self) -> list[str]:
        """Return which budgets of the watchdogs are used up, empty when none is; from any thread."""
        return self._shared.pulse.alarms.not_ready(self._shared.pulse.clock())

    def look_at_pulse(self) -> None:
        """Look from outside whether the event loop and the kernel thread move; from any thread."""
        self._shared.pulse.look(self._shared.pulse.clock())

    async def run(self) -> None:
        """Run until `stop`; raises what ended the feed or a shard for a reason that is not the log's."""
        feed = asyncio.create_task(self._shared.feed.run(), name="global feed")
        beating = asyncio.create_task(self._beat(), name="pulse")
        member = asyncio.create_task(self._be_member(), name="membership")
        lasting = [feed, member, *self._start_watching()]
        if self._standby is not None:
            lasting.append(asyncio.create_task(self._standby.run(), name="standby"))
        if self._shared.adl is not None:
            lasting.append(asyncio.create_task(self._shared.adl.run(), name="adl queue"))
        try:
            while not self._stopping.is_set():
                self._follow_assignment()
                await self._until_something_changes(*lasting)
        finally:
            await self._wind_down(beating, *lasting)

    def _start_watching(self) -> list[asyncio.Task[None]]:
        """Begin to write and hear heartbeats, and to look at whatever has a budget."""
        shared, tasks = self._shared, []
        reader: HeartbeatReader | None = None
        if shared.watchdogs.heartbeat_ms:
            clock = shared.pulse.clock
            topic = shared.topics.heartbeats
            reader = HeartbeatReader(topic, shared.shards, shared.log.reader(), clock, shared.observer)
            tasks.append(asyncio.create_task(reader.run(), name="heard heartbeats"))
            tasks.append(asyncio.create_task(HeartbeatWriter(shared, self._turns).run(), name="own heartbeats"))
        watch = Watch(shared, self._membership, self._shards, reader)
        return [*tasks, asyncio.create_task(watch.run(), name="watch")]

    def _turns(self) -> dict[int, Turn]:
        return {number: shard.turn for number, shard in self._shards.items() if shard.turn is not None}

    async def _be_member(self) -> None:
        """Join the group and raise what ends the membership; a log that is away is waited out."""
        while True:
            try:
                await self._membership.start(self._changed.set)
                break
            except LogUnavailable as fault:
                self._shared.observer.log_fault(type(fault).__name__)
                await asyncio.sleep(RETRY_SECONDS)
        self._changed.set()
        await self._membership.watch()

    def _follow_assignment(self) -> None:
        """Start a task for each new shard, and ask those that are no longer ours to let go."""
        assigned = self._membership.shards()
        for number, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[number], self._shards[number]
                task.result()
        for number in sorted(assigned - self._tasks.keys()):
            warm = None if self._standby is None else self._standby.give(number)
            shard = self._shards[number] = Shard(number, self._shared, warm)
            self._tasks[number] = asyncio.create_task(shard.run(), name=f"shard {number}")
            log.info("shard %d assigned", number)
        for number in self._tasks.keys() - assigned:
            self._shards[number].let_go()
        if self._standby is not None:
            self._standby.leave_out(self._tasks.keys())

    async def _until_something_changes(self, *lasting: asyncio.Task[None]) -> None:
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({changed, *lasting, *self._tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
            self._changed.clear()
            for task in lasting:
                if task.done():
                    task.result()
        finally:
            changed.cancel()

    async def _wind_down(self, *others: asyncio.Task[None]) -> None:
        """Let all shards go, leave the group, end the rest: within `STOP_SECONDS`, whatever the log does."""
        until = asyncio.get_running_loop().time() + STOP_SECONDS * 0.9
        for shard in self._shards.values():
            shard.let_go()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=STOP_SECONDS * 0.7)
        tasks = {*self._tasks.values(), *others}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=STOP_SECONDS * 0.1)
        leaving = asyncio.create_task(self._membership.stop(), name="leaving the group")
        await asyncio.wait({leaving}, timeout=STOP_SECONDS * 0.2)
        if not leaving.done():
            log.warning("the group did not answer while leaving it")
            leaving.cancel()
        await self._shared.snapshots.settle(max(0.0, until - asyncio.get_running_loop().time()))
        for task in (*tasks, leaving):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                log.error("while stopping: %s", error)

    async def _beat(self) -> None:
        loop, pulse = asyncio.get_running_loop(), self._shared.pulse
        try:
            for beat in itertools.count():
                lag = pulse.beat(loop.time() + _BEAT_SECONDS, self._membership.confirmed_ms() / 1000)
                self._shared.observer.loop_lag(lag)
                if beat % _BEATS_A_COUNT == 0:
                    self._shared.observer.tasks(len(asyncio.all_tasks(loop)))
                await asyncio.sleep(_BEAT_SECONDS)
        finally:
            pulse.rest()
