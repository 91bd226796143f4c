"""The pulse of an instance: how late its event loop is, how long its kernel thread works, and whether it may emit.

Deciding lives here, free of threads and timers. The loop beats; others look: a thread of its own, and every transaction
before it is begun, because a loop that stands still cannot look after itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from monitor.app.alarms import Alarms, Watchdog
from monitor.app.kernel_thread import KernelThread

T = TypeVar("T")


class TermEnded(Exception):
    """The event loop stood still for so long that our shards may have been given away unseen."""


class Pulse:
    """Know how late the loop is; all times are seconds of one monotonic clock.

    From a lateness of `late_seconds` on nothing is emitted until the group has confirmed us after it. From
    `lost_seconds` on, or where that confirmation does not come within as much, a new term begins: all shards are to be
    taken over anew, whose fences then prove what the group cannot. `kernel_seconds`: what one piece of work in the
    kernel thread may take; 0: anything.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        alarms: Alarms,
        late_seconds: float = 3.0,
        lost_seconds: float = 6.0,
        kernel_seconds: float = 0.0,
    ) -> None:
        self.term = 0
        self.clock = clock
        self.alarms = alarms
        self._late_seconds = late_seconds
        self._lost_seconds = lost_seconds
        self._kernel_seconds = kernel_seconds
        self._due: float | None = None
        self._returned: float | None = None
        self._is_lost = False
        self._working_since: float | None = None
        self._may_emit = asyncio.Event()
        self._may_emit.set()
        self._lock = threading.Lock()

    def beat(self, next_due: float, confirmed_seconds: float) -> float:
        """Note that the loop has turned; return how late it was.

        It will beat again at `next_due`; the group confirmed our membership `confirmed_seconds` ago.
        """
        now = self.clock()
        self.look(now)
        with self._lock:
            lag = 0.0 if self._due is None else max(0.0, now - self._due)
            self._due = next_due
            if not self._may_emit.is_set():
                self._consider_emitting(now, confirmed_seconds)
            self._is_lost = False
        return lag

    def rest(self) -> None:
        """Expect no more beats: the instance stops."""
        self._due = None
        self.look(self.clock())

    def look(self, now: float) -> None:
        """See how late loop and kernel are; raise or end their alarms. May be called from any thread."""
        with self._lock:
            lag = 0.0 if self._due is None else now - self._due
            found: dict[str, str] = {}
            if lag >= self._late_seconds:
                found[""] = f"the event loop has stood still for {lag:.1f} s"
                self._may_emit.clear()
                self._returned = None
            if lag >= self._lost_seconds and not self._is_lost:
                self._is_lost = True
                self.term += 1
            self.alarms.settle(Watchdog.EVENT_LOOP, found, now)
            self._look_at_kernel(now)

    async def permit(self, term: int) -> None:
        """Return when a transaction may be begun; raise `TermEnded` when `term` is over."""
        self.look(self.clock())
        await self._may_emit.wait()
        self.check(term)

    def check(self, term: int) -> None:
        """Raise `TermEnded` when `term` is over."""
        if term != self.term:
            raise TermEnded("the event loop stood still too long for its shards to be ours for certain")

    def watched(self, kernel: KernelThread) -> KernelThread:
        """Return the kernel thread with an eye on how long each piece of work takes."""
        return _WatchedKernel(kernel, self)

    def work(self, work: Callable[[], T]) -> T:
        """Do a piece of work, known to whoever looks meanwhile."""
        self._working_since = self.clock()
        try:
            return work()
        finally:
            self._working_since = None

    def _consider_emitting(self, now: float, confirmed_seconds: float) -> None:
        """Emit again once the group has confirmed us since the loop came back, or once a new term has begun."""
        if self._returned is None:
            self._returned = now
        waited = now - self._returned
        if not self._is_lost and waited >= self._lost_seconds:
            self.term += 1
        elif not self._is_lost and confirmed_seconds >= waited:
            return
        self._may_emit.set()

    def _look_at_kernel(self, now: float) -> None:
        since, found = self._working_since, {}
        if self._kernel_seconds and since is not None and now - since >= self._kernel_seconds:
            found[""] = f"the kernel thread has worked on one piece for {now - since:.0f} s"
        self.alarms.settle(Watchdog.KERNEL, found, now)


class _WatchedKernel:
    """Run work in the kernel thread under a pulse's eye."""

    def __init__(self, kernel: KernelThread, pulse: Pulse) -> None:
        self._kernel = kernel
        self._pulse = pulse

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Run `work` and return its result."""
        return self._kernel(lambda: self._pulse.work(work))
