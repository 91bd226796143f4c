"""Migration: the accounts of N shards moved to M, with all that was told of them, while nobody judges.

The order of the steps lives here; what must hold before is in `checks`, where a line goes in `resharding`.

The old changelogs are closed before the first record is copied, the new ones opened after the last is checked: at any
moment at most one of the two can be run, and a migration that was cut off is finished by the same command.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from monitor.app.changelog import Meta, read_last_meta, weight
from monitor.app.codec import Codec
from monitor.app.image import Image
from monitor.app.ledger import Ledger, LedgerSettings
from monitor.app.migration.checks import (
    OWN,
    Inspection,
    Refused,
    count_complaints,
    meta_complaints,
    name_complaints,
    refuse_if,
)
from monitor.app.migration.copying import Copier, Watch
from monitor.app.migration.resharding import OF_ACCOUNTS
from monitor.app.migration.sides import Moved, Side, counted_image
from monitor.app.observing import SilentObserver
from monitor.app.ports import Log, LogReader, TopicPartition
from monitor.app.records import RecordMaker
from monitor.app.topics import GLOBAL_INPUTS

log = logging.getLogger(__name__)


class MovedWrongly(Exception):
    """What arrived is not what left: the new changelogs stay closed."""


class Migration:
    """Move all accounts from the topics of one configuration to those of another; one object for one run."""

    def __init__(
        self,
        log: Log,
        codec: Codec,
        old: Side,
        new: Side,
        *,
        now_ms: Callable[[], int],
        most_records: int,
        watch: Watch,
    ) -> None:
        self._log = log
        self._codec = codec
        self._old = old
        self._new = new
        self._now_ms = now_ms
        self._most = most_records
        self._watch = watch
        self._moved = Moved()
        self._writer_id = f"migration-{secrets.token_hex(8)}"

    async def run(self) -> Moved:
        """Look, close, copy, compare, open. Raises `Refused` before anything is changed, and the faults of the log."""
        async with self._reading() as reader:
            await self._measure(reader)
            try:
                await self._fence()
                metas = await self._metas(reader, self._old)
                arrived = await self._metas(reader, self._new)
                self._moved.before = any(meta is not None and not meta.closed for meta in arrived)
                if not self._moved.before:
                    await self._check(reader, metas, arrived)
                    await self._close()
                    copier = Copier(reader, self._codec, self._old, self._new, self._most, self._moved)
                    await copier.copy(self._unfinished, self._watch)
                    await self._compare(reader)
                await self._open(reader)
            finally:
                for ledger in (*self._old.ledgers, *self._new.ledgers):
                    await ledger.close()
        return self._moved

    @property
    def _closing(self) -> str:
        return f"its accounts move to {self._new.topics.state}, {self._new.shards} shards"

    @property
    def _unfinished(self) -> str:
        return f"the migration from {self._old.topics.state} has not finished"

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[LogReader]:
        reader = self._log.reader()
        try:
            await reader.start()
            yield reader
        finally:
            await reader.stop()

    async def _measure(self, reader: LogReader) -> None:
        """Count the shards of both sides, and make sure nobody judges."""
        old, new = self._old, self._new
        refuse_if(name_complaints(old.topics, new.topics))
        counts = await Inspection(reader).counts(getattr(side.topics, role) for side in (old, new) for role in OWN)
        refuse_if([*count_complaints(old.topics, counts, "old"), *count_complaints(new.topics, counts, "new")])
        admin = await self._log.admin()
        for group in sorted({old.group, new.group}):
            if members := await admin.members(group):
                raise Refused([f"the group {group} has {members} members: stop every instance first"])
        for side in (old, new):
            side.ledgers.extend(
                self._ledger(side, shard, counts[side.topics.state]) for shard in range(counts[side.topics.state])
            )
        self._moved = Moved(old.shards, new.shards)

    def _ledger(self, side: Side, shard: int, shards: int) -> Ledger:
        maker = RecordMaker(shard, shards, side.topics, self._codec)
        settings = LedgerSettings(side.group, shards, shard, side.topics.state)
        return Ledger(settings, self._log, self._codec, maker, self._writer_id, SilentObserver(), self._now_ms)

    async def _fence(self) -> None:
        """Lock out whoever may still write under an old or a new id."""
        for ledger in (*self._old.ledgers, *self._new.ledgers):
            await ledger.fence()

    async def _metas(self, reader: LogReader, side: Side) -> list[Meta | None]:
        return [await read_last_meta(reader, side.state(shard), self._codec) for shard in range(side.shards)]

    async def _check(self, reader: LogReader, metas: Sequence[Meta | None], arrived: Sequence[Meta | None]) -> None:
        """Refuse unless every old shard is ours, at the end of all it reads, and the new ones are ours to fill."""
        old, inspection = self._old, Inspection(reader)
        wrong = [
            text for shard, meta in enumerate(metas) for text in meta_complaints(shard, meta, old.group, old.shards)
        ]
        known = [meta for meta in metas if meta is not None]
        wrong += [
            f"an old changelog is closed: {meta.closed}" for meta in known if meta.closed not in ("", self._closing)
        ]
        wrong += [
            f"a new changelog is closed: {meta.closed}" for meta in arrived if meta and meta.closed != self._unfinished
        ]
        refuse_if(wrong)
        if not all(meta.closed for meta in known):
            wrong += await inspection.used(self._new.topics, self._new.shards)
        wrong += await inspection.unread(_least(meta.inputs for meta in known))
        for shard, ledger in enumerate(old.ledgers):
            ledger.begin(await counted_image(reader, old.state(shard), self._codec))
            wrong += self._promise_complaints(shard, ledger.image)
        refuse_if(wrong)

    def _promise_complaints(self, shard: int, image: Image) -> list[str]:
        latest = [until for body in image.promises.values() for *_, until in self._codec.decode(body)]
        if not latest or max(latest) <= self._now_ms():
            return []
        seconds = (max(latest) - self._now_ms()) / 1000
        return [f"shard {shard} has selected counterparties that may still be reduced; come again in {seconds:.0f} s"]

    async def _close(self) -> None:
        """Have no instance of the old shards ever begin again."""
        for ledger in self._old.ledgers:
            if not ledger.meta.closed:
                ledger.meta = replace(ledger.meta, closed=self._closing)
                await ledger.commit([], ledger.meta.inputs)

    async def _compare(self, reader: LogReader) -> None:
        """Read both sides once more; raise `MovedWrongly` unless all that goes with accounts arrived as it was."""
        before, after = await self._sums(reader, self._old), await self._sums(reader, self._new)
        for kind in OF_ACCOUNTS:
            if before[kind] != after[kind]:
                raise MovedWrongly(f"{before[kind]} lines of the kind {kind!r} left, {after[kind]} arrived (with sums)")
        refuse_if(await Inspection(reader).unread(_least(ledger.meta.inputs for ledger in self._old.ledgers)))

    async def _sums(self, reader: LogReader, side: Side) -> dict[bytes, tuple[int, int]]:
        """Return, by kind, how many lines the changelogs of a side hold, and the XOR of their weights."""
        sums = dict.fromkeys(OF_ACCOUNTS, (0, 0))
        for shard in range(side.shards):
            image = await counted_image(reader, side.state(shard), self._codec)
            for kind in OF_ACCOUNTS:
                count, total = sums[kind]
                for name, value in image.kinds()[kind].items():
                    count, total = count + 1, total ^ weight(kind + name.encode(), value)
                sums[kind] = count, total
        return sums

    async def _open(self, reader: LogReader) -> None:
        """Let the new shards begin: at the start of their own inputs, where the old ones stood in those of all."""
        everywhere: dict[TopicPartition, int] = {}
        for meta in await self._metas(reader, self._old):
            if meta is None or meta.closed != self._closing:
                raise Refused([f"{self._old.topics.state} was not closed by this migration, but there are new shards"])
            for where, offset in meta.inputs.items():
                if where.topic in self._shared_topics:
                    everywhere[where] = max(offset, everywhere.get(where, 0))
        arrived = await self._metas(reader, self._new)
        for shard, (ledger, meta) in enumerate(zip(self._new.ledgers, arrived, strict=True)):
            if meta is not None and not meta.closed:
                continue
            if ledger.image.meta is None:
                ledger.begin(await counted_image(reader, self._new.state(shard), self._codec))
            events = TopicPartition(self._new.topics.account_events, shard)
            ledger.meta = replace(ledger.meta, closed="")
            await ledger.commit([], everywhere | await reader.beginning_offsets([events]))

    @property
    def _shared_topics(self) -> frozenset[str]:
        return frozenset(getattr(self._new.topics, role) for role in GLOBAL_INPUTS)


def _least(inputs: Iterable[Mapping[TopicPartition, int]]) -> dict[TopicPartition, int]:
    """Return the least position of each input among shards."""
    least: dict[TopicPartition, int] = {}
    for positions in inputs:
        for where, offset in positions.items():
            least[where] = min(offset, least.get(where, offset))
    return least
