"""Tests of the watchdogs on the embedded log, in virtual time: each barks within its budget, once, and is over."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from monitor.adapters.embedded.faults import WriteFault
from monitor.app.alarms import Watchdog
from monitor.app.ports import OutcomeUnknown, OutputRecord, TopicPartition
from tests.app.lab import Running, World, new_world, virtual

BUDGETS: dict[str, Any] = {
    "watchdog__interval_ms": 100,
    "watchdog__turn_ms": 3_000,
    "watchdog__steady_ms": 4_000,
    "watchdog__unowned_ms": 3_000,
    "watchdog__membership_ms": 3_000,
    "watchdog__open_transaction_ms": 3_000,
    "watchdog__price_silence_ms": 0,
    "watchdog__heartbeat_ms": 500,
}
SLACK_SECONDS = 0.7
"""A look and a heartbeat may lie between a budget's end and its alarm."""


async def opened(**overrides: Any) -> tuple[World, Running]:
    """Return a world of two shards whose first instance has judged everything."""
    world = await new_world(**BUDGETS | overrides)
    world.opening()
    one = world.start()
    await world.until_quiet()
    return world, one


async def barks(
    world: World, one: Running, kind: Watchdog, budget_seconds: float, caplog: pytest.LogCaptureFixture
) -> list[str]:
    """Wait for an alarm; check metric, log line and readiness, and that it came neither early nor late."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await world.until(lambda: any(name == kind.value for name, _ in one.notes.alarms))
    assert budget_seconds - SLACK_SECONDS <= loop.time() - began <= budget_seconds + SLACK_SECONDS
    subjects = [subject for name, subject in one.notes.alarms if name == kind.value]
    lines = [record for record in caplog.records if record.getMessage().startswith(f"watchdog {kind.value}:")]
    assert [line.levelno for line in lines if line.levelno == logging.ERROR] == [logging.ERROR] * len(subjects)
    assert len(one.instance.why_not_well()) >= len(subjects) > 0
    return subjects


async def ends(world: World, one: Running, kind: Watchdog, caplog: pytest.LogCaptureFixture) -> None:
    """Wait until an alarm is over; check that it was said once, and is not raised again."""
    await world.until(lambda: not [name for name, _ in one.notes.alarms if name == kind.value])
    said = [record for record in caplog.records if record.getMessage().startswith(f"watchdog {kind.value}: over")]
    begun = [name for name in one.notes.alarms_ever if name == kind.value]
    assert len(said) == len(begun)
    await world.pass_time(2)
    assert [name for name in one.notes.alarms_ever if name == kind.value] == begun


def heartbeats(world: World, shard: int) -> list[dict[str, Any]]:
    """Return the bodies of all heartbeats ever written of a shard."""
    records = [record for record in world.written("heartbeats") if record.partition == shard]
    assert {record.key for record in records} <= {str(shard).encode()}
    return [json.loads(record.value or b"") for record in records]


@virtual
async def test_a_shard_that_works_shows_how_far_it_has_judged() -> None:
    """A heartbeat names the owner and, for every input, the offset judged and the time of the last record."""
    world, one = await opened()
    world.price(XUSDT=99)
    priced_ms = world.now_ms()
    await world.pass_time(2)
    prices = world.kept("mark_prices")
    for shard in (0, 1):
        last = heartbeats(world, shard)[-1]
        assert (last["shard"], last["state"], last["writer"]) == (shard, "steady", one.shared.writer_id)
        assert last["group"] == one.shared.group
        at = last["watermark"][world.topics.mark_prices]["0"]
        assert at["offset"] == prices[-1].offset + 1
        assert abs(at["timestamp_ms"] - priced_ms) <= 1
        assert 0 <= world.now_ms() - last["decided_at_ms"] <= 1_000
        turns = [body["turn"] for body in heartbeats(world, shard)]
        assert turns == sorted(set(turns)), "every heartbeat is of a new turn"
    assert one.instance.why_not_well() == []


@virtual
async def test_heartbeats_leave_the_contracts_topics_alone() -> None:
    """Heartbeats write to no topic that others read, and are many: one a shard and interval."""
    world, _ = await opened()
    outputs = ("margin_calls", "liquidations", "adl_events", "dead_letters", "data_quality")
    before = [len(world.written(topic)) for topic in outputs]
    count = len(world.written("heartbeats"))
    await world.pass_time(30)
    assert [len(world.written(topic)) for topic in outputs] == before
    assert len(world.written("heartbeats")) - count >= 2 * 50


def test_a_stuck_shard_is_not_reported_healthy(caplog: pytest.LogCaptureFixture) -> None:
    """The known mistake: one shard stands still, all else is well. Its heartbeat stops, and nobody answers ready."""

    @virtual
    async def run() -> None:
        world, one = await opened()
        two = world.start()
        await world.until_ready()
        shard = next(iter(one.instance._shards.values()))
        await world.until(lambda: len(heartbeats(world, shard.number)) >= 3)
        stuck, release = asyncio.Event(), asyncio.Event()
        step = shard._step

        async def stand_still(*arguments: Any) -> None:
            stuck.set()
            await release.wait()
            await step(*arguments)

        shard._step = stand_still  # type: ignore[method-assign]
        await stuck.wait()
        caplog.clear()
        written = len(heartbeats(world, shard.number))
        assert await barks(world, one, Watchdog.STUCK_SHARD, 3, caplog) == [str(shard.number)]
        await world.until(lambda: bool(two.notes.alarms), 2)
        assert two.notes.alarms == {(Watchdog.UNOWNED_SHARD.value, str(shard.number))}
        assert two.instance.why_not_well() != []
        assert one.instance.why_not_ready() == [], "what only asks whether shards are restored sees nothing"
        assert len(heartbeats(world, shard.number)) - written <= 1, "a shard that stands still has no heartbeat"
        assert one.instance.why_not_live() == [], "what a restart does not help is no reason for one"
        release.set()
        await ends(world, one, Watchdog.STUCK_SHARD, caplog)
        await world.until(lambda: two.instance.why_not_well() == [])

    run()


def test_a_shard_without_an_owner_is_seen_by_everybody(caplog: pytest.LogCaptureFixture) -> None:
    """A shard whose owner never comes to judge it is missed by the other instance, and by its owner."""

    @virtual
    async def run() -> None:
        world, one = await opened()
        two = world.start()
        await world.until_ready()
        number = next(iter(two.instance._shards))
        where = TopicPartition(world.topics.account_events, number)
        world.log.faults.corrupt[where] = world.log._store.partition(where).end  # type: ignore[union-attr]
        for account in range(6):
            world.account(f"a{account}", 500)
        caplog.clear()
        assert await barks(world, one, Watchdog.UNOWNED_SHARD, 3, caplog) == [str(number)]
        await world.until(lambda: (Watchdog.UNSTEADY_SHARD.value, str(number)) in two.notes.alarms, 3)
        world.log.faults.corrupt.clear()
        await ends(world, one, Watchdog.UNOWNED_SHARD, caplog)
        await world.until(lambda: two.instance.why_not_well() == [])

    run()


def test_a_shard_that_is_not_restored_in_time_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A takeover that does not end fails readiness by its own watchdog, with how long it takes."""

    @virtual
    async def run() -> None:
        world = await new_world(**BUDGETS)
        world.opening()
        one = world.start()
        held = asyncio.Event()

        async def hold(transactional_id: str) -> None:
            if "heartbeats" not in transactional_id:
                await held.wait()

        world.log.faults.before_write = hold
        assert sorted(await barks(world, one, Watchdog.UNSTEADY_SHARD, 4, caplog)) == ["0", "1"]
        world.log.faults.before_write = None
        held.set()
        await ends(world, one, Watchdog.UNSTEADY_SHARD, caplog)

    run()


