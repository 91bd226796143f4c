"""Assembly: the parts of a running instance put together from settings, for the commands that run one.

This is the composition root: the only place that knows the application and every adapter. What a command adds
(signals, input, a view) is its own business.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from monitor.adapters.snapshots import SnapshotFiles
from monitor.adapters.wire.codec import WireCodec
from monitor.app.adl_reading import AdlReader
from monitor.app.alarms import Alarms
from monitor.app.feed import GlobalFeed
from monitor.app.gating import Gating
from monitor.app.image import Image
from monitor.app.input_watch import InputWatch
from monitor.app.instance import Instance
from monitor.app.observing import Observer
from monitor.app.ports import Log, LogReader, LogUnavailable, TopicPartition
from monitor.app.provenance import MarketSource
from monitor.app.pulse import Pulse
from monitor.app.reading import FeedSettings
from monitor.app.second_thread import SecondThread
from monitor.app.shared import Shared
from monitor.app.snapshots import SnapshotName, Snapshots
from monitor.app.topics import TopicNames
from monitor.cli.clock import now_ms
from monitor.config import Settings, term_defaults
from monitor.core.adl.settings import AdlPopulation
from monitor.core.ahead import Begin, at_once
from monitor.core.board import MarketBoard
from monitor.core.engine import MarginEngine
from monitor.core.engine_settings import EngineSettings
from monitor.core.quality.pegs import NO_PEGS, Pegs

T = TypeVar("T")

RETRY_SECONDS = 1.0


class KernelThread:
    """Run the engine's work in one thread of its own, so that heartbeats never wait for it."""

    def __init__(self, name: str = "kernel") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Run `work` and return its result."""
        return asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Drop what waits; what runs is finished."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def engine_settings(settings: Settings) -> EngineSettings:
    """Return the part of the settings the engine needs."""
    return EngineSettings(
        ladders=settings.ladder,
        status=settings.status,
        limits=settings.limits,
        rules=settings.rules,
        liquidation=settings.liquidation,
        adl=settings.adl,
        fund=settings.fund,
    )


def new_board(settings: Settings) -> MarketBoard:
    """Return an empty market board."""
    terms, window_ms = settings.portfolio, settings.adl.window_ms
    portfolio = None if terms is None else replace(terms, rules=settings.portfolio_rules)
    pegs = Pegs(settings.references) if settings.quality.enabled else NO_PEGS
    return MarketBoard(settings.prices, settings.usd_assets, portfolio, settings.funding.basis, window_ms, pegs)


def codec_of(settings: Settings) -> WireCodec:
    """Return the codec under the configured limits and defaults of terms."""
    return WireCodec(settings.limits, term_defaults(settings))


async def count_shards(log: Log, topics: TopicNames, observer: Observer, waiting: Callable[[str], None]) -> int:
    """Return the number of shards, waiting for the log and for its topics; `waiting` is told for what."""
    while True:
        reader = log.reader()
        try:
            await reader.start()
            names = (topics.account_events, topics.state, topics.fund, topics.adl)
            counts = {name: await reader.partition_count(name) for name in names}
            if len(set(counts.values())) == 1 and counts[topics.state]:
                return counts[topics.state]
            waiting(f"the topics are not as they should be ({counts}); `liqmon topics create` makes them")
        except LogUnavailable as fault:
            observer.log_fault(type(fault).__name__)
            waiting(f"the log does not answer: {fault}")
        finally:
            await reader.stop()
        await asyncio.sleep(RETRY_SECONDS)


def new_feed(
    settings: Settings,
    topics: TopicNames,
    log: Log,
    observer: Observer,
    clock: Callable[[], int] = now_ms,
    inputs: InputWatch | None = None,
    market: Callable[[LogReader], Awaitable[Image]] | None = None,
) -> GlobalFeed:
    """Return a feed of the global inputs, not running; `market` finds what was kept of them, else the changelog."""
    feed_settings = FeedSettings(
        topics=topics,
        max_step=settings.instruments.max_step,
        max_ahead_ms=settings.prices.max_ahead_ms,
        max_replay_ms=settings.prices.max_replay_ms,
        max_window=settings.limits.max_window_messages,
        max_poll_records=settings.limits.max_poll_records,
        max_window_bytes=settings.limits.max_window_bytes,
        limits=settings.limits,
    )
    seen = inputs or InputWatch(time.monotonic)
    gating = Gating(settings.quality, observer, settings.sources) if settings.quality.enabled else None
    return GlobalFeed(
        feed_settings, log.reader(), codec_of(settings), new_board(settings), clock, observer, seen, market, gating
    )


def new_snapshots(
    settings: Settings, aside: KernelThread, observer: Observer, clock: Callable[[], int] = now_ms
) -> Snapshots:
    """Return the keeper of snapshots, which keeps none where no folder is configured."""
    folder = settings.recovery.snapshot_dir
    files = SnapshotFiles(Path(folder)) if folder else None
    return Snapshots(settings.recovery, files, aside, observer, clock)


def new_engine(settings: Settings, begin: Begin = at_once) -> MarginEngine:
    """Return an engine that knows nothing yet; `begin` is a thread it may do work ahead in."""
    return MarginEngine(engine_settings(settings), new_board(settings), begin=begin)


def new_pulse(settings: Settings, observer: Observer) -> Pulse:
    """Return the pulse of the running event loop, with budgets by the session's length where none are stated."""
    budgets, session_ms = settings.watchdog, settings.kafka.session_timeout_ms
    late_ms = session_ms // 2 if budgets.loop_late_ms is None else budgets.loop_late_ms
    lost_ms = session_ms if budgets.loop_lost_ms is None else budgets.loop_lost_ms
    clock = asyncio.get_running_loop().time
    alarms = Alarms(observer, budgets.hold_ms / 1000)
    return Pulse(clock, alarms, late_ms / 1000, max(late_ms, lost_ms) / 1000, budgets.kernel_ms / 1000)


def assemble(
    settings: Settings,
    topics: TopicNames,
    log: Log,
    shards: int,
    observer: Observer,
    kernel: KernelThread,
    clock: Callable[[], int] = now_ms,
    aside: KernelThread | None = None,
) -> Instance:
    """Return an instance over a log, ready to run; without `aside` the kernel thread does what that would do."""
    codec = codec_of(settings)
    group = settings.topics.prefix + settings.kafka.group_id
    ranked = settings.adl.population is AdlPopulation.ALL
    pulse = new_pulse(settings, observer)
    inputs = InputWatch(pulse.clock)
    watched = pulse.watched(kernel)
    snapshots = new_snapshots(settings, aside or kernel, observer, clock)
    changelog, name = TopicPartition(topics.state, 0), SnapshotName(group, shards, 0)
    second = SecondThread("storm")
    market = MarketSource(changelog, codec, snapshots, name)
    shared = Shared(
        log=log,
        feed=new_feed(settings, topics, log, observer, clock, inputs, market.read),
        codec=codec,
        observer=observer,
        topics=topics,
        group=group,
        shards=shards,
        writer_id=secrets.token_hex(8),
        make_engine=lambda: new_engine(settings, second.begin),
        on_kernel_thread=watched,
        aside=aside or kernel,
        snapshots=snapshots,
        market=market,
        now_ms=clock,
        pulse=pulse,
        inputs=inputs,
        watchdogs=settings.watchdog,
        limits=settings.limits,
        recovery=settings.recovery,
        adl=AdlReader(topics.adl_queue, shards, log.reader(), watched, observer) if ranked else None,
        audit=settings.audit,
    )
    return Instance(shared, log.membership(group, topics.account_events))
