"""Quiet hours: when alarms of the mildest level wait for the morning; anything worse never does."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.core.ladder import MarginStatus

_MINUTE_MS = 60_000
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hold the minutes of the day, in UTC, from which and until which it is quiet; over midnight where start > end.

    Raises `ValueError` for minutes that are none of a day, or for no time at all.
    """

    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.start_minute < _DAY_MINUTES and 0 <= self.end_minute < _DAY_MINUTES):
            raise ValueError("quiet hours are minutes of a day, 0 to 1439")
        if self.start_minute == self.end_minute:
            raise ValueError("quiet hours must end at another minute than they start")

    def end_ms(self, now_ms: int, rank: int) -> int | None:
        """Return when what is as bad as `rank` may be told, None for now."""
        if rank > MarginStatus.WATCH.rank:
            return None
        minute = now_ms // _MINUTE_MS % _DAY_MINUTES
        length = (self.end_minute - self.start_minute) % _DAY_MINUTES
        passed = (minute - self.start_minute) % _DAY_MINUTES
        if passed >= length:
            return None
        return (now_ms // _MINUTE_MS + length - passed) * _MINUTE_MS
