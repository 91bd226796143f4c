"""A log with events written by hand, targets that answer as a test has it, and a judge of what they were sent."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from monitor.adapters.embedded import EmbeddedLog
from monitor.adapters.wire.subscribers import SubscriberCodec
from monitor.app.gateway.places import Places
from monitor.app.ports import Log, OutputRecord, Record, TopicPartition
from monitor.app.topics import TopicSettings, create_topics
from monitor.app.webhooks.delivering import Reply
from monitor.app.webhooks.observing import SilentWebhookObserver
from monitor.app.webhooks.queue import Answer
from monitor.app.webhooks.restoring import Tools
from monitor.app.webhooks.sender import Sender
from monitor.app.webhooks.settings import WebhookSettings
from monitor.app.webhooks.targets import Target, check_targets
from monitor.core.partitioning import partition_of

PARTITIONS = 2
EVENTS = ("margin-calls", "liquidations", "adl-events")
STATUSES = ("watch", "warning", "margin_call", "liquidation", "critical", "bankrupt")
TOPIC_OF = dict(zip(STATUSES, (EVENTS[0],) * 3 + (EVENTS[1],) * 2 + (EVENTS[2],), strict=True))
STATE, PARKED = TopicPartition("liqmon-webhooks", 0), TopicPartition("webhooks-parked", 0)


@dataclass(slots=True)
class Story:
    """Make events; each is of a type of its own, so that a digest tells exactly which it holds."""

    random: Random
    accounts: int = 5
    partitions: int = PARTITIONS
    written: list[tuple[str, str]] = field(default_factory=list)
    _sequences: Counter[str] = field(default_factory=Counter)

    def next(self, status: str | None = None) -> OutputRecord:
        """Return the next event of somebody's chain."""
        account = f"a{self.random.randrange(self.accounts)}"
        status = status or self.random.choice(STATUSES)
        self._sequences[account] += 1
        kind = f"k{len(self.written)}"
        self.written.append((kind, account))
        body = {
            "event_type": kind,
            "account_id": account,
            "scope": "cross:USDT",
            "sequence": self._sequences[account],
            "status": status,
            "previous_status": "healthy",
            "evidence": {"secret": "of others"},
        }
        partition = partition_of(account.encode(), self.partitions)
        return OutputRecord(TOPIC_OF[status], partition, account.encode(), json.dumps(body).encode())


@dataclass(slots=True)
class Desk:
    """Hold what one target was sent: every copy in order, and what was acknowledged."""

    copies: list[tuple[str, bytes]] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)


