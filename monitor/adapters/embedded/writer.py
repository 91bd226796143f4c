"""The transactional writer of the embedded log: one object for one epoch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from monitor.adapters.embedded.faults import WriteFault
from monitor.adapters.embedded.store import Store
from monitor.app.ports import OutcomeUnknown, OutputRecord, RecordRefused, TopicPartition, WriterFenced


class EmbeddedWriter:
    """Write transactions under one transactional id."""

    def __init__(self, store: Store, transactional_id: str) -> None:
        self._store = store
        self._id = transactional_id
        self._epoch: int | None = None

    async def fence(self) -> None:
        """Lock older writers out and abort what they left open."""
        await asyncio.sleep(0)
        self._store.faults.check()
        self._epoch = self._store.take_over(self._id)

    async def write(
        self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Write one transaction; the object is spent when it raises."""
        assert self._epoch is not None, "a writer writes after fence() and until its first fault"
        epoch, self._epoch = self._epoch, None
        faults = self._store.faults
        if faults.before_write is not None:
            await faults.before_write(self._id)
        await asyncio.sleep(0)
        if faults.unavailable or faults.forbidden:
            raise OutcomeUnknown("the embedded log was told to be away")
        self._store.check_epoch(self._id, epoch)
        self._write(records, faults.take_write(self._id))
        self._store.consumed.setdefault(self._id, {}).update(consumed or {})
        self._epoch = epoch

    async def close(self) -> None:
        """Let the object go; what it left open waits for the next epoch."""
        self._epoch = None

    def _write(self, records: Sequence[OutputRecord], fault: WriteFault | None) -> None:
        try:
            self._store.check(records)
        except RecordRefused:
            self._leave_open(records)
            raise
        match fault:
            case None:
                self._store.commit(records, markers=True)
            case WriteFault.REFUSED:
                self._leave_open(records)
                raise RecordRefused(fault.value)
            case WriteFault.LOST_BEFORE_COMMIT:
                self._leave_open(records)
                raise OutcomeUnknown(fault.value)
            case WriteFault.LOST_AFTER_COMMIT:
                self._store.commit(records, markers=True)
                raise OutcomeUnknown(fault.value)
            case WriteFault.FENCED:
                self._store.take_over(self._id)
                raise WriterFenced(fault.value)

    def _leave_open(self, records: Sequence[OutputRecord]) -> None:
        known = [r for r in records if self._store.partition(TopicPartition(r.topic, r.partition)) is not None]
        self._store.leave_open(self._id, known)
