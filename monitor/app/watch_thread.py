"""The watch thread: looks at the pulse from outside the event loop, so that a loop that stands still is noticed.

Only the thread lives here; what is looked at, and what follows from it, is in `pulse`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class WatchThread:
    """Call `look` again and again, in a thread of its own."""

    def __init__(self, look: Callable[[], None], interval_seconds: float) -> None:
        self._look = look
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a look that is under way is waited for."""
        self._stopping.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            self._look()
