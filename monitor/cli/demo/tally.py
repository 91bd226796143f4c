"""The demo's tally: what the application tells about its work, and what stands in account-status, counted for a view.

It is an `Observer`; nothing here is drawn.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.app.observing import SilentObserver

_KEPT_TIMES = 5_000


class Near(NamedTuple):
    """Hold a position and how far its mark is from liquidation, as a fraction of the mark."""

    account_id: str
    scope: str
    symbol: str
    status: str
    margin_ratio: str | None
    distance: Decimal


class Tally(SilentObserver):
    """Count events, ticks and dead letters; keep the times of the last steps and the latest figures of each scope."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self.events: Counter[str] = Counter()
        self.dead_letters = 0
        self._price_messages = 0
        self.scopes_judged = 0
        self.kernel_seconds: deque[float] = deque(maxlen=_KEPT_TIMES)
        self.statuses: dict[str, str] = {}
        self._nearest: dict[str, Near] = {}
        self._accounts: set[str] = set()
        self._awaited = 0
        self._enough = asyncio.Event()

    async def until_shown(self, accounts: int) -> None:
        """Wait until so many accounts have been shown at least once."""
        self._awaited = accounts
        if len(self._accounts) < accounts:
            await self._enough.wait()

    def price_message(self, applied: int) -> None:  # noqa: ARG002
        """Count a price message that one of the shards has judged."""
        self._price_messages += 1

    @property
    def ticks(self) -> int:
        """How many price messages every shard has judged."""
        return self._price_messages // self._shards

    def judged(self, scopes: int) -> None:
        """Count re-margined scopes."""
        self.scopes_judged += scopes

    def event(self, event_type: str) -> None:
        """Count an event."""
        self.events[event_type] += 1

    def dead_letter(self, topic: str, reason: str) -> None:  # noqa: ARG002
        """Count a dead letter."""
        self.dead_letters += 1

    def kernel(self, seconds: float) -> None:
        """Keep how long the engine worked on a step."""
        self.kernel_seconds.append(seconds)

    def show(self, key: str, body: dict[str, Any] | None) -> None:
        """Take over one account-status record."""
        if body is None:
            self.statuses.pop(key, None)
            self._nearest.pop(key, None)
            return
        self.statuses[key] = body["status"]
        self._accounts.add(body["account_id"])
        if len(self._accounts) >= self._awaited:
            self._enough.set()
        distances = [
            (abs(Decimal(position["distance"])), position["symbol"])
            for position in body["positions"]
            if position["distance"] is not None and body["status"] != "bankrupt"
        ]
        self._nearest.pop(key, None)
        if distances:
            distance, symbol = min(distances)
            ratio = body["margin_ratio"]
            self._nearest[key] = Near(body["account_id"], body["scope"], symbol, body["status"], ratio, distance)

    def nearest(self, count: int) -> list[Near]:
        """Return the scopes above liquidation that are nearest to it."""
        alive = (near for near in self._nearest.values() if near.status in _ABOVE)
        return sorted(alive, key=lambda near: near.distance)[:count]

    def by_status(self) -> Counter[str]:
        """Return the number of scopes by the status last shown."""
        return Counter(self.statuses.values())

    def percentile_ms(self, share: float) -> float:
        """Return a percentile of the engine's time for a step, in ms."""
        times = sorted(self.kernel_seconds)
        return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else 0.0


_ABOVE = frozenset(("healthy", "watch", "warning", "margin_call"))
