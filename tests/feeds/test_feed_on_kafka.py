"""A feed from a socket into a real Kafka: what is written, through kills of the feed and a broker that is away."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.adapters.wire.prices import decode_prices
from monitor.app.ports import LogUnavailable, Record, TopicPartition
from monitor.core.limits import Limits
from tests.broker import shared_broker
from tests.feeds.played_venue import Caller, PlayedVenue, mark
from tests.programs import Program, free_port, make_topics, write_config
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


def sections(bootstrap: str, venue: str, port: int) -> dict[str, dict[str, object]]:
    """Return the configuration of a feed that is quick to try again."""
    return {
        "kafka": {"bootstrap_servers": bootstrap, "request_timeout_ms": 2000},
        "topics": {"prefix": PREFIX, "partitions": 2},
        "venue": {"profile": "binance-usdm"},
        "feed": {
            "websocket_url": venue,
            "http_port": port,
            "terms_interval_ms": 0,
            "backoff_ms": 50,
            "max_backoff_ms": 200,
        },
        "watchdog": {"heartbeat_ms": 200},
    }


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
                    continue  # it has waited for an answer already

    async def __aenter__(self) -> Topic:
        await self._reader.start()
        self._reader.assign(dict.fromkeys(self._places, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.stop()
        await self._log.close()


async def test_prices_reach_a_real_kafka_and_go_on_after_kills(broker: Any, tmp_path: Path) -> None:
    """The daemon reads what is written, in order; a killed feed and a broker that stood still only interrupt it."""
    port = free_port()
    async with PlayedVenue([flowing]).open() as venue:
        config = write_config(tmp_path / "feed.toml", sections(broker.bootstrap_servers, venue.address, port))
        await make_topics(config)
        feed = Program("feed", "binance-usdm", config=config, health_port=port)
        try:
            feed.start()
            async with Topic(broker.bootstrap_servers, "mark-prices") as prices:
                await prices.until(20)
                await until(feed.is_ready)
                feed.end(signal.SIGKILL)
                feed.start()
                await prices.until(len(prices.records) + 20)
                broker.freeze()
                await until(lambda: not feed.is_ready())
                broker.thaw()
                await prices.until(len(prices.records) + 20)
                await until(feed.is_ready)
            async with Topic(broker.bootstrap_servers, "liqmon-heartbeats", 2) as beats:
                await beats.until(5)
            assert await asyncio.to_thread(feed.end) == 0, feed.said()
        finally:
            feed.close()
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
