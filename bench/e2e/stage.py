"""The stage of a run: one daemon on topics of its own, a book brought to it, prices once a second, and who listens.

What happens on it is the parts' business.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from bench.e2e.book import Book
from bench.e2e.clients import Feeder, Handed, Listener, Message, Place
from bench.e2e.process import Cpu, Daemon, DaemonFailed, Sample, cpu_of
from bench.e2e.servers import Servers
from bench.venue import I8

TICK_SECONDS: Final = 1.0
CHAIN_TOPICS: Final = ("margin-calls", "liquidations", "adl-events")
_HEARTBEAT_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 1_200.0
_SNAPSHOTS_AT_ONCE: Final = 2_000
_FEW_RECORDS: Final = 200.0
"""Records a second of a daemon that has nothing left to show."""


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class _Heartbeat(msgspec.Struct):
    shard: int
    watermark: dict[str, dict[str, dict[str, int]]]


class Tick(NamedTuple):
    """Hold a message with all prices: which of the stage's prices, and what waits for where it came to stand."""

    which: int
    handed: asyncio.Task[Handed]


class Moment(NamedTuple):
    """Hold the metrics, and the processor time of daemon, broker and bench, at one moment."""

    at: float
    metrics: Sample
    daemon: Cpu | None
    broker: Cpu | None
    bench: float


@dataclass(frozen=True)
class Ground:
    """Hold what the stages of a run share: broker, folder, number of shards, and how to tell what goes on."""

    servers: Servers
    folder: Path
    shards: int
    say: Callable[[str], None]


