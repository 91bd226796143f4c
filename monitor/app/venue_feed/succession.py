"""Succession: when connections of one group of streams are opened, replaced and given up. No network, no clock.

Whoever uses it tells what happened and when (seconds of any steady clock), asks what is due, and carries it out. Three
rules: a connection in which nothing flows any more is ended at once; one in which some streams are silent, or that has
come of age, goes on until a successor has been heard on every stream; after each failure the next attempt waits longer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.app.venue_feed.ports import Ending, LineFault

_NEVER = float("inf")


class Open(NamedTuple):
    """Ask for a connection under a new number."""

    number: int


class End(NamedTuple):
    """Ask that a connection is ended; it counts no more."""

    number: int
    ending: Ending


Command = Open | End


@dataclass(frozen=True, slots=True)
class Patience:
    """Hold the limits, in seconds."""

    connect: float
    life: float
    backoff: float
    max_backoff: float
    rate_limit: float


@dataclass(slots=True)
class _Line:
    opened: float
    begun: float | None = None
    heard: dict[str, float] = field(default_factory=dict)

    def silent(self, deadlines: Mapping[str, float], now: float) -> set[str]:
        """Return the streams that should have spoken here by now and have not."""
        if self.begun is None:
            return set()
        return {name for name, within in deadlines.items() if now - self.heard.get(name, self.begun) >= within}


class Succession:
    """Decide which connections there should be.

    `deadlines` holds for each stream that speaks by itself within how many seconds it must; `chance` draws from [0, 1).
    """

    def __init__(self, deadlines: Mapping[str, float], patience: Patience, chance: Callable[[], float]) -> None:
        self._deadlines = dict(deadlines)
        self._patience = patience
        self._chance = chance
        self._lines: dict[int, _Line] = {}
        self._last_heard: dict[str, float] = {}
        self._count = 0
        self._failures = 0
        self._retry_at = -_NEVER

    @property
    def open_lines(self) -> int:
        """How many connections have begun to work."""
        return sum(line.begun is not None for line in self._lines.values())

    def due(self, now: float) -> list[Command]:
        """Return what has to be done now, in order."""
        commands: list[Command] = [*self._ends(now)]
        if self._wants_another(now):
            self._count += 1
            self._lines[self._count] = _Line(now)
            commands.append(Open(self._count))
        return commands

    def begun(self, number: int, now: float) -> None:
        """Take note that a connection is open and its subscriptions are answered."""
        if number in self._lines:
            self._lines[number].begun = now

    def heard(self, number: int, stream: str, now: float) -> bool:
        """Take note of data; return whether that stream is heard there for the first time."""
        line = self._lines.get(number)
        if line is None:
            return False
        first = stream not in line.heard
        line.heard[stream] = self._last_heard[stream] = now
        return first

    def retire(self) -> None:
        """Have every connection replaced as if it had come of age."""
        for line in self._lines.values():
            line.opened = -_NEVER

    def ended(self, number: int, fault: LineFault, now: float) -> None:
        """Take note that a connection is gone by itself."""
        line = self._lines.pop(number, None)
        if line is not None:
            self._failed(line, now, fault)

    def silent(self, now: float) -> list[str]:
        """Return the streams that nobody has been heard on, ever or within their deadlines."""
        return [name for name, within in self._deadlines.items() if now - self._last_heard.get(name, -_NEVER) >= within]

    def next_due(self, now: float) -> float:
        """Return the seconds after which something may be due though nothing has happened."""
        moments = [self._retry_at] if self._retry_at > now else []
        for line in self._lines.values():
            if line.begun is None:
                moments.append(line.opened + self._patience.connect)
                continue
            moments.append(line.opened + self._patience.life)
            moments += [line.heard.get(name, line.begun) + within for name, within in self._deadlines.items()]
        later = [moment - now for moment in moments if moment > now]
        return min(later, default=0.0 if not self._lines else self._patience.connect)

    def _ends(self, now: float) -> list[End]:
        ends = []
        for number, line in list(self._lines.items()):
            if line.begun is None:
                if now - line.opened >= self._patience.connect:
                    ends.append(self._end(number, Ending.UNREACHABLE, now))
            elif self._deadlines and len(line.silent(self._deadlines, now)) == len(self._deadlines):
                ends.append(self._end(number, Ending.SILENT, now))
        if len(self._lines) > 1:
            ends += self._compared(now)
        return ends

    def _compared(self, now: float) -> list[End]:
        """Decide between an old connection and its successor once it shows which of them is the better."""
        older, younger = sorted(self._lines)[:2]
        old, new = self._lines[older], self._lines[younger]
        if new.begun is None:
            return []
        missing = self._deadlines.keys() - new.heard.keys()
        if not missing and not new.silent(self._deadlines, now):
            return [self._end(older, Ending.REPLACED, now)]
        if not new.silent(self._deadlines, now):
            return []  # it has time left to be heard
        is_aged = now - old.opened >= self._patience.life
        if is_aged and missing <= old.silent(self._deadlines, now):
            self._failed(old, now, None)  # its successor is not whole either: the next attempt waits
            return [self._end(older, Ending.REPLACED, now)]
        return [self._end(younger, Ending.SILENT, now)]

    def _wants_another(self, now: float) -> bool:
        if now < self._retry_at or len(self._lines) > 1:
            return False
        return all(
            line.begun is not None
            and (now - line.opened >= self._patience.life or bool(line.silent(self._deadlines, now)))
            for line in self._lines.values()
        )

    def _end(self, number: int, ending: Ending, now: float) -> End:
        line = self._lines.pop(number)
        if ending is not Ending.REPLACED:
            self._failed(line, now, None)
        return End(number, ending)

    def _failed(self, line: _Line, now: float, fault: LineFault | None) -> None:
        """Wait longer after each failure; a connection that lived for the longest wait makes up for those before."""
        patience = self._patience
        if line.begun is not None and now - line.begun >= patience.max_backoff:
            self._failures = 0
        self._failures += 1
        wait = min(patience.max_backoff, patience.backoff * 2.0 ** min(self._failures - 1, 30))
        wait *= 0.5 + self._chance() / 2
        if fault is not None and fault.ending is Ending.RATE_LIMITED:
            wait = max(wait, patience.rate_limit if fault.retry_after is None else fault.retry_after)
        self._retry_at = now + wait
