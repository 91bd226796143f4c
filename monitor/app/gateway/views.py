"""Views: what the gateway must know of an event or a status to sort, filter and pass it on, and the port that reads it.

The bodies stay bytes; their format is the wire adapter's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from monitor.app.ports import Record

UNKNOWN_RANK = 8
"""Passes every filter of severity: what is not known is never hidden as harmless."""


class Unreadable(Exception):
    """A record on an output topic that nobody of ours has written."""


@dataclass(frozen=True, slots=True)
class EventView:
    """Hold what is known of an event.

    `sequence` is None outside the chains; `rank` is the worse end's, `rank_after` that of the new status; `method` is
    empty and `symbols` None where the event does not state them.
    """

    account_id: str
    scope: str | None
    sequence: int | None
    event_type: str
    rank: int
    rank_after: int
    method: str
    symbols: frozenset[str] | None
    body: bytes

    @property
    def names_others(self) -> bool:
        """Whether it tells of other accounts too: whom ADL reaches, or for whom."""
        return self.event_type.startswith("adl_")


@dataclass(frozen=True, slots=True)
class StatusView:
    """Hold what is known of a status record; `body` is None when the scope is gone."""

    account_id: str
    scope: str
    sequence: int
    rank: int
    method: str
    symbols: frozenset[str] | None
    body: bytes | None


class ViewCodec(Protocol):
    """Read what others are told, and shorten it."""

    def event(self, record: Record) -> EventView:
        """Read an event. Raises `Unreadable`."""

    def status(self, record: Record) -> StatusView:
        """Read a status record, or its tombstone. Raises `Unreadable`."""

    def traits(self, status: bytes) -> tuple[str, frozenset[str] | None]:
        """Return method and symbols of a status that was read before."""

    def guarded(self, body: bytes) -> bytes:
        """Return an event without what it tells of other accounts than its own, naming what is left out."""

    def brief(self, body: bytes) -> bytes:
        """Return an event without what it was computed from: `evidence` and `plan`."""
