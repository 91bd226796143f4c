"""Pace: how often one client may ask; what happens to one that asks more often is the session's business."""

from __future__ import annotations


class Pace:
    """Allow so many requests at once, and as many more in each period, refilled evenly."""

    def __init__(self, most: int, period_ms: int, now_ms: int) -> None:
        self._most = most
        self._period_ms = period_ms
        self._at_ms = now_ms
        self._left = most * period_ms
        """In requests × milliseconds, so that nothing is rounded."""

    def allows(self, now_ms: int) -> bool:
        """Count one request; return whether it is within bounds. A clock that is set back refills nothing."""
        refill = max(now_ms - self._at_ms, 0) * self._most
        self._at_ms = now_ms
        self._left = min(self._left + refill, self._most * self._period_ms) - self._period_ms
        if self._left < 0:
            self._left += self._period_ms
            return False
        return True