@pytest.mark.parametrize("topic", ["mark_prices", "account_events"])
def test_data_behind_a_foreign_open_transaction_are_missed(topic: str, caplog: pytest.LogCaptureFixture) -> None:
    """An open transaction on an input hides what comes after it; position and end look equal, and it is said."""

    @virtual
    async def run() -> None:
        world, one = await opened()
        where = TopicPartition(getattr(world.topics, topic), 0)
        foreign = world.log.writer("foreign")
        await foreign.fence()
        world.log.faults.next_write(WriteFault.LOST_BEFORE_COMMIT, "foreign")
        with pytest.raises(OutcomeUnknown):
            await foreign.write([OutputRecord(*where, b"x", b"{}")])
        caplog.clear()
        assert await barks(world, one, Watchdog.OPEN_TRANSACTION, 3, caplog) == [f"{where.topic}[0]"]
        await world.log.writer("foreign").fence()
        await ends(world, one, Watchdog.OPEN_TRANSACTION, caplog)

    run()


@virtual
async def test_transactions_that_follow_each_other_are_no_alarm() -> None:
    """Something is always open, but the last stable offset moves: nothing waits for long."""
    world, one = await opened()
    for number in range(20):
        name = f"foreign-{number}"
        where = TopicPartition(world.topics.mark_prices, 0)
        world.log._store.leave_open(name, [OutputRecord(*where, b"x", b"{}")])
        if number:
            world.log._store.take_over(f"foreign-{number - 1}")
        await world.pass_time(0.5)
    assert one.notes.alarms_ever == []


