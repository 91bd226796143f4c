"""Tests of snapshots in running instances: what is restored from one, and what makes one ignored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.snapshots import SnapshotFiles, read_snapshot
from monitor.app.ports import TopicPartition
from monitor.app.snapshots import MAX_AGE_MS, Snapshot, SnapshotName
from tests.app.gates import Fate
from tests.app.judge import Judge
from tests.app.lab import Running, World, new_world, virtual

NAME = SnapshotName("liqmon", 1, 0)


async def world_with(folder: Path, **overrides: Any) -> World:
    """Return a world of one shard whose instances keep snapshots in one folder, written every second."""
    given = {"recovery__snapshot_dir": str(folder), "recovery__snapshot_interval_ms": 1_000, **overrides}
    world = await new_world(partitions=1, **given)
    world.opening(4)
    return world


async def stopped(world: World) -> Running:
    """Start an instance, let it judge everything, and stop it cleanly."""
    one = world.start()
    await world.until_quiet()
    await one.stop()
    return one


def sources(running: Running) -> list[str]:
    """Return from where the shards of an instance were restored."""
    return running.notes.sources


def path_in(folder: Path) -> Path:
    """Return the file of shard 0."""
    return SnapshotFiles(folder).path_of(NAME)


def suffixes_in(folder: Path) -> list[str]:
    """Return the kinds of files in a folder."""
    return [path.suffix for path in folder.iterdir()]


def live_of(world: World) -> dict[bytes, bytes]:
    """Return what the changelog holds in the end."""
    live: dict[bytes, bytes] = {}
    for record in world.written("state"):
        assert record.key is not None
        live.pop(record.key, None)
        if record.value is not None and record.key != b"__meta__":
            live[record.key] = record.value
    return live


@virtual
async def test_a_clean_stop_leaves_a_snapshot_of_all_that_was_committed(tmp_path: Path) -> None:
    """The file holds the live records, the last line and a next offset from which nothing is missing."""
    world = await world_with(tmp_path)
    world.price(XUSDT=84)
    await stopped(world)
    with path_in(tmp_path).open("rb") as file:
        snapshot = read_snapshot(file)
    assert dict(snapshot.image.live()) == live_of(world)
    meta = [record for record in world.written("state") if record.key == b"__meta__"][-1]
    assert snapshot.image.meta is not None
    assert snapshot.image.meta.body() == json.loads(meta.value or b"")
    assert snapshot.image.next_offset == world.log._store.partition(TopicPartition(world.topics.state, 0)).end
    assert path_in(tmp_path).stat().st_mode & 0o777 == 0o600
    assert suffixes_in(tmp_path) == [".snapshot"]


@virtual
async def test_restoring_from_a_snapshot_and_its_tail_judges_as_from_the_changelog(tmp_path: Path) -> None:
    """After tombstones, another owner and a compaction since the snapshot, both ways tell the same of everybody."""
    world = await world_with(tmp_path)
    await stopped(world)
    kept = path_in(tmp_path).read_bytes()
    world.price(XUSDT=84)
    other = await stopped(world)
    world.put("instruments", "OLD", None)
    world.account("a3", deleted=True)
    await stopped(world)
    assert sources(other) == ["snapshot"]
    path_in(tmp_path).write_bytes(kept)
    world.log._store.partition(TopicPartition(world.topics.state, 0)).compact()
    late = world.start()
    await world.until_quiet()
    world.price(XUSDT=70)
    await world.until_quiet()
    assert sources(late) == ["snapshot"]
    assert late.notes.ignored == []
    await late.stop()
    path_in(tmp_path).unlink()
    last = world.start()
    await world.until_quiet()
    world.price(XUSDT=101)
    await world.until_quiet()
    assert sources(last) == ["changelog"]
    assert last.notes.ignored == ["absent", "absent"], "the feed asks for what is kept of the market, the shard for all"
    Judge(world).check(exact=True)


def rewritten(folder: Path, change: Callable[[Snapshot], Snapshot]) -> None:
    """Write the snapshot of shard 0 again, changed, under its old name."""
    files = SnapshotFiles(folder)
    changed = change(files.read(NAME, brief=False))
    target = files.path_of(NAME)
    written = files.path_of(changed.name)
    files.write(changed, lambda: False)
    written.replace(target)


def renamed(**parts: Any) -> Callable[[Snapshot], Snapshot]:
    """Return a change of whose snapshot it is."""
    name = SnapshotName(**{"group": "liqmon", "shards": 1, "shard": 0, "schema": 1, **parts})
    return lambda one: Snapshot(name, one.created_ms, one.image)


def with_image(**parts: Any) -> Callable[[Snapshot], Snapshot]:
    """Return a change of an attribute of the image."""

    def change(one: Snapshot) -> Snapshot:
        for part, value in parts.items():
            setattr(one.image, part, value)
        return one

    return change


def reincarnated(one: Snapshot) -> Snapshot:
    """Give the image another incarnation."""
    assert one.image.meta is not None
    body = one.image.meta.body() | {"incarnation": "0" * 16}
    one.image.meta = type(one.image.meta).of(body)
    return one


def poorer(one: Snapshot) -> Snapshot:
    """Take one account out of the image."""
    del one.image.facts["a1"]
    one.image.count()
    return one


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (renamed(group="another"), "group"),
        (renamed(shards=2), "shards"),
        (renamed(shard=1), "shard"),
        (renamed(schema=2), "schema"),
        (reincarnated, "incarnation"),
        (lambda one: Snapshot(one.name, one.created_ms - MAX_AGE_MS - 60_000, one.image), "old"),
        (with_image(next_offset=10**9), "ahead"),
        (poorer, "hash"),
    ],
    ids=["group", "shards", "shard", "schema", "incarnation", "old", "ahead", "hash"],
)
def test_a_snapshot_that_is_not_this_changelogs_is_ignored_with_a_word_why(
    change: Callable[[Snapshot], Snapshot], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The changelog is read instead, and everything is judged as ever."""

    @virtual
    async def run() -> None:
        world = await world_with(tmp_path)
        await stopped(world)
        rewritten(tmp_path, change)
        world.price(XUSDT=84)
        two = world.start()
        await world.until_quiet()
        assert sources(two) == ["changelog"]
        assert reason in two.notes.ignored
        assert set(two.notes.ignored) == {reason}
        Judge(world).check(exact=True)

    with caplog.at_level("WARNING"):
        run()
    assert any(f"snapshot ignored ({reason})" in record.getMessage() for record in caplog.records)


