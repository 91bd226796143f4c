"""Records too large for their topic: what may be left out so that the rest is told all the same.

An alarm without its proof is worth more than none, and more than a shard that stands still. What is remembered (the
changelog, requests between shards) is never shortened: it is refused until the topic takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.app.codec import Codec
from monitor.app.ports import OutputRecord
from monitor.app.topics import TopicNames
from monitor.core.events import digest_of

REMEMBERED_SECONDS = 60.0
"""A topic is believed to take no more than it did for so long: a refusal costs a second, and limits are raised."""
_LETTER_BYTES = (65_536, 16_384, 4_096, 1_024, 0)
"""A dead letter is cut to the first of these that is shorter than it, and again where that is refused too."""
_LEFT_OUT = ("evidence", "plan", "positions", "portfolio", "counterparties")
"""Parts of events and statuses that grow with the account or the market; the figures and the chain are in the rest."""


@dataclass(slots=True)
class Reducer:
    """Shorten records of one set of topics; `seconds` are of one monotonic clock, the caller's."""

    topics: TopicNames
    codec: Codec
    _refused: dict[str, tuple[int, float]] = field(default_factory=dict)
    """The least size a topic has refused lately, and when."""

    def refuse(self, record: OutputRecord, seconds: float) -> None:
        """Remember that a topic does not take a record."""
        least = self._limit(record.topic, seconds)
        self._refused[record.topic] = (min(_size(record), least or _size(record)), seconds)

    def fitting(self, records: Sequence[OutputRecord], seconds: float) -> list[OutputRecord]:
        """Return records, each made so small as its topic has last been found to take them, or as it can be made."""
        if not self._refused:
            return list(records)
        return [self._fit(record, self._limit(record.topic, seconds)) for record in records]

    def _limit(self, topic: str, seconds: float) -> int | None:
        least, at = self._refused.get(topic, (0, -REMEMBERED_SECONDS))
        if seconds - at >= REMEMBERED_SECONDS:
            self._refused.pop(topic, None)
            return None
        return least

    def _fit(self, record: OutputRecord, limit: int | None) -> OutputRecord:
        while limit is not None and _size(record) >= limit and (smaller := self.reduced(record)) is not None:
            record = smaller
        return record

    def reduced(self, record: OutputRecord) -> OutputRecord | None:
        """Return the record without what may be left out; None where nothing more may be."""
        if record.value is None:
            return None
        topics = self.topics
        if record.topic == topics.dead_letters:
            return _cut(record, record.value)
        if record.topic in (topics.margin_calls, topics.liquidations, topics.adl_events, topics.account_status):
            return self._without_details(record, record.value)
        return None

    def _without_details(self, record: OutputRecord, value: bytes) -> OutputRecord | None:
        body: dict[str, Any] = self.codec.decode(value)
        if "reduced" in body:
            return None
        gone = [name for name in _LEFT_OUT if body.get(name)]
        kept = {name: part for name, part in body.items() if name not in gone}
        kept["reduced"] = {"because": "too large for the topic", "bytes": len(value), "without": gone}
        if kept.pop("digest", None) is not None:
            kept["digest"] = digest_of(kept)
        shorter = self.codec.encode(kept)
        return record._replace(value=shorter) if len(shorter) < len(value) else None


def _size(record: OutputRecord) -> int:
    return len(record.key or b"") + len(record.value or b"")


def _cut(record: OutputRecord, value: bytes) -> OutputRecord | None:
    length = next((length for length in _LETTER_BYTES if length < len(value)), None)
    if length is None:
        return None
    headers = dict(record.headers)
    size = headers.get("original-size", str(len(value)).encode())
    headers |= {"truncated": b"true", "original-size": size}
    return record._replace(value=value[:length], headers=tuple(headers.items()))
