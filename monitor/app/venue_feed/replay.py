"""The replay: recorded frames read, sifted and written as those of a feed are, at the pace they came or another.

Times are judged against the recording's own clock. What a recording's lines look like is the command's business.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import Dialect
from monitor.app.venue_feed.readings import BadFrame, Row, Rows
from monitor.app.venue_feed.sieve import Sieve
from monitor.app.venue_feed.stand_in import Quote, StandIn
from monitor.app.venue_feed.writing import MessageWriter

_FRAMES_A_TURN = 200
_NS_PER_MS = 1_000_000
_FOR_EVER_MS = 2**62


class Recorded(NamedTuple):
    """Hold one frame and when it was received, in nanoseconds since 1970."""

    received_ns: int
    frame: bytes


@dataclass(slots=True)
class Played:
    """Hold what became of a recording: frames that say something, frames that do not by reason, rows by fate."""

    frames: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    first_ns: int = 0
    last_ns: int = 0

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return (self.last_ns - self.first_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Pace:
    """Hold how a recording is played. `speed` 0 is as fast as it goes; `rebase` moves its times to now."""

    speed: float
    rebase: bool = False

    def __post_init__(self) -> None:
        if self.speed < 0:
            raise ValueError("the speed must not be below 0")
        if self.rebase and not self.speed:
            raise ValueError("times cannot be moved to now at speed 0: give a speed")


class Replay:
    """Play a recording into the outbox. With `read_quote` a stand-in is made of quotes; marks are read otherwise."""

    def __init__(
        self,
        dialect: Dialect,
        sieve: Sieve,
        writer: MessageWriter,
        outbox: Outbox,
        pace: Pace,
        clock: Callable[[], float],
        now_ms: Callable[[], int],
        read_quote: Callable[[bytes], Quote | None] | None = None,
    ) -> None:
        self._dialect = dialect
        self._sieve = sieve
        self._writer = writer
        self._outbox = outbox
        self._pace = pace
        self._clock = clock
        self._now_ms = now_ms
        self._read_quote = read_quote
        self._stand_in = StandIn()
        self._begun = 0.0
        self.played = Played()

    async def run(self, frames: Iterable[Recorded]) -> Played:
        """Play every frame; return what became of them once all is written."""
        played = self.played
        for count, recorded in enumerate(frames):
            if not count:
                self._begun, played.first_ns = self._clock(), recorded.received_ns
            played.last_ns = recorded.received_ns
            await self._wait(recorded.received_ns, count)
            received_ms = recorded.received_ns // _NS_PER_MS
            try:
                rows = self._rows(recorded.frame, received_ms)
            except BadFrame as bad:
                played.unread[str(bad)[:100]] += 1
                continue
            played.frames += 1
            if rows is not None:
                self._write(rows, received_ms)
        await self._outbox.drain(None)
        return played

    async def _wait(self, received_ns: int, count: int) -> None:
        """Wait until a frame is due, and for a log that does not keep up."""
        if self._pace.speed:
            due = self._begun + (received_ns - self.played.first_ns) / 1e9 / self._pace.speed
            if (rest := due - self._clock()) > 0:
                await asyncio.sleep(rest)
        if self._outbox.is_half_full:
            await self._outbox.drain(None)
        elif count % _FRAMES_A_TURN == 0:
            await asyncio.sleep(0)

    def _rows(self, frame: bytes, received_ms: int) -> Rows | None:
        if self._read_quote is None:
            reading = self._dialect.read(frame, received_ms)
            return reading if isinstance(reading, Rows) else None
        rows = self._stand_in.turn(received_ms)
        quote = self._read_quote(frame)
        if quote is not None:
            self._stand_in.take(quote)
        return rows

    def _write(self, given: Rows, received_ms: int) -> None:
        sifted = self._sieve.sift(given, received_ms, None)
        self.played.fates.update(sifted.fates)
        rows = [self._moved(row, received_ms) for row in sifted.rows] if self._pace.rebase else sifted.rows
        self._outbox.put(self._writer.messages(given.role, given.stream, rows, _FOR_EVER_MS))

    def _moved(self, row: Row, received_ms: int) -> Row:
        """Return a row whose times stand to now as they stood to when it was received, at the speed of the replay."""
        now_ms = self._now_ms()

        def moved(time_ms: int) -> int:
            return now_ms + round((time_ms - received_ms) / self._pace.speed)

        body = dict(row.body)
        for name in ("event_time_ms", "next_funding_time_ms"):
            if name in body:
                body[name] = moved(body[name])
        return Row(row.name, moved(row.event_time_ms), body)
