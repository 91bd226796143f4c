"""Copying: every line of the old changelogs, and what is shown of the accounts, written where it belongs now.

What must hold before and after is not known here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.app.changelog import records_between
from monitor.app.codec import Codec
from monitor.app.image import Image
from monitor.app.migration.resharding import home_of_status, homes_of
from monitor.app.migration.sides import Moved, Side, counted_image
from monitor.app.ports import LogReader, OutputRecord, TopicPartition
from monitor.app.records import split

log = logging.getLogger(__name__)

Watch = Callable[[Sequence[int], str], Iterable[int]]
"""Passes numbers on one by one, and may show a person how many are left."""


class Copier:
    """Copy from one side to the other; the old ledgers hold the images, the new ones get their records."""

    def __init__(self, reader: LogReader, codec: Codec, old: Side, new: Side, most_records: int, moved: Moved) -> None:
        self._reader = reader
        self._codec = codec
        self._old = old
        self._new = new
        self._most = most_records
        self._moved = moved

    async def copy(self, unfinished: str, watch: Watch) -> None:
        """Write everything into changelogs that are closed, with `unfinished` as the reason."""
        for shard, ledger in enumerate(self._new.ledgers):
            ledger.begin(await counted_image(self._reader, self._new.state(shard), self._codec))
            ledger.meta = replace(ledger.meta, closed=unfinished)
        samples: Mapping[str, bytes] = {}
        for shard in watch(range(self._old.shards), "shards"):
            image = self._old.ledgers[shard].image
            self._moved.accounts += len(image.facts)
            samples = max(samples, image.samples, key=len)
            await self._write(self._lines(replace(image, samples={})))
            await self._write(await self._statuses(shard))
            log.info("shard %d is copied: %d accounts", shard, len(image.facts))
        await self._write(self._lines(Image(samples=dict(samples))))

    def _lines(self, image: Image) -> list[OutputRecord]:
        topic, shards = self._new.topics.state, self._new.shards
        found = [
            OutputRecord(topic, home, kind + name.encode(), value)
            for kind, kept in image.kinds().items()
            for name, value in kept.items()
            for home in homes_of(kind, name, value, shards, self._codec)
        ]
        self._moved.lines += len(found)
        return found

    async def _statuses(self, shard: int) -> list[OutputRecord]:
        """Return what is shown of the accounts of an old shard, for those who read the new topic alone."""
        where = TopicPartition(self._old.topics.account_status, shard)
        shown: dict[bytes, bytes] = {}
        begin = (await self._reader.beginning_offsets([where]))[where]
        end = (await self._reader.end_offsets([where]))[where]
        async for record in records_between(self._reader, where, begin, end):
            key = record.key or b""
            shown.pop(key, None)
            if record.value is not None:
                shown[key] = record.value
        self._moved.statuses += len(shown)
        topic, shards = self._new.topics.account_status, self._new.shards
        return [OutputRecord(topic, home_of_status(key, shards), key, value) for key, value in shown.items()]

    async def _write(self, records: Iterable[OutputRecord]) -> None:
        by_shard: dict[int, list[OutputRecord]] = {}
        for record in records:
            by_shard.setdefault(record.partition, []).append(record)
        for shard, mine in by_shard.items():
            for part in split(([record] for record in mine), self._most):
                await self._new.ledgers[shard].commit(part, {})
