"""The market part of a feed: a venue's public streams, sifted and handed to the outbox, and what was seen of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.app.venue_feed.line_group import LineGroup, Tools
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import Dialect
from monitor.app.venue_feed.readings import Answer, Row, Rows, Stream
from monitor.app.venue_feed.sieve import Sieve
from monitor.app.venue_feed.writing import MessageWriter

_FLOWING = frozenset({"kept", "duplicate", "out_of_order"})
"""Fates of rows that show that a stream flows: their times are neither ahead of ours nor far behind."""


@dataclass(slots=True)
class _Seen:
    """Hold what has been seen of one stream."""

    frames: int = 0
    rows: int = 0
    received_at_ms: int = 0
    event_time_ms: int = 0


@dataclass(frozen=True, slots=True)
class _MarketTalk:
    """Say and hear what a group of public streams is about."""

    dialect: Dialect
    base: str
    streams: Sequence[Stream]
    take_rows: Callable[[Rows, int], bool]

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """That of the venue."""
        return self.dialect.keepalive

    async def address(self) -> str:
        """Return the address of the venue's public streams."""
        return self.dialect.address(self.base)

    def subscriptions(self) -> Sequence[tuple[str, bytes]]:
        """Return requests for these streams."""
        return self.dialect.subscriptions(self.streams)

    def take(self, frame: bytes, received_ms: int) -> Answer | str | None:
        """Take a frame; return its stream where that flows. Raises `BadFrame`."""
        reading = self.dialect.read(frame, received_ms)
        if isinstance(reading, Rows):
            return reading.stream if self.take_rows(reading, received_ms) else None
        return reading if isinstance(reading, Answer) else None

    def begun(self, *, is_first: bool) -> None:
        """Do nothing: what was missed of prices is over."""


class MarketStreams:
    """Keep the public streams flowing into the outbox."""

    def __init__(
        self,
        dialect: Dialect,
        streams: Sequence[Stream],
        tools: Tools,
        outbox: Outbox,
        writer: MessageWriter,
        margin_available: Callable[[str], bool | None] | None = None,
    ) -> None:
        self._tools = tools
        self._outbox = outbox
        self._writer = writer
        self._margin_available = margin_available
        settings = tools.settings
        self._sieve = Sieve(settings.max_ahead_ms, settings.max_behind_ms)
        self._every_ms = {stream.name: stream.every_ms for stream in streams}
        self._seen = {stream.name: _Seen() for stream in streams}
        self._withheld: dict[str, str] = {}
        size = dialect.streams_per_connection
        parts = [streams[start : start + size] for start in range(0, len(streams), size)]
        base = tools.settings.websocket_url or dialect.websocket_url
        self._groups = [
            LineGroup(f"market {number}", part, tools, _MarketTalk(dialect, base, part, self._take))
            for number, part in enumerate(parts, 1)
        ]

    async def run(self) -> None:
        """Follow the streams until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for group in self._groups:
                tasks.create_task(group.run(), name=group.name)

    def why_not_ready(self) -> list[str]:
        """Return what does not flow, and where the times that are stated cannot be believed."""
        return [*(reason for group in self._groups for reason in group.why_not_ready()), *self._withheld.values()]

    def seen(self) -> dict[str, dict[str, Any]]:
        """Return for each stream how much came, and how new it is."""
        return {
            name: {
                "frames": seen.frames,
                "rows": seen.rows,
                "received_at_ms": seen.received_at_ms,
                "event_time_ms": seen.event_time_ms,
            }
            for name, seen in self._seen.items()
        }

    def _take(self, given: Rows, received_ms: int) -> bool:
        """Sift a frame and put what is news into the outbox; return whether its stream flows."""
        observer, settings = self._tools.observer, self._tools.settings
        if given.role == "assets" and self._margin_available is not None:
            given = self._completed(given, self._margin_available)
            if not given.rows and not given.faults:
                return True  # the stream flows; what it says waits for the terms
        sifted = self._sieve.sift(given, received_ms, self._every_ms.get(given.stream))
        for fate, count in sifted.fates.items():
            observer.rows(fate, count)
        if sifted.has_gap:
            observer.gap()
        self._judge_times(given, sifted.fates.keys(), received_ms)
        if sifted.newest_ms is not None:
            observer.frame(given.stream, received_ms, received_ms - sifted.newest_ms)
            seen = self._seen.setdefault(given.stream, _Seen())
            seen.frames += 1
            seen.rows += len(sifted.rows)
            seen.received_at_ms, seen.event_time_ms = received_ms, sifted.newest_ms
            good_until_ms = received_ms + settings.max_behind_ms
            self._outbox.put(self._writer.messages(given.role, given.stream, sifted.rows, good_until_ms))
        return bool(_FLOWING & sifted.fates.keys())

    def _completed(self, given: Rows, margin_available: Callable[[str], bool | None]) -> Rows:
        """Return rows of assets that also say whether the venue counts them: those of which that is not known wait."""
        rows = [
            Row(row.name, row.event_time_ms, {**row.body, "margin_available": counts})
            for row in given.rows
            if (counts := margin_available(row.name)) is not None
        ]
        if len(rows) < len(given.rows):
            self._tools.observer.rows("unlisted", len(given.rows) - len(rows))
        return Rows(given.role, given.stream, tuple(rows), given.faults)

    def _judge_times(self, given: Rows, fates: Any, received_ms: int) -> None:
        """Remember a stream whose rows are all withheld for their times: a clock is wrong, or it is late."""
        if not given.rows:
            return
        self._withheld.pop(given.stream, None)
        if not _FLOWING & fates:
            off_ms = given.rows[0].event_time_ms - received_ms
            where = f"{off_ms} ms ahead of" if off_ms > 0 else f"{-off_ms} ms behind"
            self._withheld[given.stream] = f"{given.stream}: its times are {where} our clock, its rows are withheld"
