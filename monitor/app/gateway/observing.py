"""Observing: what the gateway notes of its work; counting it is the metrics' business."""

from __future__ import annotations

from typing import Protocol


class GatewayObserver(Protocol):
    """Take note; every verb returns at once and never raises."""

    def clients(self, now: int) -> None:
        """Note how many clients are connected."""

    def refused(self, reason: str) -> None:
        """Note a client that was not let in, by reason."""

    def dropped(self, reason: str) -> None:
        """Note a client that was disconnected by us, by reason."""

    def subscribed(self, outcome: str) -> None:
        """Note a subscription that began: `snapshot`, `resumed`, or why a token was refused."""

    def passed_on(self, kind: str, clients: int, age_seconds: float) -> None:
        """Note that an event or a status went to so many subscriptions, and how old its record was then."""

    def held(self, scopes: int, backlog_bytes: int, waiting: int) -> None:
        """Note what is kept: scopes, bytes of events, records that wait for their predecessor."""

    def unreadable(self, topic: str) -> None:
        """Note a record that nobody of ours has written."""

    def chain_gap(self) -> None:
        """Note a predecessor that is nowhere in the log."""

    def log_fault(self, kind: str) -> None:
        """Note that the log did not do what was asked."""


class SilentGatewayObserver:
    """Take note of nothing."""

    def clients(self, now: int) -> None:
        """Ignore it."""

    def refused(self, reason: str) -> None:
        """Ignore it."""

    def dropped(self, reason: str) -> None:
        """Ignore it."""

    def subscribed(self, outcome: str) -> None:
        """Ignore it."""

    def passed_on(self, kind: str, clients: int, age_seconds: float) -> None:
        """Ignore it."""

    def held(self, scopes: int, backlog_bytes: int, waiting: int) -> None:
        """Ignore it."""

    def unreadable(self, topic: str) -> None:
        """Ignore it."""

    def chain_gap(self) -> None:
        """Ignore it."""

    def log_fault(self, kind: str) -> None:
        """Ignore it."""
