"""Pace: whose turn it is among the accounts that are looked at now and then, and not after every message.

What is looked at is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, takewhile

from monitor.core.intervals import has_passed


class Pace:
    """Queue accounts that were touched; give each at most once an interval, so many at a turn, in their order."""

    def __init__(self, interval_ms: int, at_once: int) -> None:
        self._interval_ms = interval_ms
        self._at_once = at_once
        self._waiting: dict[int, None] = {}
        self._looked_ms: dict[int, int] = {}
        """When each account was looked at within the last interval, the oldest first."""

    def touch(self, numbers: Iterable[int]) -> None:
        """Queue accounts; one that waits already keeps its place."""
        for number in numbers:
            self._waiting.setdefault(number)

    def due(self, now_ms: int) -> list[int]:
        """Take those whose turn it is."""
        over = takewhile(lambda one: has_passed(self._interval_ms, self._looked_ms[one], now_ms), self._looked_ms)
        for number in list(over):
            del self._looked_ms[number]
        ready = (number for number in self._waiting if number not in self._looked_ms)
        taken = list(islice(ready, self._at_once))
        for number in taken:
            del self._waiting[number]
            self._looked_ms[number] = now_ms
        return taken
