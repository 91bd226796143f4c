"""The pace of the self-audit: when the next piece of it is due.

Only the arithmetic lives here; clocks and threads are the application's.
"""

from __future__ import annotations

from typing import Final

_BURST_SECONDS: Final = 1.0
"""What was not looked at for longer than this is not made up for at once: the walk is only so much later."""


class AuditPace:
    """Say when to go on: so many scopes a second, and faster where the pass would take longer than it may."""

    def __init__(self, scopes_per_second: float, pass_seconds: float) -> None:
        self._rate = scopes_per_second
        self._pass_seconds = pass_seconds
        self._credit = 0.0
        self._last: float | None = None
        self._began = 0.0

    def is_due(self, now: float, progress: float) -> bool:
        """Return whether another piece is due at `now` (seconds), with a part of the pass done (0 … 1)."""
        if self._last is None:
            self._last = self._began = now
        self._credit = min(self._credit + (now - self._last) * self._rate, max(1.0, self._rate * _BURST_SECONDS))
        self._last = now
        if not self._rate:
            return False
        is_late = bool(self._pass_seconds) and progress * self._pass_seconds < now - self._began
        return self._credit >= 1.0 or is_late

    def pay(self, scopes: int) -> None:
        """Take note that so many scopes were looked at, or one piece of another kind."""
        self._credit -= scopes
        self._credit = max(self._credit, -self._rate)

    def begin(self, now: float) -> None:
        """Begin a pass."""
        self._began = now
