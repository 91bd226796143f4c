"""The story of a seed: what is sent, what breaks, and when everybody is left in peace to be judged.

A story has phases. In a phase of the market nothing but prices comes, through one partition: what is told in it must be
what the slow replay says, message by message. Between phases all is quiet for a moment.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

from tests.simulation.draws import Draws
from tests.simulation.producers import Producers
from tests.simulation.troubles import Troubles
from tests.simulation.world import SimulatedWorld

WAITS = (0.005, 0.02, 0.02, 0.08, 0.2, 0.5)
SETTLED_SECONDS = 1.2
"""By then what is to be shown is shown: longer than any interval that is drawn."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Name a moment at which all was quiet; `exact`: since the mark before only the market has moved."""

    at: int
    exact: bool


class Story:
    """Live through one seed; what it leaves behind is judged elsewhere."""

    def __init__(self, seed: int, draws: Draws, tally: Counter[str]) -> None:
        self.seed = seed
        self.random = random.Random(f"story {seed}")
        self.draws = draws
        self.lines: list[str] = []
        self.marks: list[Mark] = []
        self.told_by_restart = 0
        self.world = SimulatedWorld(draws, seed, tally)
        self.producers = Producers(seed, self.world)
        self.troubles = Troubles(seed, self.world, self.say)

    def say(self, text: str) -> None:
        """Note what happens."""
        self.lines.append(f"{self.world.now_ms() % 10_000_000 / 1000:9.3f}  {text}")

    async def run(self) -> None:
        """Let everything happen; return when all is quiet for the last time."""
        await self.world.open()
        self.producers.open()
        self.troubles.start()
        for kind in self.draws.phases:
            self.say(f"a phase begins: {kind}")
            await (self._market() if kind == "market" else self._mixed())
        await self._restart()

    async def _mixed(self) -> None:
        """Let everything move and everything break."""
        self.world.trouble_couriers()
        for _ in range(self.random.randint(5, 12)):
            await self.world.pass_time(self.random.choice(WAITS))
            for _ in range(self.random.randint(1, 4)):
                self.producers.feed()
            self.troubles.disturb()
        await self._quiet(exact=False)

    async def _market(self) -> None:
        """Let only prices come, in their order, while everything breaks."""
        await self._quiet(exact=False)
        for one in self.world.living():
            if self.random.random() < 0.7:
                self.troubles.note("kill", one.name)
                one.kill()
        self.troubles.start()
        for _ in range(self.random.randint(5, 12)):
            await self.world.pass_time(self.random.choice(WAITS))
            for _ in range(self.random.randint(1, 3)):
                self.producers.tick(partition=0)
            self.troubles.disturb()
        await self._quiet(exact=True)

    async def _quiet(self, *, exact: bool) -> None:
        """Take all troubles away and wait until everything is told, committed and shown."""
        self.world.calm_couriers()
        self.troubles.peace()
        await self._all_done()
        self.say("all is quiet")
        self.marks.append(Mark(len(self.world.history), exact))

    async def _all_done(self) -> None:
        world = self.world
        world.on_look = self.troubles.keep_alive
        await world.pass_time(0.05)
        if self.draws.ages:
            self.producers.tick(all_of_them=True, partition=0)
        await world.until_quiet()
        if self.draws.funds:
            await world.until(lambda: not self._undecided(), 90)
        await self._freshen()
        await world.pass_time(SETTLED_SECONDS)
        self.troubles.peace()
        await world.until_quiet()

    async def _freshen(self) -> None:
        """Price everything anew as it is, so that no age decides anything, and nothing else is decided by it."""
        if self.draws.ages:
            self.producers.again()
            await self.world.until_quiet()

    def _undecided(self) -> list[bytes]:
        """Return the claims on funds something is still to become of."""
        latest = {record.key: record.value for record in self.world.kept("state")}
        return [key for key, value in latest.items() if key and key[:2] == b"o|" and value and b"covered" not in value]

    async def _restart(self) -> None:
        """Kill everybody and have one instance take everything over: that alone causes no event."""
        await self._freshen()
        before = len(self.world.events())
        for one in self.world.living():
            one.kill()
        await self.world.pass_time(0.01)
        self.troubles.start(rate=0.0)
        await self.world.until_quiet()
        await self.world.pass_time(0.3)
        self.told_by_restart = len(self.world.events()) - before
        for one in self.world.instances:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in self.world.instances), return_exceptions=True)
