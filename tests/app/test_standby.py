"""Tests of the warm standby: it takes over as a cold one does, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.app import standby, warm_copy
from monitor.core.kernels_compiled import HAS_NUMBA
from tests.app.judge import Judge
from tests.app.lab import Running, World, new_world, virtual

STANDBY: dict[str, Any] = {"recovery__standby": True}


def copies_of(one: Running) -> dict[int, Any]:
    """Return the copies an instance keeps."""
    assert one.instance._standby is not None
    return one.instance._standby._copies


async def until_warm(world: World, one: Running, shards: set[int]) -> None:
    """Wait until an instance has stated to the group that it keeps these shards warm."""
    assert one.log.inner_membership is not None
    await world.until(lambda: one.log.inner_membership.warm == shards)  # type: ignore[union-attr]


async def watched(accounts: int = 6, **overrides: Any) -> tuple[World, Running, Running]:
    """Return a world of one shard, its owner, and a standby that is warm."""
    world = await new_world(partitions=1, **{**STANDBY, **overrides})
    world.opening(accounts)
    owner = world.start()
    await world.until_quiet()
    other = world.start()
    await until_warm(world, other, {0})
    return world, owner, other


@virtual
async def test_a_warm_takeover_reads_only_the_tail(caplog: pytest.LogCaptureFixture) -> None:
    """After the death of the owner the standby goes on with its copy and tells what a cold one would."""
    world, owner, other = await watched()
    for mark in (95, 85, 82, 90, 100, 85):
        world.price(XUSDT=mark)
        world.account("a1", 230 + mark)
        await world.pass_time(0.3)
    await until_warm(world, other, {0})
    engine = copies_of(other)[0].engine
    assert len(engine.book) == 6
    owner.kill()
    for mark in (70, 100, 60, 95):  # wicks that a market ahead of what was judged would swallow
        world.price(XUSDT=mark)
        await world.pass_time(0.05)
    await world.until_quiet()
    assert other.notes.takeovers == 1
    assert "cold" not in caplog.text
    assert world.living() == [other]
    Judge(world).check(exact=True)


@virtual
async def test_the_standby_never_tells(caplog: pytest.LogCaptureFixture) -> None:
    """While it follows, an instance writes nothing, and its engine has judged nobody."""
    world, _, other = await watched()
    for mark in (85, 80, 70, 100):
        world.price(XUSDT=mark)
        await world.pass_time(0.5)
    await world.until_quiet()
    assert not [call for call in other.gate.calls if call in ("write", "fence")]
    assert copies_of(other)[0].engine.store.judged == 0


@virtual
async def test_a_copy_of_another_state_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    """A copy whose records have not the hash that `__meta__` states is dropped with a line, and all goes on cold."""
    world, owner, other = await watched()
    image = copies_of(other)[0].image
    image.facts["a0"] = image.facts["a1"]
    image.count()
    owner.kill()
    world.price(XUSDT=85)
    await world.until_quiet()
    assert "shard 0 is taken over cold, its warm copy is not fit: the live records have the hash" in caplog.text
    Judge(world).check()


@virtual
async def test_a_copy_of_another_incarnation_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    """A copy of a changelog that was made anew is dropped with a line, and all goes on cold."""
    world, owner, other = await watched()
    copies_of(other)[0]._incarnation = "another"
    world.price(XUSDT=85)
    await world.pass_time(1)
    assert not copies_of(other)
    owner.kill()
    world.price(XUSDT=80)
    await world.until_quiet()
    assert "the changelog is another: incarnation" in caplog.text
    Judge(world).check()


@virtual
async def test_a_copy_beyond_the_end_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    """A copy that stands beyond the end of the changelog is dropped with a line, and all goes on cold."""
    world, owner, other = await watched()
    copies_of(other)[0].image.next_offset += 1_000
    owner.kill()
    world.price(XUSDT=85)
    await world.until_quiet()
    assert "the changelog holds 0 to" in caplog.text
    Judge(world).check()


@virtual
async def test_a_copy_is_current_soon_and_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn takes over a bounded number of accounts, new ones many at once; what is stated as warm is current."""
    monkeypatch.setattr(warm_copy, "ACCOUNTS_AT_ONCE", 2)
    monkeypatch.setattr(warm_copy, "FILLED_AT_ONCE", 4)
    turn, grown = warm_copy.WarmCopy.turn, []

    def counted(copy: warm_copy.WarmCopy, *args: Any) -> None:
        before = len(copy.engine.book)
        turn(copy, *args)
        grown.append(len(copy.engine.book) - before)

    monkeypatch.setattr(warm_copy.WarmCopy, "turn", counted)
    world = await new_world(partitions=1, **STANDBY)
    world.opening(9)
    world.start()
    await world.until_quiet()
    other = world.start()
    await until_warm(world, other, {0})
    await world.until(lambda: len(copies_of(other)[0].engine.book) == 9)
    assert max(grown) == (4 if HAS_NUMBA else 2)


@virtual
async def test_a_copy_that_has_much_to_take_over_is_not_handed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy whose accounts still wait would be slower than the log: the shard is taken over cold, in order."""
    caplog.set_level("INFO")
    monkeypatch.setattr(standby, "CURRENT_RECORDS", 5)
    monkeypatch.setattr(warm_copy.WarmCopy, "_renew", lambda copy: None)
    world = await new_world(partitions=1, **STANDBY)
    world.opening(6)
    owner = world.start()
    await world.until_quiet()
    other = world.start()
    await world.until(lambda: 0 in copies_of(other) and copies_of(other)[0].is_filled)
    owner.kill()
    world.price(XUSDT=85)
    await world.until_quiet()
    assert "shard 0 has no warm copy yet: 6 accounts and messages wait" in caplog.text
    assert other.notes.takeovers == 1
    Judge(world).check(exact=True)


@virtual
async def test_only_so_many_shards_are_followed() -> None:
    """`recovery.standby_shards` bounds the copies of an instance."""
    world = await new_world(partitions=3, recovery__standby_shards=1, **STANDBY)
    world.opening()
    world.start()
    await world.until_quiet()
    other = world.start()
    await world.until_quiet()
    await world.until(lambda: len(copies_of(other)) == 1)
    owned = set(other.instance._shards)
    assert not owned & copies_of(other).keys()


@virtual
async def test_the_window_may_go_on_without_the_copy(caplog: pytest.LogCaptureFixture) -> None:
    """Messages that left the window before the standby saw them count as they do for a cold one."""
    world, owner, other = await watched(prices__max_replay_ms=1_000)
    world.skip(3_600)
    for mark in (99, 98, 97):
        world.price(XUSDT=mark)
    world.instrument("XUSDT", "0.2")
    await world.until_quiet()
    world.skip(3_600)
    world.price(XUSDT=95)
    await world.until_quiet()
    owner.kill()
    await world.until_quiet()
    assert other.notes.takeovers == 1
    assert "cold" not in caplog.text
    Judge(world).check()
