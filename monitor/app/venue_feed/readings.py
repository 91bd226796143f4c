"""Readings: what a dialect makes of one frame, in the monitor's own words; whoever gets them judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Role = Literal["mark_prices", "assets"]
"""The topics that streams feed, by their name in `TopicNames`."""


class BadFrame(ValueError):
    """A frame that is none of the shapes the venue documents; the text says what is wrong, without the whole frame."""


class NotSupported(BadFrame):
    """The venue margins this account in a way that its frames do not tell: nothing may be written of it."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Name one stream of a venue. `every_ms` is how often it speaks; None: when something happens."""

    name: str
    every_ms: int | None


class Row(NamedTuple):
    """Hold what a frame says of one symbol or asset at one time: `body` is the native message."""

    name: str
    event_time_ms: int
    body: Mapping[str, Any]


class Rows(NamedTuple):
    """Hold the rows of one frame, to be applied together, and what is wrong with rows that could not be read."""

    role: Role
    stream: str
    rows: tuple[Row, ...]
    faults: tuple[str, ...] = ()


class Answer(NamedTuple):
    """Hold the venue's answer to a request by its name; `fault` is its reason for refusing it."""

    request: str
    fault: str | None = None


class Nothing(NamedTuple):
    """Stand for a frame that is known and says nothing about the market: greetings, pongs."""

    kind: str


Reading = Rows | Answer | Nothing
