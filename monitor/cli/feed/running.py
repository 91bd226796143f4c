"""A feed's process: its parts put together from settings, its HTTP door, and its end by a signal."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from monitor.adapters.http import read_token
from monitor.adapters.logs import configure_logs
from monitor.adapters.metrics import FeedMetrics
from monitor.adapters.rest import RestClient
from monitor.adapters.websocket import WebsocketConnector
from monitor.adapters.wire.codec import WireCodec
from monitor.app.venue_feed.account_watch import AccountWatch
from monitor.app.venue_feed.feed import Part, VenueFeed
from monitor.app.venue_feed.line_group import Tools
from monitor.app.venue_feed.market import MarketStreams
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import Dialect, Outlet, Rest, Venue
from monitor.app.venue_feed.readings import Stream
from monitor.app.venue_feed.stitching import Stitcher, Versions
from monitor.app.venue_feed.terms import TermsBook
from monitor.app.venue_feed.terms_watch import TermsWatch
from monitor.cli.clock import now_ms
from monitor.cli.door import serving
from monitor.cli.exits import BadInput, Exit
from monitor.cli.feed.keys import read_accounts, read_terms_key
from monitor.cli.feed.outlets import is_printing, message_writer, open_outlet, topic_names
from monitor.cli.version import versions

if TYPE_CHECKING:
    from monitor.config import Settings

log = logging.getLogger(__name__)


class FeedProcess:
    """Hold one run of a feed."""

    def __init__(self, settings: Settings, venue: Venue) -> None:
        self._settings = settings
        self._venue = venue
        self._streams = _streams_of(settings, venue.streams)
        self._key = read_terms_key(settings.feed, venue.terms)
        self._accounts = read_accounts(settings.feed, venue.accounts)
        self._feed: VenueFeed | None = None
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Serve HTTP and feed until told to stop; return the exit code."""
        configure_logs(self._settings.log)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        registry = CollectorRegistry()
        metrics = FeedMetrics(registry)
        metrics.build(self._venue.streams.venue, versions()["liqmon"])
        if self._settings.venue.profile != self._venue.streams.venue:
            log.warning("venue.profile is %s, but %s is fed", self._settings.venue.profile, self._venue.streams.venue)
        http = replace(self._settings.http, port=self._settings.feed.http_port)
        door = serving(http, registry, self._is_ready, token=read_token(http), what="listening")
        async with door, open_outlet(self._settings) as outlet, self._asking() as rest:
            self._feed = self._assembled(outlet, rest, metrics)
            await self._until_stopped(self._feed)
        return Exit.GOOD

    async def _until_stopped(self, feed: VenueFeed) -> None:
        work = asyncio.create_task(feed.run(), name="feed")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            await asyncio.wait({work})
        finally:
            stopped.cancel()
        if not work.cancelled():
            work.result()

    def _assembled(self, outlet: Outlet, rest: Rest, metrics: FeedMetrics) -> VenueFeed:
        settings = self._settings
        encode = WireCodec(settings.limits).encode
        tools = Tools(
            connector=WebsocketConnector(settings.feed),
            settings=settings.feed,
            observer=metrics,
            clock=time.monotonic,
            now_ms=now_ms,
            chance=random.SystemRandom().random,
        )
        outbox = Outbox(outlet, metrics, now_ms, settings.feed.max_waiting)
        topics = topic_names(settings)
        parts: list[Part] = []
        terms = None
        if settings.feed.terms_interval_ms:
            book = TermsBook(frozenset(settings.brackets))
            by_rest = not settings.feed.collateral
            terms = TermsWatch(
                self._venue.terms, rest, self._key, book, tools, outbox, topics, encode, writes_assets=by_rest
            )
            parts.append(terms)
        margin_available = None if terms is None else terms.margin_available
        parts.append(
            MarketStreams(self._venue.streams, self._streams, tools, outbox, message_writer(settings), margin_available)
        )
        beat_ms = 0 if is_printing(settings) else settings.watchdog.heartbeat_ms
        base = settings.feed.websocket_url or self._venue.streams.websocket_url
        versions_of = Versions(now_ms)
        for account_id, access in self._accounts.items():
            stitcher = Stitcher(account_id, versions_of)
            parts.append(
                AccountWatch(
                    account_id,
                    access,
                    self._venue.accounts,
                    base,
                    rest,
                    stitcher,
                    tools,
                    outbox,
                    topics.account_events,
                    encode,
                )
            )
        return VenueFeed(
            self._venue.streams.venue, parts, outbox, tools, encode, topics.heartbeats, secrets.token_hex(8), beat_ms
        )

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Rest]:
        feed = self._settings.feed
        rest = RestClient(feed.rest_url or self._venue.rest_url, feed.connect_ms / 1000, feed.rate_limit_ms / 1000)
        try:
            yield rest
        finally:
            await rest.close()

    def _is_ready(self) -> tuple[bool, Sequence[str]]:
        """Say whether everything flows; asked from the thread of the HTTP door."""
        reasons = ("starting",) if self._feed is None else self._feed.last_reasons()
        return not reasons, reasons


def _streams_of(settings: Settings, dialect: Dialect) -> Sequence[Stream]:
    try:
        return dialect.streams(settings.feed.symbols, collateral=settings.feed.collateral)
    except ValueError as why:
        raise BadInput(str(why)) from None