@virtual
async def test_a_changelog_made_anew_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    """A snapshot survives its topic; the incarnation tells the difference, even where the offsets would fit."""
    old = await world_with(tmp_path)
    await stopped(old)
    new = await world_with(tmp_path)
    kept = path_in(tmp_path).read_bytes()
    path_in(tmp_path).unlink()
    for mark in (99, 98, 97):
        new.price(XUSDT=mark)
        await stopped(new)
    path_in(tmp_path).write_bytes(kept)
    two = new.start()
    await new.until_quiet()
    assert two.notes.ignored == ["incarnation", "incarnation"]
    assert sources(two) == ["changelog"]
    Judge(new).check(exact=True)


@virtual
async def test_a_full_disk_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that cannot be written is counted and said; judging goes on, and the last snapshot stays."""
    world = await world_with(tmp_path)
    await stopped(world)
    kept = path_in(tmp_path).read_bytes()

    def full(*_args: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("monitor.adapters.snapshots.write_snapshot", full)
    two = world.start()
    await world.until_quiet()
    world.price(XUSDT=84)
    await world.pass_time(3)
    await world.until_quiet()
    assert two.notes.failed_snapshots >= 1
    assert path_in(tmp_path).read_bytes() == kept
    assert suffixes_in(tmp_path) == [".snapshot"]
    Judge(world).check(exact=True)
    await two.stop()


@virtual
async def test_crashes_and_faults_of_the_log_with_snapshots_every_second(tmp_path: Path) -> None:
    """Kills and failed transactions at any moment: restored from a snapshot each time, nothing is lost or doubled."""
    world = await world_with(tmp_path)
    running = world.start()
    await world.until_quiet()
    fates = [Fate.DIE_OPEN, Fate.AWAY_AFTER, Fate.DIE_AFTER, Fate.OPEN, Fate.DIE_BEFORE, Fate.REFUSED, Fate.DIE_AFTER]
    restored: list[str] = []
    for number, fate in enumerate(fates):
        await world.pass_time(2.5)
        left = [fate]
        running.gate.plan = lambda _number, name, left=left: left.pop() if left and name == "write" else None
        world.price(XUSDT=(70, 101, 84, 100)[number % 4])
        world.account(f"a{number % 4}", 200 + number)
        await world.until(lambda left=left: not left)
        if running.gate.dead:
            running = world.start()
        await world.until_quiet()
        restored = [source for one in world.instances for source in sources(one)]
    assert restored.count("snapshot") >= 4
    assert restored.count("changelog") == 1
    Judge(world).check(exact=True)
