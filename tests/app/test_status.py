"""Tests of account-status: when a scope is shown, when again, and that what was shown is remembered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.core import showing
from tests.app.gates import Fate
from tests.app.judge import Judge
from tests.app.lab import World, new_world, virtual


def shown(world: World, account: str) -> list[dict[str, Any]]:
    """Return the bodies shown of the USDT scope of an account, None where it was gone."""
    records = [r for r in world.written("account_status") if r.key == f"{account}|cross:USDT".encode()]
    return [json.loads(record.value) if record.value else None for record in records]  # type: ignore[misc]


async def opened(**overrides: Any) -> World:
    """Return a world with one instance that has judged everything."""
    world = await new_world(partitions=1, **overrides)
    world.opening(4)
    world.start()
    await world.until_quiet()
    return world


@virtual
async def test_a_first_verdict_is_shown_within_the_publish_interval() -> None:
    """A new account is shown as soon as it is judged."""
    world = await opened()
    world.account("new", 500, positions={"XUSDT": (10, 100)}, snapshot=True)
    await world.until(lambda: len(shown(world, "new")) == 1, 1)
    assert shown(world, "new")[0]["status"] == "healthy"


@virtual
async def test_a_change_of_status_is_shown_with_its_event() -> None:
    """The record of a changed status stands in the transaction of the event, with its sequence."""
    world = await opened()
    world.price(XUSDT=84)
    await world.until(lambda: world.chain("a0") == ["takeover"], 1)
    assert (shown(world, "a0")[-1]["status"], shown(world, "a0")[-1]["sequence"]) == ("takeover", 1)
    transaction = next(records for records in world.history if any(r.key == b"s|a0" for r in records[::-1]))
    assert any(record.topic == world.topics.account_status for record in transaction)


@virtual
async def test_a_scope_in_distress_is_shown_again_when_its_ratio_has_moved() -> None:
    """At watch or worse a move of the ratio by `min_change` is shown within the publish interval, a smaller one not."""
    world = await opened()
    world.price(XUSDT=84)
    await world.until_quiet()
    await world.pass_time(2)
    before = len(shown(world, "a0"))
    world.price(XUSDT="84.001")
    await world.pass_time(2)
    assert len(shown(world, "a0")) == before
    world.price(XUSDT="84.9")
    await world.pass_time(1.4)
    assert len(shown(world, "a0")) == before + 1
    assert world.chain("a0") == ["takeover"]


@virtual
async def test_a_healthy_scope_is_shown_again_after_an_account_event() -> None:
    """The figures of a healthy scope follow its account within the healthy interval, once for many events."""
    world = await opened(status__healthy_interval_ms=3_000)
    before = len(shown(world, "a3"))
    for number in range(5):
        world.account("a3", 700 + number)
        await world.pass_time(0.2)
    assert len(shown(world, "a3")) == before
    await world.pass_time(3.5)
    assert len(shown(world, "a3")) == before + 1
    assert shown(world, "a3")[-1]["wallet_balance"] == "704"


@virtual
async def test_a_refresh_that_was_due_survives_a_crash() -> None:
    """An account event whose owner died before it was shown is shown by the next owner within the interval."""
    world = await opened(status__healthy_interval_ms=3_000)
    world.account("a3", 777)
    await world.pass_time(0.5)
    world.instances[0].kill()
    world.start()
    await world.until_ready()
    await world.pass_time(4)
    assert shown(world, "a3")[-1]["wallet_balance"] == "777"


@virtual
async def test_a_clock_set_back_does_not_stop_the_turns_of_the_clock() -> None:
    """An hour back is not an hour without a turn: what was due is shown as if nothing had happened."""
    world = await opened(status__healthy_interval_ms=3_000)
    world.account("a3", 777)
    await world.pass_time(0.5)
    world.instances[0].skew_ms -= 3_600_000
    await world.pass_time(4)
    assert shown(world, "a3")[-1]["wallet_balance"] == "777"


@virtual
async def test_a_refresh_that_was_due_is_not_forgotten_by_clocks() -> None:
    """Who wrote on after an hour and died amid that step had shown nobody: the next owner does, whatever its clock."""
    world = await opened(status__healthy_interval_ms=3_000, limits__max_transaction_records=16)
    await world.pass_time(20)
    world.account("a3", 777)
    await world.pass_time(0.5)
    assert shown(world, "a3")[-1]["wallet_balance"] != "777"
    first = world.instances[0]
    world.skip(3_600)
    first.gate.plan = lambda number, name: Fate.DIE_AFTER if name == "write" else None
    for number in range(20):
        world.price(XUSDT=84 + number % 2)
    await world.until(lambda: first.gate.dead, 5)
    assert shown(world, "a3")[-1]["wallet_balance"] != "777"
    world.start(skew_ms=-600_000)
    await world.until_ready()
    await world.pass_time(3.5)
    assert shown(world, "a3")[-1]["wallet_balance"] == "777"


@virtual
async def test_a_scope_that_is_gone_leaves_a_tombstone() -> None:
    """Closing, deleting and coming back: the last record of a scope says how it stands."""
    world = await opened()
    world.price(XUSDT=84)
    await world.until_quiet()
    world.account("a0", deleted=True)
    await world.until_quiet()
    assert shown(world, "a0")[-1] is None
    assert world.events()[-1]["event_type"] == "closed"
    world.instances[0].kill()
    world.start()
    world.account("a0", 200, positions={"XUSDT": (10, 100)}, snapshot=True)
    await world.until_quiet()
    assert shown(world, "a0")[-1]["sequence"] == 3
    assert world.chain("a0") == ["takeover", "healthy", "takeover"]
    Judge(world).check(exact=True)


@virtual
async def test_restarts_show_no_healthy_scope_again() -> None:
    """What was shown is remembered: a restart writes no storm of records that say what is known."""
    world = await opened()
    await world.pass_time(70)
    world.price(XUSDT=100)  # the next transaction proves to whoever comes that everybody was shown in time
    await world.pass_time(6)
    before = len(world.written("account_status"))
    for _ in range(3):
        world.instances[-1].kill()
        await world.pass_time(1)
        world.start()
        await world.until_ready()
        await world.pass_time(3)
    assert len(world.written("account_status")) == before


@virtual
async def test_many_that_are_due_are_shown_in_short_turns_one_at_once_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A storm is cut into turns between which others may judge, and none of them waits for the clock."""
    monkeypatch.setattr(showing, "REFRESHED_AT_ONCE", 1)
    world = await opened(status__healthy_interval_ms=3_000)
    before = len(world.history)
    await world.pass_time(3.3)
    shown_by = [sum(r.topic == world.topics.account_status for r in records) for records in world.history[before:]]
    assert [count for count in shown_by if count] == [1, 1, 1, 1]
