"""Where `tail` begins: what `--from` and `--offset` say, read and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.app.ports import TopicPartition
from monitor.cli.exits import BadInput

_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Ago:
    """Begin so many milliseconds before now."""

    span_ms: int


@dataclass(frozen=True, slots=True)
class At:
    """Begin at a time, in milliseconds since 1970."""

    time_ms: int


@dataclass(frozen=True, slots=True)
class Edge:
    """Begin at the end, or at the beginning."""

    is_end: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Hold where to begin everywhere, or in single partitions, which are then all that is read."""

    everywhere: Ago | At | Edge
    offsets: tuple[tuple[TopicPartition, int], ...] = ()


def read_start(text: str) -> Ago | At | Edge:
    """Read `--from`. Raises `BadInput`."""
    if text in {"end", "beginning"}:
        return Edge(text == "end")
    if (span := _SPAN.fullmatch(text)) is not None:
        return Ago(int(span[1]) * _UNITS_MS[span[2]])
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--from: {text!r} is neither end, beginning, a time nor a span like 15m") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)  # topics have times in UTC, and so has the table
    return At(round(when.timestamp() * 1000))


def read_offset(text: str) -> tuple[TopicPartition, int]:
    """Read one `--offset`. Raises `BadInput`."""
    topic, *numbers = text.rsplit(":", 2)
    if not topic or len(numbers) != 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise BadInput(f"--offset: {text!r} is not TOPIC:PARTITION:OFFSET")
    return TopicPartition(topic, int(numbers[0])), int(numbers[1])
