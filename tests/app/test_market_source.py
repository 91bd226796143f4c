"""Tests of the one reading of shard 0's changelog that feed and shard share."""

from __future__ import annotations

import asyncio
from typing import Any

from monitor.app.observing import SilentObserver
from monitor.app.ports import LogUnavailable, Record, TopicPartition
from monitor.app.provenance import MarketSource
from monitor.app.recovery_settings import RecoverySettings
from monitor.app.snapshots import SnapshotName, Snapshots
from tests.app.lab import virtual

WHERE = TopicPartition("state", 0)
RECORDS = [Record(*WHERE, 0, 5, b"f|a", b"1"), Record(*WHERE, 1, 6, b"i|BTCUSDT", b"{}")]


class SlowReader:
    """Read two records once it may, or fail then."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.may_go = asyncio.Event()
        self._fault = fault
        self._next = 0

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Say 0."""
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Say 2."""
        return dict.fromkeys(partitions, len(RECORDS))

    def assign(self, positions: dict[TopicPartition, int]) -> None:
        """Go there."""
        self._next = positions[WHERE]

    def position(self, where: TopicPartition) -> int:
        """Return the next offset."""
        return self._next

    async def poll(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Wait, then return what is left."""
        await self.may_go.wait()
        if self._fault is not None:
            raise self._fault
        begin, self._next = self._next, len(RECORDS)
        return RECORDS[begin:]


def new_source() -> MarketSource:
    """Return a source where no snapshots are kept."""

    async def refuse(work: Any) -> Any:
        raise AssertionError("there is no snapshot to be read")

    snapshots = Snapshots(RecoverySettings(), None, refuse, SilentObserver(), lambda: 0)
    codec: Any = None
    return MarketSource(WHERE, codec, snapshots, SnapshotName("liqmon", 1, 0))


async def both(reader: Any, source: MarketSource) -> list[Any]:
    """Let the feed read and shard 0 ask meanwhile; return what each got."""
    feed = asyncio.create_task(source.read(reader))
    await asyncio.sleep(0)
    shard = asyncio.create_task(source.whole(WHERE))
    other = asyncio.create_task(source.whole(TopicPartition("state", 1)))
    await asyncio.sleep(0)
    assert await other is None, "another shard waits for nothing"
    assert not shard.done()
    reader.may_go.set()
    return await asyncio.gather(feed, shard, return_exceptions=True)


@virtual
async def test_a_shard_that_asks_while_the_feed_reads_gets_what_it_reads() -> None:
    """One image, with accounts, terms and who was touched; who asks before or after reads on its own."""
    source = new_source()
    assert await source.whole(WHERE) is None
    read, got = await both(SlowReader(), source)
    assert got is read
    assert (got.facts, got.instruments, got.next_offset) == ({"a": b"1"}, {"BTCUSDT": b"{}"}, 2)
    assert dict(got.touched) == {"a": (0, 5)}
    assert await source.whole(WHERE) is None


@virtual
async def test_a_reading_that_fails_leaves_the_shard_to_read_on_its_own() -> None:
    """The fault is the feed's alone."""
    fault = LogUnavailable("away")
    assert await both(SlowReader(fault), new_source()) == [fault, None]
