"""The ledger of a shard: writes its transactions, and finds out what became of one whose outcome is unknown.

The protocol of counter, writer id and fence lives here; what is written is made elsewhere. A step's records never
change between tries, so writing them again after a failure that left nothing behind is the same step.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.app.changelog import META_KEY, Meta, ahead_of, check_owner, read_last_meta
from monitor.app.codec import Codec
from monitor.app.image import Image
from monitor.app.observing import Observer
from monitor.app.ports import (
    Log,
    LogFault,
    LogUnavailable,
    OutcomeUnknown,
    OutputRecord,
    RecordRefused,
    RecordTooLarge,
    ShardWriter,
    TopicPartition,
    WriterFenced,
)
from monitor.app.records import RecordMaker
from monitor.app.reducing import Reducer

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
REFUSED_SECONDS = 5.0
"""A record that cannot be made smaller is tried again this often: each try fences a writer and says so once more."""


class OwnershipLost(Exception):
    """Another writer has this shard: what is in memory is worth nothing any more."""


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """Hold the names a ledger writes under."""

    group: str
    shards: int
    shard: int
    state_topic: str

    @property
    def transactional_id(self) -> str:
        """The id all writers of this shard share: the younger locks the older out."""
        return f"{self.group}-{self.shards}-{self.shard}"

    @property
    def where(self) -> TopicPartition:
        """The changelog of this shard."""
        return TopicPartition(self.state_topic, self.shard)


async def _at_once() -> None:
    """Permit every transaction."""


class Ledger:
    """Write one shard's transactions in order; at most one is under way, each begun when `permit` returns."""

    def __init__(
        self,
        settings: LedgerSettings,
        log: Log,
        codec: Codec,
        maker: RecordMaker,
        writer_id: str,
        observer: Observer,
        now_ms: Callable[[], int],
        permit: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self.settings = settings
        self._log = log
        self._codec = codec
        self._maker = maker
        self._reducer = Reducer(maker.topics, codec)
        self._writer_id = writer_id
        self._observer = observer
        self._now_ms = now_ms
        self._permit = permit
        self._writer: ShardWriter | None = None
        self.shown_before = 0
        self.image = Image(hash=0)
        self.meta = Meta(settings.group, settings.shards, writer_id, incarnation=secrets.token_hex(8))

    def begin(self, image: Image) -> None:
        """Go on from what the changelog holds, read after the fence and counted; it is kept current from here on.

        Raises `DamagedState` where that is not what its last writer left.
        """
        image.check()
        self.image = image
        if image.meta is not None:
            self.meta = replace(image.meta, incarnation=image.meta.incarnation or self.meta.incarnation)
            self.shown_before = self.meta.shown_before

    async def fence(self) -> None:
        """Lock older writers out; waits out a log that does not answer."""
        while True:
            await self.close()
            writer = self._log.writer(self.settings.transactional_id)
            try:
                await writer.fence()
            except (LogUnavailable, OutcomeUnknown, WriterFenced) as fault:
                self._observer.log_fault(type(fault).__name__)
                await writer.close()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._writer = writer
                return

    async def close(self) -> None:
        """Let the writer go."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()

    async def commit_parts(
        self,
        parts: Sequence[Sequence[OutputRecord]],
        before: Mapping[TopicPartition, int],
        inputs: Mapping[TopicPartition, int],
        consumed: Mapping[TopicPartition, int] | None = None,
        *,
        goes_on: bool = False,
    ) -> None:
        """Write several transactions; the inputs count as used up with the last. Raises `OwnershipLost`.

        `before` is how far the inputs were used up by what came before: messages that brought about nothing may not
        have been committed yet, and whoever takes over amid the parts must not judge them against what these tell. He
        is told what is unfinished. `goes_on`: these are not all parts yet.
        """
        *first, last = parts
        for part in parts if goes_on else first:
            await self.commit(part, before, unfinished=ahead_of(before, inputs))
        if not goes_on:
            await self.commit(last, inputs, consumed)

    async def commit(
        self,
        records: Sequence[OutputRecord],
        inputs: Mapping[TopicPartition, int],
        consumed: Mapping[TopicPartition, int] | None = None,
        unfinished: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """Write records and the line that says how far the inputs are used up, in one transaction, whatever it takes.

        Raises `OwnershipLost` when another writer has the shard, and what `permit` raises.
        """
        kept = [record for record in records if record.topic == self.settings.state_topic]
        total = self.image.hash_after((record.key or b"", record.value) for record in kept)
        meta = self.meta.next(self._writer_id, inputs, total, self.shown_before, unfinished or {})
        started = time.perf_counter()
        batch = self._reducer.fitting([*records, self._maker.meta(meta.body(), META_KEY)], started)
        while True:
            assert self._writer is not None, "a ledger is fenced before it commits"
            await self._permit()
            try:
                await self._writer.write(batch, consumed)
                break
            except WriterFenced as fault:
                raise OwnershipLost(str(fault)) from fault
            except (OutcomeUnknown, LogUnavailable, RecordRefused) as fault:
                self._observer.log_fault(type(fault).__name__)
                log.warning("shard %d: a transaction failed, asking the log: %s", self.settings.shard, fault)
                if isinstance(fault, RecordTooLarge):
                    batch = await self._with_less(batch, fault)
                await asyncio.sleep(RETRY_SECONDS)
                if await self._was_committed(meta):
                    break
        self.meta = meta
        self.image.accept(kept, meta, self._now_ms())
        self._observer.transaction(time.perf_counter() - started, len(batch))

    async def _with_less(self, batch: list[OutputRecord], fault: RecordTooLarge) -> list[OutputRecord]:
        """Return the batch with the records that their topic does not take made smaller, said aloud.

        What cannot be made smaller is tried again, slowly: losing it would break the shard's memory or its chains, and
        an operator can let the topic take it.
        """
        now = time.perf_counter()
        self._reducer.refuse(fault.record, now)
        smaller = self._reducer.fitting(batch, now)
        if fault.record in smaller:
            log.critical(
                "shard %d stands still until max.message.bytes of %s is raised: %s",
                self.settings.shard,
                fault.record.topic,
                fault,
            )
            await asyncio.sleep(REFUSED_SECONDS)
            return batch
        log.error("shard %d tells less than it should: %s; raise its max.message.bytes", self.settings.shard, fault)
        return smaller

    async def _was_committed(self, meta: Meta) -> bool:
        """Return whether the transaction that ends with `meta` stands in the log, as a new writer finds it."""
        await self.fence()
        last = await self._last_meta()
        check_owner(last, self.settings.group, self.settings.shards)
        counter, writer = (0, self._writer_id) if last is None else (last.counter, last.writer)
        if (counter, writer) == (meta.counter, meta.writer):
            return True
        if (counter, writer) == (self.meta.counter, self.meta.writer):
            return False
        raise OwnershipLost(f"the changelog has gone on without us: counter {counter} of {writer}")

    async def _last_meta(self) -> Meta | None:
        while True:
            reader = self._log.reader()
            try:
                await reader.start()
                return await read_last_meta(reader, self.settings.where, self._codec)
            except LogFault as fault:
                if not isinstance(fault, LogUnavailable):
                    raise
                self._observer.log_fault(type(fault).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                await reader.stop()
