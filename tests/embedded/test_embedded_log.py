"""What the embedded log adds to the contract: ordered failures, keeping its data, cleaning, deterministic groups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.adapters.embedded import EmbeddedLog, WriteFault, store
from monitor.app.ports import (
    CorruptRecord,
    LogForbidden,
    LogUnavailable,
    OutcomeUnknown,
    OutputRecord,
    Record,
    RecordRefused,
    TopicPartition,
    TopicSpec,
    WriterFenced,
)
from monitor.core.partitioning import partition_of

WHERE = TopicPartition("topic", 0)


class Clock:
    """Show the time it was set to."""

    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


def _log(clock: Clock, settings: dict[str, str] | None = None, directory: Path | None = None) -> EmbeddedLog:
    log = EmbeddedLog(clock, directory=directory)
    if "topic" not in log._store.topics:
        log.create(TopicSpec("topic", 2, 1, settings or {}))
    return log


async def _all(log: EmbeddedLog, where: TopicPartition = WHERE) -> list[Record]:
    reader = log.reader()
    reader.assign({where: (await reader.beginning_offsets([where]))[where]})
    return await reader.poll(1_000_000, 0)


async def _values(log: EmbeddedLog) -> list[bytes | None]:
    return [record.value for record in await _all(log)]


@pytest.mark.parametrize(
    ("fault", "raised", "seen"),
    [
        (WriteFault.LOST_BEFORE_COMMIT, OutcomeUnknown, False),
        (WriteFault.LOST_AFTER_COMMIT, OutcomeUnknown, True),
        (WriteFault.REFUSED, RecordRefused, False),
        (WriteFault.FENCED, WriterFenced, False),
    ],
)
async def test_ordered_faults_happen_once(clock: Clock, fault: WriteFault, raised: type[Exception], seen: bool) -> None:
    """An ordered fault strikes the next transaction of its id alone, and what is visible after the fence is known."""
    log = _log(clock)
    log.faults.next_write(fault, "id")
    other, writer = log.writer("other"), log.writer("id")
    await other.fence()
    await writer.fence()
    await other.write([OutputRecord("topic", 0, b"k", b"other")])
    with pytest.raises(raised):
        await writer.write([OutputRecord("topic", 0, b"k", b"first")])
    again = log.writer("id")
    await again.fence()
    assert await _values(log) == [b"other", *([b"first"] if seen else [])]
    await again.write([OutputRecord("topic", 0, b"k", b"second")])
    assert (await _values(log))[-1] == b"second"


async def test_a_spent_writer_does_not_write(clock: Clock) -> None:
    """After its first fault a writer object refuses to be used."""
    log = _log(clock)
    writer = log.writer("id")
    await writer.fence()
    log.faults.next_write(WriteFault.REFUSED)
    with pytest.raises(RecordRefused):
        await writer.write([OutputRecord("topic", 0, b"k", b"v")])
    with pytest.raises(AssertionError):
        await writer.write([OutputRecord("topic", 0, b"k", b"v")])


async def test_standing_faults_strike_every_call(clock: Clock) -> None:
    """While the log is away or forbidden, calls say so; a write then has an unknown outcome and wrote nothing."""
    log = _log(clock)
    writer, reader = log.writer("id"), log.reader()
    await writer.fence()
    log.faults.unavailable = True
    for call in (reader.start, writer.fence, lambda: reader.end_offsets([WHERE]), lambda: reader.poll(1, 0)):
        with pytest.raises(LogUnavailable):
            await call()
    with pytest.raises(OutcomeUnknown):
        await writer.write([OutputRecord("topic", 0, b"k", b"v")])
    log.faults.unavailable = False
    assert await _values(log) == []
    log.faults.forbidden = True
    with pytest.raises(LogForbidden):
        await reader.start()


async def test_a_frozen_writer_is_fenced_when_it_wakes(clock: Clock) -> None:
    """A writer held at the start of a write finds itself fenced when another took over meanwhile."""
    log, held, release = _log(clock), asyncio.Event(), asyncio.Event()

    async def hold(transactional_id: str) -> None:
        held.set()
        await release.wait()

    zombie, owner = log.writer("id"), log.writer("id")
    await zombie.fence()
    log.faults.before_write = hold
    writing = asyncio.create_task(zombie.write([OutputRecord("topic", 0, b"k", b"zombie")]))
    await held.wait()
    log.faults.before_write = None
    await owner.fence()
    release.set()
    with pytest.raises(WriterFenced):
        await writing
    assert await _values(log) == []


async def test_corruption_stops_readers_there(clock: Clock) -> None:
    """Records before an offset declared corrupt are read, the reader then stops at it."""
    log = _log(clock)
    for n in range(4):
        log.produce("topic", b"k", b"%d" % n, 0)
    log.faults.corrupt[WHERE] = 2
    reader = log.reader()
    reader.assign({WHERE: 0})
    assert [record.value for record in await reader.poll(10, 0)] == [b"0", b"1"]
    with pytest.raises(CorruptRecord):
        await reader.poll(10, 0)
    assert reader.position(WHERE) == 2


async def test_keys_choose_partitions_as_in_java(clock: Clock) -> None:
    """Records fed without a partition go where murmur2 of the key says."""
    log = _log(clock)
    for n in range(20):
        key = b"account-%d" % n
        assert log.produce("topic", key, b"v") == ("topic", partition_of(key, 2))


async def test_timestamps_are_those_of_the_log(clock: Clock) -> None:
    """Records carry the time of the injected clock; a topic that stamps on append overrules the sender."""
    log = _log(clock)
    log.create(TopicSpec("stamped", 1, 1, {"message.timestamp.type": "LogAppendTime"}))
    log.produce("topic", b"k", b"v", 0, timestamp_ms=5)
    log.produce("stamped", b"k", b"v", 0, timestamp_ms=5)
    assert [record.timestamp_ms for record in await _all(log)] == [5]
    stamped = await _all(log, TopicPartition("stamped", 0))
    assert [record.timestamp_ms for record in stamped] == [clock.now_ms]


async def test_everything_is_kept_in_a_directory(clock: Clock, tmp_path: Path) -> None:
    """What was committed, positions, markers and deletions included, is there after closing and opening again."""
    log = _log(clock, directory=tmp_path)
    writer = log.writer("id")
    await writer.fence()
    await writer.write([OutputRecord("topic", 0, b"k", b"%d" % n, (("h", b"x"),)) for n in range(5)])
    log.delete_before(WHERE, 2)
    before = await _all(log)
    await log.close()
    again = _log(clock, directory=tmp_path)
    assert await _all(again) == before
    assert await again.reader().end_offsets([WHERE]) == {WHERE: 6}
    assert await again.reader().beginning_offsets([WHERE]) == {WHERE: 2}
    await again.close()


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data + b"\x09\x00\x00\x00torn"])
async def test_a_torn_tail_costs_only_itself(clock: Clock, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """A journal cut anywhere in its last frame opens with whole transactions only, and takes new ones."""
    log = _log(clock, directory=tmp_path)
    writer = log.writer("id")
    await writer.fence()
    for n in range(3):
        await writer.write([OutputRecord("topic", p, b"k", b"%d" % n) for p in (0, 1)])
    await log.close()
    journal = tmp_path / "journal.bin"
    journal.write_bytes(damage(journal.read_bytes()))
    again = _log(clock, directory=tmp_path)
    kept = await _values(again)
    assert kept in ([b"0", b"1"], [b"0", b"1", b"2"])
    assert [record.value for record in await _all(again, TopicPartition("topic", 1))] == kept
    again.produce("topic", b"k", b"new", 0)
    await again.close()
    last = _log(clock, directory=tmp_path)
    assert await _values(last) == [*kept, b"new"]
    await last.close()


async def test_a_directory_has_one_user(clock: Clock, tmp_path: Path) -> None:
    """A second log on the same directory is refused while the first is open."""
    log = _log(clock, directory=tmp_path)
    with pytest.raises(LogForbidden, match="in use"):
        EmbeddedLog(clock, directory=tmp_path)
    await log.close()
    await EmbeddedLog(clock, directory=tmp_path).close()


async def test_retention_and_compaction_follow_the_settings(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleaning drops what is older than the retention, and in compacted topics all but the last of each key."""
    monkeypatch.setattr(store, "HEAD_RECORDS", 0)
    log = _log(clock, {"cleanup.policy": "delete", "retention.ms": "1000"})
    log.create(TopicSpec("compacted", 1, 1, {"cleanup.policy": "compact", "delete.retention.ms": "1000"}))
    where = TopicPartition("compacted", 0)
    for value in (b"1", b"2", None):
        log.produce("compacted", b"gone", value, 0)
        log.produce("compacted", b"stays", value or b"3", 0)
    log.produce("topic", b"k", b"old", 0)
    clock.now_ms += 600
    log.produce("topic", b"k", b"young", 0)
    log.clean()
    assert await _values(log) == [b"old", b"young"]
    assert [(r.key, r.value, r.offset) for r in await _all(log, where)] == [(b"gone", None, 4), (b"stays", b"3", 5)]
    clock.now_ms += 600
    log.clean()
    assert await _values(log) == [b"young"]
    clock.now_ms += 600
    log.clean()
    assert [record.key for record in await _all(log, where)] == [b"stays"]


