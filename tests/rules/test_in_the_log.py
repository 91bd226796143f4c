"""Tests of account rules in the running application: events on their topic, memory in the changelog, lives that end."""

from __future__ import annotations

import json
from typing import Any

from tests.app.lab import World, new_world, virtual

STOPS = {"drawdown_stops": ["0.1", "0.2"], "account_limit": "0.8", "leverage": {"XUSDT": "10"}}


def told(world: World) -> list[dict[str, Any]]:
    """Return the bodies of all rule events, in order."""
    bodies = [json.loads(record.value or b"") for record in world.written("margin_calls")]
    return [body for body in bodies if "rule_sequence" in body]


async def opened() -> World:
    """Return a world with one account: 1,000 USDT and 10 X long from 100, a drawdown of 10 % at a mark of 90."""
    world = await new_world(partitions=2)
    world.instrument("XUSDT")
    world.price(XUSDT=100)
    world.account("a", 1000, positions={"XUSDT": (10, 100)}, snapshot=True, settings=STOPS)
    world.account("b", 1000, positions={"XUSDT": (10, 100)}, snapshot=True)
    return world


@virtual
async def test_a_killed_owner_is_followed_by_one_that_remembers() -> None:
    """High, fired levels and numbers live on; the fall that came while nobody owned the shard is told once."""
    world = await opened()
    first = world.start()
    await world.until_quiet()
    world.price(XUSDT=200)
    await world.until_quiet()
    first.kill()
    world.start()
    await world.until_ready()
    assert told(world) == []
    world.price(XUSDT=181)
    world.price(XUSDT=180)
    await world.until(lambda: len(told(world)) == 1)
    await world.until_quiet()
    for one in world.living():
        one.kill()
    world.price(XUSDT=160)
    world.price(XUSDT=200)
    world.start()
    await world.until_quiet()
    bodies = told(world)
    assert [(body["account_id"], body["event_type"], body["level"]) for body in bodies] == [
        ("a", "drawdown_stop", "0.1"),
        ("a", "drawdown_stop", "0.2"),
    ]
    assert [body["rule_sequence"] for body in bodies] == [1, 2]
    assert [body["fallen_from"] for body in bodies] == ["2000", "2000"]
    assert bodies[1]["cause"]["kind"] == "mark_price"


@virtual
async def test_a_restart_by_itself_tells_nothing() -> None:
    """An account beyond its limit is told so once, however often its shard changes hands."""
    world = await opened()
    world.start()
    await world.until_quiet()
    world.price(XUSDT=20)
    await world.until_quiet()
    count = len(told(world))
    assert count == 2
    for _ in range(3):
        for one in world.living():
            await one.stop()
        world.start()
        await world.until_quiet()
    assert len(told(world)) == count
