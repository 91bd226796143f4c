"""An incident that lasts longer than prices are kept: whoever starts then still knows what was believed last."""

from __future__ import annotations

import json
from typing import Any

from tests.app.lab import World, new_world, virtual
from tests.quality.incidents import Second
from tests.quality.theatre import CALLED, open_world, put_price

SYMBOL = "XPLUSDT"


async def incident(world: World, minutes: int) -> None:
    """Let a false price stand for some minutes, told three times a minute."""
    for second in range(0, 60 * minutes, 20):
        put_price(world, SYMBOL, Second(f"{4 + second % 7 / 1000:.4f}", "1"))
        world.skip(20)
        await world.pass_time(0.25)


def shown(world: World) -> list[dict[str, Any]]:
    """Return what every account was shown as last."""
    latest = {record.key: record.value for record in world.written("account_status")}
    return [json.loads(value) for value in latest.values() if value is not None]


@virtual
async def test_an_incident_of_more_than_the_hour_that_is_read_calls_nobody() -> None:
    """The last believed price is kept for as long as it takes, and a new owner believes none of the hour it reads."""
    world = await new_world(partitions=1, quality__enabled=True)
    open_world(world, SYMBOL, Second("1.3", "1"))
    for second in range(240):
        put_price(world, SYMBOL, Second(f"{1.3 + second % 5 / 1000:.4f}", "1"))
        world.skip(1)
    one = world.start()
    await world.until_quiet()
    await incident(world, 75)
    one.kill()
    world.start()
    await world.until_quiet()
    await incident(world, 2)
    await world.until_quiet()
    assert not [event for event in world.events() if event["status"] in CALLED]
    assert {body["status"] for body in shown(world)} >= {"unknown"}
    assert all(float(body["positions"][0]["mark_price"]) < 2 for body in shown(world))
    for second in range(12):
        put_price(world, SYMBOL, Second("1.3", f"{1.3 + second / 10_000:.4f}"))
        await world.pass_time(1)
    await world.until_quiet()
    assert not [body for body in shown(world) if body["status"] == "unknown"], "a sound price counts again"
