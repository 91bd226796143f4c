"""The demo's stage: sets up the log, the book and the daemon, and plays the market to them.

What is played is in `market` and `book`, what is seen in `view`.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

import orjson
from rich.console import Console

from monitor.adapters.embedded import EmbeddedLog
from monitor.adapters.logs import LogSettings, configure_logs
from monitor.app.instance import Instance
from monitor.app.ports import LogReader, TopicPartition
from monitor.app.topics import TopicNames, create_topics
from monitor.cli.assembly import KernelThread, assemble
from monitor.cli.clock import now_ms
from monitor.cli.demo.book import accounts
from monitor.cli.demo.market import STEP_MS, Row, played, price_message, standing_inputs
from monitor.cli.demo.tally import Tally
from monitor.cli.demo.view import View
from monitor.cli.exits import Exit
from monitor.cli.warm import Warming
from monitor.config import Settings

TITLE = (
    "liqmon demo · marks are mids of a recording (best bid and ask, Binance, 8 August 2024, by hftbacktest) · "
    "accounts are made up, the log is in memory: nothing is kept"
)
_FED_AT_ONCE = 250
_SHOWN_EVERY_SECONDS = {True: 0.5, False: 1.0}
_WHILE_LOADING_SECONDS = 1.0
_LATE_SECONDS = 10.0
"""So long the end waits for price messages that are not judged yet."""


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

    def __init__(self, settings: Settings, play: Play, warming: Warming) -> None:
        self._settings = settings
        self._play = play
        self._warming = warming
        self._topics: TopicNames = settings.topics.names()
        self._log = EmbeddedLog(now_ms)
        self._tally = Tally(settings.topics.partitions)
        self._console = Console(highlight=False)
        self._view = View(self._tally, self._console, TITLE)
        self._stop = asyncio.Event()
        self._messages = 0
        self._waiting: deque[Mapping[str, Decimal]] = deque()
        self._marks: Mapping[str, Decimal] = {}
        self._shown_at = 0.0

    async def run(self) -> int:
        """Play to the end, or to Ctrl-C; print the summary."""
        configure_logs(LogSettings(level="error"))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        kernel = KernelThread()
        started = time.monotonic()
        try:
            with self._view:
                if await self._unless_stopped(self._prepare(kernel)):
                    shards = self._settings.topics.partitions
                    await self._perform(assemble(self._settings, self._topics, self._log, shards, self._tally, kernel))
            self._view.summary(time.monotonic() - started, self._play.accounts, self._behind)
        finally:
            kernel.close()
            await self._log.close()
        return Exit.GOOD

    @property
    def _behind(self) -> int:
        return self._messages - self._tally.ticks

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do some work; return whether it was done rather than stopped."""
        doing, stopped = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (doing, stopped):
            task.cancel()
        await asyncio.gather(doing, stopped, return_exceptions=True)
        if doing in done:
            doing.result()
        return doing in done

    async def _prepare(self, kernel: KernelThread) -> None:
        self._view.say("loading the kernels (compiled once, then kept) …")
        await self._warming.run(kernel)
        await create_topics(await self._log.admin(), self._settings.topics)
        for topic, key, body in standing_inputs(self._topics, 0):
            self._produce(topic, key, body)

    def _produce(self, topic: str, key: str, body: object) -> None:
        self._log.produce(topic, key.encode(), orjson.dumps(body))

    async def _perform(self, instance: Instance) -> None:
        """Run the daemon, the market and the view side by side until the play is over."""
        daemon = asyncio.create_task(instance.run(), name="daemon")
        statuses = asyncio.create_task(self._read_statuses(), name="statuses")
        market = asyncio.create_task(self._play_market(instance), name="market")
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

    async def _play_market(self, instance: Instance) -> None:
        while instance.why_not_ready():  # noqa: ASYNC110  # the instance has no event for it
            await asyncio.sleep(0.02)
        play = self._play
        per_second = play.speed * 1000 / STEP_MS
        rows = played(play.shock, int(play.shock_at * per_second), max(1, int(per_second)))
        await self._load_book(next(rows))
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, row in enumerate(islice(rows, int(play.seconds * per_second))):
            await asyncio.sleep(max(0.0, start + number / per_second - loop.time()))
            self._tell_prices(row)
            self._show(loop.time() - start)
        late = loop.time() + _LATE_SECONDS
        while self._behind > 0 and loop.time() < late:
            await asyncio.sleep(0.05)
            self._show(loop.time() - start)

    def _show(self, second: float) -> None:
        """Show how things stand, with the marks that were judged last rather than those told last."""
        while len(self._waiting) > self._behind:
            self._marks = self._waiting.popleft()
        if self._marks and self._is_time_to_show():
            self._view.update(second, self._marks, self._behind)

    def _is_time_to_show(self) -> bool:
        now = time.monotonic()
        if now - self._shown_at < _SHOWN_EVERY_SECONDS[self._console.is_terminal]:
            return False
        self._shown_at = now
        return True

    def _tell_prices(self, row: Row) -> None:
        self._log.produce(self._topics.mark_prices, b"array", orjson.dumps(price_message(row, now_ms())), partition=0)
        self._messages += 1
        self._waiting.append(row.marks)

    async def _load_book(self, row: Row) -> None:
        """Feed the book, then wait until every account has been judged for the first time; prices stay fresh."""
        count, started = self._play.accounts, time.monotonic()
        book = accounts(count, self._play.seed, row.marks)
        told_at, some = 0.0, list(islice(book, _FED_AT_ONCE))
        while some or len(self._tally.accounts_shown) < count:
            if time.monotonic() - told_at >= _WHILE_LOADING_SECONDS:
                told_at = time.monotonic()
                self._tell_prices(row)
            for account in some:
                self._produce(self._topics.account_events, str(account["account_id"]), account)
            if self._is_time_to_show():
                self._view.progress("accounts judged for the first time", len(self._tally.accounts_shown), count)
            some = list(islice(book, _FED_AT_ONCE))
            await asyncio.sleep(0 if some else 0.05)
        self._tally.forget_times()
        self._view.say(f"{count} accounts judged after {time.monotonic() - started:.1f} s")

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
