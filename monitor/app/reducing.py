"""Records too large for their topic: what may be left out so that the rest is told all the same.

An alarm without its proof is worth more than none, and more than a shard that stands still. What is remembered (the
changelog, requests between shards) is never shortened: it is refused until the topic takes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitor.app.codec import Codec
from monitor.app.ports import OutputRecord
from monitor.app.topics import TopicNames
from monitor.core.events import digest_of

_LETTER_BYTES = (65_536, 4_096, 0)
"""A dead letter is cut to the first of these that is shorter than it, and again where that is refused too."""
_LEFT_OUT = ("evidence", "plan", "positions", "portfolio", "counterparties")
"""Parts of events and statuses that grow with the account or the market; the figures and the chain are in the rest."""


@dataclass(frozen=True, slots=True)
class Reducer:
    """Shorten records of one set of topics."""

    topics: TopicNames
    codec: Codec

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


def _cut(record: OutputRecord, value: bytes) -> OutputRecord | None:
    length = next((length for length in _LETTER_BYTES if length < len(value)), None)
    if length is None:
        return None
    headers = dict(record.headers)
    size = headers.get("original-size", str(len(value)).encode())
    headers |= {"truncated": b"true", "original-size": size}
    return record._replace(value=value[:length], headers=tuple(headers.items()))
