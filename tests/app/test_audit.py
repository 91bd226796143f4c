"""The self-audit in the running application: a damaged store is noticed, mended or made anew, and said."""

from __future__ import annotations

import logging

import pytest

from monitor.core.audit.pace import AuditPace
from monitor.core.store import MarginStore
from monitor.core.store_columns import BASE, SCOPE_ROW
from tests.app.lab import Running, World, new_world, virtual


async def _looked_over(world: World, running: Running, passes: int = 2) -> None:
    wanted = running.notes.audit_passes + passes
    await world.until(lambda: running.notes.audit_passes >= wanted)


def _engine_of(running: Running, shard: int) -> MarginStore:
    audit = running.audits[shard]
    store: MarginStore = audit._engine.store
    return store


@pytest.fixture(autouse=True)
def _audits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an instance remember the audit of each shard."""
    from monitor.app import shard as room

    class Kept(room.ShardAudit):
        def __init__(self, shard: int, *rest: object) -> None:
            super().__init__(shard, *rest)  # type: ignore[arg-type]
            Running.audits[shard] = self

    Running.audits = {}
    monkeypatch.setattr(room, "ShardAudit", Kept)


@virtual
async def test_a_flipped_figure_is_mended_and_what_was_missed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """An account that looks rich by a damaged figure is told as soon as it is found, once, and the log names it."""
    world = await new_world(partitions=1, audit__rate=100)
    world.opening()
    running = world.start()
    await world.until_quiet()
    await _looked_over(world, running)
    assert running.notes.audit_faults == []
    store = _engine_of(running, 0)
    columns = store._space.columns
    row = int(columns.scopes[store.scopes_of(0)[0], SCOPE_ROW])
    before = world.chain("a0")
    columns.figures[row, BASE] += 1e6
    with caplog.at_level(logging.ERROR):
        world.price(XUSDT=85)
        await world.until(lambda: "base" in running.notes.audit_faults)
        await world.until_quiet()
    assert world.chain("a0") == [*before, "takeover"]
    assert "base of a0 cross:USDT" in caplog.text
    running.notes.audit_faults.clear()
    await _looked_over(world, running)
    assert running.notes.audit_faults == []
    await running.stop()


@virtual
async def test_a_damaged_layout_is_made_anew(caplog: pytest.LogCaptureFixture) -> None:
    """A shard whose store cannot be trusted to find anything is taken over again, and tells what it should."""
    world = await new_world(partitions=1, audit__rate=100)
    world.opening()
    running = world.start()
    await world.until_quiet()
    takeovers, store = running.notes.takeovers, _engine_of(running, 0)
    store._space.columns.first[1] = store.scopes_of(2)[0]
    with caplog.at_level(logging.ERROR):
        await world.until(lambda: running.notes.takeovers > takeovers)
    assert "takes over again: the store of shard 0 is damaged" in caplog.text
    world.price(XUSDT=80)
    await world.until_quiet()
    assert world.chain("a1")[-1] != "healthy"
    assert _engine_of(running, 0) is not store
    await running.stop()


@virtual
async def test_it_is_off_at_rate_0() -> None:
    """Nothing is looked at where the rate is 0."""
    world = await new_world(partitions=1, audit__rate=0, audit__full_pass_ms=1_000)
    world.opening()
    running = world.start()
    await world.until_quiet()
    await world.pass_time(30)
    assert running.notes.audit_passes == 0
    await running.stop()


def test_the_pace_keeps_to_the_rate() -> None:
    """Over a minute as many scopes are due as the rate says, and no more after a long silence."""
    pace, looked_at = AuditPace(50, 0), 0
    for turn in range(1, 1_201):
        while pace.is_due(turn * 0.05, 0.5):
            pace.pay(1)
            looked_at += 1
    assert looked_at == pytest.approx(50 * 60, abs=51)
    burst = 0
    while pace.is_due(10_000, 0.5):
        pace.pay(1)
        burst += 1
    assert burst <= 51


def test_the_pace_makes_haste_for_a_pass_that_is_late() -> None:
    """Where the rate is too slow for a pass, more is due, until as much is done as should be."""
    pace, done = AuditPace(1, 100), 0
    for second in range(1, 51):
        while pace.is_due(second, done / 1_000):
            pace.pay(1)
            done += 1
    assert done == pytest.approx(500, abs=20)
