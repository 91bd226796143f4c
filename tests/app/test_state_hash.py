"""Tests of the hash of a changelog: every transaction states it, every takeover checks it."""

from __future__ import annotations

import json
import time
from functools import reduce
from hashlib import blake2b

from monitor.adapters.embedded.partition import Partition
from monitor.app.changelog import Meta
from monitor.app.image import Image
from monitor.app.ports import OutputRecord, Record, TopicPartition
from tests.app.gates import Fate
from tests.app.judge import Judge
from tests.app.lab import World, new_world, virtual


def counted(records: list[Record]) -> str:
    """Return the hash of what a reader of the changelog holds in the end, worked out from the definition."""
    live: dict[bytes, bytes] = {}
    for record in records:
        assert record.key is not None
        live.pop(record.key, None)
        if record.value is not None and record.key != b"__meta__":
            live[record.key] = record.value
    weights = (
        int.from_bytes(blake2b(len(key).to_bytes(4, "little") + key + value, digest_size=8).digest(), "little")
        for key, value in live.items()
    )
    return f"{reduce(int.__xor__, weights, 0):016x}"


def changelog(world: World) -> Partition:
    """Return the changelog of shard 0 as it is kept, to be tampered with."""
    partition = world.log._store.partition(TopicPartition(world.topics.state, 0))
    assert partition is not None
    return partition


def metas(world: World, shard: int) -> list[dict[str, str]]:
    """Return every `__meta__` line a shard has written, after checking that each states the hash of its moment."""
    where = [record for record in world.written("state") if record.partition == shard]
    lines = []
    for place, record in enumerate(where):
        if record.key == b"__meta__":
            line = json.loads(record.value or b"")
            assert line["hash"] == counted(where[: place + 1])
            lines.append(line)
    return lines


async def left() -> World:
    """Return a world of one shard whose owner has done all its work and stopped."""
    world = await new_world(partitions=1)
    world.opening(4)
    one = world.start()
    await world.until_quiet()
    await one.stop()
    return world


@virtual
async def test_every_transaction_states_the_hash_of_what_is_live_after_it() -> None:
    """Also after faults of every kind, tombstones and a takeover by another instance; the incarnation stays."""
    world = await new_world()
    world.opening(6)
    one = world.start()
    await world.until_quiet()
    fates = [Fate.AWAY_BEFORE, Fate.AWAY_AFTER, Fate.OPEN, Fate.REFUSED, Fate.FENCED]
    one.gate.plan = lambda _number, name: fates.pop() if fates and name == "write" else None
    for mark in (84, 100, 70, 100):
        world.price(XUSDT=mark)
        await world.until_quiet()
    assert not fates
    world.account("a1", deleted=True)
    world.put("instruments", "XUSDT", None)
    await world.until_quiet()
    one.kill()
    world.instrument("XUSDT")
    world.account("a2", 1, positions={"XUSDT": (1, 100)}, snapshot=True)
    world.start()
    await world.until_quiet()
    for shard in range(world.settings.topics.partitions):
        lines = metas(world, shard)
        assert len({line["writer"] for line in lines}) == 2
        assert len({line["incarnation"] for line in lines}) == 1
        assert all(len(line["incarnation"]) == 16 for line in lines)
    tombstones = [record for record in world.written("state") if record.value is None]
    assert tombstones
    Judge(world).check()


@virtual
async def test_a_changelog_that_lost_a_record_is_not_gone_on_from() -> None:
    """A shard whose changelog has not the hash it states is never ready, and every try is counted and logged."""
    world = await left()
    partition = changelog(world)
    lost = next(record for record in partition.records if record.key == b"f|a2")
    partition.records.remove(lost)
    events = len(world.events())
    two = world.start()
    await world.until(lambda: two.notes.damaged >= 2)
    world.price(XUSDT=50)
    await world.pass_time(5)
    assert not two.is_ready()
    assert len(world.events()) == events


@virtual
async def test_a_line_of_a_version_without_hash_gains_one() -> None:
    """State of an older version is taken as it is; the first transaction then states its hash and an incarnation."""
    world = await left()
    partition = changelog(world)
    for place, record in enumerate(partition.records):
        if record.key == b"__meta__":
            line = json.loads(record.value or b"")
            del line["hash"], line["incarnation"]
            partition.records[place] = record._replace(value=json.dumps(line).encode())
    world.start()
    world.price(XUSDT=84)
    await world.until_quiet()
    state = [record for record in partition.records if record.key == b"__meta__"]
    last = json.loads(state[-1].value or b"")
    assert last["hash"] == counted(partition.records)
    assert len(last["incarnation"]) == 16


def test_an_image_counts_alike_from_records_and_from_transactions() -> None:
    """What a shard keeps current as it commits, and what a reader finds, have one hash, whatever the order."""
    written = [("f|a", b"1"), ("s|a", b"2"), ("f|b", b"3"), ("f|a", b"4"), ("s|a", None), ("w|7", b"5")]
    read = Image()
    for offset, (key, value) in enumerate(written):
        read.take(Record("state", 0, offset, 0, key.encode(), value), None)  # type: ignore[arg-type]
    kept = Image(hash=0)
    for key, value in written:
        kept.hash = kept.hash_after([(key.encode(), value)])
        kept._put(key.encode(), value, (0, 0))
    total = kept.hash
    together = Image(hash=0)
    every = [OutputRecord("state", 0, key.encode(), value) for key, value in written]
    assert together.hash_after((record.key or b"", record.value) for record in every) == total
    together.accept(every, Meta("liqmon", 1, "writer", hash=total), 0)
    assert read.count() == total == kept.count() == together.count()
    assert list(together.live()) == list(read.live())
    assert list(together.touched.items()) == list(read.touched.items()) == [("b", (2, 0)), ("a", (3, 0))]
    assert together.next_offset == len(written) + 2
    records = [Record("state", 0, 0, 0, key.encode(), value) for key, value in written]
    assert f"{total:016x}" == counted(records)


def test_many_touched_accounts_are_forgotten_in_the_time_of_as_many() -> None:
    """A loop that stands still for longer than a session lets costs its shards; the square of the number would."""
    count = 200_000
    image = Image(hash=0)
    for number in range(count):
        image._put(f"f|{number}".encode(), b"1", (5, 5))
    image._put(b"f|0", b"2", (2_000, 5))
    image.touched.update({"late": (2_000, 5)})
    started = time.perf_counter()
    image.accept([], Meta("liqmon", 1, "writer", shown_before=1_500), 9)
    assert time.perf_counter() - started < 3, "of a plain dict it takes more than ten seconds"
    assert dict(image.touched) == {"0": (2_000, 5), "late": (2_000, 5)}
