"""Heartbeats: each shard's owner says that it works and how far it has come; every instance hears it of all shards.

Writing and reading `liqmon-heartbeats` live here; when silence is an alarm is the watch's business. They are written by
a writer of their own: a topic that fails holds up no verdict, and a verdict that is stuck writes no heartbeat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.app.observing import Observer
from monitor.app.outage import outlast
from monitor.app.ports import LogFault, LogReader, LogUnavailable, OutputRecord, ShardWriter, TopicPartition
from monitor.app.shared import Shared

log = logging.getLogger(__name__)

_POLL_MS = 500
_RECORDS_AT_ONCE = 500
_LOOKS = 10
"""A shard that has made no turn when its heartbeat is due is looked at so many times before the next is due."""
_SHORTEST_LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold what a shard had reached when it last finished a step.

    `number` counts its turns, `counter` its transactions. `times_ms` holds the log's time of the last record that was
    judged of an input, `decided_at_ms` our time of the step.
    """

    number: int
    counter: int
    positions: Mapping[TopicPartition, int]
    times_ms: Mapping[TopicPartition, int]
    decided_at_ms: int

    def watermark(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return how far each input is judged, by topic and partition: the next offset, and the time before it."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for where, offset in sorted(self.positions.items()):
            at = {"offset": offset}
            if where in self.times_ms:
                at["timestamp_ms"] = self.times_ms[where]
            found.setdefault(where.topic, {})[str(where.partition)] = at
        return found


class HeartbeatWriter:
    """Write a heartbeat of each shard that has made a turn since its last one: on time, or as soon as it has."""

    def __init__(self, shared: Shared, turns: Callable[[], Mapping[int, Turn]]) -> None:
        self._shared = shared
        self._turns = turns
        self._told: dict[int, Turn] = {}
        self._writer: ShardWriter | None = None
        self._is_failing = False

    async def run(self) -> None:
        """Write for ever; what the log refuses is tried again with the next heartbeat."""
        loop, seconds = asyncio.get_running_loop(), self._shared.watchdogs.heartbeat_ms / 1000
        due, look = loop.time() + seconds, max(seconds / _LOOKS, _SHORTEST_LOOK_SECONDS)
        try:
            while True:
                await asyncio.sleep(due - loop.time())
                owing = await self._write_news(self._turns())
                due = max(due + seconds, loop.time() + look)
                # a turn that has just missed its heartbeat would else be unheard of for another interval
                while owing and loop.time() + look < due:
                    await asyncio.sleep(look)
                    owing = await self._write_news(owing)
        finally:
            await self._close()

    async def _write_news(self, shards: Collection[int]) -> set[int]:
        """Write of those shards that have made a turn; return the others that are still ours."""
        turns = {shard: turn for shard, turn in self._turns().items() if shard in shards}
        news = {shard: turn for shard, turn in turns.items() if turn is not self._told.get(shard)}
        if news:
            await self._write(news)
        return turns.keys() - news.keys()

    async def _write(self, news: Mapping[int, Turn]) -> None:
        try:
            if self._writer is None:
                self._writer = self._shared.log.writer(self._transactional_id)
                await self._writer.fence()
            await self._writer.write([self._record(shard, turn) for shard, turn in sorted(news.items())])
        except LogFault as fault:
            self._shared.observer.log_fault(type(fault).__name__)
            if not self._is_failing:
                log.warning("heartbeats cannot be written for now: %s", fault)
            self._is_failing = True
            await self._close()
        else:
            self._is_failing = False
            self._told |= news

    @property
    def _transactional_id(self) -> str:
        """An id of this process alone: heartbeats need no fence, and must lock nobody out."""
        return f"{self._shared.group}-{self._shared.shards}-heartbeats-{self._shared.writer_id}"

    def _record(self, shard: int, turn: Turn) -> OutputRecord:
        shared = self._shared
        body: dict[str, Any] = {
            "shard": shard,
            "state": "steady",
            "writer": shared.writer_id,
            "group": shared.group,
            "shards": shared.shards,
            "turn": turn.number,
            "counter": turn.counter,
            "decided_at_ms": turn.decided_at_ms,
            "written_at_ms": shared.now_ms(),
            "watermark": turn.watermark(),
        }
        return OutputRecord(shared.topics.heartbeats, shard, str(shard).encode(), shared.codec.encode(body))

    async def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()


class HeartbeatReader:
    """Hear the heartbeats of all shards, from now on.

    Silence is counted by our own clock, from when a heartbeat came: other clocks do not matter. What others than shards
    write to the topic, feeds of venues, lies under keys of their own and is nobody's heartbeat here.
    """

    def __init__(
        self, topic: str, shards: int, reader: LogReader, clock: Callable[[], float], observer: Observer
    ) -> None:
        self._topic = topic
        self._reader = reader
        self._clock = clock
        self._observer = observer
        self._heard = dict.fromkeys(range(shards), clock())
        self._positions: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Read for ever. A log that is away is waited out; one that refuses us for good ends the task."""
        await outlast("the heartbeats", self._reader, self._observer, self._follow, self._forget)

    def silences(self) -> dict[int, float]:
        """Return for how many seconds each shard has been silent; before its first heartbeat, since we listen."""
        now = self._clock()
        return {shard: now - heard for shard, heard in self._heard.items()}

    async def _follow(self) -> None:
        if not self._positions:
            if await self._reader.partition_count(self._topic) < len(self._heard):
                raise LogUnavailable(f"{self._topic} is not as it should be; `liqmon topics create` makes it")
            self._positions = await self._reader.end_offsets([TopicPartition(self._topic, n) for n in self._heard])
        self._reader.assign(self._positions)
        while True:
            records = await self._reader.poll(_RECORDS_AT_ONCE, _POLL_MS)
            self._hear(record.partition for record in records if record.key == str(record.partition).encode())
            for where in self._positions:
                self._positions[where] = self._reader.position(where)
            await asyncio.sleep(0)

    def _hear(self, shards: Iterable[int]) -> None:
        now = self._clock()
        for shard in shards:
            self._heard[shard] = now

    async def _forget(self, _: TopicPartition) -> None:
        """Begin anew at the end: old heartbeats say nothing."""
        self._positions = {}
