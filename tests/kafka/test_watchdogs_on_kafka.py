"""Watchdogs and missed prices on a real Kafka: a foreign open transaction, and an outage of twice the replay limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from monitor.adapters.kafka import KafkaLog
from monitor.app.alarms import Watchdog
from monitor.app.ports import Record, TopicPartition
from monitor.app.topics import create_topics
from monitor.cli.assembly import KernelThread, assemble
from monitor.cli.clock import now_ms
from monitor.config import Settings, load
from tests.app import missed
from tests.app.lab import Notes
from tests.broker import shared_broker
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

START_SECONDS = 90.0
LIMIT_MS = 3_000
INSTRUMENT = {
    "symbol": "XUSDT",
    "status": "trading",
    "contract": "linear",
    "settle_asset": "USDT",
    "brackets": [{"floor": "0", "rate": "0.1", "max_leverage": "10"}],
}
POSITION = {"symbol": "XUSDT", "quantity": "10", "entry_price": "100"}
ACCOUNT = {
    "account_id": "a",
    "version": 1,
    "event_time_ms": 1,
    "snapshot": True,
    "balances": {"USDT": "200"},
    "positions": [POSITION],
}


class Venue:
    """Hold the topics of one case on the broker, and a producer that feeds them."""

    def __init__(self, bootstrap_servers: str, prefix: str, **more: Any) -> None:
        overrides = {
            "kafka.bootstrap_servers": bootstrap_servers,
            "topics.prefix": prefix,
            "topics.partitions": 1,
            "ladder.hysteresis": "0",
            "prices.max_age_ms": 0,
            "prices.unknown_after_ms": 0,
        }
        more = {name.replace("__", "."): value for name, value in more.items()}
        self.settings: Settings = load(None, environment={}, overrides=overrides | more)
        self.topics = self.settings.topics.names()
        self.log = KafkaLog(self.settings.kafka)
        self.producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)

    async def open(self) -> None:
        """Make the topics and put a healthy account on them."""
        async with asyncio.timeout(30):
            await self.producer.start()
            assert await create_topics(await self.log.admin(), self.settings.topics) == []
            await self.send(self.topics.instruments, "XUSDT", INSTRUMENT)
            await self.price("100")
            await self.send(self.topics.account_events, "a", ACCOUNT)

    async def send(self, topic: str, key: str, body: Any) -> None:
        """Produce one message."""
        await self.producer.send_and_wait(topic, json.dumps(body).encode(), key=key.encode())

    async def price(self, mark: str) -> None:
        """Produce one price."""
        await self.send(
            self.topics.mark_prices, "x", {"symbol": "XUSDT", "mark_price": mark, "event_time_ms": now_ms()}
        )

    async def records(self, *topics: str) -> list[Record]:
        """Return every committed record of partition 0 of some topics."""
        reader = self.log.reader()
        await reader.start()
        try:
            places = [TopicPartition(topic, 0) for topic in topics]
            reader.assign(await reader.beginning_offsets(places))
            ends = await reader.end_offsets(places)
            found: list[Record] = []
            while any(reader.position(where) < end for where, end in ends.items()):
                found += await reader.poll(500, 200)
            return found
        finally:
            await reader.stop()

    async def chain(self) -> list[str]:
        """Return the statuses told of the account's scope, in order of sequence."""
        events = await self.records(self.topics.margin_calls, self.topics.liquidations, self.topics.adl_events)
        bodies = [json.loads(record.value or b"") for record in events]
        told = sorted((body for body in bodies if "sequence" in body), key=lambda body: body["sequence"])
        assert [body["sequence"] for body in told] == list(range(1, len(told) + 1))
        return [body["status"] for body in told]

    async def watermark(self) -> int:
        """Return up to where the prices are judged by the last heartbeat."""
        beats = await self.records(self.topics.heartbeats)
        body = json.loads(beats[-1].value or b"")
        return int(body["watermark"][self.topics.mark_prices]["0"]["offset"])

    @asynccontextmanager
    async def running(self, clock: Callable[[], int] = now_ms) -> AsyncIterator[tuple[Any, Notes]]:
        """Run an instance until it is steady, and stop it afterwards."""
        notes, kernel = Notes(), KernelThread()
        instance = assemble(self.settings, self.topics, self.log, 1, notes, kernel, clock)
        task = asyncio.create_task(instance.run(), name="instance")
        try:
            await until(lambda: task.done() or (notes.takeovers > 0 and not instance.why_not_ready()), START_SECONDS)
            yield instance, notes
        finally:
            instance.stop()
            await task
            kernel.close()

    async def close(self) -> None:
        """Let everything go."""
        await self.producer.stop()
        await self.log.close()


