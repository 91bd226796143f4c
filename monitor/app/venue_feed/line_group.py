"""A line group: the streams that share one connection, kept flowing as the succession decides; tasks live here.

What is said on them, and what comes of frames, is the business of the talk that is handed in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.app.venue_feed.observing import FeedObserver
from monitor.app.venue_feed.ports import Connection, Connector, Ending, LineFault
from monitor.app.venue_feed.readings import Answer, BadFrame, Stream
from monitor.app.venue_feed.settings import VenueFeedSettings
from monitor.app.venue_feed.succession import Open, Patience, Succession

log = logging.getLogger(__name__)


class Talk(Protocol):
    """Describe what is said on the connections of a group, and who is told what they bring."""

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """What to send after how many seconds without a frame."""

    async def address(self) -> str:
        """Return where to connect now. Raises `LineFault`."""

    def subscriptions(self) -> Sequence[tuple[str, bytes]]:
        """Return the requests, by name, that have to be answered before a connection counts as working."""

    def take(self, frame: bytes, received_ms: int) -> Answer | str | None:
        """Take a frame; return the answer it is, or the stream it shows to flow. Raises `BadFrame`, `LineFault`."""

    def begun(self, *, is_first: bool) -> None:
        """Take note that a connection works; `is_first`: there was none before it, so something may be missing."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Hold what every group of a feed works with. `clock` is steady and in seconds, `now_ms` tells the time."""

    connector: Connector
    settings: VenueFeedSettings
    observer: FeedObserver
    clock: Callable[[], float]
    now_ms: Callable[[], int]
    chance: Callable[[], float]


def patience_of(settings: VenueFeedSettings) -> Patience:
    """Return the limits of connections in seconds."""
    return Patience(
        connect=settings.connect_ms / 1000,
        life=settings.life_ms / 1000,
        backoff=settings.backoff_ms / 1000,
        max_backoff=settings.max_backoff_ms / 1000,
        rate_limit=settings.rate_limit_ms / 1000,
    )


class LineGroup:
    """Keep one group of streams flowing."""

    def __init__(self, name: str, streams: Sequence[Stream], tools: Tools, talk: Talk) -> None:
        self.name = name
        self._tools = tools
        self._talk = talk
        silence = tools.settings.silence_ms / 1000
        deadlines = {stream.name: silence for stream in streams if stream.every_ms is not None}
        self._succession = Succession(deadlines, patience_of(tools.settings), tools.chance)
        self._lines: dict[int, asyncio.Task[None]] = {}
        self._stirred = asyncio.Event()
        self._bug: BaseException | None = None
        self._last_fault: str | None = None

    async def run(self) -> None:
        """Keep the streams flowing until cancelled; raise only what is our own bug."""
        try:
            while self._bug is None:
                for command in self._succession.due(self._tools.clock()):
                    if isinstance(command, Open):
                        self._open(command.number)
                    else:
                        self._end(command.number, command.ending)
                self._tools.observer.connected(self.name, self._succession.open_lines)
                await self._rest(self._succession.next_due(self._tools.clock()))
            raise self._bug
        finally:
            for task in self._lines.values():
                task.cancel()
            await asyncio.gather(*self._lines.values(), return_exceptions=True)

    def retire(self) -> None:
        """Have the connection replaced, the new one before the old one goes."""
        self._succession.retire()
        self._stirred.set()

    def why_not_ready(self) -> list[str]:
        """Return what does not flow, and why connections ended last; empty when all streams flow."""
        reasons = [f"{name}: nothing heard" for name in self._succession.silent(self._tools.clock())]
        if not self._succession.open_lines:
            reasons.append(f"{self.name}: not connected{f' ({self._last_fault})' if self._last_fault else ''}")
        elif reasons and self._last_fault:
            reasons.append(f"{self.name}: {self._last_fault}")
        return reasons

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            pass
        self._stirred.clear()

    def _open(self, number: int) -> None:
        task = asyncio.create_task(self._live(number), name=f"{self.name} {number}")
        self._lines[number] = task
        task.add_done_callback(lambda done: self._over(number, done))

    def _end(self, number: int, ending: Ending) -> None:
        if ending is not Ending.REPLACED:
            self._last_fault = f"connection {number} was {ending}"
            log.warning("%s: connection %d is %s", self.name, number, ending)
        self._tools.observer.ended(ending)
        self._lines[number].cancel()

    def _over(self, number: int, task: asyncio.Task[None]) -> None:
        del self._lines[number]
        if not task.cancelled() and (fault := task.exception()) is not None:
            if isinstance(fault, LineFault):
                self._last_fault = f"{fault.ending}: {fault}"
                log.warning("%s: connection %d ended, %s", self.name, number, self._last_fault)
                self._tools.observer.ended(fault.ending)
                self._succession.ended(number, fault, self._tools.clock())
            else:
                self._bug = fault
        self._stirred.set()

    async def _live(self, number: int) -> None:
        """Connect, subscribe and read until the connection ends; it ends with `LineFault`, or is cancelled."""
        connection = await self._tools.connector.connect(await self._talk.address())
        try:
            waiting, has_told = set(), False
            for name, request in self._talk.subscriptions():
                waiting.add(name)
                await connection.send(request)
            if not waiting:
                self._begin(number)
            while True:
                frame = await self._next(connection)
                try:
                    taken = self._talk.take(frame, self._tools.now_ms())
                except BadFrame as bad:
                    self._tools.observer.bad_frame()
                    level = logging.DEBUG if has_told else logging.WARNING
                    log.log(level, "%s: a frame of %d bytes cannot be read: %s", self.name, len(frame), bad)
                    has_told = True  # one of each connection is enough: they are counted
                    continue
                if isinstance(taken, str):
                    if self._succession.heard(number, taken, self._tools.clock()):
                        self._stirred.set()
                elif taken is not None:
                    if taken.fault is not None:
                        raise LineFault(Ending.REFUSED, f"subscription refused: {taken.fault}")
                    waiting.discard(taken.request)
                    if not waiting:
                        self._begin(number)
        finally:
            await connection.close()

    async def _next(self, connection: Connection) -> bytes:
        keepalive = self._talk.keepalive
        if keepalive is None:
            return await connection.receive()
        request, seconds = keepalive
        while True:
            try:
                async with asyncio.timeout(seconds):
                    return await connection.receive()
            except TimeoutError:
                await connection.send(request)

    def _begin(self, number: int) -> None:
        is_first = not self._succession.open_lines
        self._succession.begun(number, self._tools.clock())
        self._talk.begun(is_first=is_first)
        self._stirred.set()
