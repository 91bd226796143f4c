"""The recorded market through a real Kafka and a real daemon, against an independent slow replay, event by event."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.adapters.wire.codec import WireCodec
from monitor.app.ports import TopicPartition
from monitor.cli.demo.book import accounts
from monitor.cli.demo.market import ASSETS, INSTRUMENTS, played, price_message, recorded
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, InstrumentTerms, Origin, Prices
from monitor.core.ladder import Ladder
from monitor.core.limits import Limits
from monitor.core.verdict import Ladders
from tests.broker import shared_broker
from tests.engine.comparing import is_number
from tests.engine.twin import Expected, Twin
from tests.programs import Program, free_port, liqmon, make_topics, without_ageing, write_config

PREFIX = "recorded-"
PARTITIONS = 3
ACCOUNTS = 120
MESSAGES = 150
SHOCK = Decimal("-0.08")
EVENTS = ("margin-calls", "liquidations", "adl-events")
CODEC = WireCodec(Limits())


class Feeder:
    """Produce inputs to Kafka and to the slow replay alike."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        freshness = FreshnessSettings(max_age_ms=0, unknown_after_ms=0)
        self.twin = Twin(Ladders.same(Ladder.build()), freshness, ("USD",))
        self.expected = Expected()

    async def send(self, topic: str, key: str, body: object, partition: int | None = None) -> None:
        """Produce one message, then let the replay judge everybody."""
        value = json.dumps(body).encode()
        sent = await self._producer.send_and_wait(PREFIX + topic, value, key=key.encode(), partition=partition)
        origin = Origin(PREFIX + topic, sent.partition, sent.offset)
        if topic == "instruments":
            item: Any = InstrumentTerms(key, CODEC.instrument(value, key.encode()).instrument, origin)
        elif topic == "assets":
            item = AssetTerms(key, CODEC.asset(value, key.encode()).asset, origin, sent.timestamp)
        elif topic == "mark-prices":
            item = Prices(CODEC.prices(value).prices, origin, sent.timestamp)
        else:
            item = AccountMessage(CODEC.account_event(value, key.encode()), origin)
        self.expected.add(self.twin.step(item, 0))


async def every(log: KafkaLog, topics: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return every committed record of some topics, in the order of each partition."""
    reader = log.reader()
    await reader.start()
    try:
        places = [TopicPartition(PREFIX + topic, number) for topic in topics for number in range(PARTITIONS)]
        reader.assign(await reader.beginning_offsets(places))
        ends = await reader.end_offsets(places)
        found = []
        while any(reader.position(where) < end for where, end in ends.items()):
            found += await reader.poll(2000, 200)
        return [json.loads(record.value) | {"topic": record.topic} for record in found if record.value]
    finally:
        await reader.stop()


def compare(event: dict[str, Any], right: dict[str, Any]) -> None:
    """Compare what the daemon told with what the slow replay tells."""
    where = (event["account_id"], event["scope"], event["sequence"])
    exact = ("event_type", "previous_status", "status", "raw_status", "direction", "episode", "suspect")
    for name in (*exact, "account_version", "price_time_ms"):
        assert event[name] == right[name], (where, name, event[name], right[name])
    assert event["topic"] == PREFIX + right["channel"].replace("_", "-"), where
    cause = {name: value for name, value in right["cause"].items() if name in ("kind", "topic", "partition", "offset")}
    assert {name: event["cause"].get(name) for name in cause} == cause, where
    is_number((where, "equity"), event["equity"], right["figures"].equity)
    is_number((where, "maintenance margin"), event["maintenance_margin"], right["figures"].requirement)
    is_number((where, "threshold"), event["threshold"], right["threshold"] and Fraction(right["threshold"]))


@pytest.mark.kafka
@pytest.mark.timeout(240)
async def test_every_event_of_the_recorded_market_is_the_slow_replays(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A book on the recorded market with a shock: the daemon tells exactly the events a slow replay tells."""
    broker = await asyncio.to_thread(shared_broker, request)
    port = free_port()
    sections = without_ageing(broker.bootstrap_servers, PREFIX, PARTITIONS, port)
    config = write_config(tmp_path / "monitor.toml", sections)
    await make_topics(config)
    daemon = Program("run", config=config, health_port=port)
    log = KafkaLog(KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
    try:
        daemon.start()
        await daemon.ready()
        feeder = await feed(broker.bootstrap_servers, log)
        chain = [event for event in await settled(log, len(feeder.expected.events)) if "sequence" in event]
        assert await asyncio.to_thread(daemon.end) == 0
    finally:
        daemon.close()
        await log.close()
    told = {(event["account_id"], event["scope"], event["sequence"]): event for event in chain}
    assert len(told) == len(chain), "an event stands twice"
    assert told.keys() == feeder.expected.events.keys()
    for key, event in told.items():
        compare(event, feeder.expected.events[key])
    assert len(chain) > ACCOUNTS / 4, "the shock has moved too few accounts to prove anything"
    lines = tmp_path / "events.jsonl"
    lines.write_text("\n".join(json.dumps(event) for event in chain))
    verified = await asyncio.to_thread(liqmon, "verify", str(lines))
    assert verified.returncode == 1, "an event with a foreign field cannot verify"
    lines.write_text("\n".join(json.dumps({k: v for k, v in event.items() if k != "topic"}) for event in chain))
    verified = await asyncio.to_thread(liqmon, "verify", str(lines))
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def feed(bootstrap_servers: str, log: KafkaLog) -> Feeder:
    """Feed terms and the book, wait until the daemon has judged it, then the recorded series with its shock."""
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True) as producer:
        feeder = Feeder(producer)
        for symbol, terms in INSTRUMENTS.items():
            await feeder.send("instruments", symbol, {"symbol": symbol, **terms})
        for asset, body in ASSETS.items():
            await feeder.send("assets", asset, {"asset": asset, "event_time_ms": 0, **body})
        first, *rows = islice(played(SHOCK, MESSAGES // 3, 20), MESSAGES)
        await feeder.send("mark-prices", "array", price_message(first, first.time_ms), partition=0)
        await judged(log, expected_accounts=0)
        for account in accounts(ACCOUNTS, 7, recorded()[0].marks):
            await feeder.send("account-events", account["account_id"], account)
        await judged(log, expected_accounts=ACCOUNTS)
        for number, row in enumerate(rows, 1):
            await feeder.send("mark-prices", "array", price_message(row, first.time_ms + number), partition=0)
        return feeder


async def judged(log: KafkaLog, expected_accounts: int) -> None:
    """Wait until so many accounts stand in account-status."""
    async with asyncio.timeout(60):
        shown: set[str] = set()
        while len(shown) < expected_accounts:
            shown = {record["account_id"] for record in await every(log, ("account-status",))}


async def settled(log: KafkaLog, count: int) -> list[dict[str, Any]]:
    """Wait until as many events of chains stand in the topics as are expected, then return all events."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while sum("sequence" in event for event in found) < count:
            found = await every(log, EVENTS)
            await asyncio.sleep(0.2)
    return await every(log, EVENTS)
