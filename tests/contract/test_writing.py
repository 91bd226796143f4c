"""What writers may rely on, whatever the log: transactions are whole, and one writer of an id lives at a time."""

from __future__ import annotations

import random

import pytest

from monitor.app.ports import OutputRecord, Record, RecordRefused, RecordTooLarge, TopicPartition, WriterFenced
from tests.contract.stages import Stage, new_topic
from tests.waiting import read


async def _committed(stage: Stage, *topics: str) -> list[Record]:
    """Return everything readers can see in partition 0 of topics, read to the ends as they are now."""
    reader = stage.log.reader()
    await reader.start()
    where = [TopicPartition(topic, 0) for topic in topics]
    ends = await reader.end_offsets(where)
    reader.assign(dict.fromkeys(where, 0))
    found: list[Record] = []
    while any(reader.position(each) < end for each, end in ends.items()):
        found += await reader.poll(1_000, 200)
    await reader.stop()
    return sorted(found)


async def test_a_transaction_reaches_all_its_topics(stage: Stage) -> None:
    """One write puts records into several topics and partitions and states consumed offsets."""
    left, right, source = await new_topic(stage, 2), await new_topic(stage), await new_topic(stage)
    writer = stage.log.writer(f"id-{left}")
    await writer.fence()
    records = [OutputRecord(topic, 0, b"%d" % n, b"v%d" % n) for n in range(50) for topic in (left, right)]
    await writer.write([*records, OutputRecord(left, 1, b"k", b"other")], {TopicPartition(source, 0): 7})
    await writer.write([OutputRecord(left, 0, b"last", b"v")])
    await writer.close()
    found = await _committed(stage, left, right)
    assert [r.key for r in found if r.topic == left] == [*(b"%d" % n for n in range(50)), b"last"]
    assert [r.value for r in found if r.topic == right] == [b"v%d" % n for n in range(50)]


async def test_large_transactions_keep_their_order(stage: Stage) -> None:
    """Thousands of records of one partition are committed together, in order."""
    topic = await new_topic(stage)
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    await writer.write([OutputRecord(topic, 0, b"%d" % n, bytes(300)) for n in range(5_000)])
    await writer.close()
    assert [record.key for record in await _committed(stage, topic)] == [b"%d" % n for n in range(5_000)]


async def test_a_younger_writer_locks_the_older_out(stage: Stage) -> None:
    """After another writer has fenced, the older one can write nothing more and learns it."""
    topic = await new_topic(stage)
    older, younger = stage.log.writer(f"id-{topic}"), stage.log.writer(f"id-{topic}")
    await older.fence()
    await older.write([OutputRecord(topic, 0, b"k", b"older")])
    await younger.fence()
    with pytest.raises(WriterFenced):
        await older.write([OutputRecord(topic, 0, b"k", b"zombie")])
    await younger.write([OutputRecord(topic, 0, b"k", b"younger")])
    await older.close()
    await younger.close()
    assert [record.value for record in await _committed(stage, topic)] == [b"older", b"younger"]


async def test_other_ids_are_not_fenced(stage: Stage) -> None:
    """Fencing one transactional id leaves the writers of others alone."""
    topic = await new_topic(stage)
    one, other = stage.log.writer(f"one-{topic}"), stage.log.writer(f"other-{topic}")
    await one.fence()
    await other.fence()
    await one.write([OutputRecord(topic, 0, b"k", b"one")])
    await one.close()
    await other.close()
    assert [record.value for record in await _committed(stage, topic)] == [b"one"]


async def test_the_end_after_a_fence_covers_all_that_was_committed(stage: Stage) -> None:
    """The end offset asked for after a fence lies behind every record older writers ever committed."""
    topic = await new_topic(stage)
    for n in range(5):
        writer = stage.log.writer(f"id-{topic}")
        await writer.fence()
        assert [record.value for record in await _committed(stage, topic)] == [b"%d" % m for m in range(n)]
        await writer.write([OutputRecord(topic, 0, b"k", b"%d" % n)])
        await writer.close()


async def test_a_refused_record_takes_its_transaction_with_it(stage: Stage) -> None:
    """When one record is refused nothing of the transaction is ever seen, and the next writer goes on."""
    topic, other = await new_topic(stage, 1, {"max.message.bytes": "20000"}), await new_topic(stage)
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    too_large = OutputRecord(topic, 0, b"large", random.Random(1).randbytes(50_000))  # compression will not save it
    with pytest.raises(RecordRefused):
        await writer.write([OutputRecord(other, 0, b"k", b"seen?"), OutputRecord(topic, 0, b"k", b"v"), too_large])
    await writer.close()
    again = stage.log.writer(f"id-{topic}")
    await again.fence()
    assert await _committed(stage, topic, other) == []
    await again.write([OutputRecord(other, 0, b"k", b"good")])
    await again.close()
    assert [record.value for record in await _committed(stage, topic, other)] == [b"good"]


async def test_a_record_too_large_is_named(stage: Stage) -> None:
    """Within two tries the writer names the record its topic does not take, however many travel beside it."""
    topic = await new_topic(stage, 1, {"max.message.bytes": "20000"})
    small = [OutputRecord(topic, 0, b"%d" % n, random.Random(n).randbytes(500)) for n in range(100)]
    too_large = OutputRecord(topic, 0, b"large", random.Random(1).randbytes(50_000))
    for _ in range(2):
        writer = stage.log.writer(f"id-{topic}")
        await writer.fence()
        with pytest.raises(RecordRefused) as refused:
            await writer.write([*small[:50], too_large, *small[50:]])
        await writer.close()
        if isinstance(refused.value, RecordTooLarge):
            break
    assert isinstance(refused.value, RecordTooLarge)
    assert refused.value.record == too_large
    again = stage.log.writer(f"id-{topic}")
    await again.fence()
    await again.write(small)
    await again.close()
    assert [record.key for record in await _committed(stage, topic)] == [record.key for record in small]


@pytest.mark.parametrize("key", [None, b"k"])
async def test_records_nobody_can_take_are_refused(stage: Stage, key: bytes | None) -> None:
    """A partition that does not exist refuses records, and a compacted topic those without a key."""
    topic = await new_topic(stage, 1, {"cleanup.policy": "compact"})
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    with pytest.raises(RecordRefused):
        await writer.write([OutputRecord(topic, 0 if key is None else 5, key, b"v")])
    await writer.close()


async def test_an_empty_transaction_is_no_trouble(stage: Stage) -> None:
    """Writing nothing succeeds and the writer goes on."""
    topic = await new_topic(stage)
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    await writer.write([])
    await writer.write([OutputRecord(topic, 0, b"k", b"v")])
    await writer.close()
    assert len(await _committed(stage, topic)) == 1


async def test_a_tail_reader_sees_a_commit(stage: Stage) -> None:
    """A reader that waits at the end gets the records of a transaction once it is committed."""
    topic = await new_topic(stage)
    reader = stage.log.reader()
    await reader.start()
    reader.assign({TopicPartition(topic, 0): 0})
    assert await reader.poll(10, 50) == []
    writer = stage.log.writer(f"id-{topic}")
    await writer.fence()
    await writer.write([OutputRecord(topic, 0, b"k", b"v")])
    assert [record.value for record in await read(reader, 1)] == [b"v"]
    await writer.close()
    await reader.stop()