class Notes(SilentWebhookObserver):
    """Keep what was observed."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.gone_offsets: Counter[str] = Counter()

    def log_fault(self, kind: str) -> None:
        """Keep it."""
        self.faults.append(kind)

    def lost(self, topic: str, offsets: int) -> None:
        """Count it."""
        self.gone_offsets[topic] += offsets


class Receivers:
    """Answer attempts; `fate` says what becomes of one: an answer, `lost` (taken, but nobody hears of it), `killed`."""

    def __init__(self, fate: Callable[[str, str], str] = lambda target, message_id: "taken") -> None:
        self.desks: dict[str, Desk] = defaultdict(Desk)
        self.fate = fate
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.log: Log | None = None
        self._tried: Counter[tuple[str, str]] = Counter()

    async def deliver(self, target: Target, message_id: str, body: bytes) -> Reply:
        """Send one copy; with a log, hold against it that it knows of the attempt."""
        self.before()
        self._tried[target.name, message_id] += 1
        if self.log is not None:
            known = (await states_of(self.log)).get(f"message|{target.name}|{message_id}", {"attempts": 0})
            assert known["attempts"] >= self._tried[target.name, message_id], "an attempt the log does not know"
            assert known["attempts"] <= target.pace.max_attempts
        await asyncio.sleep(0)
        fate = self.fate(target.name, message_id)
        desk = self.desks[target.name]
        if fate in {"taken", "lost"}:
            desk.copies.append((message_id, body))
        if fate == "taken":
            desk.acknowledged.add(message_id)
        self.after()
        answer = {"taken": Answer.TAKEN, "gone": Answer.GONE}.get(fate, Answer.FAILED)
        return Reply(answer, "" if answer is Answer.TAKEN else fate)


def tools_on(log: Log, receivers: Any, targets: Iterable[Target], **changes: Any) -> Tools:
    """Return what a sender is put together from."""
    given: dict[str, Any] = {
        "log": log,
        "places": Places(EVENTS, "account-status", PARTITIONS),
        "state": STATE.topic,
        "parked": PARKED.topic,
        "sender_id": "hooks",
        "targets": check_targets(targets),
        "delivery": receivers,
        "codec": SubscriberCodec(1),
        "settings": WebhookSettings(drain_ms=200),
        "observer": SilentWebhookObserver(),
        "now_ms": lambda: time.time_ns() // 1_000_000,
        "clock": time.monotonic,
        "chance": lambda: 0.5,
    }
    return Tools(**given | changes)


@asynccontextmanager
async def embedded() -> AsyncIterator[EmbeddedLog]:
    """Yield a log with its topics made."""
    log = EmbeddedLog(lambda: time.time_ns() // 1_000_000)
    assert not await create_topics(await log.admin(), TopicSettings(partitions=PARTITIONS))
    yield log
    await log.close()


def produce(log: EmbeddedLog, record: OutputRecord) -> None:
    """Append an event."""
    log.produce(record.topic, record.key, record.value, record.partition)


@asynccontextmanager
async def sending(tools: Tools) -> AsyncIterator[Sender]:
    """Run a sender, and stop it as a signal does."""
    sender = Sender(tools)
    task = asyncio.create_task(sender.run())
    try:
        yield sender
        sender.stop()
        async with asyncio.timeout(10):
            await task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def records_of(log: Log, where: TopicPartition) -> list[Record]:
    """Return everything that stands in a partition."""
    reader = log.reader()
    await reader.start()
    try:
        end = (await reader.end_offsets([where]))[where]
        reader.assign(await reader.beginning_offsets([where]))
        found: list[Record] = []
        while reader.position(where) < end:
            found += await reader.poll(500, 200)
        return found
    finally:
        await reader.stop()


async def states_of(log: Log, prefix: str = "") -> dict[str, Any]:
    """Return the state as its topic has it: by key, what was written last, without what is gone."""
    found: dict[str, Any] = {}
    for record in await records_of(log, STATE._replace(topic=prefix + STATE.topic)):
        assert record.key is not None
        found[record.key.decode()] = record.value
    return {key: json.loads(value) for key, value in found.items() if value is not None}


async def settled(log: Log, target: str, events: int, prefix: str = "", seconds: float = 20) -> None:
    """Wait until the state says that so many events of a target have ended."""

    async def ended() -> bool:
        tally = (await states_of(log, prefix)).get(f"target|{target}|", {})
        return sum(tally.get(name, 0) for name in ("acknowledged", "digested", "parked")) >= events

    async with asyncio.timeout(seconds):
        while not await ended():  # noqa: ASYNC110 - the log sets no event
            await asyncio.sleep(0.01 if not prefix else 0.3)


def told_by(desk: Desk) -> dict[str, Mapping[str, Any]]:
    """Return what each message says, by its id, in the order of first copies; hold every copy against the first."""
    found: dict[str, bytes] = {}
    for message_id, body in desk.copies:
        assert found.setdefault(message_id, body) == body, f"{message_id}: one id, two contents"
    return {message_id: json.loads(body)["data"] for message_id, body in found.items()}


def kinds_of(data: Mapping[str, Any]) -> list[str]:
    """Return which events a message tells."""
    return list(data["kinds"]) if "kinds" in data else [data["event"]["event_type"]]


async def parked_of(log: Log, target: str, prefix: str = "") -> dict[str, list[str]]:
    """Return which events were parked, by the id of their message."""
    parked: dict[str, list[str]] = {}
    for record in await records_of(log, PARKED._replace(topic=prefix + PARKED.topic)):
        told = json.loads(record.value or b"")
        if told["target"] == target:
            assert told["message"]["id"] not in parked, "parked twice"
            parked[told["message"]["id"]] = list(told["message"]["kinds"])
    return parked


async def judge(log: Log, target: str, desk: Desk, written: list[tuple[str, str]], prefix: str = "") -> dict[str, int]:
    """Hold what a target was sent, what was parked and what the state says against what was written."""
    states = await states_of(log, prefix)
    tally = states[f"target|{target}|"]
    assert not [key for key in states if key.startswith(f"message|{target}|")], "something still waits"
    parked = await parked_of(log, target, prefix)
    told_of = told_by(desk)
    ended = {name: kinds_of(data) for name, data in told_of.items() if name not in parked}
    all_kinds = [kind for kinds in (*ended.values(), *parked.values()) for kind in kinds]
    assert Counter(all_kinds) == Counter(kind for kind, _ in written), "each event in one message that ended"
    assert set(ended) <= desk.acknowledged, "sent, never acknowledged, and not parked"
    assert tally["received"] == len(written) == tally["acknowledged"] + tally["digested"] + tally["parked"]
    assert tally["parked"] == sum(map(len, parked.values()))
    assert tally["digested"] == sum(len(kinds) for kinds in ended.values() if len(kinds) > 1)
    _in_order(told_of.values(), written)
    return dict(tally)


def _in_order(told: Iterable[Mapping[str, Any]], written: list[tuple[str, str]]) -> None:
    """Hold first copies against the order of each account's events; a digest holds a stretch of them."""
    account_of = dict(written)
    order = {kind: number for number, (kind, _) in enumerate(written)}
    newest: dict[str, int] = {}
    for data in told:
        latest: dict[str, list[int]] = defaultdict(list)
        for kind in kinds_of(data):
            latest[account_of[kind]].append(order[kind])
        for account, numbers in latest.items():
            assert min(numbers) > newest.get(account, -1), f"{account} is told something old after something new"
            newest[account] = max(numbers)
