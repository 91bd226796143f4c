"""The faults of a chaos run: which comes next, and when, from one seed; how they are done is the fleet's business."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.chaos.cluster import Cluster
from tests.chaos.fleet import Fleet, Point
from tests.chaos.points import AFTER_FENCE, DURING_CATCH_UP, DURING_RESTORE, LETTING_GO, POINTS, REVOCATION

LOOK_SECONDS = 0.1
_RARE = (AFTER_FENCE, DURING_RESTORE, DURING_CATCH_UP, REVOCATION, LETTING_GO)
"""Points that are passed a few times in a life; the others are passed with every transaction."""


class Scenario(Protocol):
    """Describe something else that happens beside the faults of a run, from its start until it is stopped."""

    async def run(self, stop: asyncio.Event, say: Callable[[str], None]) -> None:
        """Happen."""


@dataclass(frozen=True)
class Pace:
    """Hold how often things happen; all in seconds, 0 for never."""

    instances: int = 3
    fault_seconds: float = 2.5
    broker_seconds: float = 50.0
    session_seconds: float = 1.5
    pointed_share: float = 0.6
    """How many of the daemons started later end themselves at a named point."""
    freeze_only: bool = False
    """Whether daemons are only frozen, never killed or stopped."""
    cold_share: float = 0.1
    """How often a daemon starts as a program of its own, not forked from one that is warm."""
    early_share: float = 0.15
    """How often a fault may also hit a daemon that has not come to own a shard yet."""


class Faults:
    """Make the faults of one seed until told to stop."""

    def __init__(self, seed: int, pace: Pace, fleet: Fleet, cluster: Cluster, say: Callable[[str], None]) -> None:
        self._dice = random.Random(f"faults {seed}")
        self._pace = pace
        self._fleet = fleet
        self._cluster = cluster
        self._say = say
        self._target = pace.instances
        self._restart_at: list[float] = []
        self._armed: Counter[str] = Counter()
        self.broker: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the fleet, and make a fault whenever one is due."""
        now = time.monotonic()
        due, broker_due = now + self._wait(self._pace.fault_seconds), now + self._wait(self._pace.broker_seconds)
        at_broker: asyncio.Task[None] | None = None
        while not stop.is_set():
            await asyncio.sleep(LOOK_SECONDS)
            self._look()
            now = time.monotonic()
            if now > due:
                self._disturb()
                due = now + self._wait(self._pace.fault_seconds)
            if now > broker_due and (at_broker is None or at_broker.done()):
                broker_due = now + self._wait(self._pace.broker_seconds)
                if self._pace.broker_seconds:
                    at_broker = asyncio.create_task(self._at_the_broker())
            if at_broker is not None and at_broker.done():
                at_broker.result()
        if at_broker is not None:
            await at_broker

    def _wait(self, mean: float) -> float:
        return self._dice.uniform(0.4, 1.6) * mean if mean else float("inf")

    def _look(self) -> None:
        """Say what has happened to the processes, and start those that are missing, each after a while."""
        for text in self._fleet.look(self._pace.session_seconds):
            self._say(text)
        now = time.monotonic()
        missing = self._target - len(self._fleet.alive()) - len(self._restart_at)
        self._restart_at += [now + self._dice.choice((0.0, 0.5, 2.0)) for _ in range(max(0, missing))]
        due = [at for at in self._restart_at if at <= now]
        self._restart_at = [at for at in self._restart_at if at > now]
        for _ in due[: max(0, self._target - len(self._fleet.alive()))]:
            self._start()

    def _start(self) -> None:
        """Start a daemon, more often than not one that will end itself at a point that was tried least."""
        point = None
        if self._dice.random() < self._pace.pointed_share:
            least = min(self._armed[name] for name in POINTS)
            name = self._dice.choice([name for name in POINTS if self._armed[name] == least])
            self._armed[name] += 1
            passing = self._dice.randint(1, 4) if name in _RARE else self._dice.randint(1, 60)
            point = Point(name, self._dice.choice(("kill", "kill", "stop")), passing)
        worker = self._fleet.start(point, cold=self._dice.random() < self._pace.cold_share)
        self._say(f"worker {worker.number} starts" + (f": {point}" if point else ""))

    def _disturb(self) -> None:
        """Do something to the processes."""
        dice, free = self._dice.random(), self._fleet.free()
        if self._pace.freeze_only:
            dice = 0.7
        elif dice < 0.08:
            self._target = self._dice.randint(1, self._pace.instances + 1)
            self._say(f"from now on {self._target} daemons")
            for worker in free[self._target :]:
                self._fleet.ask_to_stop(worker)
                self._say(f"worker {worker.number} is asked to stop")
            free = self._fleet.free()
        working = [worker for worker in free if worker.has_worked()]
        if self._dice.random() >= self._pace.early_share:
            free = working
        if not free:
            return
        worker = self._dice.choice(free)
        if dice < 0.6:
            self._say(f"worker {worker.number} is killed")
            self._fleet.kill(worker)
        elif dice < 0.8:
            seconds = self._pace.session_seconds + self._dice.uniform(0.3, 3)
            self._say(f"worker {worker.number} is frozen for {seconds:.1f} s")
            self._fleet.freeze(worker, seconds)
        else:
            self._say(f"worker {worker.number} is asked to stop")
            self._fleet.ask_to_stop(worker)

    async def _at_the_broker(self) -> None:
        """Do something to a broker, and have it back a little later."""
        node = self._dice.choice(self._cluster.nodes())
        kind, seconds = self._dice.choice(("kill -9", "kill -9", "SIGTERM", "freeze")), self._dice.uniform(0, 4)
        self.broker[kind] += 1
        self._say(f"broker {node}: {kind} for {seconds:.1f} s")
        ending, coming = {
            "kill -9": (self._cluster.kill, self._cluster.start),
            "SIGTERM": (self._cluster.stop, self._cluster.start),
            "freeze": (self._cluster.freeze, self._cluster.thaw),
        }[kind]
        await asyncio.to_thread(ending, node)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(coming, node)
        self._say(f"broker {node} is back")
