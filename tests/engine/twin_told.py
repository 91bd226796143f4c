"""The twin's chain: what a change of status makes of what was told, and the fields of the event that says so.

Whether a change is to be told is decided in `twin`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from monitor.core.ladder import Ladder
from tests.engine.twin_margin import RANK, Figures


class Verdict(NamedTuple):
    """What is to be said of a scope now."""

    status: str
    raw: str
    figures: Figures
    because: frozenset[str] = frozenset()
    degraded: frozenset[str] = frozenset()


class Told(NamedTuple):
    """What was said of a scope."""

    status: str = "healthy"
    last: str = "healthy"
    sequence: int = 0
    episode: int = 0
    watched: bool = False

    def after(self, status: str, ladder: Ladder) -> Told:
        """Return what was said once `status` has been told."""
        begins, known = self.status == "healthy", self.last if status == "unknown" else status
        watched = self.watched and not begins
        if status != "unknown" and RANK[status] >= RANK[ladder.adl_watch]:
            watched = True
        return Told(status, known, self.sequence + 1, self.episode + begins, watched and status != "healthy")


def change(was: Told, told: Told, verdict: Verdict | None, ladder: Ladder) -> dict[str, Any]:
    """Return the fields of an event; without a verdict its scope has ceased to exist."""
    status, lines = told.status, dict(ladder.thresholds)
    better = status == "healthy" or (status != "unknown" and RANK[status] < RANK[was.last])
    crossed = was.last if better else status
    worse = max(RANK[was.last], RANK[told.last])
    event_type = "recovered" if status == "healthy" else status
    return {
        "schema": 1,
        "channel": "adl_events" if worse == 7 else "liquidations" if worse >= 4 else "margin_calls",
        "sequence": told.sequence,
        "episode": told.episode,
        "event_type": "closed" if verdict is None else event_type,
        "previous_status": was.status,
        "status": status,
        "raw_status": "healthy" if verdict is None else verdict.raw,
        "direction": "better" if better else "worse",
        "degraded": frozenset() if verdict is None else verdict.degraded,
        "unknown_because": frozenset() if verdict is None else verdict.because,
        "figures": Figures() if verdict is None or status == "unknown" else verdict.figures,
        "last_status": was.last if "unknown" in (status, was.status) else None,
        "threshold": Fraction(0) if crossed == "bankrupt" else lines.get(crossed),
        "clear": (lines.get("margin_call") or lines["liquidation"]) * (1 + ladder.hysteresis),
    }
