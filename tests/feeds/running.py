"""A market feed run in the test's own process against a played venue; what it writes is kept in a list."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import orjson
from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import FeedMetrics
from monitor.adapters.rest import RestClient
from monitor.adapters.venues import VENUES
from monitor.adapters.websocket import WebsocketConnector
from monitor.app.ports import LogUnavailable
from monitor.app.topics import TopicNames
from monitor.app.venue_feed.feed import Part, VenueFeed
from monitor.app.venue_feed.line_group import Tools
from monitor.app.venue_feed.market import MarketStreams
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import NativeMessage
from monitor.app.venue_feed.settings import VenueFeedSettings
from monitor.app.venue_feed.writing import MessageWriter
from tests.feeds.played_venue import now_ms

QUICK = {"silence_ms": 400, "connect_ms": 500, "backoff_ms": 10, "max_backoff_ms": 50, "rate_limit_ms": 300}
"""Limits short enough for a test."""


class ListOutlet:
    """Keep what is written; while `is_away`, refuse."""

    def __init__(self) -> None:
        self.written: list[NativeMessage] = []
        self.is_away = False

    async def write(self, messages: Sequence[NativeMessage]) -> None:
        """Keep all messages."""
        await asyncio.sleep(0)
        if self.is_away:
            raise LogUnavailable("away")
        self.written += messages

    async def close(self) -> None:
        """Do nothing."""

    def prices(self) -> list[dict[str, Any]]:
        """Return every price written, in order."""
        found: list[dict[str, Any]] = []
        for message in self.written:
            if message.topic == "mark-prices":
                body = json.loads(message.value)
                found += body if isinstance(body, list) else [body]
        return found

    def of(self, topic: str) -> list[dict[str, Any]]:
        """Return every document of a topic, in order."""
        return [json.loads(message.value) for message in self.written if message.topic == topic]


class Running:
    """Hold a feed that runs."""

    def __init__(
        self,
        venue: str,
        settings: VenueFeedSettings,
        margin_available: Callable[[str], bool | None] | None = None,
    ) -> None:
        self.outlet = ListOutlet()
        self.registry = CollectorRegistry()
        metrics = FeedMetrics(self.registry)
        dialect = VENUES[venue].streams
        tools = Tools(
            connector=WebsocketConnector(settings),
            settings=settings,
            observer=metrics,
            clock=time.monotonic,
            now_ms=now_ms,
            chance=lambda: 0.5,
        )
        self.outbox = Outbox(self.outlet, metrics, now_ms, settings.max_waiting)
        writer = MessageWriter(TopicNames(), orjson.dumps, 524_288, 16_384)
        streams = dialect.streams(settings.symbols, collateral=settings.collateral)
        parts = [MarketStreams(dialect, streams, tools, self.outbox, writer, margin_available)]
        self.feed = VenueFeed(venue, parts, self.outbox, tools, orjson.dumps, "liqmon-heartbeats", "w", 50)

    def value(self, name: str, **labels: str) -> float:
        """Return a metric's value, 0 where it does not show."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def fates(self) -> Counter[str]:
        """Return how many rows met which fate."""
        found: Counter[str] = Counter()
        for family in self.registry.collect():
            for sample in family.samples:
                if sample.name == "liqmon_feed_rows_total":
                    found[sample.labels["fate"]] += int(sample.value)
        return found


T = TypeVar("T", bound="Watching")


class Watching(Protocol):
    """Describe what watches something by REST, and writes what it learns."""

    outbox: Outbox
    watch: Part


@asynccontextmanager
async def at_work(one: T, rest: RestClient) -> AsyncIterator[T]:
    """Let it watch and write for the duration of the body; nothing may have failed in the end."""
    tasks = [asyncio.create_task(one.outbox.run()), asyncio.create_task(one.watch.run())]
    try:
        yield one
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await rest.close()
        faults = [task.exception() for task in tasks if not task.cancelled()]
    assert not faults, faults


@asynccontextmanager
async def running(
    address: str,
    venue: str = "binance-usdm",
    margin_available: Callable[[str], bool | None] | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Run a feed for the duration of the body."""
    one = Running(venue, VenueFeedSettings(websocket_url=address, **{**QUICK, **settings}), margin_available)
    task = asyncio.create_task(one.feed.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (fault := task.exception()) is not None:
            raise fault
