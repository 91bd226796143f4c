"""Records too large for their topic: what happens is said aloud, nothing is lost, and nobody else has to wait."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from monitor.core.events import digest_of
from tests.app.judge import Judge
from tests.app.lab import World, new_world, virtual

BIG = 12
"""Positions of the account whose events are too large: each adds its contract to the evidence."""


def take_at_most(world: World, topic: str, size: int) -> None:
    """Set what a topic takes."""
    found = world.log._store.topics[getattr(world.topics, topic)]
    found.spec = replace(found.spec, settings={**found.spec.settings, "max.message.bytes": str(size)})


async def _opened() -> World:
    world = await new_world(partitions=2)
    names = ["XUSDT", *(f"Y{number}USDT" for number in range(BIG))]
    for name in names:
        world.instrument(name)
    world.price(**dict.fromkeys(names, 100))
    for number in range(6):
        world.account(f"a{number}", 200, positions={"XUSDT": (10, 100)}, snapshot=True)
    big = dict.fromkeys(names[1:], (1, 100)) | {"XUSDT": (10, 100)}
    world.account("big", 320, positions=big, snapshot=True)
    world.start()
    await world.until_quiet()
    return world


@virtual
async def test_an_event_too_large_is_told_without_its_proof() -> None:
    """Where the topic takes no whole event the chain goes on with its figures and a true digest, beside whole ones."""
    world = await _opened()
    take_at_most(world, "margin_calls", 6_000)
    take_at_most(world, "account_status", 3_000)
    for mark in (95, 92, 97, 101):
        world.price(XUSDT=mark)
    await world.until_quiet()
    Judge(world).check(exact=True)
    events = {body["account_id"]: body for body in world.events() if "reduced" in body}
    assert events.keys() == {"big"}
    assert "evidence" not in events["big"]
    assert "evidence" in events["big"]["reduced"]["without"]
    assert events["big"]["digest"] == digest_of(events["big"])
    assert sum("evidence" in body for body in world.events()) >= 6
    statuses = [json.loads(r.value or b"{}") for r in world.written("account_status") if r.key == b"big|cross:USDT"]
    assert "reduced" in statuses[-1]


@virtual
async def test_a_dead_letter_too_large_is_cut() -> None:
    """A bad message whose dead letter the topic does not take is told cut, with its size; the good ones have effect."""
    world = await _opened()
    take_at_most(world, "dead_letters", 5_000)
    world.put("account_events", "a1", b"{" + b" " * 90_000)
    world.account("a1", 1_000)
    await world.until_quiet()
    world.price(XUSDT=92)
    await world.until_quiet()
    (letter,) = world.written("dead_letters")
    headers = dict(letter.headers)
    assert len(letter.value or b"") == 4_096
    assert (headers["original-size"], headers["truncated"]) == (b"90001", b"true")
    assert world.chain("a1") == []
    assert world.chain("a2") != []


@virtual
async def test_memory_too_large_stops_its_shard_aloud(caplog: pytest.LogCaptureFixture) -> None:
    """Memory is never cut: its shard stands still and says so, the other goes on, and nothing is lost in the end."""
    world = await _opened()
    take_at_most(world, "state", 2_000)
    with caplog.at_level(logging.CRITICAL):
        world.account("big", 2_000, settings={"labels": {f"label{n}": "x" * 100 for n in range(30)}})
        await world.until(lambda: "stands still until max.message.bytes of liqmon-state" in caplog.text)
        world.price(XUSDT=92)
        await world.until(lambda: sum("a" in event["account_id"] for event in world.events()) >= 1)
        await world.pass_time(60)
        assert len(caplog.records) < 20
    take_at_most(world, "state", 4_000_000)
    await world.until_quiet()
    Judge(world).check()