async def test_cleaning_leaves_what_is_new_to_those_who_have_not_read_it(clock: Clock) -> None:
    """Of a compacted topic the newest stay, superseded or not: a bad message must be read to be set aside."""
    log = _log(clock, {"cleanup.policy": "compact"})
    for number in range(store.HEAD_RECORDS + 100):
        log.produce("topic", b"k", b"%d" % number, 0)
    log.clean()
    assert await _values(log) == [b"%d" % number for number in range(100, store.HEAD_RECORDS + 100)]


async def test_a_long_life_stays_small(clock: Clock) -> None:
    """A topic with a retention does not grow without end although nobody cleans it by hand."""
    log = _log(clock, {"cleanup.policy": "delete", "retention.ms": "1000"})
    for _ in range(30_000):
        clock.now_ms += 1
        log.produce("topic", b"k", b"v", 0)
    assert len(await _all(log)) < 12_000


async def test_a_deleted_topic_is_missed(clock: Clock) -> None:
    """A topic made anew has lost the positions of the old one, and one that is gone has no partitions."""
    log = _log(clock)
    log.produce("topic", b"k", b"v", 0)
    reader = log.reader()
    log.delete_topic("topic")
    assert await reader.partition_count("topic") == 0
    with pytest.raises(LogUnavailable):
        await reader.end_offsets([WHERE])


