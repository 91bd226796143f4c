"""Stalls: tells when a record has waited in vain for its predecessor.

The predecessor was written before, or in the same transaction. So once every event topic of the partition is read up to
where it ended after the record was seen, and no transaction is open there for a while, it is nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from monitor.app.gateway.places import Places
from monitor.app.ports import LogReader, TopicPartition


@dataclass(slots=True)
class _Stall:
    """Hold where the topics of a partition ended, and since when all of that is read."""

    ends: Mapping[TopicPartition, int]
    since: float | None = None


class Stalls:
    """Watch the partitions in which something waits."""

    def __init__(self, places: Places, reader: LogReader, settle_seconds: float, clock: Callable[[], float]) -> None:
        self._places = places
        self._reader = reader
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._stalls: dict[int, _Stall] = {}

    async def over(self, blocked: Set[int]) -> list[int]:
        """Return the partitions in which waiting is in vain. Raises `LogUnavailable`."""
        for partition in self._stalls.keys() - blocked:
            del self._stalls[partition]
        found = []
        for partition in blocked:
            stall = self._stalls.get(partition)
            if stall is None:
                where = [TopicPartition(topic, partition) for topic in self._places.events]
                self._stalls[partition] = _Stall(await self._reader.end_offsets(where))
            elif not self._is_read(stall.ends):
                stall.since = None
            elif stall.since is None:
                stall.since = self._clock()
            elif self._clock() - stall.since >= self._settle_seconds:
                found.append(partition)
                del self._stalls[partition]
        return found

    def _is_read(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all(
            self._reader.position(where) >= end and self._reader.unresolved(where) == 0 for where, end in ends.items()
        )
