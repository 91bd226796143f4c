"""The sieve: which rows are news, judged by the times they state. Pure; what they say is judged by the daemon.

Two connections that overlap say everything twice, and a venue under load may say things late or out of order. A row is
kept when it is newer than what was kept of its name, or of the same time and different.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from monitor.app.venue_feed.readings import Role, Row, Rows

_GAP_OF = 3
"""A stream that leaves out so many of its intervals has a gap."""


class Sifted(NamedTuple):
    """Hold the rows that are news, how many met which fate, and whether the stream left something out before them."""

    rows: tuple[Row, ...]
    fates: Mapping[str, int]
    has_gap: bool
    newest_ms: int | None


class Sieve:
    """Remember the newest row of each name."""

    def __init__(self, max_ahead_ms: int, max_behind_ms: int) -> None:
        self._max_ahead_ms = max_ahead_ms
        self._max_behind_ms = max_behind_ms
        self._kept: dict[tuple[Role, str], tuple[int, Mapping[str, Any]]] = {}
        self._newest: dict[str, int] = {}

    def sift(self, given: Rows, now_ms: int, every_ms: int | None) -> Sifted:
        """Return what of a frame's rows is news at our time `now_ms`; `every_ms` is how often its stream speaks."""
        fates: Counter[str] = Counter()
        if given.faults:
            fates["malformed"] = len(given.faults)
        rows = []
        for row in given.rows:
            fate = self._fate(given.role, row, now_ms)
            fates[fate] += 1
            if fate == "kept":
                self._kept[given.role, row.name] = row.event_time_ms, row.body
                rows.append(row)
        newest = max((row.event_time_ms for row in rows), default=None)
        return Sifted(tuple(rows), fates, self._leaves_out(given.stream, newest, every_ms), newest)

    def _fate(self, role: Role, row: Row, now_ms: int) -> str:
        if row.event_time_ms > now_ms + self._max_ahead_ms:
            return "ahead"
        if row.event_time_ms < now_ms - self._max_behind_ms:
            return "behind"
        time_ms, body = self._kept.get((role, row.name), (-1, None))
        if row.event_time_ms < time_ms:
            return "out_of_order"
        return "duplicate" if row.event_time_ms == time_ms and row.body == body else "kept"

    def _leaves_out(self, stream: str, newest: int | None, every_ms: int | None) -> bool:
        if newest is None:
            return False
        before = self._newest.get(stream)
        self._newest[stream] = newest if before is None else max(before, newest)
        return every_ms is not None and before is not None and newest - before > _GAP_OF * every_ms
