"""What a venue feed lets others see: counted and shown by whoever is handed in, decided by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from monitor.app.venue_feed.ports import Ending


class FeedObserver(Protocol):
    """See what a feed does."""

    def frame(self, stream: str, received_ms: int, lag_ms: int) -> None:
        """See a frame with news, and how far its newest event time is behind our clock."""

    def rows(self, fate: str, count: int) -> None:
        """See rows by what became of them."""

    def bad_frame(self) -> None:
        """See a frame of no known shape."""

    def gap(self) -> None:
        """See that a stream left out more than it should."""

    def connected(self, group: str, count: int) -> None:
        """See how many connections of a group of streams work."""

    def ended(self, ending: Ending) -> None:
        """See a connection end."""

    def written(self, topic: str) -> None:
        """See a message kept by the log."""

    def dropped(self, topic: str, why: str) -> None:
        """See a message that is not written."""

    def waiting(self, count: int) -> None:
        """See how many messages wait for the log."""

    def terms_changed(self, role: str) -> None:
        """See the terms of a contract or an asset change."""

    def terms_failed(self) -> None:
        """See an attempt to learn terms come to nothing."""

    def brackets(self, by_source: Mapping[str, int]) -> None:
        """See how many contracts have their brackets from where."""

    def account_event(self, kind: str) -> None:
        """See an account event made of a snapshot or a change."""

    def account_signal(self, kind: str) -> None:
        """See a venue call, liquidate or deleverage an account."""

    def snapshot_failed(self) -> None:
        """See an attempt to take a snapshot of an account come to nothing."""

    def log_fault(self, kind: str) -> None:
        """See the log fail."""

    def ready(self, *, is_ready: bool) -> None:
        """See whether everything that should flow does."""
