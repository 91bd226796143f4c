"""Observing: what the sender notes of its work; counting it is the metrics' business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.app.webhooks.queue import Tally


@dataclass(frozen=True, slots=True)
class Account:
    """Hold how a target stands: what was counted since the state began, and what waits.

    Attributes:
        tally: the counts.
        waiting: messages that wait.
        oldest_ms: the log's time of the oldest event that waits and is not held for its hour, None where none does.
        is_gone: whether the target wants no more.
    """

    tally: Tally
    waiting: int
    oldest_ms: int | None
    is_gone: bool


class WebhookObserver(Protocol):
    """Take note; every verb returns at once and never raises."""

    def active(self, *, is_active: bool) -> None:
        """Note whether this instance is the one that sends."""

    def stands(self, accounts: Mapping[str, Account]) -> None:
        """Note how the targets stand, as the log has it."""

    def attempted(self, target: str, answer: str, seconds: float) -> None:
        """Note an attempt: `taken`, `failed` or `gone`, and how long it took."""

    def told(self, target: str, age_seconds: float) -> None:
        """Note how old the last event of a message was when it was acknowledged."""

    def committed(self, seconds: float) -> None:
        """Note how long a transaction took."""

    def held(self, waiting: int) -> None:
        """Note how many events wait for their predecessor."""

    def unreadable(self, topic: str) -> None:
        """Note a record that nobody of ours has written."""

    def chain_gap(self) -> None:
        """Note a predecessor that is nowhere in the log."""

    def lost(self, topic: str, offsets: int) -> None:
        """Note offsets that were gone from the log before they were read."""

    def log_fault(self, kind: str) -> None:
        """Note that the log did not do what was asked."""


class SilentWebhookObserver:
    """Take note of nothing."""

    def active(self, *, is_active: bool) -> None:
        """Ignore it."""

    def stands(self, accounts: Mapping[str, Account]) -> None:
        """Ignore it."""

    def attempted(self, target: str, answer: str, seconds: float) -> None:
        """Ignore it."""

    def told(self, target: str, age_seconds: float) -> None:
        """Ignore it."""

    def committed(self, seconds: float) -> None:
        """Ignore it."""

    def held(self, waiting: int) -> None:
        """Ignore it."""

    def unreadable(self, topic: str) -> None:
        """Ignore it."""

    def chain_gap(self) -> None:
        """Ignore it."""

    def lost(self, topic: str, offsets: int) -> None:
        """Ignore it."""

    def log_fault(self, kind: str) -> None:
        """Ignore it."""
