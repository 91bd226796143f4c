"""A feed from a socket into a real Kafka: what is written, through kills of the feed and a broker that is away."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.adapters.wire.prices import decode_prices
from monitor.app.ports import LogUnavailable, Record, TopicPartition
from monitor.core.limits import Limits
from tests.broker import kafka, shared_broker
from tests.feeds.played_venue import Caller, PlayedVenue, mark
from tests.feeds.process import CONFIG, FeedProgram
from tests.recorded.daemon import liqmon
from tests.waiting import until

pytestmark = pytest.mark.kafka
PREFIX = "feeds."


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Any:
    """Return the running broker of the test run."""
    return shared_broker(request)


async def flowing(caller: Caller) -> None:
    """Send two marks again and again."""
    await caller.greet()
    await caller.repeat(lambda: [mark("BTCUSDT", "61000.1"), mark("ETHUSDT", "2681.62")], every=0.05)


class Topic:
    """Read a topic of one partition or more from its beginning."""

    def __init__(self, bootstrap: str, name: str, partitions: int = 1) -> None:
        self._log = KafkaLog(KafkaSettings(bootstrap_servers=bootstrap, request_timeout_ms=3000))
        self._reader = self._log.reader()
        self._places = [TopicPartition(PREFIX + name, number) for number in range(partitions)]
        self.records: list[Record] = []

    async def until(self, count: int) -> None:
        """Read until there are so many records."""
        async with asyncio.timeout(40):
            while len(self.records) < count:
                try:
                    self.records += await self._reader.poll(500, 200)
                except LogUnavailable:
                    await asyncio.sleep(0.1)

    async def __aenter__(self) -> Topic:
        await self._reader.start()
        self._reader.assign(dict.fromkeys(self._places, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.stop()
        await self._log.close()


async def test_prices_reach_a_real_kafka_and_go_on_after_kills(broker: Any, tmp_path: Path) -> None:
    """The daemon reads what is written, in order; a killed feed and a broker that stood still only interrupt it."""
    [port] = kafka.free_ports(1)
    config = tmp_path / "feed.toml"
    async with PlayedVenue([flowing]).open() as venue:
        config.write_text(
            CONFIG.format(bootstrap=broker.bootstrap_servers, prefix=PREFIX, port=port, venue=venue.address)
        )
        made = await asyncio.to_thread(liqmon, "topics", "create", "--config", str(config))
        assert made.returncode == 0, made.stderr
        feed = FeedProgram("binance-usdm", config, port)
        try:
            async with Topic(broker.bootstrap_servers, "mark-prices") as prices:
                await prices.until(20)
                await until(feed.is_ready)
                feed.kill()
                feed = FeedProgram("binance-usdm", config, port)
                await prices.until(len(prices.records) + 20)
                broker.freeze()
                await until(lambda: not feed.is_ready())
                broker.thaw()
                await prices.until(len(prices.records) + 20)
                await until(feed.is_ready)
            async with Topic(broker.bootstrap_servers, "liqmon-heartbeats", 2) as beats:
                await beats.until(5)
            assert await asyncio.to_thread(feed.stop) == 0, feed.said()
        finally:
            feed.kill()
    messages = [decode_prices(record.value, Limits()) for record in prices.records]
    assert all({price.symbol for price in one.prices} == {"BTCUSDT", "ETHUSDT"} for one in messages)
    assert not any(one.rejected for one in messages)
    times = [one.prices[0].event_time_ms for one in messages]
    known: list[int] = []
    for at in times:
        assert at > max(known, default=0) or at in known, (
            "only what was on its way may come again, nothing new comes late"
        )
        known.append(at)
    assert {record.key for record in beats.records} == {b"feed/binance-usdm"}
    assert json.loads(beats.records[-1].value or b"")["streams"].keys() == {"!markPrice@arr@1s"}