def silence(world: World, name: str) -> tuple[str, Callable[[], None]]:
    """Return an input's topic and what breaks its silence."""
    if name == "mark_prices":
        return world.topics.mark_prices, lambda: world.price(XUSDT=100)
    return world.topics.account_events, lambda: world.account("a1", 500)


@pytest.mark.parametrize("name", ["mark_prices", "account_events"])
def test_an_input_that_falls_silent_is_said(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing from an input within its deadline fails readiness until something comes."""

    @virtual
    async def run() -> None:
        budgets = {"watchdog__price_silence_ms": 5_000, "watchdog__account_silence_ms": 5_000}
        other = "watchdog__account_silence_ms" if name == "mark_prices" else "watchdog__price_silence_ms"
        world, one = await opened(**budgets | {other: 0})
        topic, speak = silence(world, name)
        speak()
        await world.pass_time(0.1)
        caplog.clear()
        assert await barks(world, one, Watchdog.SILENT_INPUT, 5, caplog) == [topic]
        speak()
        await ends(world, one, Watchdog.SILENT_INPUT, caplog)

    run()


@virtual
async def test_no_price_is_missed_before_there_are_contracts() -> None:
    """Without instruments nobody expects prices: an empty venue is no alarm."""
    world = await new_world(**BUDGETS | {"watchdog__price_silence_ms": 2_000})
    one = world.start()
    await world.until_ready()
    await world.pass_time(10)
    assert one.instance.why_not_well() == []


def test_a_membership_the_group_does_not_confirm_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A member whom the group has dropped unseen says so; when it has joined again it is well."""

    @virtual
    async def run() -> None:
        world, one = await opened()
        one.drop_out()
        caplog.clear()
        await barks(world, one, Watchdog.MEMBERSHIP, 3, caplog)
        one.come_back()
        await ends(world, one, Watchdog.MEMBERSHIP, caplog)

    run()


@virtual
async def test_heartbeats_that_cannot_be_written_hold_up_no_verdict() -> None:
    """Whatever becomes of the heartbeats' topic, events are told; silence of heartbeats is an alarm all the same."""
    world, one = await opened()

    async def hang(transactional_id: str) -> None:
        if "heartbeats" in transactional_id:
            await asyncio.Event().wait()

    world.log.faults.before_write = hang
    await world.pass_time(5)
    world.price(XUSDT=84)
    await world.until(lambda: world.chain("a0") == ["takeover"], 2)
    assert {name for name, _ in one.notes.alarms} == {Watchdog.UNOWNED_SHARD.value}