async def test_members_share_a_topic_made_later(clock: Clock) -> None:
    """Members that joined before their topic existed share it once it is made."""
    log = EmbeddedLog(clock)
    one, two = log.membership("group", "topic"), log.membership("group", "topic")
    await one.start(lambda: None)
    await two.start(lambda: None)
    assert one.shards() == two.shards() == frozenset()
    log.create(TopicSpec("topic", 4, 1, {}))
    assert (one.shards(), two.shards()) == ({0, 1}, {2, 3})
    await one.stop()
    await two.stop()


async def test_a_frozen_member_loses_its_shards_without_knowing(clock: Clock) -> None:
    """A dropped member still names its shards while others own them, and its confirmation ages; thawed it rejoins."""
    log = _log(clock)
    one, two = log.membership("group", "topic"), log.membership("group", "topic")
    told: list[str] = []
    await one.start(lambda: told.append("one"))
    await two.start(lambda: told.append("two"))
    assert (one.shards(), two.shards()) == ({0}, {1})
    one.freeze()
    clock.now_ms += 700
    assert (one.shards(), two.shards()) == ({0}, {0, 1})
    assert (one.confirmed_ms(), two.confirmed_ms()) == (700, 0)
    one.thaw()
    assert one.shards() | two.shards() == {0, 1}
    assert not one.shards() & two.shards()
    await asyncio.sleep(0)
    assert {"one", "two"} <= set(told)
    await one.stop()
    await two.stop()


async def test_a_thawed_member_that_is_given_nothing_is_told(clock: Clock) -> None:
    """Who joins again and gets none of what it believed its own learns it, else it fenced the new owner for ever."""
    log = EmbeddedLog(clock)
    log.create(TopicSpec("one", 1, 1, {}))
    one, two = log.membership("group", "one"), log.membership("group", "one")
    told: list[frozenset[int]] = []
    await one.start(lambda: told.append(one.shards()))
    await two.start(lambda: None)
    await asyncio.sleep(0)
    one.freeze()
    assert (one.shards(), two.shards(), told) == ({0}, {0}, [{0}])
    one.thaw()
    assert (one.shards(), two.shards()) == (frozenset(), {0})
    await asyncio.sleep(0)
    assert told == [{0}, frozenset()]
    await one.stop()
    await two.stop()
