"""The outbox: messages on their way to the log, bounded; prices that have grown old here are dropped, and counted.

A log that is away is waited for; what was written before it went away may be written twice then: prices carry their
event time and account events their version, so that the second one is no news to anybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from monitor.app.ports import LogUnavailable, RecordRefused, RecordTooLarge
from monitor.app.venue_feed.observing import FeedObserver
from monitor.app.venue_feed.ports import NativeMessage, Outlet

log = logging.getLogger(__name__)

_AT_ONCE = 500
_RETRY_SECONDS = 0.5


class Outbox:
    """Keep messages in their order until the log has them."""

    def __init__(self, outlet: Outlet, observer: FeedObserver, now_ms: Callable[[], int], max_waiting: int) -> None:
        self._outlet = outlet
        self._observer = observer
        self._now_ms = now_ms
        self._max_waiting = max_waiting
        self._waiting: deque[NativeMessage] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.trouble: str | None = None
        """Why the log takes nothing at present."""

    def put(self, messages: Iterable[NativeMessage]) -> None:
        """Add messages; where too many wait, drop the oldest that grow old anyway."""
        self._waiting.extend(messages)
        while len(self._waiting) > self._max_waiting:
            growing_old = (one for one in self._waiting if one.good_until_ms is not None)
            self._drop(next(growing_old, self._waiting[0]), "overflow")
        self._observer.waiting(len(self._waiting))
        if self._waiting:
            self._filled.set()
            self._emptied.clear()

    async def run(self) -> None:
        """Write until cancelled. Raises `LogForbidden` where the log refuses us for good."""
        while True:
            await self._filled.wait()
            batch = self._batch()
            if batch:
                await self._write(batch)
            self._observer.waiting(len(self._waiting))
            if not self._waiting:
                self._filled.clear()
                self._emptied.set()

    @property
    def is_half_full(self) -> bool:
        """Whether somebody who can wait should."""
        return 2 * len(self._waiting) >= self._max_waiting

    async def drain(self, seconds: float | None) -> bool:
        """Wait until everything is written, at most so long (None: however long); return whether it is."""
        try:
            async with asyncio.timeout(seconds):
                await self._emptied.wait()
        except TimeoutError:
            return False
        return True

    def _batch(self) -> list[NativeMessage]:
        """Return the next messages, which stay in place until they are written; drop those that have grown old."""
        now_ms = self._now_ms()
        batch = list(islice(self._waiting, _AT_ONCE))
        old = [one for one in batch if one.good_until_ms is not None and one.good_until_ms < now_ms]
        for message in old:
            self._drop(message, "old")
        return [] if old else batch

    async def _write(self, batch: list[NativeMessage]) -> None:
        try:
            await self._outlet.write(batch)
        except RecordTooLarge as fault:
            log.error("a message is dropped: %s", fault)  # noqa: TRY400 - the fault says it all
            self._observer.log_fault(type(fault).__name__)
            self._drop(next(one for one in batch if one.value == fault.record.value), "too_large")
        except (LogUnavailable, RecordRefused) as fault:
            self._observer.log_fault(type(fault).__name__)
            if self.trouble is None:
                log.warning("nothing can be written for now: %s", fault)
            self.trouble = str(fault)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            self.trouble = None
            for message in batch:
                self._observer.written(message.topic)
                if self._waiting and self._waiting[0] is message:  # it may have been dropped meanwhile
                    self._waiting.popleft()

    def _drop(self, message: NativeMessage, why: str) -> None:
        self._observer.dropped(message.topic, why)
        self._waiting.remove(message)
        if message.lost is not None:
            message.lost()
