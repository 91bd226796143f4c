"""The demo's stage: sets up the log, the book and the daemon, and plays the market to them.

What is played is in `market` and `book`, what is seen in `view`.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

import orjson
from rich.console import Console

from monitor.adapters.embedded import EmbeddedLog
from monitor.adapters.logs import LogSettings, configure_logs
from monitor.app.instance import Instance
from monitor.app.ports import LogReader, TopicPartition
from monitor.app.topics import TopicNames, create_topics
from monitor.cli.assembly import KernelThread, assemble, now_ms
from monitor.cli.demo.book import accounts
from monitor.cli.demo.market import ASSETS, INSTRUMENTS, STEP_MS, Row, played, price_message
from monitor.cli.demo.tally import Tally
from monitor.cli.demo.view import View
from monitor.cli.exits import Exit
from monitor.cli.warm import warm
from monitor.config import Settings

_FED_AT_ONCE = 500
_SHOWN_EVERY_SECONDS = {True: 0.25, False: 1.0}


class Play(NamedTuple):
    """Hold what is played."""

    accounts: int
    speed: float
    seed: int
    shock: Decimal
    shock_at: float
    seconds: float


class Stage:
    """Hold one run of the demo."""

    def __init__(self, settings: Settings, play: Play) -> None:
        self._settings = settings
        self._play = play
        self._topics: TopicNames = settings.topics.names()
        self._log = EmbeddedLog(now_ms)
        self._tally = Tally(settings.topics.partitions)
        self._console = Console(highlight=False)
        title = (
            "liqmon demo · recorded mids of best bid and ask stand for marks (Binance, 8 August 2024, hftbacktest) · "
            "made-up accounts on a log in memory, nothing is kept"
        )
        self._view = View(self._tally, self._console, title)
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Play to the end, or to Ctrl-C; print the summary."""
        configure_logs(LogSettings(level="error"))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        kernel = KernelThread()
        try:
            with self._view:
                await self._prepare(kernel)
                instance = assemble(
                    self._settings, self._topics, self._log, self._settings.topics.partitions, self._tally, kernel
                )
                started = time.monotonic()
                await self._perform(instance)
            self._view.summary(time.monotonic() - started, self._play.accounts)
        finally:
            kernel.close()
            await self._log.close()
        return Exit.GOOD

    async def _prepare(self, kernel: KernelThread) -> None:
        self._view.say("loading the kernels (compiled once, then kept) …")
        await kernel(warm)
        await create_topics(await self._log.admin(), self._settings.topics)
        for symbol, terms in INSTRUMENTS.items():
            self._produce(self._topics.instruments, symbol, {"symbol": symbol, **terms})
        for asset, body in ASSETS.items():
            self._produce(self._topics.assets, asset, {"asset": asset, "event_time_ms": 0, **body})

    def _produce(self, topic: str, key: str, body: object) -> None:
        self._log.produce(topic, key.encode(), orjson.dumps(body))

    async def _perform(self, instance: Instance) -> None:
        """Run the daemon, the market and the view side by side until the play is over."""
        daemon = asyncio.create_task(instance.run(), name="daemon")
        statuses = asyncio.create_task(self._read_statuses(), name="statuses")
        market = asyncio.create_task(self._play_market(), name="market")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        tasks = {daemon, statuses, market, stopped}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            instance.stop()
            for task in tasks - {daemon}:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _play_market(self) -> None:
        play = self._play
        per_second = play.speed * 1000 / STEP_MS
        rows = played(play.shock, int(play.shock_at * per_second), max(1, int(per_second)))
        first = next(rows)
        self._tell_prices(first)
        await self._load_book(first)
        loop = asyncio.get_running_loop()
        start = shown = loop.time()
        for number, row in enumerate(islice(rows, int(play.seconds * per_second))):
            await asyncio.sleep(max(0.0, start + number / per_second - loop.time()))
            self._tell_prices(row)
            if loop.time() - shown >= _SHOWN_EVERY_SECONDS[self._console.is_terminal]:
                shown = loop.time()
                self._view.update(shown - start, row.marks)

    def _tell_prices(self, row: Row) -> None:
        self._log.produce(self._topics.mark_prices, b"array", orjson.dumps(price_message(row, now_ms())), partition=0)

    async def _load_book(self, row: Row) -> None:
        """Feed the book, then wait until every account has been judged for the first time."""
        self._view.say(f"loading {self._play.accounts} accounts …")
        book: Iterator[dict[str, object]] = accounts(self._play.accounts, self._play.seed, row.marks)
        while some := list(islice(book, _FED_AT_ONCE)):
            for account in some:
                self._produce(self._topics.account_events, str(account["account_id"]), account)
            await asyncio.sleep(0)
        started = time.monotonic()
        await self._tally.until_shown(self._play.accounts)
        self._view.say(f"{self._play.accounts} accounts judged after {time.monotonic() - started:.1f} s")

    async def _read_statuses(self) -> None:
        reader: LogReader = self._log.reader()
        await reader.start()
        partitions = range(await reader.partition_count(self._topics.account_status))
        reader.assign({TopicPartition(self._topics.account_status, number): 0 for number in partitions})
        while True:
            for record in await reader.poll(1000, 100):
                body = None if record.value is None else orjson.loads(record.value)
                self._tally.show((record.key or b"").decode(), body)
            await asyncio.sleep(0)
