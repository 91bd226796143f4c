"""The failovers of a soak: one every few minutes, by turns killed, asked to stop, frozen.

The first daemon is never touched and the second only frozen, so that two lives are as long as the run and see shards
come and go; all the others live from one failover to the next.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from tests.chaos.fleet import Fleet, Worker

KINDS = ("kill -9", "SIGTERM", "freeze")
LONG_LIVED = 2


class Failovers:
    """Disturb one daemon at a time."""

    def __init__(self, every_seconds: float, session_seconds: float) -> None:
        self.fleet: Fleet | None = None
        self.done: Counter[str] = Counter()
        self._every = every_seconds
        self._frozen_seconds = session_seconds + 4

    async def run(self, stop: asyncio.Event, say: Callable[[str], None]) -> None:
        """Go on until told to stop."""
        turn = 0
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await stop.wait()
            if not stop.is_set():
                turn += self._disturb(KINDS[turn % len(KINDS)], say)

    def _disturb(self, kind: str, say: Callable[[str], None]) -> bool:
        """Disturb a daemon that works and return whether there was one."""
        assert self.fleet is not None, "failovers are given their fleet first"
        working = [worker for worker in self.fleet.free() if worker.has_worked()]
        chosen = [worker for worker in working if (worker.number == 1) == (kind == "freeze") and worker.number > 0]
        if not chosen:
            return False
        self._do(kind, chosen[-1])
        self.done[kind] += 1
        say(f"worker {chosen[-1].number}: {kind}")
        return True

    def _do(self, kind: str, worker: Worker) -> None:
        assert self.fleet is not None
        match kind:
            case "kill -9":
                self.fleet.kill(worker)
            case "SIGTERM":
                self.fleet.ask_to_stop(worker)
            case _:
                self.fleet.freeze(worker, self._frozen_seconds)
