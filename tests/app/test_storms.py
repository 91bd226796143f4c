"""Tests of storms: a price that changes many is told turn by turn, the worst first, and its shard lives meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from monitor.app.alarms import Watchdog
from monitor.core.teller import Teller
from tests.app.judge import RANKS, Judge
from tests.app.lab import World, new_world, virtual

T = TypeVar("T")
ACCOUNTS = 16
TURN = 3


async def before_a_storm(**more: Any) -> World:
    """Return a world of accounts that are all healthy, the last of which are the poorest."""
    world = await new_world(partitions=1, limits__max_turn_scopes=TURN, **more)
    world.opening(0)
    for number in range(ACCOUNTS):
        world.account(f"a{number}", 510 - 20 * number, positions={"XUSDT": (10, 100)}, snapshot=True)
    world.start()
    await world.until_quiet()
    return world


def told(world: World, since: int) -> list[list[str]]:
    """Return the statuses that each transaction since a place in the history has told."""
    topics = {world.topics.margin_calls, world.topics.liquidations, world.topics.adl_events}
    parts = [[json.loads(r.value or b"") for r in records if r.topic in topics] for records in world.history[since:]]
    return [[body["status"] for body in bodies if "sequence" in body] for bodies in parts if bodies]


@virtual
async def test_the_worst_are_readable_while_the_rest_is_still_to_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transaction by transaction it gets milder, and the first is written one turn ahead of the others at most."""
    world = await before_a_storm()
    decided, at_writes = [0], list[int]()
    decide = Teller.decide

    def counting(self: Teller, scopes: Any, *more: Any) -> None:
        decided[0] += len(scopes)
        decide(self, scopes, *more)

    def at_write(_number: int, name: str) -> None:
        if name == "write":
            at_writes.append(decided[0])

    monkeypatch.setattr(Teller, "decide", counting)
    world.instances[0].gate.plan = at_write
    since = len(world.history)
    world.price(XUSDT=65)
    await world.until_quiet()
    ranks = [[RANKS[status] for status in statuses] for statuses in told(world, since)]
    assert len(ranks) >= 4
    assert ranks[0] == [RANKS["bankrupt"]] * TURN
    for earlier, later in pairwise(ranks):
        assert min(earlier) >= max(later)
    assert at_writes[0] <= 2 * TURN < ACCOUNTS
    Judge(world).check()


def slow(seconds: list[float]) -> Callable[[Callable[[], T]], Any]:
    """Return a kernel thread that takes so long over each piece of work."""

    async def kernel(work: Callable[[], T]) -> T:
        await asyncio.sleep(seconds[0])
        return work()

    return kernel


@virtual
async def test_a_storm_is_no_reason_to_be_taken_for_stuck() -> None:
    """Each turn is a sign of life: a storm that takes longer than any budget raises no alarm, and heartbeats go on."""
    pace = [0.0]
    more = {"watchdog__turn_ms": 3_000, "watchdog__unowned_ms": 3_000, "watchdog__heartbeat_ms": 500}
    world = await before_a_storm(on_kernel=slow(pace), **more)
    pace[0], beats, since = 2.0, len(world.written("heartbeats")), len(world.history)
    world.price(XUSDT=65)
    await world.until(lambda: sum(map(len, told(world, since))) >= 12)
    assert len(world.written("heartbeats")) - beats >= 3
    await world.until(lambda: world.instances[0].instance.why_not_well() == [])
    pace[0] = 0.0
    await world.until_quiet()
    assert not {Watchdog.STUCK_SHARD.value, Watchdog.UNOWNED_SHARD.value} & set(world.instances[0].notes.alarms_ever)
    Judge(world).check()


@virtual
async def test_a_turn_that_misses_its_heartbeat_is_heard_of_at_once() -> None:
    """Whatever turns take, a shard is silent no longer than one of them, or an interval, and a look."""
    pace, interval = [0.0], 0.5
    world = await before_a_storm(on_kernel=slow(pace), watchdog__heartbeat_ms=500)
    for seconds, mark in ((0.3, 65), (0.6, 140), (0.95, 65)):
        pace[0], beats, since = seconds, len(world.written("heartbeats")), len(world.history)
        world.price(XUSDT=mark)
        await world.until(lambda: len(told(world, since)) >= 4)  # noqa: B023 - awaited here
        written = [json.loads(record.value or b"")["written_at_ms"] for record in world.written("heartbeats")[beats:]]
        silences = [(later - earlier) / 1000 for earlier, later in pairwise(written)]
        assert len(silences) >= 2
        assert max(silences) <= max(interval, seconds) + interval / 10 + 0.01
        pace[0] = 0.0
        await world.until_quiet()
    Judge(world).check()


@virtual
async def test_a_stop_amid_a_storm_is_not_held_up_by_it() -> None:
    """What is left of a long storm when its owner must go is told by the next one, once, at the same price."""
    pace = [0.0]
    world = await before_a_storm(on_kernel=slow(pace))
    pace[0], since = 4.0, len(world.history)
    world.price(XUSDT=65)
    await world.until(lambda: bool(told(world, since)))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await world.instances[0].stop()
    assert loop.time() - begun < 10
    assert 0 < sum(map(len, told(world, since))) < 12
    pace[0] = 0.0
    world.price(XUSDT=90)
    world.start()
    await world.until_quiet()
    assert world.chain("a15")[0] == "bankrupt"
    Judge(world).check()
