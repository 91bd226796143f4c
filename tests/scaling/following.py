"""What the outputs of a running group say about who judges: read live from the changelogs, and whole at the end."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.chaos.dump import Record, read_all


class Line(NamedTuple):
    """Hold one `__meta__` line: when it came into the log, who wrote it, its number, and how far prices were judged."""

    timestamp_ms: int
    writer: str
    counter: int
    judged: int


class Told(NamedTuple):
    """Hold one event: when it came into the log, when it was decided, its number, and the price that caused it."""

    timestamp_ms: int
    decided_at_ms: int
    sequence: int
    offset: int


class Watch:
    """Follow who wrote last to each shard's changelog, and when."""

    def __init__(self, servers: str, prefix: str, partitions: int) -> None:
        self._places = [TopicPartition(f"{prefix}liqmon-state", number) for number in range(partitions)]
        self._servers = servers
        self._consumer: AIOKafkaConsumer | None = None
        self.last: dict[int, tuple[str, float]] = {}
        self._judged: dict[int, int] = {}
        self._prices = f"{prefix}mark-prices"

    async def open(self) -> None:
        """Begin at the beginning."""
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=50,
        )
        await self._consumer.start()
        self._consumer.assign(self._places)
        for where in self._places:
            self._consumer.seek(where, 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until told to stop."""
        assert self._consumer is not None, "it is opened first"
        while not stop.is_set():
            for where, records in (await self._consumer.getmany(timeout_ms=50, max_records=5_000)).items():
                for record in records:
                    if record.key == b"__meta__":
                        body = json.loads(record.value)
                        self.last[where.partition] = (body["writer"], time.monotonic())
                        self._judged[where.partition] = body["inputs"].get(self._prices, {}).get("0", 0)
            await asyncio.sleep(0)

    async def until_shared_by(self, instances: int, *, gone: str | None = None, seconds: float = 120.0) -> None:
        """Wait until so many instances judge all shards between them, `gone` not being one of them."""
        async with asyncio.timeout(seconds):
            while not self._is_shared_by(instances, gone):  # noqa: ASYNC110 - what others write has no event
                await asyncio.sleep(0.05)

    async def until_judged(self, offset: int, seconds: float = 120.0) -> None:
        """Wait until every shard has judged the price at an offset."""
        async with asyncio.timeout(seconds):
            while len(self._judged) < len(self._places) or min(self._judged.values()) <= offset:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def _is_shared_by(self, instances: int, gone: str | None) -> bool:
        now = time.monotonic()
        writers = {writer for writer, since in self.last.values() if now - since < 2}
        fresh = all(now - since < 2 for _, since in self.last.values())
        return fresh and len(self.last) == len(self._places) and len(writers) == instances and gone not in writers

    def writers(self) -> dict[int, str]:
        """Return who wrote last to each shard."""
        return {shard: writer for shard, (writer, _) in self.last.items()}

    async def close(self) -> None:
        """Let the reader go."""
        if self._consumer is not None:
            await self._consumer.stop()


class Account(NamedTuple):
    """Hold all that was written about the shards of a run: metas and events of each, in order."""

    lines: dict[int, list[Line]]
    told: dict[int, list[Told]]


async def account_of(servers: str, prefix: str) -> Account:
    """Read the changelogs and the events."""
    state, calls = f"{prefix}liqmon-state", f"{prefix}margin-calls"
    dump = await read_all(servers, [state, calls])
    lines: dict[int, list[Line]] = {}
    for record in dump.of(state):
        if record.key == b"__meta__":
            lines.setdefault(record.partition, []).append(_line(record, f"{prefix}mark-prices"))
    told: dict[int, list[Told]] = {}
    for record in dump.of(calls):
        body: dict[str, Any] = json.loads(record.value or b"{}")
        if "sequence" in body:
            offset = body["cause"].get("offset", -1)
            one = Told(record.timestamp_ms, body["decided_at_ms"], body["sequence"], int(offset))
            told.setdefault(record.partition, []).append(one)
    return Account(lines, told)


def _line(record: Record, prices: str) -> Line:
    body = json.loads(record.value or b"{}")
    judged = body["inputs"].get(prices, {}).get("0", 0)
    return Line(record.timestamp_ms, body["writer"], body["counter"], judged)
