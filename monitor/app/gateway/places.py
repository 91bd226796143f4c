"""Places: the partitions the gateway reads, a cut through them, and the token that lets a client go on from one.

A cut says for each partition which record comes next. A token is a cut as text, with the time it was made and a mark of
the topics it belongs to: no secret, and worth nothing without the right to see what follows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from monitor.app.ports import TopicPartition

_FORM = "1"
_LARGEST = 20_000
_DIGITS = 15


class TokenRefused(Exception):
    """A token that nothing can be resumed from; the text is the reason a client is told."""


class Places:
    """Number the partitions of the topics of events, and of the statuses behind them, partition by partition."""

    def __init__(self, events: Sequence[str], statuses: str, partitions: int) -> None:
        self.events = tuple(events)
        self.statuses = statuses
        self.partitions = partitions
        self.width = len(self.events) + 1
        self.all = [TopicPartition(topic, number) for number in range(partitions) for topic in (*self.events, statuses)]
        self._index = {where: index for index, where in enumerate(self.all)}
        text = "\n".join((*self.events, statuses, str(partitions)))
        self.realm = hashlib.sha256(text.encode()).hexdigest()[:8]

    def index(self, topic: str, partition: int) -> int:
        """Return the number of a partition."""
        return self._index[TopicPartition(topic, partition)]

    def is_status(self, index: int) -> bool:
        """Tell whether a place holds statuses."""
        return index % self.width == self.width - 1

    def event_places(self) -> list[TopicPartition]:
        """Return where events stand."""
        return [where for index, where in enumerate(self.all) if not self.is_status(index)]

    def status_places(self) -> list[TopicPartition]:
        """Return where statuses stand."""
        return [where for index, where in enumerate(self.all) if self.is_status(index)]


class Cut:
    """Hold the next offset of every place, and its text, kept current piece by piece."""

    def __init__(self, places: Places, positions: Sequence[int] = ()) -> None:
        self._places = places
        self.positions = list(positions) or [0] * len(places.all)
        self._texts = [format(position, "x") for position in self.positions]

    def advance(self, index: int, position: int) -> None:
        """Move a place forward; a position that lies behind is left as it is."""
        if position > self.positions[index]:
            self.positions[index] = position
            self._texts[index] = format(position, "x")

    def catch_up(self, other: Cut) -> None:
        """Move every place forward to where another cut has it."""
        for index, position in enumerate(other.positions):
            self.advance(index, position)

    def copy(self) -> Cut:
        """Return a cut of its own."""
        return Cut(self._places, self.positions)

    def token(self, now_ms: int) -> str:
        """Return the cut as text."""
        return f"{_FORM}.{self._places.realm}.{now_ms:x}.{'-'.join(self._texts)}"


def read_token(text: str, places: Places) -> tuple[int, Cut]:
    """Return when a token was made, in milliseconds, and its cut. Raises `TokenRefused`: `malformed` or `foreign`."""
    parts = text.split(".") if len(text) <= _LARGEST else []
    if len(parts) != 4 or parts[0] != _FORM:
        raise TokenRefused("malformed")
    if parts[1] != places.realm:
        raise TokenRefused("foreign")
    numbers = [parts[2], *parts[3].split("-")]
    if len(numbers) != len(places.all) + 1:
        raise TokenRefused("malformed")
    if not all(number.isalnum() and number.isascii() and len(number) <= _DIGITS for number in numbers):
        raise TokenRefused("malformed")
    try:
        time_ms, *positions = (int(number, 16) for number in numbers)
    except ValueError:
        raise TokenRefused("malformed") from None
    return time_ms, Cut(places, positions)
