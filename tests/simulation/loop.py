"""The loop of a simulation: virtual time, and an order of what is ready that only the seed decides.

What an address or a real clock could decide is taken away here: tasks that are ready in the same turn are put into the
order they were made in, then shuffled by the seed; every clock and every random name of the process is the story's own.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from monitor.app import feed, instance, intake, ledger, outage, shard, step_writing, takeover
from tests.app import lab

PACE: tuple[tuple[Any, str, float], ...] = (
    (ledger, "RETRY_SECONDS", 0.1),
    (takeover, "RETRY_SECONDS", 0.1),
    (outage, "RETRY_SECONDS", 0.2),
    (instance, "RETRY_SECONDS", 0.2),
    (intake, "_RETRY_SECONDS", 0.1),
    (shard, "BACKOFF_SECONDS", 0.25),
    (step_writing, "IDLE_COMMIT_SECONDS", 0.6),
    (step_writing, "CONSUMED_SECONDS", 0.3),
    (shard, "GRACE_SECONDS", 1.0),
    (feed, "_GROWTH_CHECK_SECONDS", 0.8),
    (lab, "SESSION_SECONDS", 0.15),
)
"""The waits of the application, each shortened in the same spirit: more happens in a virtual second."""


class SeededLoop(lab.VirtualLoop):
    """Run what is ready in the same turn in an order drawn from a seed."""

    def __init__(self, seed: int, *, shuffling: bool = True) -> None:
        super().__init__()
        self._order = random.Random(seed)
        self._shuffling = shuffling
        self._made = 0
        self.set_task_factory(self._make)

    def _make(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
        task = _NumberedTask(work, loop=loop, **more)
        task.number = self._made
        self._made += 1
        return task

    def _process_events(self, event_list: list[Any]) -> None:
        """Gather the timers that are due, as the base class is about to, and put what is ready into its order."""
        super()._process_events(event_list)  # type: ignore[misc]
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        due = self.time() + self._clock_resolution  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._when < due:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        if len(ready) > 1:
            self._mix(ready)

    def _mix(self, ready: Any) -> None:
        """Permute the tasks among the places they have; callbacks stay where they are."""
        places, steps = [], []
        for place, handle in enumerate(ready):
            task = getattr(handle._callback, "__self__", None)
            if isinstance(task, _NumberedTask):
                places.append(place)
                steps.append((task.number, place, handle))
        if len(steps) < 2:
            return
        steps.sort(key=lambda step: step[:2])
        if self._shuffling:
            self._order.shuffle(steps)
        for place, (_, _, handle) in zip(places, steps, strict=True):
            ready[place] = handle


class _NumberedTask(asyncio.Task):  # type: ignore[type-arg]
    """A task that knows how many were made before it."""

    number = 0


class Clocks:
    """Answer for the clocks of the process; `stutter` is the most by which each look at one moves it on."""

    def __init__(self, loop: SeededLoop, seed: int, stutter: float) -> None:
        self._loop = loop
        self._chance = random.Random(seed)
        self._stutter = stutter
        self._ahead = 0.0

    def seconds(self) -> float:
        """Return the seconds of the story, for what measures how long work takes."""
        if self._stutter:
            self._ahead += self._chance.random() * self._stutter
        return self._loop.time() + self._ahead


@contextmanager
def simulated(loop: SeededLoop, seed: int, stutter: float = 0.0) -> Iterator[None]:
    """Let no clock, no random name and no long wait of the real world into the story."""
    clocks, names = Clocks(loop, seed, stutter), random.Random(seed)
    patches = [patch.object(room, name, seconds) for room, name, seconds in PACE]
    patches += [
        patch.object(time, "perf_counter", clocks.seconds),
        patch.object(time, "monotonic", loop.time),
        patch.object(secrets, "token_hex", lambda size=16: names.randbytes(size).hex()),
    ]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in reversed(patches):
            one.stop()
