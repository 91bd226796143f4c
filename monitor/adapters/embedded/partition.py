"""One partition in memory: offsets, visibility, retention and compaction; topics and files are the store's business."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from operator import attrgetter

from monitor.app.ports import Record

_offset = attrgetter("offset")


@dataclass(slots=True)
class Partition:
    """Hold the committed records of one partition in order of offset.

    Commit and abort markers take an offset each, as do records of aborted transactions, so positions have gaps like
    those of a real broker. `open` holds the first offset of each transaction nobody has resolved yet.
    """

    start: int = 0
    end: int = 0
    records: list[Record] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)

    def last_stable(self) -> int:
        """Return the offset before which every transaction is resolved: readers see no further."""
        return min(self.open.values(), default=self.end)

    def append(self, record: Record) -> None:
        """Add a committed record; its offset must be `end`."""
        self.records.append(record)
        self.end = record.offset + 1

    def read(self, position: int, limit: int) -> tuple[list[Record], int]:
        """Return up to `limit` visible records from `position` on, and the position after them."""
        stable = self.last_stable()
        first = bisect_left(self.records, position, key=_offset)
        found = self.records[first : first + limit]
        while found and found[-1].offset >= stable:
            found.pop()
        if len(found) == limit:
            return found, found[-1].offset + 1
        return found, max(position, stable)

    def first_at(self, timestamp_ms: int) -> int:
        """Return the first offset whose timestamp is not before `timestamp_ms`; the last stable offset without one."""
        later = (record.offset for record in self.records if record.timestamp_ms >= timestamp_ms)
        return next(later, self.last_stable())

    def delete_before(self, offset: int) -> None:
        """Forget everything before `offset` (at most the last stable offset)."""
        self.start = max(self.start, min(offset, self.last_stable()))
        del self.records[: bisect_left(self.records, self.start, key=_offset)]

    def expire(self, oldest_ms: int) -> None:
        """Forget the leading records that are older than `oldest_ms`."""
        self.delete_before(self.first_at(oldest_ms))

    def compact(self, tombstones_before_ms: int | None = None, head: int = 0) -> None:
        """Keep the last record of each key; tombstones older than `tombstones_before_ms` go as well.

        The newest `head` offsets stay as they are.
        """
        last: dict[bytes | None, int] = {record.key: record.offset for record in self.records}
        oldest_ms = -math.inf if tombstones_before_ms is None else tombstones_before_ms

        def stays(record: Record) -> bool:
            is_last = last[record.key] == record.offset
            return record.offset >= self.end - head or (
                is_last and (record.value is not None or record.timestamp_ms >= oldest_ms)
            )

        self.records = [record for record in self.records if stays(record)]
