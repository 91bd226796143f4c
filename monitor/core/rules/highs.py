"""Highs in the changelog: which are written, and when a risen one is written again.

On a rising market a high changes with every message. A crash then loses a rise below `rules.high_step` that is younger
than `rules.high_interval_ms`; a step of 0 writes every rise and loses none.
"""

from __future__ import annotations

from monitor.core.amounts import Number, times
from monitor.core.intervals import has_passed
from monitor.core.rules.memory import RuleMemory
from monitor.core.rules.settings import RuleSettings


class SavedHighs:
    """Know which highs the changelog holds: a rise is written at once when it is large, else within an interval."""

    def __init__(self, settings: RuleSettings) -> None:
        self._step = 1 + settings.high_step
        self._interval_ms = settings.high_interval_ms
        self._saved: dict[str, tuple[Number | None, str]] = {}
        self._risen: dict[str, int] = {}

    def saved(self, account_id: str, memory: RuleMemory) -> None:
        """Note that a high is in the changelog as it stands."""
        self._saved[account_id] = (memory.high, memory.unit)
        self._risen.pop(account_id, None)

    def is_due(self, account_id: str, memory: RuleMemory, now_ms: int) -> bool:
        """Return whether a high is to be written now; one that has risen a little waits for its time."""
        high, unit = self._saved.get(account_id, (None, ""))
        if high == memory.high and unit == memory.unit:
            return False
        if high is None or unit != memory.unit or high <= 0 or memory.high is None:
            return True
        if memory.high > times(high, self._step):
            return True
        self._risen.setdefault(account_id, now_ms)
        return False

    def due(self, now_ms: int) -> list[str]:
        """Return the accounts whose high has been risen unwritten for an interval."""
        due = [name for name, since_ms in self._risen.items() if has_passed(self._interval_ms, since_ms, now_ms)]
        for name in due:
            del self._risen[name]
        return due
