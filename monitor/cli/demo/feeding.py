"""Feeding: the demo's book and market written into the Kafka that is configured, for daemons that run elsewhere.

What is fed is in `market` and `book`; judging it, and showing what comes of it, is those daemons' business.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterable
from itertools import islice

import orjson

from monitor.adapters.kafka import KafkaLog, tame_client_logging
from monitor.adapters.logs import LogSettings, configure_logs
from monitor.app.ports import Log, OutputRecord, ShardWriter
from monitor.cli.clock import now_ms
from monitor.cli.demo.book import accounts
from monitor.cli.demo.market import STEP_MS, Row, played, price_message, standing_inputs
from monitor.cli.demo.stage import Play
from monitor.cli.exits import Exit, OutsideFault
from monitor.config import Settings
from monitor.core.partitioning import partition_of

_ACCOUNTS_AT_ONCE = 500
_SAID_EVERY_SECONDS = 1.0


class Feeding:
    """Hold one run of feeding; the inputs go through transactions, so a run that is cut leaves nothing half told."""

    def __init__(self, settings: Settings, play: Play) -> None:
        self._settings = settings
        self._play = play
        self._topics = settings.topics.names()
        self._partitions: dict[str, int] = {}
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Feed to the end, or to Ctrl-C. Raises what the log raises, and `OutsideFault` where topics are missing."""
        configure_logs(LogSettings(level="error"))
        tame_client_logging()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        log = KafkaLog(self._settings.kafka)
        writer = log.writer(f"{self._settings.topics.prefix}liqmon-demo-feed")
        try:
            await self._find_topics(log)
            await writer.fence()
            await self._feed(writer)
        finally:
            await writer.close()
            await log.close()
        return Exit.GOOD

    async def _find_topics(self, log: Log) -> None:
        reader, topics = log.reader(), self._topics
        try:
            await reader.start()
            inputs = (topics.mark_prices, topics.account_events, topics.instruments, topics.assets)
            for name in (*inputs, topics.insurance_funds):
                self._partitions[name] = await reader.partition_count(name)
        finally:
            await reader.stop()
        if missing := [name for name, count in self._partitions.items() if not count]:
            raise OutsideFault(f"topics are missing, `liqmon topics create` makes them: {', '.join(missing)}")

    async def _feed(self, writer: ShardWriter) -> None:
        play, topics, began = self._play, self._topics, time.monotonic()
        per_second = play.speed * 1000 / STEP_MS
        rows = played(play.shock, int(play.shock_at * per_second), max(1, int(per_second)))
        first = next(rows)
        terms = [self._record(topic, key, body) for topic, key, body in standing_inputs(topics, now_ms())]
        await writer.write([*terms, self._prices(first)])
        version = now_ms()
        book = accounts(play.accounts, play.seed, first.marks)
        while not self._stop.is_set() and (some := list(islice(book, _ACCOUNTS_AT_ONCE))):
            fed = [{**account, "version": version, "event_time_ms": version} for account in some]
            records = [self._record(topics.account_events, account["account_id"], account) for account in fed]
            await writer.write([self._prices(first), *records])
        print(f"{play.accounts} accounts written after {time.monotonic() - began:.1f} s", flush=True)
        await self._play_market(writer, islice(rows, int(play.seconds * per_second)), per_second)

    async def _play_market(self, writer: ShardWriter, rows: Iterable[Row], per_second: float) -> None:
        loop = asyncio.get_running_loop()
        start = said = loop.time()
        number = 0
        for number, row in enumerate(rows, 1):
            await asyncio.sleep(max(0.0, start + (number - 1) / per_second - loop.time()))
            if self._stop.is_set():
                break
            await writer.write([self._prices(row)])
            if loop.time() - said >= _SAID_EVERY_SECONDS:
                said = loop.time()
                marks = " ".join(f"{name}={mark.normalize():f}" for name, mark in row.marks.items())
                print(f"{said - start:5.1f} s | {marks} | {number} price messages", flush=True)
        print(f"{number} price messages written", flush=True)

    def _prices(self, row: Row) -> OutputRecord:
        value = orjson.dumps(price_message(row, now_ms()))
        return OutputRecord(self._topics.mark_prices, 0, b"array", value)

    def _record(self, topic: str, key: str, body: object) -> OutputRecord:
        return OutputRecord(
            topic, partition_of(key.encode(), self._partitions[topic]), key.encode(), orjson.dumps(body)
        )
