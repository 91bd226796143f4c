"""Alarms: what the watchdogs have found and is not over, each told once when it begins and once when it ends.

What is found is decided elsewhere; which of the two health routes each kind fails is listed here.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.app.observing import Observer

log = logging.getLogger(__name__)


class Watchdog(enum.Enum):
    """Name each watchdog; the value is its label in metrics."""

    EVENT_LOOP = "event_loop"
    KERNEL = "kernel"
    STUCK_SHARD = "stuck_shard"
    UNSTEADY_SHARD = "unsteady_shard"
    UNOWNED_SHARD = "unowned_shard"
    MEMBERSHIP = "membership"
    OPEN_TRANSACTION = "open_transaction"
    SILENT_INPUT = "silent_input"


ENDED_BY_RESTART = frozenset({Watchdog.EVENT_LOOP, Watchdog.KERNEL})
"""These fail `/livez`: nothing but a new process helps. All others fail `/readyz` alone: their cause lies outside of
the process, and a restart would only add a takeover to it."""


@dataclass(slots=True)
class _Alarm:
    """Hold one alarm: since when, why, and when it was over."""

    since: float
    why: str
    ended: float | None = None


class Alarms:
    """Keep what is raised; may be told and asked from any thread.

    All times are seconds of one monotonic clock, the caller's. `hold_seconds` is how long what fails `/livez` is shown
    after its end.
    """

    def __init__(self, observer: Observer, hold_seconds: float = 0.0) -> None:
        self._observer = observer
        self._hold_seconds = hold_seconds
        self._lock = threading.Lock()
        self._raised: dict[Watchdog, dict[str, _Alarm]] = {kind: {} for kind in Watchdog}

    def settle(self, kind: Watchdog, found: Mapping[str, str], now: float) -> None:
        """Take over what a watchdog finds now, all of it: the reason by subject; what is not named is over."""
        with self._lock:
            alarms = self._raised[kind]
            for subject, why in found.items():
                self._raise(kind, alarms, subject, why, now)
            for subject, alarm in list(alarms.items()):
                if subject not in found:
                    self._end(kind, alarms, subject, alarm, now)

    def not_live(self, now: float) -> list[str]:
        """Return why this process should be restarted, empty when it should not."""
        return self._reasons(ENDED_BY_RESTART, now)

    def not_ready(self, now: float) -> list[str]:
        """Return why nobody should rely on this instance now, empty when all is well."""
        return self._reasons(frozenset(Watchdog), now)

    def _raise(self, kind: Watchdog, alarms: dict[str, _Alarm], subject: str, why: str, now: float) -> None:
        known = alarms.get(subject)
        if known is not None and known.ended is None:
            known.why = why
            return
        alarms[subject] = _Alarm(now, why)
        log.error("watchdog %s: %s", kind.value, why)
        self._observer.alarm(kind.value, subject)

    def _end(self, kind: Watchdog, alarms: dict[str, _Alarm], subject: str, alarm: _Alarm, now: float) -> None:
        if alarm.ended is None:
            alarm.ended = now
            log.warning("watchdog %s: over after %.1f s: %s", kind.value, now - alarm.since, alarm.why)
            self._observer.alarm_over(kind.value, subject)
        if kind not in ENDED_BY_RESTART or now - alarm.ended >= self._hold_seconds:
            del alarms[subject]

    def _reasons(self, kinds: frozenset[Watchdog], now: float) -> list[str]:
        with self._lock:
            found = [(kind, alarm) for kind in Watchdog if kind in kinds for alarm in self._raised[kind].values()]
        return [
            alarm.why if alarm.ended is None else f"until {now - alarm.ended:.1f} s ago: {alarm.why}"
            for kind, alarm in found
            if alarm.ended is None or (kind in ENDED_BY_RESTART and now - alarm.ended < self._hold_seconds)
        ]
