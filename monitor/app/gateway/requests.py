"""Requests: what a client may ask for, and the port that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class BadRequest(Exception):
    """A message of a client that cannot be used; the text names the place and the reason, and goes back to it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Ask to come in."""

    token: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for events and statuses, from a snapshot or from where `resume` ends; None: no such filter."""

    name: str
    accounts: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    symbols: frozenset[str] | None = None
    methods: frozenset[str] | None = None
    min_rank: int = 0
    events: bool = True
    statuses: bool = True
    full: bool = False
    passed: bool = True
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Ask for no more of a subscription."""

    name: str


Request = Hello | Subscribe | Unsubscribe


class RequestCodec(Protocol):
    """Read what clients send."""

    def request(self, text: str | bytes) -> Request:
        """Read one message. Raises `BadRequest`."""
