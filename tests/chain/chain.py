"""One run of the chain: everything started, killed by a seed, let come to rest, and judged."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import TopicPartition
from monitor.app.venue_feed.ports import NativeMessage
from tests.chain import market
from tests.chain.judge import judge_journal, judge_subscriber, judge_topics
from tests.chain.parts import PREFIX, SHARDS, Part, Secrets, Subscriber, configuration, replay
from tests.chain.receiver import Receiver, receiving
from tests.chain.subscriber import whole_lines
from tests.programs import Program, liqmon, make_topics
from tests.waiting import holds, until

EVENTS = ("margin-calls", "liquidations", "adl-events")
FRAMES = 240
MOST_SYMBOLS = 20
REST_SECONDS = 120.0
"""How long the chain may take to come to rest once no price comes any more."""
_STILL_SECONDS = 2.0
_WAITING = 'liqmon_webhooks_waiting_messages{target="desk"}'
_PATIENCE_SECONDS = 2.0
_UNREADY = 0.3
"""The chance that a part is killed even where it has not come to work since it was killed last."""
_FOR_EVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold what a run does: for how long prices come and parts die, by which seed, and from which recording."""

    seconds: float
    seed: int
    kills: bool = True
    recording: Path | None = None
    speed: float = 4.0
    accounts: int = 80
    pause: tuple[float, float] = (0.5, 2.0)


@dataclass(slots=True)
class Verdict:
    """Hold what a run came to."""

    complaints: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        """Return whether nothing was found."""
        return not self.complaints


