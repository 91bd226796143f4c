"""Chaos in one process: instances die, freeze, wake up and stop while a random market moves; a seed tells its story.

The story of a seed is the same every time it is run: time is virtual and every choice comes from the seed.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.app.gates import KILLS, Fate
from tests.app.judge import Judge
from tests.app.lab import Running, World, new_world, virtual

SEEDS = int(os.environ.get("LIQMON_CHAOS_SEEDS", "40"))
TURNS = 30
SYMBOLS = ("XUSDT", "YUSDT")
FAULTS = (Fate.AWAY_BEFORE, Fate.AWAY_AFTER, Fate.DIE_BEFORE, Fate.DIE_AFTER)
WRITE_FAULTS = (*FAULTS, Fate.OPEN, Fate.REFUSED, Fate.FENCED, Fate.DIE_OPEN)


class Chaos:
    """Make one story from a seed."""

    def __init__(self, seed: int, world: World) -> None:
        self.random = random.Random(seed)
        self.world = world
        self.story: list[str] = []
        self.marks = {"XUSDT": 100.0, "YUSDT": 50.0}
        self.frozen: list[Running] = []

    def say(self, text: str) -> None:
        """Note what happens."""
        self.story.append(f"{self.world.now_ms() % 10_000_000 / 1000:9.3f}  {text}")

    async def run(self) -> None:
        """Let everything happen, then have everybody left work in peace until all is told."""
        world = self.world
        for symbol in SYMBOLS:
            world.instrument(symbol)
        self.tick()
        for number in range(8):
            self.snapshot(f"a{number}")
        self.start()
        for _ in range(TURNS):
            await world.pass_time(self.random.choice((0.01, 0.05, 0.2, 0.5, 1.5)))
            for _ in range(self.random.randint(1, 4)):
                self.feed()
            self.disturb()
        for one in world.instances:
            one.gate.plan = lambda number, name: None
        for one in self.frozen:
            if not one.gate.dead and not one.task.done():
                one.come_back()
        await world.pass_time(0.1)
        if not world.living():
            self.start()
            world.instances[-1].gate.plan = lambda number, name: None
        await world.until_quiet()

    def start(self) -> None:
        """Start an instance, some of them with a log that fails now and then."""
        one = self.world.start(skew_ms=self.random.randint(-500, 500))
        rate = self.random.choice((0.0, 0.0, 0.01, 0.05))
        self.say(f"{one.name} starts, failing {rate}")
        chance = random.Random(self.random.random())

        def plan(number: int, name: str) -> Fate | None:
            if chance.random() >= rate:
                return None
            fate = chance.choice(WRITE_FAULTS if name == "write" else KILLS if name == "join" else FAULTS)
            self.say(f"{one.name}: call {number} ({name}) meets {fate.name}")
            return fate

        one.gate.plan = plan

    def disturb(self) -> None:
        """Let something happen to the instances."""
        living = [one for one in self.world.living() if one not in self.frozen]
        dice = self.random.random()
        if not living or (dice < 0.15 and len(living) < 3):
            self.start()
        elif dice < 0.25:
            one = self.random.choice(living)
            self.say(f"{one.name} is killed")
            one.kill()
        elif dice < 0.32:
            one = self.random.choice(living)
            self.say(f"{one.name} is asked to stop")
            one.instance.stop()
        elif dice < 0.4 and all(one.log.inner_membership._name for one in living):  # type: ignore[union-attr]
            one = self.random.choice(living)
            self.say(f"the group drops {one.name}, which goes on")
            one.drop_out()
            self.frozen.append(one)
        elif dice < 0.5 and self.frozen:
            one = self.frozen.pop()
            if not one.gate.dead and not one.task.done():
                self.say(f"{one.name} joins again")
                one.come_back()

    def feed(self) -> None:
        """Append one message, good or bad."""
        world, name = self.world, f"a{self.random.randint(0, 9)}"
        dice = self.random.random()
        if dice < 0.45:
            self.tick()
        elif dice < 0.6 and name in world.versions:
            world.account(name, self.random.randint(-50, 800))
        elif dice < 0.68:
            self.snapshot(name)
        elif dice < 0.72 and name in world.versions:
            world.account(name, deleted=True)
        elif dice < 0.77:
            rate = self.random.choice(("0.05", "0.1", "0.2", "0.9"))
            world.instrument(self.random.choice(SYMBOLS), rate)
        else:
            self.junk(name)

    def tick(self) -> None:
        """Move the market, now and then in a wick."""
        for symbol in SYMBOLS:
            self.marks[symbol] = min(200.0, max(20.0, self.marks[symbol] * self.random.uniform(0.9, 1.1)))
        moved = {name: f"{mark:.2f}" for name, mark in self.marks.items() if self.random.random() < 0.8}
        if moved and self.random.random() < 0.2:
            self.world.price(**{name: float(mark) * 0.6 for name, mark in moved.items()})
        if moved:
            self.world.price(**moved)

    def snapshot(self, name: str) -> None:
        """Have an account open anew."""
        positions = {symbol: (self.random.randint(-9, 9) or 1, self.random.randint(60, 110)) for symbol in SYMBOLS}
        self.world.account(name, self.random.randint(50, 900), positions=positions, snapshot=True)

    def junk(self, name: str) -> None:
        """Append a bad message of some kind."""
        kind = self.random.randint(0, 6)
        partition = self.random.randint(0, self.world.settings.topics.partitions - 1)
        bodies = (
            ("account_events", name, b"{", partition),
            (
                "account_events",
                name,
                {"account_id": name, "version": 10**6, "event_time_ms": 1, "positions": [{}]},
                None,
            ),
            ("account_events", "b" + name, {"account_id": "b" + name, "version": 1, "event_time_ms": 1}, partition),
            ("mark_prices", "x", [1, {"symbol": "Z", "mark_price": "0", "event_time_ms": 1}], 0),
            ("mark_prices", "x", {"symbol": "XUSDT", "mark_price": "1", "event_time_ms": 10**15}, 0),
            ("instruments", "XUSDT", {"symbol": "XUSDT"}, 0),
            ("assets", "USDT", b"\xff", 0),
        )
        topic, key, body, where = bodies[kind]
        self.world.put(topic, key, body, where)


@virtual
async def live_through(seed: int) -> None:
    """Run the story of a seed and judge it."""
    chooser = random.Random(-seed)
    world = await new_world(
        partitions=chooser.choice((1, 2, 3)),
        limits__max_transaction_records=chooser.choice((16, 20_000)),
        recovery__standby=chooser.choice((False, True)),
    )
    chaos = Chaos(seed, world)
    try:
        await chaos.run()
        Judge(world).check()
    except BaseException:
        print(f"seed {seed}", *chaos.story, sep="\n")  # noqa: T201 - the story is what a failure is understood by
        raise


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_seed_breaks_a_chain(seed: int) -> None:
    """Whatever happens to the instances, the judge has no complaint once they are left in peace."""
    live_through(seed)
