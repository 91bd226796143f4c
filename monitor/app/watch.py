"""The watch of an instance: looks at everything that has a budget, often, and says which budgets are used up.

Deciding is pure and lives here and in the rooms that keep what is looked at: `pulse`, `input_watch`, `heartbeats`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.app.alarms import Watchdog
from monitor.app.heartbeats import HeartbeatReader
from monitor.app.ports import Membership
from monitor.app.shared import Shared


class Watched(Protocol):
    """What the watch looks at in an own shard; times are seconds of the loop's clock."""

    is_steady: bool
    lived_at: float
    """When it last finished a step; before its first, when it was assigned."""
    steady_at: float
    """When it last came out of a takeover."""


@dataclass(slots=True)
class Watch:
    """Look at the own shards, the membership, the inputs and everybody's heartbeats."""

    shared: Shared
    membership: Membership
    shards: Mapping[int, Watched]
    heartbeats: HeartbeatReader | None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self.shared.watchdogs.interval_ms / 1000)
            self.look()

    def look(self) -> None:
        """Look once, and raise or end the alarms."""
        found = {
            Watchdog.STUCK_SHARD: self._stuck(),
            Watchdog.UNSTEADY_SHARD: self._unsteady(),
            Watchdog.UNOWNED_SHARD: self._unowned(),
            Watchdog.MEMBERSHIP: self._membership(),
            Watchdog.OPEN_TRANSACTION: self._open_transactions(),
            Watchdog.SILENT_INPUT: self._silent_inputs(),
        }
        now = self.shared.pulse.clock()
        for kind, reasons in found.items():
            self.shared.pulse.alarms.settle(kind, reasons, now)

    def _stuck(self) -> dict[str, str]:
        budget, now = self.shared.watchdogs.turn_ms / 1000, self.shared.pulse.clock()
        return {
            str(number): f"shard {number} has finished no step for {seconds:.0f} s"
            for number, shard in self._own()
            if shard.is_steady and 0 < budget <= (seconds := now - max(shard.lived_at, shard.steady_at))
        }

    def _unsteady(self) -> dict[str, str]:
        """Look at all own shards: one that comes out of every takeover only to fall into the next is not steady."""
        budget, now = self.shared.watchdogs.steady_ms / 1000, self.shared.pulse.clock()
        return {
            str(number): f"shard {number} has not come to work for {seconds:.0f} s"
            for number, shard in self._own()
            if 0 < budget <= (seconds := now - shard.lived_at)
        }

    def _own(self) -> list[tuple[int, Watched]]:
        own = self.membership.shards()
        return [(number, shard) for number, shard in self.shards.items() if number in own]

    def _unowned(self) -> dict[str, str]:
        if self.heartbeats is None:
            return {}
        budget, silences = self.shared.watchdogs.unowned_ms / 1000, self.heartbeats.silences()
        for number, seconds in silences.items():
            self.shared.observer.heartbeat_age(number, seconds)
        return {
            str(number): f"nobody judges shard {number}: no heartbeat for {seconds:.0f} s"
            for number, seconds in silences.items()
            if budget and seconds >= budget
        }

    def _membership(self) -> dict[str, str]:
        budget, silent_ms = self.shared.watchdogs.membership_ms, self.membership.confirmed_ms()
        if not budget or silent_ms < budget:
            return {}
        return {"": f"the group has not confirmed this membership for {silent_ms / 1000:.0f} s"}

    def _open_transactions(self) -> dict[str, str]:
        budget = self.shared.watchdogs.open_transaction_ms / 1000
        return self.shared.inputs.behind_open_transactions(budget) if budget else {}

    def _silent_inputs(self) -> dict[str, str]:
        """Prices are expected as soon as the contracts are known; whether accounts trade, only the operator knows."""
        topics, inputs, budgets = self.shared.topics, self.shared.inputs, self.shared.watchdogs
        ages: dict[str, tuple[float | None, int]] = {
            topics.account_events: (inputs.quiet_ms(topics.account_events), budgets.account_silence_ms)
        }
        if self.shared.feed.caught_up.is_set() and self.shared.feed.reading.accepted:
            age_ms = inputs.age_ms(topics.mark_prices, self.shared.now_ms())
            ages[topics.mark_prices] = (age_ms, budgets.price_silence_ms)
        return {
            topic: f"nothing has come from {topic} for {age_ms / 1000:.0f} s"
            for topic, (age_ms, budget_ms) in ages.items()
            if budget_ms and age_ms is not None and age_ms >= budget_ms
        }
