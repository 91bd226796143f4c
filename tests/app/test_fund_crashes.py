"""Tests of funds through crashes and faults: a kill at every write, before and after, and while decisions wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest

from tests.app.fund_judge import FundJudge
from tests.app.gates import WRITE_KILLS, Fate
from tests.app.judge import Judge
from tests.app.lab import World, new_world, virtual
from tests.app.test_crashes import at, story, worth_trying

MARKS = (95, 75, 75, 71, 90, 110)
HIGHEST = 30


async def by_funds(world: World, turn: int) -> None:
    """Do one turn of a market that falls, a fund that pays, closes and pays again, and a recovery."""
    if turn == 0:
        world.fund(HIGHEST)
        world.account("w", 5_000, positions={"XUSDT": (-6, 100)}, snapshot=True)
    world.price(XUSDT=MARKS[turn])
    if turn == 2:
        world.account("a0", 0, positions={"XUSDT": (0, 100)})
        world.account("a2", deleted=True)
    if turn == 3:
        world.put("insurance_funds", "main", b"{")
        world.account("late", 200, positions={"XUSDT": (10, 100)}, snapshot=True)
    if turn == 4:
        world.fund(20)
        world.put("account_events", "a1", b"[]")


def undecided(world: World) -> list[str]:
    """Return the claims something is still to become of."""
    latest = {record.key: record.value for record in world.written("state") if (record.key or b"")[:2] == b"o|"}
    bodies = [json.loads(value) for value in latest.values() if value is not None]
    return [body["claim"]["claim_id"] for body in bodies if body["stage"] != "covered"]


async def judged(plan: Callable[[int, str], Fate | None]) -> list[str]:
    """Run the story under a plan, judge it, and return the calls there were."""
    world, first = await story(by_funds, plan, partitions=2)
    await world.until(lambda: not undecided(world))
    await world.until_quiet()
    Judge(world).check()
    judge = FundJudge(world)
    judge.check(HIGHEST)
    assert judge.told("adl_triggered")
    assert len(judge.claims) >= 2
    return list(first.gate.booked)


def sweep(fates: Callable[[str], Iterable[Fate]]) -> None:
    """Run the story once for every call and every fate it may meet; report all that went wrong."""
    calls: list[str] = []

    @virtual
    async def undisturbed() -> None:
        calls.extend(await judged(lambda number, name: None))

    @virtual
    async def one(call: int, fate: Fate) -> None:
        await judged(at(call, fate))

    undisturbed()
    wrong: list[str] = []
    for call, name in worth_trying(calls):
        for fate in fates(name):
            try:
                one(call, fate)
            except (AssertionError, TimeoutError) as error:
                wrong.append(f"call {call} ({name}), {fate.name}: {error!r:.600}")
    assert not wrong, f"{len(wrong)} stories went wrong of {len(calls)} calls\n" + "\n".join(wrong[:8])


def at_writes(name: str) -> Iterable[Fate]:
    """Return the ways to die, and to lose an answer, where something is written."""
    return (*WRITE_KILLS, Fate.AWAY_AFTER) if name == "write" else ()


def at_requests(name: str) -> Iterable[Fate]:
    """Return what may happen where requests of other shards are looked for."""
    return (Fate.DIE_BEFORE, Fate.AWAY_BEFORE) if "liqmon-fund" in name else ()


def test_every_write_may_be_the_last() -> None:
    """Killed at any write, or left without its answer: every claim, decision and ADL event stands exactly once."""
    sweep(at_writes)


def test_requests_are_found_whatever_fails() -> None:
    """Where a new owner looks for what other shards have asked, a kill or a fault loses nothing."""
    sweep(at_requests)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1, 5, 9.9, 10.1])
def test_a_keeper_may_die_while_a_decision_waits(seconds: float) -> None:
    """However long after the claim the owner is killed: the decision is told once, by whoever comes next."""

    @virtual
    async def run() -> None:
        world = await new_world(partitions=2)
        world.opening(2)
        world.fund(5)
        first = world.start()
        await world.until_quiet()
        world.price(XUSDT=70)
        await world.until(lambda: len(world.written("fund")) == 2)
        await world.pass_time(seconds)
        first.kill()
        world.start()
        await world.until(lambda: len(FundJudge(world).told("adl_triggered")) == 2)
        await world.pass_time(15)
        FundJudge(world).check(5)

    run()
