"""What a venue feed lets others see: counted and shown by whoever is handed in, decided by nobody."""

from __future__ import annotations

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

    def log_fault(self, kind: str) -> None:
        """See the log fail."""

    def ready(self, *, is_ready: bool) -> None:
        """See whether everything that should flow does."""
