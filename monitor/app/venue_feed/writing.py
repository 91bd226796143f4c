"""Writing: rows that are news, put into messages for their topics within the limits the daemon has for messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from monitor.app.topics import TopicNames
from monitor.app.venue_feed.ports import NativeMessage
from monitor.app.venue_feed.readings import Role, Row

Encode = Callable[[Mapping[str, Any]], bytes]

_BRACKETS_AND_COMMA = 3


class MessageWriter:
    """Make messages of rows. All prices of a frame are one message, so that they are judged together."""

    def __init__(self, topics: TopicNames, encode: Encode, max_bytes: int, max_prices: int) -> None:
        self._topics = topics
        self._encode = encode
        self._max_bytes = max_bytes
        self._max_prices = max_prices

    def messages(self, role: Role, stream: str, rows: Sequence[Row], good_until_ms: int) -> list[NativeMessage]:
        """Return the messages that state these rows; of one frame too large for a message there are several."""
        topic = getattr(self._topics, role)
        if role != "mark_prices":
            return [NativeMessage(topic, row.name.encode(), self._encode(row.body), good_until_ms) for row in rows]
        if len(rows) == 1:
            [row] = rows
            return [NativeMessage(topic, row.name.encode(), self._encode(row.body), good_until_ms)]
        return [
            NativeMessage(topic, stream.encode(), b"[" + b",".join(part) + b"]", good_until_ms)
            for part in self._parts(self._encode(row.body) for row in rows)
        ]

    def _parts(self, elements: Iterable[bytes]) -> Iterator[list[bytes]]:
        part: list[bytes] = []
        size = _BRACKETS_AND_COMMA
        for element in elements:
            if part and (size + len(element) > self._max_bytes or len(part) == self._max_prices):
                yield part
                part, size = [], _BRACKETS_AND_COMMA
            part.append(element)
            size += len(element) + 1
        if part:
            yield part
