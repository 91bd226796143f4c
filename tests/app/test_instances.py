"""Tests of instances beside each other: zombies, rebalances, blocked readers, logs that never answer, stopping."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from monitor.app.input_watch import InputWatch
from monitor.app.instance import STOP_SECONDS
from monitor.app.intake import Intake
from monitor.app.observing import SilentObserver
from monitor.app.ports import LogForbidden, TopicPartition
from tests.app.gates import Fate
from tests.app.judge import Judge
from tests.app.lab import Running, World, new_world, virtual


async def opened(accounts: int = 6, **overrides: Any) -> tuple[World, Running]:
    """Return a world whose first instance has judged everything."""
    world = await new_world(**overrides)
    world.opening(accounts)
    one = world.start()
    await world.until_quiet()
    return world, one


@virtual
async def test_a_zombie_that_goes_on_writes_nothing() -> None:
    """An instance the group has dropped, and that does not know, is fenced by its successor and lets go."""
    world, one = await opened()
    frozen = asyncio.Event()

    async def thaw(transactional_id: str) -> None:
        await frozen.wait()

    world.price(XUSDT=84)
    world.log.faults.before_write = thaw
    await world.pass_time(0.3)
    world.log.faults.before_write = None
    one.drop_out()
    two = world.start()
    await world.until(two.is_ready)
    world.price(XUSDT=100)
    await world.pass_time(1)
    frozen.set()
    await world.pass_time(0.2)
    one.come_back()
    world.price(XUSDT=88)
    await world.until_quiet()
    Judge(world).check(exact=True)


@virtual
async def test_a_zombie_that_never_learns_does_no_harm() -> None:
    """Two instances that both believe they own everything take turns and tell everything once."""
    world, one = await opened()
    one.drop_out()
    world.start()
    for turn in range(20):
        world.price(XUSDT=100 - 3 * (turn % 7))
        world.put("mark_prices", "x", b"junk")
        world.put("account_events", "a1", b"junk")
        await world.pass_time(0.7)
    one.come_back()
    await world.until_quiet()
    Judge(world).check(exact=True)


@virtual
async def test_rebalances_under_load_lose_and_repeat_nothing() -> None:
    """Instances come and go every second while prices, accounts and junk arrive: one unbroken chain per scope."""
    world, one = await opened(8, partitions=4)
    living = [one]
    for turn in range(24):
        world.price(XUSDT=100 - 4 * (turn % 6))
        world.account(f"a{turn % 8}", 200 + 5 * turn)
        world.put("account_events", f"a{turn % 8}", b"junk")
        world.put("mark_prices", "x", [1])
        await world.pass_time(0.25)
        if turn % 4 == 1 and len(living) < 3:
            living.append(world.start())
        elif turn % 4 == 3:
            await living.pop(0).stop()
            if not living:
                living.append(world.start())
    await world.until_quiet()
    Judge(world).check()


@virtual
async def test_shards_that_stay_are_judged_while_others_move() -> None:
    """A rebalance does not interrupt a shard that stays: no new takeover for it."""
    world, one = await opened(partitions=4)
    before = one.notes.takeovers
    two = world.start()
    await world.until_ready()
    world.price(XUSDT=84)
    await world.until_quiet()
    await two.stop()
    await world.until_quiet()
    assert before == 4
    assert one.notes.takeovers == 6, "two shards went and came back, the others stayed"
    Judge(world).check(exact=True)


@virtual
async def test_a_batch_fetched_for_a_shard_that_moves_away_is_not_applied_by_the_old_owner() -> None:
    """Records in the buffer of an owner that lets go are read again by the next one, and count once."""
    world, _ = await opened(partitions=2)
    blocked = asyncio.Event()

    async def block(transactional_id: str) -> None:
        if transactional_id.endswith("-1"):
            await blocked.wait()

    world.log.faults.before_write = block
    for turn in range(40):
        world.account(f"a{turn % 6}", 150 + turn)
    world.put("account_events", "a1", b"junk")
    await world.pass_time(0.5)
    world.start()
    await world.pass_time(0.3)
    world.log.faults.before_write = None
    await world.pass_time(7)
    blocked.set()
    await world.until_quiet()
    Judge(world).check()


@pytest.mark.parametrize(
    ("fate", "takeovers"),
    [(Fate.AWAY_BEFORE, 0), (Fate.AWAY_AFTER, 0), (Fate.OPEN, 0), (Fate.REFUSED, 0), (Fate.FENCED, 1)],
)
def test_a_failed_transaction_is_resolved_without_a_restore(fate: Fate, takeovers: int) -> None:
    """The changelog tells what became of a transaction; only a younger writer costs the shard its memory."""

    @virtual
    async def run() -> None:
        world, one = await opened(partitions=1)
        met: list[int] = []

        def plan(number: int, name: str) -> Fate | None:
            if name == "write" and not met:
                met.append(number)
                return fate
            return None

        before = one.notes.takeovers
        one.gate.plan = plan
        world.price(XUSDT=84)
        await world.until_quiet()
        assert met
        assert one.notes.takeovers == before + takeovers
        Judge(world).check(exact=True)

    run()


def slow(gate_calls: tuple[str, ...]) -> Any:
    """Return a plan under which calls never return."""
    return lambda number, name: Fate.HANG if name in gate_calls else None


@virtual
async def test_prices_are_judged_while_account_events_cannot_be_read() -> None:
    """A reader of account events that hangs holds up nothing but account events."""
    world, one = await opened()
    for shard in one.instance._shards.values():
        assert shard.is_steady
    around = one.gate.around
    intakes = {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("intake")}

    async def hang(name: str, call: Any, order: Any) -> Any:
        task = asyncio.current_task()
        if task is not None and task.get_name() in intakes:
            await one.gate.forever()
        return await around(name, call, order)

    one.gate.around = hang  # type: ignore[method-assign]
    world.price(XUSDT=84)
    await world.until(lambda: world.chain("a0") == ["takeover"], 2)


@virtual
async def test_account_events_are_judged_while_prices_cannot_be_read() -> None:
    """A reader of the global inputs that hangs holds up nothing but them."""
    world, one = await opened()
    around = one.gate.around

    async def hang(name: str, call: Any, order: Any) -> Any:
        task = asyncio.current_task()
        if task is not None and task.get_name() == "global feed":
            await one.gate.forever()
        return await around(name, call, order)

    one.gate.around = hang  # type: ignore[method-assign]
    world.account("a0", 10)
    await world.until(lambda: world.chain("a0") == ["takeover"], 2)


@virtual
async def test_the_intake_reads_ahead_so_far_and_no_further() -> None:
    """Batches wait in a bounded buffer; the rest stays in the log."""
    world = await new_world(partitions=1)
    for number in range(100):
        world.account("a", number)
    where = TopicPartition(world.topics.account_events, 0)
    intake = Intake(world.log, (), 5, lambda: None, SilentObserver(), InputWatch(lambda: 0.0))
    intake.start({where: 0})
    await world.pass_time(5)
    assert intake._batches.qsize() == intake._batches.maxsize
    taken = 0
    while taken < 100:
        taken += len(intake.take())
        await world.pass_time(0.05)
    await intake.stop()


@virtual
async def test_what_came_one_by_one_is_taken_together() -> None:
    """Messages that were read in batches of one are handed over in one piece, in their order, up to the most of one."""
    world = await new_world(partitions=1)
    intake = Intake(world.log, (), 3, lambda: None, SilentObserver(), InputWatch(lambda: 0.0))
    where = TopicPartition(world.topics.account_events, 0)
    intake.start({where: 0})
    for number in range(4):
        world.account("a", number)
        await world.pass_time(0.5)
    assert intake._batches.qsize() == 4
    taken = [[record.offset for record in intake.take()] for _ in range(3)]
    assert taken == [[0, 1, 2], [3], []]
    await intake.stop()


@pytest.mark.parametrize(
    "calls", [("write",), ("write", "fence", "poll", "start", "leave"), ("join",), ("start",), ("poll",)]
)
@pytest.mark.parametrize("steady", [True, False])
def test_stopping_ends_within_bounds_when_the_log_never_answers(calls: tuple[str, ...], *, steady: bool) -> None:
    """Whatever hangs, at the start or in steady life, `stop` is followed by the end within `STOP_SECONDS`."""

    @virtual
    async def run() -> None:
        world = await new_world()
        world.opening()
        one = world.start()
        if steady:
            await world.until_quiet()
        one.gate.plan = slow(calls)
        world.price(XUSDT=84)
        await world.pass_time(0.5)
        loop = asyncio.get_running_loop()
        asked = loop.time()
        await one.stop()
        assert loop.time() - asked <= STOP_SECONDS + 0.1
        one.drop_out()
        world.start()
        await world.until_quiet()
        Judge(world).check(exact=steady)

    run()


@virtual
async def test_stopping_in_the_middle_of_a_commit_waits_for_it() -> None:
    """A commit under way is finished, its outcome known, before the shard lets go and the group is left."""
    world, one = await opened()
    release = asyncio.Event()

    async def hold(transactional_id: str) -> None:
        await release.wait()

    world.log.faults.before_write = hold
    world.price(XUSDT=84)
    await world.pass_time(0.3)
    stopping = asyncio.create_task(one.stop())
    await world.pass_time(2)
    assert not stopping.done()
    release.set()
    await stopping
    assert world.chain("a0") == ["takeover"]
    assert one.gate.calls[-1] == "leave"
    world.log.faults.before_write = None
    world.start()
    await world.until_quiet()
    Judge(world).check(exact=True)


@virtual
async def test_an_asked_stop_hands_over_at_once() -> None:
    """Who stops leaves the group: the other instance owns everything without waiting for a session to end."""
    world, one = await opened()
    two = world.start()
    await world.until_ready()
    await one.stop()
    assert two.log.inner_membership is not None
    assert two.log.inner_membership.shards() == {0, 1}


@virtual
async def test_a_log_that_is_away_for_minutes_is_waited_out() -> None:
    """At the start and later, an unreachable log ends nothing; when it is back everything is told once."""
    world = await new_world()
    world.opening()
    world.log.faults.unavailable = True
    one = world.start()
    await world.pass_time(300)
    assert one.instance.why_not_ready()
    world.log.faults.unavailable = False
    await world.until_quiet()
    world.log.faults.unavailable = True
    world.price(XUSDT=84)
    await world.pass_time(30)
    world.log.faults.unavailable = False
    await world.until_quiet()
    Judge(world).check(exact=True)


@virtual
async def test_a_log_that_refuses_us_for_good_ends_the_instance() -> None:
    """Wrong credentials are not retried for ever."""
    world = await new_world()
    world.log.faults.forbidden = True
    one = world.start()
    await world.until(one.task.done)
    with pytest.raises(LogForbidden):
        one.task.result()


@virtual
async def test_a_corrupt_batch_stops_its_shard_and_no_other() -> None:
    """A partition that cannot be read on is not skipped; the other shards go on, and it does when it is mended."""
    world, one = await opened()
    where = TopicPartition(world.topics.account_events, 0)
    world.log.faults.corrupt[where] = world.log._store.partition(where).end  # type: ignore[union-attr]
    for number in range(6):
        world.account(f"a{number}", 10)
    await world.pass_time(5)
    told = {event["account_id"] for event in world.events()}
    assert 0 < len(told) < 6
    assert not one.task.done()
    world.log.faults.corrupt.clear()
    await world.until_quiet()
    Judge(world).check(exact=True)
