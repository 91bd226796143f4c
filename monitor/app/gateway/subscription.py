"""A subscription: one client's wish, from its snapshot or its token on to everything that comes after.

While the beginning is on its way, what comes is kept back, within bounds; afterwards each message goes straight out.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from monitor.app.gateway.filters import Filter
from monitor.app.gateway.notices import Notice, head
from monitor.app.gateway.requests import Subscribe
from monitor.app.gateway.views import EventView, StatusView


class Slow(Exception):
    """The client does not take what is sent to it."""


class Outlet(Protocol):
    """Carry messages to one client."""

    def push(self, data: bytes) -> bool:
        """Send without waiting; return False, sending nothing, where too much waits already."""

    async def send(self, data: bytes) -> None:
        """Send, waiting for room. Raises `Slow` where there is none in time, `ConnectionError` when the client left."""

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and let go, at once in our eyes."""


class Subscription:
    """Hold what one client has asked for once."""

    def __init__(self, request: Subscribe, wanted: Filter, outlet: Outlet, max_pending: int) -> None:
        self.request = request
        self.filter = wanted
        self.head = head(request.name)
        self._outlet = outlet
        self._max_pending = max_pending
        self._pending: deque[bytes] | None = deque()
        self._pending_bytes = 0
        self.overrun = False

    @property
    def is_live(self) -> bool:
        """Whether its beginning is told, so that a heartbeat's token is its token too."""
        return self._pending is None

    def offer(self, notice: Notice) -> bool:
        """Pass on a notice if it is asked for; return whether it was."""
        if self.overrun or not self.filter.covers(notice.view):
            return False
        asked = self.wants(notice)
        if not asked and not self.wants_passed(notice):
            return False
        tail = notice.tail(full=self.request.full) if asked else notice.passed()
        self._put(self.head + tail)
        return asked

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

    async def go_live(self) -> None:
        """Send what was kept back, then let through. Raises what sending raises."""
        while self._pending:
            data = self._pending.popleft()
            self._pending_bytes -= len(data)
            await self._outlet.send(data)
        if self.overrun:
            raise Slow
        self._pending = None

    def _put(self, data: bytes) -> None:
        if self._pending is None:
            self.overrun = not self._outlet.push(data)
            return
        self._pending_bytes += len(data)
        self._pending.append(data)
        if self._pending_bytes > self._max_pending:
            self.overrun = True
            self._pending.clear()
