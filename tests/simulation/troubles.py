"""The troubles of a simulation: what happens to instances, to their calls, to clocks and to the log itself.

Each is drawn from the seed and counted; `peace` takes all of them away again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from tests.app.gates import KILLS, WRITE_FAULTS, WRITE_KILLS, Fate
from tests.app.lab import Running
from tests.simulation.world import SimulatedWorld

CALL_FATES = (Fate.AWAY_BEFORE, Fate.AWAY_AFTER, Fate.DIE_BEFORE, Fate.DIE_AFTER, Fate.SLOW, Fate.ZOMBIE)
WRITE_FATES = (*WRITE_FAULTS, *WRITE_KILLS, Fate.SLOW, Fate.ZOMBIE, Fate.TIMED_OUT)
WRITES_ARE_WORTH = 12
"""A write meets a fate so many times as often as another call: there is more to lose."""

MOST_BACK_SECONDS = -2.0
"""Clocks go back by no more than this in all: with the skew of an instance that stays below `prices.max_ahead_ms`."""


class Troubles:
    """Make trouble in a world."""

    def __init__(self, seed: int, world: SimulatedWorld, say: Callable[[str], None]) -> None:
        self.random = random.Random(f"troubles {seed}")
        self.world = world
        self._say = say
        self._back_seconds = 0.0
        self._others: list[Callable[[], None]] = [
            self._jump_clock,
            self._jump_all_clocks,
            self._take_log_away,
            self._compact,
            self._corrupt,
            self._leave_open,
            self._grow,
        ]

    def note(self, what: str, more: str = "") -> None:
        """Count a trouble, and tell it."""
        self.world.tally[what] += 1
        self._say(f"{what} {more}")

    def start(self, rate: float | None = None) -> Running:
        """Start an instance whose calls fail as often as was drawn."""
        draws = self.world.draws
        one = self.world.start(skew_ms=self.random.randint(-draws.skew_ms, draws.skew_ms))
        self.note("start", f"of {one.name}, its clock {one.skew_ms} ms ahead")
        chance = random.Random(self.random.random())
        one.gate.plan = self._plan(one, chance, draws.fault_rate if rate is None else rate)
        one.gate.patience = draws.patience
        one.gate.pause = lambda fate: chance.uniform(0.01, 0.4) if fate is Fate.SLOW else chance.uniform(0.05, 1.2)
        return one

    def _plan(self, one: Running, chance: random.Random, rate: float) -> Callable[[int, str], Fate | None]:
        def plan(number: int, name: str) -> Fate | None:
            fates = WRITE_FATES if name == "write" else KILLS if name in ("join", "leave") else CALL_FATES
            if chance.random() >= rate * (WRITES_ARE_WORTH if name in ("write", "fence") else 1):
                return None
            fate = chance.choice(fates)
            self.note(
                f"{'write' if name == 'write' else 'call'} {fate.name}", f"at call {number} ({name}) of {one.name}"
            )
            return fate

        return plan

    def disturb(self) -> None:
        """Let something happen, or nothing."""
        living = self.world.living()
        awake = [one for one in living if not one.gate.is_frozen and not one.instance._stopping.is_set()]
        dice = self.random.random()
        if not living or (dice < 0.2 and len(living) < 3):
            self.start()
        elif dice < 0.28 and awake:
            one = self.random.choice(awake)
            self.note("kill", one.name)
            one.kill()
        elif dice < 0.36 and awake:
            one = self.random.choice(awake)
            self.note("stop", one.name)
            one.instance.stop()
        elif dice < 0.46 and awake:
            one = self.random.choice(awake)
            seconds = self.random.uniform(0.05, 1.0)
            self.note("freeze", f"{one.name} for {seconds:.2f} s")
            one.gate.freeze(seconds)
        elif dice < 0.54:
            self._drop(awake)
        elif dice < 0.75:
            self.random.choice(self._others)()

    def _drop(self, awake: list[Running]) -> None:
        """Have the group drop a member that goes on working, and joins again after a while."""
        members = [one for one in awake if one.log.inner_membership and one.log.inner_membership._name]
        if members:
            one = self.random.choice(members)
            self.note("drop", f"{one.name}, which goes on")
            one.drop_out()
            asyncio.get_running_loop().call_later(self.random.uniform(0.05, 0.8), one.come_back)

    def _jump_clock(self) -> None:
        """Set the clock of one instance anew, within what a clock may be wrong."""
        for one in self.world.living()[-1:]:
            one.skew_ms = self.random.randint(-self.world.draws.skew_ms, self.world.draws.skew_ms)
            self.note("clock jump", f"of {one.name} to {one.skew_ms} ms")

    def _jump_all_clocks(self) -> None:
        seconds = self.random.choice((-1.5, -0.3, 2.0, 5.0, 12.0))
        if seconds < 0:
            if self._back_seconds + seconds < MOST_BACK_SECONDS:
                return
            self._back_seconds += seconds
        self.note("clock jump of all", f"by {seconds} s")
        self.world.skip(seconds)

    def _take_log_away(self) -> None:
        faults = self.world.log.faults
        if not faults.unavailable:
            seconds = self.random.uniform(0.05, 1.0)
            self.note("outage", f"of {seconds:.2f} s")
            faults.unavailable = True
            asyncio.get_running_loop().call_later(seconds, setattr, faults, "unavailable", False)

    def _compact(self) -> None:
        self.note("compaction")
        self.world.compact(self.random)

    def _corrupt(self) -> None:
        where = self.world.corrupt_somewhere(self.random)
        if where is not None:
            self.note("corrupt record", f"at the end of {where}")
            seconds = self.random.uniform(0.1, 0.6)
            asyncio.get_running_loop().call_later(seconds, self.world.log.faults.corrupt.pop, where, None)

    def _leave_open(self) -> None:
        topic = self.random.choice(("mark_prices", "account_events", "instruments"))
        partition = self.random.randrange(self.world.settings.topics.partitions) if topic == "account_events" else 0
        self.note("foreign transaction", f"open on {topic}[{partition}]")
        self.world.leave_foreign_transaction(topic, partition)
        asyncio.get_running_loop().call_later(self.random.uniform(0.1, 1.5), self.world.resolve_foreign)

    def _grow(self) -> None:
        if self.world.price_partitions() < 3:
            self.note("growth", "of the price partitions")
            self.world.grow_prices()

    def peace(self) -> None:
        """End all troubles, and have somebody work."""
        self.world.heal()
        for one in self.world.living():
            one.gate.plan = lambda number, name: None
            one.gate.wake()
            one.come_back()
        self.keep_alive()

    def keep_alive(self) -> None:
        """Start an instance where nobody is left."""
        if not [one for one in self.world.living() if not one.instance._stopping.is_set()]:
            self.start(rate=0.0)