class Stage:
    """Hold one daemon, its topics, and the clients around it."""

    def __init__(self, ground: Ground, name: str, book: Book, marks: Sequence[I8], extra: Sequence[str] = ()) -> None:
        self.ground, self.book, self.name = ground, book, name
        self.prefix = f"bench-{name}-{time.time_ns() // 1_000_000:x}-"
        self.folder = ground.folder / name
        self.daemon = Daemon(self.folder, ground.servers.bootstrap, self.prefix, ground.shards)
        self.feeder = Feeder(ground.servers.bootstrap)
        self.told = Listener(ground.servers.bootstrap, map(self.topic, CHAIN_TOPICS), ground.shards)
        self.beats = Listener(ground.servers.bootstrap, [self.topic("liqmon-heartbeats")], ground.shards)
        self.beside = [Listener(ground.servers.bootstrap, [self.topic(one)], ground.shards) for one in extra]
        self.marks = list(marks)
        self.which = 0
        self.ticks: list[Tick] = []
        self.is_ticking, self.is_toggling = True, False
        self.sent = [0] * ground.shards
        """Account messages by partition: nobody else writes there, so a message's place is known beforehand."""
        self._pricing = asyncio.Lock()
        self._ticker: asyncio.Task[None] | None = None
        self._judged: dict[int, dict[str, dict[str, dict[str, int]]]] = {}
        self._heard = 0

    def topic(self, name: str) -> str:
        """Return the full name of a topic."""
        return self.prefix + name

    def place(self, tick: Tick) -> Place:
        """Return where a tick came to stand."""
        return Place(self.topic("mark-prices"), 0, tick.handed.result().offset)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Start the daemon on terms and prices, bring the accounts, wait until all are judged; end everything after."""
        await asyncio.to_thread(self.daemon.create_topics)
        clients: list[Feeder | Listener] = [self.feeder, self.told, self.beats, *self.beside]
        try:
            for client in clients:
                await client.open()
            await self.feeder.send(self.topic("instruments"), 0, list(self.book.terms()))
            await self.send("insurance-funds", self.book.fund(now_ms()))
            await self.tick()
            await self.daemon.start()
            self._ticker = asyncio.create_task(self._tick(), name="prices")
            await self.until(self._is_ready, "the daemon to be ready")
            await self._load()
            yield
        finally:
            if self._ticker is not None:
                self._ticker.cancel()
                await asyncio.wait({self._ticker})
            try:
                await asyncio.to_thread(self.daemon.stop)
            finally:
                for client in clients:
                    await client.close()
                await self._forget()

    async def send(self, topic: str, message: Message) -> asyncio.Task[Handed]:
        """Hand one message over to the first partition."""
        [task] = await self.feeder.send(self.topic(topic), 0, [message])
        return task

    async def tick(self) -> Tick:
        """Send all prices at once."""
        async with self._pricing:
            message = self.book.prices(self.marks[self.which], now_ms())
            tick = Tick(self.which, await self.send("mark-prices", message))
            self.ticks.append(tick)
        return tick

    async def end(self) -> None:
        """Send no more prices, and wait until all there is is told."""
        self.is_ticking = False
        async with self._pricing:  # the last may be on its way
            pass
        await self.drained()

    async def send_accounts(self, messages: Sequence[tuple[int, Message]]) -> list[Place]:
        """Hand messages of accounts over, each in its partition, in their order; return where each comes to stand."""
        by_partition: dict[int, list[Message]] = {}
        topic, places = self.topic("account-events"), []
        for account, message in messages:
            partition = self.book.partitions[account]
            by_partition.setdefault(partition, []).append(message)
            places.append(Place(topic, partition, self.sent[partition]))
            self.sent[partition] += 1
        for partition, batch in by_partition.items():
            await self.feeder.send(topic, partition, batch)
        return places

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until something is so; raise what has ended daemon, prices or reading meanwhile, or `TimeoutError`."""
        deadline = time.perf_counter() + seconds
        while not condition():
            if time.perf_counter() > deadline:
                raise DaemonFailed(f"waited {seconds:.0f} s in vain for {what}:\n{self.daemon.said()}")
            self.check()
            await asyncio.sleep(0.05)

    def check(self) -> None:
        """Raise what has ended that should go on."""
        self.daemon.check()
        for listener in (self.told, self.beats, *self.beside):
            listener.check()
        if self._ticker is not None and self._ticker.done():
            self._ticker.result()

    async def drained(self) -> None:
        """Wait until everything sent so far is judged, and what was told of it is read."""
        await self.feeder.settle()
        prices = self.feeder.end(self.topic("mark-prices"), 0)
        accounts = [self.feeder.end(self.topic("account-events"), shard) for shard in range(self.ground.shards)]

        def is_judged() -> bool:
            return all(
                self.judged(shard, "mark-prices", 0) >= prices and self.judged(shard, "account-events", shard) >= end
                for shard, end in enumerate(accounts)
            )

        await self.until(is_judged, "everything to be judged")
        for listener in (self.told, *self.beside):
            await listener.caught_up()

    def judged(self, shard: int, topic: str, partition: int) -> int:
        """Return how far a shard has judged an input, as its last heartbeat says."""
        for record in self.beats.records[self._heard :]:
            beat = msgspec.json.decode(record.value or b"", type=_Heartbeat)
            self._judged[beat.shard] = beat.watermark
        self._heard = len(self.beats.records)
        at = self._judged.get(shard, {}).get(self.topic(topic), {}).get(str(partition), {})
        return at.get("offset", 0)

    async def missed_heartbeats(self, since: float) -> tuple[int, float]:
        """Return how many heartbeats have not come since a moment, and the longest silence of a shard.

        By the log's time of each, and when all are read: a bench that counts what is expected reads late itself.
        """
        until = time.perf_counter()
        await self.beats.caught_up()
        missed, longest, ago = 0, 0.0, time.time() - time.perf_counter()
        for shard in range(self.ground.shards):
            mine = [one.timestamp_ms / 1000 - ago for one in self.beats.records if one.partition == shard]
            times = [at for at in mine if since <= at <= until]
            gaps = [b - a for a, b in zip([since, *times], [*times, until], strict=True)]
            missed += sum(max(0, int(gap / _HEARTBEAT_SECONDS - 1)) for gap in gaps)
            longest = max(longest, *gaps)
        return missed, longest

    async def moment(self) -> Moment:
        """Look at metrics and clocks."""
        metrics = await asyncio.to_thread(self.daemon.sample)
        daemon, broker = cpu_of(self.daemon.pid), cpu_of(self.ground.servers.pid)
        return Moment(time.perf_counter(), metrics, daemon, broker, time.process_time())

    def _is_ready(self) -> bool:
        return self.daemon.ask("/readyz")[0] == 200

    async def _load(self) -> None:
        """Write everybody's snapshot; wait until all are judged, and nearly nothing is written any more."""
        begun, book = time.perf_counter(), self.book
        for start in range(0, len(book.keys), _SNAPSHOTS_AT_ONCE):
            some = range(start, min(start + _SNAPSHOTS_AT_ONCE, len(book.keys)))
            await self.send_accounts([(account, book.snapshot(account, now_ms())) for account in some])
        await self.drained()
        judged = time.perf_counter()
        rate, written = math.inf, 0.0
        while rate > _FEW_RECORDS:
            at, before = time.perf_counter(), written
            await asyncio.sleep(TICK_SECONDS)
            self.check()
            written = (await asyncio.to_thread(self.daemon.sample)).value("liqmon_records_written_total")
            rate = (written - before) / (time.perf_counter() - at)
        seconds, shown = judged - begun, time.perf_counter() - begun
        self.ground.say(f"{len(book.keys):,} snapshots were judged in {seconds:.1f} s, and shown in {shown:.1f} s")

    async def _tick(self) -> None:
        """Send prices once a second, as long as that is wanted: they age."""
        due = time.perf_counter()
        while True:
            if self.is_ticking:
                await self.tick()
            due = max(due + TICK_SECONDS, time.perf_counter())
            await asyncio.sleep(due - time.perf_counter())
            if self.is_toggling:
                self.which = 1 - self.which

    async def _forget(self) -> None:
        """Delete the topics where the broker is not ours."""
        if self.ground.servers.pid is not None:
            return
        admin: Any = AIOKafkaAdminClient(bootstrap_servers=self.ground.servers.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([one for one in await admin.list_topics() if one.startswith(self.prefix)])
        finally:
            await admin.close()
