"""`liqmon run`: the daemon, on Kafka or, without a broker configured, on the embedded log.

Signals and the input file live here; what the daemon does is in `monitor.app`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monitor.cli.door import serving
from monitor.cli.exits import BadInput, Exit
from monitor.cli.input_lines import Source, feed, open_source
from monitor.cli.kafka_log import open_kafka
from monitor.cli.options import add_config_option, settings_of
from monitor.cli.warm import Warming

if TYPE_CHECKING:
    from monitor.adapters.embedded import EmbeddedLog
    from monitor.app.instance import Instance
    from monitor.app.topics import TopicNames
    from monitor.config import Settings

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005
"""How long the kernel thread may keep the interpreter from the event loop, which asks for it at each answer of the log:
with Python's own 5 ms each answer waits that long."""
COLLECT_AFTER = 20_000
"""Objects made and not yet let go, after which garbage is looked for. What a step holds is none; by Python's own 700 it
was looked through dozens of times a second, and twice a second with everything that lives, a tenth of a second each."""
_ECHOED_AT_ONCE = 500


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run`."""
    parser = subparsers.add_parser(
        "run",
        help="run the daemon: on Kafka, or on the embedded log where no broker is configured",
        description="Run the daemon until SIGTERM or SIGINT. Without kafka.bootstrap_servers it runs on a log in "
        "memory, whose data are gone when it ends; the events it tells are then printed, one JSON object a line.",
    )
    add_config_option(parser)
    parser.add_argument(
        "--input",
        metavar="FILE",
        help='feed the embedded log from lines {"topic": …, "key": …, "value": …}, - for standard input; they are '
        "read as they come, and order holds within a topic's partition only, as in Kafka",
    )


def execute(args: argparse.Namespace) -> int:
    """Run until told to stop."""
    settings = settings_of(args)
    if args.input is not None and settings.kafka.bootstrap_servers is not None:
        raise BadInput("--input feeds the embedded log, but kafka.bootstrap_servers is configured")
    source = None if args.input is None else open_source(args.input)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    warming = Warming()
    return warming.end(asyncio.run(_Daemon(settings, source, warming).run()))


class _Daemon:
    """Hold one run of the daemon."""

    def __init__(self, settings: Settings, source: Source | None, warming: Warming) -> None:
        self._settings = settings
        self._source = source
        self._warming = warming
        self._instance: Instance | None = None
        self._beside: list[asyncio.Task[None]] = []
        self._waiting_for = "starting"
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Serve HTTP, wait for the log, run the instance; return the exit code."""
        from prometheus_client import CollectorRegistry  # noqa: PLC0415  # slow to load

        from monitor.adapters.http import read_token  # noqa: PLC0415
        from monitor.adapters.logs import configure_logs  # noqa: PLC0415
        from monitor.adapters.metrics import PrometheusObserver  # noqa: PLC0415
        from monitor.cli.version import versions  # noqa: PLC0415
        from monitor.config import warnings_of  # noqa: PLC0415

        configure_logs(self._settings.log)
        for warning in warnings_of(self._settings):
            log.warning("%s", warning)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        registry = CollectorRegistry()
        observer = PrometheusObserver(registry)
        observer.build(versions())
        http = self._settings.http
        async with serving(http, registry, self._is_ready, self._is_live, token=read_token(http), what="listening"):
            work = asyncio.create_task(self._work(observer), name="daemon")
            stopped = asyncio.create_task(self._stop.wait(), name="stop")
            try:
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if self._instance is not None:
                    self._instance.stop()
                elif not work.done():
                    work.cancel()
                await asyncio.wait({work})
            finally:
                stopped.cancel()
            if not work.cancelled():
                work.result()
        return Exit.GOOD

    def _on_signal(self) -> None:
        log.info("asked to stop")
        self._stop.set()

    def _is_live(self) -> tuple[bool, Sequence[str]]:
        """Say whether a restart would help; asked from the thread of the HTTP door."""
        reasons = [] if self._instance is None else self._instance.why_not_live()
        return not reasons, reasons

    def _is_ready(self) -> tuple[bool, Sequence[str]]:
        """Say whether this instance does its work and nothing is wrong; asked from the thread of the HTTP door."""
        if self._instance is None:
            return False, [self._waiting_for]
        reasons = [*self._instance.why_not_ready(), *self._instance.why_not_well()]
        return not reasons, reasons

    async def _work(self, observer: Any) -> None:
        from monitor.cli.assembly import KernelThread, assemble, count_shards  # noqa: PLC0415

        topics = self._settings.topics.names()
        kernel, aside = KernelThread(), KernelThread("aside")
        outside = await self._open_log(topics)
        try:
            self._waiting_for = "the kernels are being warmed: seconds, or minutes where they have to be compiled first"
            await self._warming.run(kernel)
            shards = await count_shards(outside, topics, observer, self._wait)
            self._instance = assemble(self._settings, topics, outside, shards, observer, kernel, aside=aside)
            if self._stop.is_set():
                self._instance.stop()
            with self._watching(self._instance):
                await self._instance.run()
        finally:
            kernel.close()
            aside.close()
            for task in self._beside:
                task.cancel()
            results = await asyncio.gather(*self._beside, return_exceptions=True)
            await outside.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    @contextmanager
    def _watching(self, instance: Instance) -> Iterator[None]:
        """Look at the instance's pulse from a thread, and in short steps: what is late is late by little."""
        from monitor.app.watch_thread import WatchThread  # noqa: PLC0415

        thread = WatchThread(instance.look_at_pulse, self._settings.watchdog.interval_ms / 1000)
        thread.start()
        try:
            yield
        finally:
            thread.stop()

    def _wait(self, reason: str) -> None:
        if reason != self._waiting_for:
            log.warning("waiting: %s", reason)
        self._waiting_for = reason

    async def _open_log(self, topics: TopicNames) -> Any:
        if self._settings.kafka.bootstrap_servers is not None:
            return open_kafka(self._settings, self._settings.topics.prefix + self._settings.kafka.group_id)
        embedded = await open_embedded_log(self._settings)
        self._beside.append(asyncio.create_task(echo_events(embedded, topics), name="echo"))
        if self._source is not None:
            self._beside.append(asyncio.create_task(self._feed(self._source, embedded), name="input"))
        return embedded

    async def _feed(self, source: Source, embedded: EmbeddedLog) -> None:
        """Feed the input once its messages are judged one by one; a line that is none ends the daemon."""
        try:
            while self._instance is None or self._instance.why_not_ready():  # noqa: ASYNC110  # an instance has no event for it
                await asyncio.sleep(0.05)
            log.info("input ended after %d records", await feed(source, embedded, self._settings.topics.prefix))
        except BadInput:
            self._stop.set()
            raise


async def open_embedded_log(settings: Settings) -> EmbeddedLog:
    """Return a log in memory with its topics made."""
    from monitor.adapters.embedded import EmbeddedLog  # noqa: PLC0415
    from monitor.app.topics import create_topics  # noqa: PLC0415
    from monitor.cli.clock import now_ms  # noqa: PLC0415

    embedded = EmbeddedLog(now_ms)
    log.warning("no broker is configured: running on the embedded log, whose data are gone when this process ends")
    await create_topics(await embedded.admin(), settings.topics)
    return embedded


async def echo_events(embedded: EmbeddedLog, topics: TopicNames) -> None:
    """Print every event that is told, one JSON object a line, until cancelled."""
    from monitor.app.ports import TopicPartition  # noqa: PLC0415

    reader = embedded.reader()
    await reader.start()
    names = (topics.margin_calls, topics.liquidations, topics.adl_events)
    counts = {name: await reader.partition_count(name) for name in names}
    reader.assign({TopicPartition(name, number): 0 for name in names for number in range(counts[name])})
    while True:
        for record in await reader.poll(_ECHOED_AT_ONCE, 200):
            body = {
                "topic": record.topic,
                "key": (record.key or b"").decode(),
                "value": json.loads(record.value or b"0"),
            }
            print(json.dumps(body, ensure_ascii=False), flush=True)
        await asyncio.sleep(0)
