"""A test of the topic that shards and feeds share: each hears its own."""

from __future__ import annotations

import asyncio

from monitor.adapters.embedded import EmbeddedLog
from monitor.app.heartbeats import HeartbeatReader
from monitor.app.observing import SilentObserver
from monitor.app.ports import TopicSpec
from tests.waiting import until


async def test_the_heartbeat_of_a_feed_is_no_sign_of_life_of_a_shard() -> None:
    """A feed writes to the partition of a shard, under its own key: a shard that is silent stays silent."""
    log = EmbeddedLog(lambda: 0)
    log.create(TopicSpec("beats", 2, 1, {}))
    time = [0.0]
    reader = HeartbeatReader("beats", 2, log.reader(), lambda: time[0], SilentObserver())
    task = asyncio.create_task(reader.run())
    try:
        await until(lambda: bool(reader._positions))
        time[0] = 5.0
        log.produce("beats", b"feed/somewhere", b"{}", 0)
        log.produce("beats", b"1", b"{}", 1)
        await until(lambda: set(reader._positions.values()) == {1})
        assert reader.silences() == {0: 5.0, 1: 0.0}
    finally:
        task.cancel()
        await asyncio.wait({task})
