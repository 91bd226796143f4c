"""Watching the inputs: data behind an open transaction that nobody ends, and inputs from which nothing comes.

Readers note here what they see after each poll; deciding is pure, what becomes of it is the watch's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from monitor.app.ports import LogReader, Record, TopicPartition


@dataclass(slots=True)
class _Seen:
    """Hold what is known of one partition; times are seconds of the notes' clock, `timestamp_ms` is the log's."""

    position: int
    arrived: float
    waiting: int = 0
    waiting_since: float = 0.0
    timestamp_ms: int | None = None


@dataclass(slots=True)
class InputWatch:
    """Keep what the readers of this instance have seen of each input partition."""

    clock: Callable[[], float]
    _seen: dict[TopicPartition, _Seen] = field(default_factory=dict)

    def note(self, reader: LogReader, where: TopicPartition, timestamp_ms: int | None = None) -> None:
        """Note what a reader knows after a poll; `timestamp_ms` is that of the last record, when any came."""
        now, position, waiting = self.clock(), reader.position(where), reader.unresolved(where)
        seen = self._seen.get(where)
        if seen is None:
            seen = self._seen[where] = _Seen(position, now)
        if not waiting or not seen.waiting or position != seen.position:
            seen.waiting_since = now
        seen.position, seen.waiting = position, waiting
        if timestamp_ms is not None:
            seen.arrived, seen.timestamp_ms = now, timestamp_ms

    def forget(self, where: TopicPartition) -> None:
        """Watch a partition no more: its shard is not ours."""
        self._seen.pop(where, None)

    def behind_open_transactions(self, budget_seconds: float) -> dict[str, str]:
        """Return the partitions whose data wait too long behind a last stable offset that does not move, and why."""
        now = self.clock()
        found: dict[str, str] = {}
        for where, seen in sorted(self._seen.items()):
            seconds = now - seen.waiting_since
            if seen.waiting and seconds >= budget_seconds:
                name = f"{where.topic}[{where.partition}]"
                found[name] = f"{name}: {seen.waiting} offsets wait behind a transaction, open for {seconds:.0f} s"
        return found

    def age_ms(self, topic: str, now_ms: int) -> float | None:
        """Return the age of the last record of a topic by the log's clock; where none was ever seen, how long not."""
        seen = [one for where, one in self._seen.items() if where.topic == topic]
        stamps = [one.timestamp_ms for one in seen if one.timestamp_ms is not None]
        if stamps:
            return now_ms - max(stamps)
        return self.quiet_ms(topic)

    def quiet_ms(self, topic: str) -> float | None:
        """Return for how long nothing has come from any watched partition of a topic; None: none is watched."""
        arrived = [one.arrived for where, one in self._seen.items() if where.topic == topic]
        return (self.clock() - max(arrived)) * 1000 if arrived else None


def times_of(records: Iterable[Record]) -> dict[TopicPartition, int]:
    """Return the log's time of the last of some records, by partition."""
    last = {record[:2]: record.timestamp_ms for record in records}  # one name for each partition, not for each record
    return {TopicPartition(*where): time_ms for where, time_ms in last.items()}