async def until_told(venue: Venue, expected: Sequence[str]) -> None:
    """Wait until the chain is as expected."""
    async with asyncio.timeout(START_SECONDS):
        while (found := await venue.chain()) != list(expected):
            assert len(found) <= len(expected), found
            await asyncio.sleep(0.1)


async def test_a_foreign_open_transaction_on_the_prices_is_said(request: pytest.FixtureRequest) -> None:
    """Position and end look equal while prices wait behind a transaction: it is said, until that ends."""
    broker = await asyncio.to_thread(shared_broker, request)
    venue = Venue(broker.bootstrap_servers, "open.", watchdog__open_transaction_ms=1_500, watchdog__interval_ms=100)
    foreign = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, transactional_id="open.foreign")
    await venue.open()
    await foreign.start()
    try:
        async with venue.running() as (instance, notes):
            await foreign.begin_transaction()
            await foreign.send_and_wait(venue.topics.mark_prices, b"{}", key=b"x")
            await venue.price("84")
            where = f"{venue.topics.mark_prices}[0]"
            await until(lambda: (Watchdog.OPEN_TRANSACTION.value, where) in notes.alarms, 30)
            why = "; ".join(instance.why_not_well())  # a busy machine may have other complaints
            assert f"{where}: 2 offsets wait behind a transaction" in why
            assert await venue.chain() == [], "what waits behind it is not judged, and that is why it is said"
            await foreign.abort_transaction()
            await until_told(venue, ["takeover"])
            await until(lambda: not instance.why_not_well(), 30)
            assert notes.alarms_ever == [Watchdog.OPEN_TRANSACTION.value]
            async with asyncio.timeout(START_SECONDS):
                while await venue.watermark() < 3:  # noqa: ASYNC110 - asked of the broker
                    await asyncio.sleep(0.1)
    finally:
        await foreign.stop()
        await venue.close()


async def test_an_outage_of_twice_the_limit_is_half_judged_and_half_reported(request: pytest.FixtureRequest) -> None:
    """Prices that came while the instance was away are judged in order up to the limit, by the log's own times."""
    broker = await asyncio.to_thread(shared_broker, request)
    venue = Venue(broker.bootstrap_servers, "missed.", prices__max_replay_ms=LIMIT_MS)
    await venue.open()
    try:
        async with venue.running():
            pass
        first = len(await venue.records(venue.topics.mark_prices))
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, mark in enumerate(missed.marks(40), 1):
            await venue.price(mark)
            await until(lambda: loop.time() >= began + number * 2 * LIMIT_MS / 40_000)  # noqa: B023 - waited for here
        returned_ms = now_ms()
        # its clock stands: how long a busy machine takes to start it must not move the limit
        async with venue.running(lambda: returned_ms) as (_, notes):
            prices = (await venue.records(venue.topics.mark_prices))[first:]
            reports = [json.loads(record.value or b"") for record in await venue.records(venue.topics.data_quality)]
            (report,) = [report for report in reports if report["kind"] == "prices_unjudged"]
            judged, lost = missed.check(prices, report, await venue.chain(), returned_ms, LIMIT_MS, 0)
            assert (judged + lost, notes.unjudged_messages) == (40, lost)
            assert judged >= 5 <= lost
    finally:
        await venue.close()
