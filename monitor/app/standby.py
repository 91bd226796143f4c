"""The standby: follows the changelogs of shards that others own, so that a takeover finds a warm copy.

Which shards are followed, reading them, and how much of the kernel thread that may take live here; what a copy holds is
in `warm`. A copy is only ever dropped: whatever goes wrong with one, the shard is taken over cold.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from monitor.app.changelog import ForeignState, check_owner
from monitor.app.outage import outlast
from monitor.app.ports import Record, TopicPartition
from monitor.app.shared import Shared
from monitor.app.warm_copy import UnfitCopy, WarmCopy
from monitor.core.partitioning import murmur2

log = logging.getLogger(__name__)

RECORDS_AT_ONCE = 1_000
POLL_MS = 100
LOOK_SECONDS = 1.0
AGAIN_SECONDS = 5.0
"""A copy that was dropped is begun anew after this."""
CURRENT_RECORDS = 2_000
"""A copy that is so far behind at most, in records and in accounts, is stated as warm and handed over.

Of more accounts a cold takeover may be sooner: it has all of the thread, a copy a part and in short turns.
"""
SHARE = 4
"""Copies may have one part in so many of the kernel thread's time while shards of our own are judged in it."""


class Standby:
    """Keep warm copies of the shards that are not ours; `state_warm` is told which are current."""

    def __init__(self, shared: Shared, state_warm: Callable[[frozenset[int]], None]) -> None:
        self._shared = shared
        self._state_warm = state_warm
        self._reader = shared.log.reader()
        self._left_out: frozenset[int] = frozenset()
        self._copies: dict[int, WarmCopy] = {}
        self._ends: dict[int, int] = {}
        self._barred: dict[int, float] = {}
        self._assigned: set[int] = set()
        self._look_at = 0.0

    def leave_out(self, shards: Collection[int]) -> None:
        """Follow all shards but these, which are ours, or still are."""
        self._left_out = frozenset(shards)

    def give(self, shard: int) -> WarmCopy | None:
        """Hand a copy over to whoever takes the shard over; it is not followed from here on."""
        copy = self._copies.pop(shard, None)
        if copy is None:
            return None
        copy.is_given = True
        self._shared.observer.standby(shard, None)
        if copy.is_filled and copy.backlog <= CURRENT_RECORDS:
            return copy
        what = (
            f"{copy.backlog} accounts and messages wait" if copy.is_filled else "the changelog is not read to its end"
        )
        log.info("shard %d has no warm copy yet: %s", shard, what)
        return None

    async def run(self) -> None:
        """Follow for ever; a log that is away is waited out, one that refuses us for good ends the task."""
        await self._shared.feed.caught_up.wait()
        try:
            await outlast("changelogs of others", self._reader, self._shared.observer, self._follow, self._lose)
        finally:
            await self._reader.stop()

    def _wanted(self) -> list[int]:
        """Return the shards to follow: of more than we may keep those that others of the group hardly choose too."""
        shards = [number for number in range(self._shared.shards) if number not in self._left_out]
        most, writer = self._shared.recovery.standby_shards, self._shared.writer_id
        if most == 0 or len(shards) <= most:
            return shards
        return sorted(shards, key=lambda number: murmur2(f"{writer}|{number}".encode()))[:most]

    async def _follow(self) -> None:
        self._assigned = set()
        loop = asyncio.get_running_loop()
        while True:
            await self._adjust(loop.time())
            started = loop.time()
            patience_ms = 1 if any(copy.backlog for copy in self._copies.values()) else POLL_MS
            records = await self._reader.poll(RECORDS_AT_ONCE, patience_ms)
            busy = await self._turn(records)
            if loop.time() >= self._look_at:
                self._look_at = loop.time() + LOOK_SECONDS
                await self._look()
            if self._left_out:
                await asyncio.sleep(max(0.0, busy * SHARE - (loop.time() - started)))

    async def _adjust(self, now: float) -> None:
        """Begin copies that are wanted, drop those that are not, and read what is left."""
        wanted = [number for number in self._wanted() if self._barred.get(number, 0.0) <= now]
        for number in self._copies.keys() - set(wanted):
            self._drop(number)
        if new := {number: self._where(number) for number in wanted if number not in self._copies}:
            begins = await self._reader.beginning_offsets(new.values())
            ends = await self._reader.end_offsets(new.values())
            for number in new.keys() - self._left_out:
                copy = WarmCopy(new[number], self._shared.make_engine(), self._shared.feed, self._shared.codec)
                copy.image.next_offset = begins[new[number]]
                self._copies[number], self._ends[number] = copy, ends[new[number]]
        if self._assigned != self._copies.keys() or new:
            self._assigned = set(self._copies)
            self._reader.assign({copy.where: copy.image.next_offset for copy in self._copies.values()})

    def _where(self, number: int) -> TopicPartition:
        return TopicPartition(self._shared.topics.state, number)

    async def _turn(self, records: list[Record]) -> float:
        """Let every copy take its records and its part of the market; return for how many seconds that worked."""
        taken: dict[int, list[Record]] = {}
        for record in records:
            taken.setdefault(record.partition, []).append(record)
        busy = 0.0
        for number in list(self._assigned):
            copy = self._copies.get(number)
            if copy is None or copy.is_given:
                continue
            try:
                busy += await self._advance(number, copy, taken.get(number, []))
            except UnfitCopy as why:
                self._drop(number, str(why), AGAIN_SECONDS)
            except (ForeignState, ValueError) as fault:
                log.exception("the changelog of shard %d cannot be followed", number)
                self._drop(number, str(fault), float("inf"))
        return busy

    async def _advance(self, number: int, copy: WarmCopy, records: list[Record]) -> float:
        position = self._reader.position(copy.where)
        inputs = copy.market.due(copy.judged)
        if not records and not inputs and not copy.backlog and position == copy.image.next_offset:
            return 0.0
        now_ms = self._shared.now_ms()

        def work() -> float:
            started = time.perf_counter()
            copy.turn(records, position, inputs, now_ms)
            return time.perf_counter() - started

        seconds = await self._shared.on_kernel_thread(work)
        check_owner(copy.image.meta, self._shared.group, self._shared.shards)
        if not copy.is_filled and copy.image.next_offset >= self._ends[number]:
            copy.is_filled = True
            log.info("shard %d is followed: the changelog is read to its end", number)
        return seconds

    async def _look(self) -> None:
        """Say how far behind every copy is, and which may be taken over warm."""
        ends = await self._reader.end_offsets([copy.where for copy in self._copies.values()])
        current: set[int] = set()
        for number, copy in self._copies.items():
            lag = max(0, ends.get(copy.where, 0) - copy.image.next_offset)
            self._shared.observer.standby(number, lag)
            if copy.is_filled and lag <= CURRENT_RECORDS and copy.backlog <= CURRENT_RECORDS:
                current.add(number)
        self._state_warm(frozenset(current))

    async def _lose(self, where: TopicPartition) -> None:
        self._drop(where.partition, f"its position in {where.topic}[{where.partition}] is gone", AGAIN_SECONDS)

    def _drop(self, number: int, why: str = "", for_seconds: float = 0.0) -> None:
        self._copies.pop(number, None)
        self._shared.observer.standby(number, None)
        if why:
            log.warning("the warm copy of shard %d is dropped: %s", number, why)
        if for_seconds:
            self._barred[number] = asyncio.get_running_loop().time() + for_seconds
