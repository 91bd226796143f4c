"""The demo's tally: what the application tells about its work, and what stands in account-status, counted for a view.

It is an `Observer`; nothing here is drawn.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.app.observing import SilentObserver

_KEPT_TIMES = 5_000
_WATCHED = frozenset(("watch", "warning", "margin_call"))
"""Above liquidation, and shown again whenever the ratio moves: the record of a healthy scope may be a minute old."""


class Near(NamedTuple):
    """Hold the liquidation price of a scope's position that stood nearest to its mark, as account-status has it."""

    account_id: str
    scope: str
    symbol: str
    status: str
    margin_ratio: str | None
    liquidation_price: float

    def distance(self, marks: Mapping[str, float]) -> float:
        """Return how far the mark is from the liquidation price now, as a fraction of the mark."""
        return abs(self.liquidation_price / marks[self.symbol] - 1)


class Tally(SilentObserver):
    """Count events, ticks and dead letters; keep the times of the last ticks and the latest figures of each scope.

    A tick is one price message on one shard; its time is the engine's for a step, shared out over the step's messages.
    """

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self.events: Counter[str] = Counter()
        self.dead_letters = 0
        self.scopes_judged = 0
        self.statuses: dict[str, str] = {}
        self.accounts_shown: set[str] = set()
        self._price_messages = 0
        self._in_this_step = 0
        self._tick_seconds: deque[float] = deque(maxlen=_KEPT_TIMES)
        self._near: dict[str, Near] = {}

    def price_message(self, applied: int) -> None:  # noqa: ARG002
        """Count a price message that one of the shards has judged."""
        self._price_messages += 1
        self._in_this_step += 1

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
        """Keep how long the engine worked on each price message of a step."""
        if self._in_this_step:
            self._tick_seconds.append(seconds / self._in_this_step)
            self._in_this_step = 0

    def forget_times(self) -> None:
        """Forget the times of ticks so far: those that shared a step with the loading of the book."""
        self._tick_seconds.clear()

    def show(self, key: str, body: dict[str, Any] | None) -> None:
        """Take over one account-status record."""
        self._near.pop(key, None)
        if body is None:
            self.statuses.pop(key, None)
            return
        self.statuses[key] = status = body["status"]
        self.accounts_shown.add(body["account_id"])
        if status not in _WATCHED:
            return
        found = [
            (abs(float(position["distance"])), position["symbol"], float(position["liquidation_price"]))
            for position in body["positions"]
            if position["distance"] is not None
        ]
        if found:
            _, symbol, price = min(found)
            self._near[key] = Near(body["account_id"], body["scope"], symbol, status, body["margin_ratio"], price)

    def nearest(self, count: int, marks: Mapping[str, Decimal]) -> list[tuple[float, Near]]:
        """Return the watched scopes nearest to liquidation at these marks, each after its distance."""
        at = {symbol: float(mark) for symbol, mark in marks.items()}
        return heapq.nsmallest(count, ((near.distance(at), near) for near in self._near.values()))

    def by_status(self) -> Counter[str]:
        """Return the number of scopes by the status last shown."""
        return Counter(self.statuses.values())

    def percentile_ms(self, share: float) -> float:
        """Return a percentile of the time of a tick, in ms."""
        times = sorted(self._tick_seconds)
        return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else 0.0
