"""A subscription: what one client has asked for, and which of the things that come it is told."""

from __future__ import annotations

from typing import Protocol

from monitor.app.gateway.filters import Filter
from monitor.app.gateway.notices import Detail, Notice, head
from monitor.app.gateway.requests import Subscribe
from monitor.app.gateway.views import EventView, StatusView


class Slow(Exception):
    """The client does not take what is sent to it."""


class Outlet(Protocol):
    """Carry messages to one client."""

    def is_busy(self) -> bool:
        """Tell whether something waits to be sent."""

    def push(self, data: bytes) -> bool:
        """Send without waiting; return False, sending nothing, where too much waits already."""

    async def send(self, data: bytes) -> None:
        """Send, waiting for room. Raises `Slow` where there is none in time, `ConnectionError` when the client left."""

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and let go, at once in our eyes."""


class Subscription:
    """Hold what one client has asked for once; it is live once its beginning has been told.

    `guarded` keeps what events tell of other accounts from a client whose token does not see all of them.
    """

    def __init__(self, request: Subscribe, wanted: Filter, outlet: Outlet, *, guarded: bool) -> None:
        self.request = request
        self.detail = Detail(request.full, guarded)
        self.filter = wanted
        self.head = head(request.name)
        self.is_live = False
        self._outlet = outlet

    def offer(self, notice: Notice) -> bool:
        """Pass on a notice if it is asked for; return whether it was."""
        if not self.filter.covers(notice.view):
            return False
        if self.wants(notice):
            return self._outlet.push(self.head + notice.tail(self.detail))
        if self.wants_passed(notice):
            self._outlet.push(self.head + notice.passed())
        return False

    def wants(self, notice: Notice) -> bool:
        """Tell whether what is covered is asked for as well."""
        kind = self.request.events if isinstance(notice.view, EventView) else self.request.statuses
        return kind and notice.rank >= self.filter.min_rank

    def wants_passed(self, notice: Notice) -> bool:
        """Tell whether a chain would seem to have a gap without a word."""
        view = notice.view
        return isinstance(view, EventView) and view.sequence is not None and self.request.events and self.request.passed

    def covers_status(self, view: StatusView) -> bool:
        """Tell whether a scope belongs into the snapshot."""
        return self.request.statuses and self.filter.covers(view) and view.rank >= self.filter.min_rank
