"""Tests of the ADL queue over the log: what shards publish, how every process reads it, what statuses show of it."""

from __future__ import annotations

import json
from typing import Any

from tests.app.lab import Running, World, new_world, virtual

SIDES = ("long", "short")


def rankings(running: Running) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Return the queue of every symbol and side as one instance sees it, without the shard of each."""
    adl = running.shared.adl
    assert adl is not None
    return {
        (symbol, side): [tuple(one._replace(shard=0)) for one in adl.queue.candidates(symbol, side)]
        for symbol in ("XUSDT", "YUSDT")
        for side in SIDES
    }


def fill(world: World, accounts: int = 40) -> None:
    """Fill the topics with longs and shorts of two contracts that win and lose, all of them safe."""
    world.instrument("XUSDT")
    world.instrument("YUSDT", rate="0.05")
    world.price(XUSDT=100, YUSDT=10)
    for number in range(accounts):
        sign = 1 if number % 2 else -1
        held = {
            "XUSDT": (sign * (1 + number % 7), 60 + 3 * number),
            "YUSDT": (-sign * (2 + number % 5), 5 + number % 9),
        }
        more = {"settings": {"adl_exempt": True}} if number % 11 == 10 else {}
        world.account(f"h{number}", 3000 + 50 * number, positions=held, snapshot=True, **more)


def lights(world: World) -> dict[str, list[int | None]]:
    """Return the lights last shown, by key of the status."""
    latest = {
        (record.key or b"").decode(): json.loads(record.value or b"") for record in world.written("account_status")
    }
    return {key: [position["adl_quantile"] for position in body["positions"]] for key, body in latest.items()}


async def at_rest(world: World) -> None:
    """Wait until all is told, and every shard has ranked what is at rest, and shown it."""
    await world.until_quiet()
    await world.pass_time(70)


async def outcome(shards: int, instances: int) -> tuple[dict[Any, Any], dict[str, list[int | None]]]:
    """Return the ranking and the lights that a number of shards and instances come to."""
    world = await new_world(partitions=shards)
    fill(world)
    running = [world.start() for _ in range(instances)]
    await at_rest(world)
    found = rankings(running[0])
    for other in running[1:]:
        assert rankings(other) == found
    for one in running:
        adl = one.shared.adl
        assert adl is not None
        assert adl.queue.covers(shards, {0: world.log._store.topics[world.topics.mark_prices].partitions[0].end})
        await one.stop()
    return found, lights(world)


@virtual
async def test_two_instances_with_six_shards_rank_as_one_with_one() -> None:
    """With inputs at rest the ranking, and the light of every position, does not depend on shards and instances."""
    one, shown = await outcome(1, 1)
    six, shown_by_six = await outcome(6, 2)
    assert six == one
    assert all(one.values())
    assert shown_by_six == shown
    assert {light for found in shown.values() for light in found} == {0, 1, 2, 3, 4}


@virtual
async def test_at_rest_nothing_is_published_again() -> None:
    """A queue that has not changed is written once: only news are published."""
    world = await new_world(partitions=2)
    fill(world)
    world.start()
    await at_rest(world)
    before = len(world.written("adl_queue"))
    assert before > 0
    await world.pass_time(120)
    assert len(world.written("adl_queue")) == before


@virtual
async def test_who_takes_over_takes_back_what_is_no_longer_held() -> None:
    """A holder that closes while nobody runs leaves the queue once its shard is owned again."""
    world = await new_world(partitions=2)
    world.instrument("XUSDT")
    world.price(XUSDT=100)
    world.account("h1", 1000, positions={"XUSDT": (5, 50)}, snapshot=True)
    first = world.start()
    await at_rest(world)
    assert [one[0] for one in rankings(first)["XUSDT", "long"]] == ["h1"]
    first.kill()
    world.account("h1", 1250, positions={"XUSDT": (0, 0)})
    second = world.start()
    await at_rest(world)
    assert rankings(second)["XUSDT", "long"] == []


@virtual
async def test_a_watch_names_the_counterparties_and_alarms_every_shard() -> None:
    """`adl_watch` names the first holders of the other side; all shards soon rank it at new prices."""
    world = await new_world(partitions=4)
    fill(world)
    world.account("doomed", 300, positions={"XUSDT": (20, 100)}, snapshot=True)
    running = world.start()
    await at_rest(world)
    world.price(XUSDT=92, YUSDT=10)
    adl = running.shared.adl
    assert adl is not None
    prices = {0: world.log._store.topics[world.topics.mark_prices].partitions[0].end}
    await world.until(lambda: adl.queue.covers(4, prices, "XUSDT"), 5)
    [watch] = [
        json.loads(record.value or b"") for record in world.written("adl_events") if b"adl_watch" in record.value
    ]
    named = watch["counterparties"]
    assert watch["account_id"] == "doomed"
    assert [one["rank"] for one in named] == list(range(1, len(named) + 1))
    assert named[0]["symbol"] == "XUSDT"
    assert sum(float(one["quantity"]) for one in named) <= 20
    longs = {one[0] for one in rankings(running)["XUSDT", "long"]}
    assert not {one["account_id"] for one in named} & longs


@virtual
async def test_a_desk_ranks_nobody_and_shows_what_the_venue_says() -> None:
    """Where we see only some accounts nothing is published, and positions show the quantile they were fed with."""
    world = await new_world(partitions=2, adl__population="desk")
    world.instrument("XUSDT")
    world.price(XUSDT=100)
    fed = {"adl_quantile": {"XUSDT": 3}}
    world.account("a", 1000, positions={"XUSDT": (5, 50)}, snapshot=True, settings=fed)
    world.account("b", 1000, positions={"XUSDT": (5, 50)}, snapshot=True)
    world.start()
    await at_rest(world)
    assert world.written("adl_queue") == []
    assert lights(world) == {"a|cross:USDT": [3], "b|cross:USDT": [None]}


@virtual
async def test_without_the_topic_all_else_goes_on() -> None:
    """A log that lacks the topic of the queue ranks nobody; verdicts do not wait for it."""
    world = await new_world(partitions=2)
    del world.log._store.topics[world.topics.adl_queue]
    world.opening()
    world.start()
    await world.until_quiet()
    world.price(XUSDT=85)
    await world.until(lambda: bool(world.events()))
    assert all(light is None for found in lights(world).values() for light in found)


@virtual
async def test_a_foreign_record_ranks_nobody_and_ends_nobody() -> None:
    """What no shard has written is left out and noted: keys and values of any kind, and the ranking stays as it is."""
    world = await new_world(partitions=2, **{"adl.refresh_ms": 1_000})
    fill(world)
    running = world.start()
    await at_rest(world)
    before = rankings(running)
    foreign = [
        (b"XUSDT|long", b"{}"),
        (b"XUSDT|long", b"\xff"),
        (b"nobody", b"{}"),
        (b"\xff", None),
        (b"__shard__", b"[]"),
    ]
    for key, value in foreign:
        world.log.produce(world.topics.adl_queue, key, value, 0)
    await world.pass_time(3)
    assert running.notes.faults.count("ForeignRecord") == len(foreign)
    assert not running.task.done()
    assert rankings(running) == before
