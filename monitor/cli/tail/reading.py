"""Reading for `tail`: batches of committed events from where it begins; a log that is away is waited for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence

from monitor.app.ports import Log, LogReader, LogUnavailable, Record, TopicPartition
from monitor.cli.exits import BadInput, OutsideFault
from monitor.cli.tail.starting import Ago, Edge, Start

_POLL_RECORDS = 2_000
_POLL_MS = 200
_RETRY_SECONDS = 1.0


class Reading:
    """Read topics; `start` says from where."""

    def __init__(self, log: Log, topics: Sequence[str], prefix: str, start: Start, now_ms: Callable[[], int]) -> None:
        self._log = log
        self._topics = topics
        self._prefix = prefix
        self._start = start
        self._now_ms = now_ms
        self._positions: dict[TopicPartition, int] = {}

    async def batches(self, *, follow: bool) -> AsyncIterator[list[Record]]:
        """Yield what comes, by time within a batch; without `follow` up to what stood there at the start.

        Raises `BadInput` for a topic or partition that does not exist, `OutsideFault` where the log is away and nobody
        waits for what comes.
        """
        while True:
            reader = self._log.reader()
            try:
                await reader.start()
                self._positions = self._positions or await self._begin(reader)
                ends = {} if follow else await reader.end_offsets(self._positions)
                reader.assign(self._positions)
                while follow or any(reader.position(where) < end for where, end in ends.items()):
                    records = await reader.poll(_POLL_RECORDS, _POLL_MS)
                    self._positions = {where: reader.position(where) for where in self._positions}
                    if not follow:
                        records = [r for r in records if r.offset < ends[TopicPartition(r.topic, r.partition)]]
                    yield sorted(records, key=lambda record: (record.timestamp_ms, record.offset))
            except LogUnavailable as fault:
                if not follow:
                    raise OutsideFault(f"the log does not answer: {fault}") from fault
                print(f"liqmon: waiting: {fault}", file=sys.stderr, flush=True)
            else:
                return
            finally:
                await reader.stop()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _begin(self, reader: LogReader) -> dict[TopicPartition, int]:
        counts = {topic: await reader.partition_count(topic) for topic in self._topics}
        if missing := [topic for topic, count in counts.items() if not count]:
            raise BadInput(f"{missing[0]}: there is no such topic; `liqmon topics create` makes it")
        everything = [TopicPartition(topic, number) for topic in self._topics for number in range(counts[topic])]
        if self._start.offsets:
            return await self._named(reader, everything)
        how = self._start.everywhere
        if isinstance(how, Edge):
            return await (reader.end_offsets if how.is_end else reader.beginning_offsets)(everything)
        return await reader.offsets_at(
            everything, self._now_ms() - how.span_ms if isinstance(how, Ago) else how.time_ms
        )

    async def _named(self, reader: LogReader, everything: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offsets that were named, not before what is kept and not beyond the end."""
        found = {TopicPartition(self._prefix + topic, number): at for (topic, number), at in self._start.offsets}
        if unknown := found.keys() - set(everything):
            where = next(iter(unknown))
            raise BadInput(
                f"--offset: {where.topic} has no partition {where.partition}, or is not among the topics read"
            )
        begins, ends = await reader.beginning_offsets(found), await reader.end_offsets(found)
        return {where: min(max(at, begins[where]), ends[where]) for where, at in found.items()}
