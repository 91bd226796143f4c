"""The arena: the attacked instance and its twin, each with its own log, in one virtual time.

Both are the real application on the embedded log. The twin receives only what the contract allows. Sending, waiting
and forgetting what is over live here; what must be true is the judge's business.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from monitor.adapters.embedded.journal import Change
from monitor.app.ports import Record, TopicPartition
from monitor.core.engine import MarginEngine
from monitor.core.outcome import Outcome
from tests.app.lab import Running, World, new_world

INPUTS = ("mark_prices", "instruments", "assets", "insurance_funds", "account_events")
OUTPUTS = ("margin_calls", "liquidations", "adl_events", "dead_letters", "data_quality")
COMPACTED = ("instruments", "assets", "insurance_funds", "account_status", "state", "adl_queue")
QUIET_SECONDS = 600.0


class Sent(NamedTuple):
    """Hold one message that stands in the attacked log."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Tap:
    """Stand for the journal of a log: keep what was committed to the outputs since the last look."""

    size = 0

    def __init__(self, topics: set[str]) -> None:
        self._topics = topics
        self.records: list[Record] = []

    def append(self, change: Change) -> None:
        """Keep the output records of a change."""
        self.records += [Record(*record) for record in change.records if record[0] in self._topics]

    def drain(self) -> list[Record]:
        """Return what came since the last time."""
        records, self.records = self.records, []
        return records


class Stopwatch:
    """Say how much CPU something took at most, where it took any to speak of.

    Asking the system for it costs more than most messages do, so it is asked seldom.
    """

    GRAIN_SECONDS = 0.05

    def __init__(self) -> None:
        self._asked_ns = 0
        self._cpu = 0.0

    def start(self) -> int:
        """Return when something begins."""
        now = time.perf_counter_ns()
        if now - self._asked_ns > self.GRAIN_SECONDS * 1e9:
            self._asked_ns, self._cpu = now, time.thread_time()
        return now

    def cpu_since(self, started_ns: int) -> float:
        """Return the seconds of CPU since then, a grain too many at most; 0 for what took less than a grain."""
        passed = time.perf_counter_ns() - started_ns
        return time.thread_time() - self._cpu if passed > self.GRAIN_SECONDS * 1e9 else 0.0


class Corner:
    """Hold one instance in its world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tap = Tap({getattr(world.topics, role) for role in OUTPUTS})
        journal: Any = self.tap
        world.log._store.journal = journal
        self.engines: dict[int, MarginEngine] = {}
        self.slowest = 0.0
        self._watch_clock = Stopwatch()
        self.running = world.start()
        self._watch(self.running)

    def _watch(self, running: Running) -> None:
        """Have every engine it makes time each message."""
        make = running.shared.make_engine

        def watched() -> MarginEngine:
            engine = make()
            apply = engine.apply

            def timed(inputs: Any, now_ms: int) -> Outcome:
                started = self._watch_clock.start()
                outcome = apply(inputs, now_ms)
                self.slowest = max(self.slowest, self._watch_clock.cpu_since(started))
                return outcome

            engine.apply = timed  # type: ignore[method-assign]  # a stopwatch around the only door
            self.engines[len(self.engines)] = engine
            return engine

        object.__setattr__(running.shared, "make_engine", watched)

    def send(
        self, role: str, key: bytes | None, value: bytes | None, partition: int | None, headers: tuple[Any, ...]
    ) -> Sent:
        """Append a message; return where it stands."""
        topic = getattr(self.world.topics, role)
        where = self.world.log.produce(topic, key, value, partition, headers=headers)
        stored = self.world.log._store.topics[topic].partitions[where.partition].records[-1]
        return Sent(topic, where.partition, stored.offset, stored.timestamp_ms, key, value)

    def is_quiet(self) -> bool:
        """Return whether every shard has used up every input."""
        if not self.running.is_ready():
            return False
        shards = self.running.instance._shards
        for number, shard in shards.items():
            for where in self._inputs(number):
                partition = self.world.log._store.topics[where.topic].partitions[where.partition]
                if shard.turn is None or shard.turn.positions.get(where, 0) < partition.end:
                    return False
        return len(shards) == self.world.settings.topics.partitions

    def _inputs(self, shard: int) -> list[TopicPartition]:
        topics = self.world.topics
        found = [TopicPartition(getattr(topics, role), 0) for role in INPUTS[:-1]]
        return [*found, TopicPartition(topics.account_events, shard)]

    def forget(self) -> None:
        """Drop from the log what everybody has read: the attack is longer than memory."""
        log, topics = self.world.log, self.world.topics
        for role in (*INPUTS, *OUTPUTS):
            topic = log._store.topics[getattr(topics, role)]
            if "compact" not in topic.policy:
                for partition in topic.partitions:
                    partition.delete_before(partition.end)
        for role in ("fund", "adl"):
            for number, shard in self.running.instance._shards.items():
                where = TopicPartition(getattr(topics, role), number)
                read = 0 if shard.turn is None else shard.turn.positions.get(where, 0)
                log._store.topics[where.topic].partitions[number].delete_before(read)
        for role in COMPACTED:
            for partition in log._store.topics[getattr(topics, role)].partitions:
                partition.compact(self.world.now_ms())


async def quiet(corners: list[Corner], on_wait: Callable[[], None] = lambda: None) -> None:
    """Wait until nobody has anything left to do; raise what has ended an instance."""
    async with asyncio.timeout(QUIET_SECONDS):
        while not all(corner.is_quiet() for corner in corners):
            on_wait()
            await asyncio.sleep(0.005)


async def enter(**overrides: Any) -> Corner:
    """Start an instance in a world of its own."""
    corner = Corner(await new_world(venue__profile="aster", assets__max_age_ms=0, **overrides))
    await corner.world.until_ready()
    return corner
