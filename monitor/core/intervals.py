"""Intervals by a clock that may be set back: when the next turn of something is due.

What is done at intervals, and how long they are, is known to those who ask.
"""

from __future__ import annotations


def has_passed(interval_ms: int, since_ms: int, now_ms: int) -> bool:
    """Return whether an interval is over; one that began later than now was begun before the clock went back."""
    return not since_ms <= now_ms < since_ms + interval_ms
