"""What readers may rely on, whatever the log: order, positions, visibility, offsets by time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from monitor.app.ports import LogReader, OutputRecord, PositionLost, TopicPartition
from tests.contract.stages import Stage, new_topic
from tests.waiting import read, until


@pytest_asyncio.fixture
async def reader(stage: Stage) -> AsyncIterator[LogReader]:
    """Start a reader."""
    found = stage.log.reader()
    await found.start()
    yield found
    await found.stop()


async def test_records_come_in_order_and_once(stage: Stage, reader: LogReader) -> None:
    """Records of a partition come in the order they were written, each once, however small the polls."""
    where = TopicPartition(await new_topic(stage), 0)
    await stage.feed(where, [b"%d" % n for n in range(100)], 1_700_000_000_000)
    reader.assign({where: 0})
    found = await read(reader, 100, max_records=7)
    assert [record.value for record in found] == [b"%d" % n for n in range(100)]
    assert [record.offset for record in found] == list(range(100))
    assert reader.position(where) == 100


async def test_polls_respect_their_limit(stage: Stage, reader: LogReader) -> None:
    """A poll returns no more records than asked for, over all partitions together."""
    topic = await new_topic(stage, 2)
    for partition in (0, 1):
        await stage.feed(TopicPartition(topic, partition), [b"x"] * 20, 1_700_000_000_000)
    reader.assign({TopicPartition(topic, 0): 0, TopicPartition(topic, 1): 0})
    sizes = []
    while sum(sizes) < 40:
        sizes.append(len(await reader.poll(6, 2_000)))
    assert max(sizes) <= 6


async def test_assign_starts_where_it_says(stage: Stage, reader: LogReader) -> None:
    """A new assignment replaces the old one and starts at the given offset, not at the old position."""
    topic = await new_topic(stage, 2)
    for partition in (0, 1):
        await stage.feed(TopicPartition(topic, partition), [b"%d" % n for n in range(10)], 1_700_000_000_000)
    reader.assign({TopicPartition(topic, 0): 0})
    await read(reader, 10)
    reader.assign({TopicPartition(topic, 1): 4})
    found = await read(reader, 6)
    assert [(record.partition, record.offset) for record in found] == [(1, n) for n in range(4, 10)]


async def test_an_empty_topic_has_equal_ends(stage: Stage, reader: LogReader) -> None:
    """In an empty partition beginning, end and position are 0 and a poll returns nothing."""
    where = TopicPartition(await new_topic(stage), 0)
    reader.assign({where: 0})
    assert await reader.poll(10, 50) == []
    assert await reader.beginning_offsets([where]) == await reader.end_offsets([where]) == {where: 0}
    assert reader.position(where) == 0


async def test_partition_counts(stage: Stage, reader: LogReader) -> None:
    """A topic's partitions are counted, and a topic that does not exist has none and is not made by asking."""
    topic = await new_topic(stage, 3)
    assert await reader.partition_count(topic) == 3
    assert await reader.partition_count("no-such-topic") == 0
    assert await (await stage.log.admin()).describe(["no-such-topic"]) == {}


async def test_keys_headers_and_tombstones(stage: Stage, reader: LogReader) -> None:
    """Keys, values, headers and absent values arrive as they were written."""
    topic = await new_topic(stage)
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    headers = (("error-code", b"bad"), ("original-offset", b"7"))
    await writer.write([OutputRecord(topic, 0, b"k", b"v", headers), OutputRecord(topic, 0, b"k", None)])
    await writer.close()
    reader.assign({TopicPartition(topic, 0): 0})
    found = await read(reader, 2)
    assert [(r.key, r.value, r.headers) for r in found] == [(b"k", b"v", headers), (b"k", None, ())]


async def test_position_passes_markers_and_aborted_records(stage: Stage, reader: LogReader) -> None:
    """After everything was read the position is the end offset, although markers and aborted records lie before it."""
    topic = await new_topic(stage)
    where = TopicPartition(topic, 0)
    await stage.feed(where, [b"first"], 1_700_000_000_000)
    await stage.leave_open(f"id-{topic}", where)
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    await writer.close()
    end = (await reader.end_offsets([where]))[where]
    reader.assign({where: 0})
    assert [record.value for record in await read(reader, 1)] == [b"first"]
    while reader.position(where) < end:
        assert await reader.poll(10, 200) == []
    assert reader.position(where) == end == 3


async def test_open_transactions_hold_readers_back(stage: Stage, reader: LogReader) -> None:
    """Nothing behind an open transaction is read, the end lies before it, and what waits is counted, all of it."""
    topic = await new_topic(stage)
    where = TopicPartition(topic, 0)
    await stage.leave_open(f"id-{topic}", where)
    await stage.feed(where, [b"after"], 1_700_000_000_000)
    assert (await reader.end_offsets([where]))[where] == 0
    assert (await reader.written_offsets([where]))[where] == 2
    assert (await reader.end_offsets([where]))[where] == 0
    reader.assign({where: 0})
    assert await reader.poll(10, 300) == []
    await until(lambda: reader.unresolved(where) == 2)
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    await writer.close()
    assert [record.value for record in await read(reader, 1)] == [b"after"]
    await until(lambda: reader.unresolved(where) == 0)


async def test_offsets_by_time(stage: Stage, reader: LogReader) -> None:
    """The offset at a time is that of the first record not before it, and the end when there is none."""
    where = TopicPartition(await new_topic(stage), 0)
    await stage.feed(where, [b"a", b"b", b"c"], 1_700_000_000_000)
    assert await reader.offsets_at([where], 0) == {where: 0}
    assert await reader.offsets_at([where], 1_700_000_000_001) == {where: 1}
    assert await reader.offsets_at([where], 1_700_000_000_003) == {where: 3}


@pytest.mark.parametrize("position", [2, 99])
async def test_lost_positions_are_said(stage: Stage, reader: LogReader, position: int) -> None:
    """A position that retention has passed, or that lies beyond the end, is reported with its place."""
    where = TopicPartition(await new_topic(stage), 0)
    await stage.feed(where, [b"x"] * 10, 1_700_000_000_000)
    await stage.delete_before(where, 5)
    assert (await reader.beginning_offsets([where]))[where] == 5
    reader.assign({where: position})
    with pytest.raises(PositionLost) as lost:
        await read(reader, 1)
    assert (lost.value.where, lost.value.position) == (where, position)
    reader.assign({where: 5})
    assert len(await read(reader, 5)) == 5


async def test_stopping_twice_is_harmless(stage: Stage) -> None:
    """A reader may be stopped twice, and before it was started."""
    found = stage.log.reader()
    await found.stop()
    await found.start()
    await found.stop()
    await found.stop()
