"""What members of a group may rely on, whatever the log: every shard has one owner, and few change hands."""

from __future__ import annotations

import asyncio
import uuid

from monitor.app.ports import Membership
from tests.contract.stages import Stage, new_topic
from tests.waiting import until

SHARDS = frozenset(range(6))


def _share(*members: Membership) -> bool:
    """Return whether every shard has exactly one owner and everybody about as many."""
    sizes = [len(member.shards()) for member in members]
    owned = frozenset[int]().union(*(member.shards() for member in members))
    return owned == SHARDS and sum(sizes) == len(SHARDS) and max(sizes) - min(sizes) <= 1


async def test_shards_are_shared_and_stay(stage: Stage) -> None:
    """One member owns all; of two each owns half; when one leaves the other keeps its half and has all at once."""
    topic, group = await new_topic(stage, len(SHARDS)), f"group-{uuid.uuid4().hex}"
    one, two = stage.log.membership(group, topic), stage.log.membership(group, topic)
    told = asyncio.Event()
    await one.start(told.set)
    await until(lambda: one.shards() == SHARDS)
    await until(told.is_set)
    await two.start(lambda: None)
    await until(lambda: _share(one, two))
    assert len(one.shards()) == len(two.shards()) == 3
    await until(lambda: one.confirmed_ms() < 1_000 and two.confirmed_ms() < 1_000)
    kept = two.shards()
    loop = asyncio.get_running_loop()
    left = loop.time()
    await one.stop()
    assert one.shards() == frozenset()
    await until(lambda: two.shards() == SHARDS, 5)
    assert kept < two.shards()
    assert loop.time() - left < 5
    await two.stop()


async def test_a_third_member_takes_little(stage: Stage) -> None:
    """A third member gets its fair share, and what the first two have afterwards they had before."""
    topic, group = await new_topic(stage, len(SHARDS)), f"group-{uuid.uuid4().hex}"
    members = [stage.log.membership(group, topic) for _ in range(3)]
    for member in members[:2]:
        await member.start(lambda: None)
    await until(lambda: _share(*members[:2]))
    before = [member.shards() for member in members[:2]]
    await members[2].start(lambda: None)
    await until(lambda: _share(*members))
    assert all(member.shards() < had for member, had in zip(members, before, strict=False))
    await asyncio.gather(*(member.stop() for member in members))


async def test_stopping_before_the_first_assignment(stage: Stage) -> None:
    """A member that is stopped while it is still joining ends within bounds and nobody is told anything."""
    topic = await new_topic(stage, 2)
    member = stage.log.membership(f"group-{uuid.uuid4().hex}", topic)
    await member.start(lambda: None)
    async with asyncio.timeout(10):
        await member.stop()
    assert member.shards() == frozenset()


async def test_watching_goes_on_while_all_is_well(stage: Stage) -> None:
    """Watching a membership does not return by itself, and may be cancelled."""
    topic = await new_topic(stage, 2)
    member = stage.log.membership(f"group-{uuid.uuid4().hex}", topic)
    await member.start(lambda: None)
    watching = asyncio.create_task(member.watch())
    await until(lambda: member.shards() == {0, 1})
    assert not watching.done()
    watching.cancel()
    await asyncio.wait({watching})
    assert watching.cancelled()
    await member.stop()