class Chain:
    """Hold one run."""

    def __init__(self, plan: Plan, bootstrap_servers: str, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.verdict = Verdict()
        self._dice = random.Random(plan.seed)
        self._bootstrap = bootstrap_servers
        self._log = KafkaLog(KafkaSettings(bootstrap_servers=bootstrap_servers))
        self._secrets = Secrets.new()
        self._parts: dict[str, Part] = {}
        self._priced = 0

    async def run(self) -> Verdict:
        """Live through it and judge."""
        self._secrets.write(self.folder)
        async with receiving(Receiver(self._secrets.signing, self.plan.seed)) as receiver:
            try:
                async with self._working(receiver) as subscriber:
                    await self._live()
                    await self._rest(subscriber, receiver)
                    await self._judge(subscriber, receiver)
            finally:
                await self._log.close()
        return self.verdict

    @asynccontextmanager
    async def _working(self, receiver: Receiver) -> AsyncIterator[Subscriber]:
        """Start every part but the feed, with the terms and the book in the topics, and end all of them."""
        config, ports = configuration(self.folder, self._bootstrap, receiver.port)
        await make_topics(config)
        recording = self.plan.recording
        if recording is None:
            recording = market.write_recording(self.folder / "recording.txt", self.plan.seed, FRAMES)
        programs = {name: Program(name, config=config, health_port=ports[name]) for name in SERVICES}
        subscriber = Subscriber(ports["websocket"], self._secrets.token, self.folder)
        self._parts = {**programs, "subscriber": subscriber, "feed": replay(config, recording, self.plan.speed)}
        try:
            for program in programs.values():
                program.start()
            for program in programs.values():
                await program.ready()
            subscriber.start()
            await until(lambda: any(line["type"] == "snapshot_end" for line in whole_lines(subscriber.journal)))
            await self._write_book(market.first_prices(recording))
            await self._judged()
            self._parts["feed"].start()
            yield subscriber
        finally:
            for part in self._parts.values():
                part.close()

    async def _write_book(self, prices: dict[str, float]) -> None:
        symbols = dict(sorted(prices.items())[:MOST_SYMBOLS])
        bodies = [("instruments", body["symbol"], body) for body in market.instruments(symbols)]
        people = market.accounts(symbols, self.plan.seed, self.plan.accounts)
        bodies += [("account-events", body["account_id"], body) for body in people]
        outlet = self._log.outlet()
        await outlet.write(
            [
                NativeMessage(PREFIX + topic, key.encode(), json.dumps(body).encode(), _FOR_EVER_MS)
                for topic, key, body in bodies
            ]
        )
        await outlet.close()

    async def _live(self) -> None:
        """Let prices come, and parts die, each once before any dies again."""
        async with asyncio.timeout(REST_SECONDS):
            while not await self._end_of_prices():
                pass  # each look takes its time
        end = time.monotonic() + self.plan.seconds
        doomed: list[str] = []
        while time.monotonic() < end:
            await asyncio.sleep(min(self._dice.uniform(*self.plan.pause), max(0.0, end - time.monotonic())))
            self._look_after()
            if not self.plan.kills or time.monotonic() > end:
                continue
            doomed = doomed or self._dice.sample(sorted(self._parts), len(self._parts))
            part = self._parts[name := doomed.pop()]
            if self._dice.random() > _UNREADY and not await self._is_at_work(name):
                doomed.insert(0, name)
                continue
            await asyncio.to_thread(part.end, signal.SIGKILL)
            self._priced = await self._end_of_prices()
            self.verdict.kills[name] += 1
            await asyncio.sleep(self._dice.uniform(0, self.plan.pause[0]))
            part.start()

    async def _is_at_work(self, name: str) -> bool:
        """Return whether a death would cost a part something: prices that come, messages that wait, being ready."""
        part = self._parts[name]
        if name == "feed":
            return await self._end_of_prices() > self._priced
        if not isinstance(part, Program):
            return True
        if name == "webhooks":
            return await _within(_PATIENCE_SECONDS, lambda: part.metric(_WAITING) > 0)
        return await asyncio.to_thread(part.is_ready)

    async def _end_of_prices(self) -> int:
        reader = self._log.reader()
        await reader.start()
        try:
            [end] = (await reader.end_offsets([TopicPartition(f"{PREFIX}mark-prices", 0)])).values()
        finally:
            await reader.stop()
        return end

    def _look_after(self) -> None:
        """Play the recording again when it is over; whatever else has ended by itself is a complaint."""
        for name, part in self._parts.items():
            if part.is_running:
                continue
            if name != "feed" or part.code != 0:
                self.verdict.complaints.append(f"{name} has ended by itself: {part.said()[-500:]}")
            part.start()

    async def _rest(self, subscriber: Subscriber, receiver: Receiver) -> None:
        """End the feed, and wait until nothing more is told and everybody has heard all, or the time is up."""
        feed = self._parts["feed"]
        if feed.is_running:
            await asyncio.to_thread(feed.end)
        await self._judged()
        deadline = time.monotonic() + REST_SECONDS
        known, since = 0, time.monotonic()
        while time.monotonic() < deadline:
            due = {event["event_id"] for event in await self._events()}
            if len(due) != known:
                known, since = len(due), time.monotonic()
            heard = {line["said"]["event_id"] for line in _told(subscriber)}
            if due <= heard and due <= set(receiver.events()) and time.monotonic() - since > _STILL_SECONDS:
                return
            await asyncio.sleep(0.5)

    async def _judged(self) -> None:
        """Wait until the daemon has judged every input there is now, as its heartbeats say."""
        reader = self._log.reader()
        await reader.start()
        try:
            prices = TopicPartition(f"{PREFIX}mark-prices", 0)
            own = [TopicPartition(f"{PREFIX}account-events", shard) for shard in range(SHARDS)]
            ends = await reader.end_offsets([prices, *own])
            left = {(shard, where) for shard in range(SHARDS) for where in (prices, own[shard]) if ends[where]}
            beats = [TopicPartition(f"{PREFIX}liqmon-heartbeats", shard) for shard in range(SHARDS)]
            reader.assign(await reader.beginning_offsets(beats))
            async with asyncio.timeout(REST_SECONDS):
                while left:
                    for record in await reader.poll(500, 200):
                        marks = json.loads(record.value or b"{}").get("watermark", {})
                        for shard, where in [one for one in left if one[0] == record.partition]:
                            reached = marks.get(where.topic, {}).get(str(where.partition), {}).get("offset", 0)
                            if reached >= ends[where]:
                                left.discard((shard, where))
        finally:
            await reader.stop()

    async def _events(self) -> list[dict[str, Any]]:
        """Return every committed event of the topics."""
        reader = self._log.reader()
        await reader.start()
        try:
            places = [TopicPartition(PREFIX + topic, shard) for topic in EVENTS for shard in range(SHARDS)]
            ends = await reader.end_offsets(places)
            reader.assign(await reader.beginning_offsets(places))
            found: list[dict[str, Any]] = []
            while any(reader.position(where) < end for where, end in ends.items()):
                found += [json.loads(record.value or b"{}") for record in await reader.poll(2_000, 100)]
            return found
        finally:
            await reader.stop()

    async def _judge(self, subscriber: Subscriber, receiver: Receiver) -> None:
        events = await self._events()
        due = [event["event_id"] for event in events]
        lines = whole_lines(subscriber.journal)
        told = [line["said"]["event_id"] for line in _told(subscriber)]
        wrong = self.verdict.complaints
        wrong += judge_topics(events)
        wrong += judge_subscriber("the gateway's client", due, told)
        wrong += judge_journal(lines)
        wrong += judge_subscriber("the receiver of webhooks", due, receiver.events())
        wrong += receiver.complaints
        if not due:
            wrong.append("no event was told: this run has proved nothing")
        self.verdict.figures = {
            "events in the topics": len(due),
            "told by the gateway": len(told),
            "told by webhooks": len(receiver.taken),
            "copies of these": sum(receiver.copies.values()),
            "recordings played": self._parts["feed"].starts,
        }
        wrong += await self._verified(events)

    async def _verified(self, events: list[dict[str, Any]]) -> list[str]:
        """Return what `liqmon verify` makes of every event: each is computed again from its evidence."""
        path = self.folder / "events.jsonl"
        path.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
        done = await asyncio.to_thread(liqmon, "verify", str(path), seconds=300)
        return [] if done.returncode == 0 else [f"liqmon verify: {(done.stdout + done.stderr)[-500:]}"]


SERVICES = ("run", "gateway", "webhooks")


async def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Return whether a condition comes to hold soon."""
    try:
        await holds(condition, seconds)
    except TimeoutError:
        return False
    return True


def _told(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [line for line in whole_lines(subscriber.journal) if line["type"] == "event"]
