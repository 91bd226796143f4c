"""A daemon whose event loop can be made to stand still: `python -m tests.cli.stuck_daemon FOLDER`.

A file `FOLDER/stand-still` with a number of seconds makes the next call to the log block for so long.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from monitor.cli import run
from monitor.cli.main import main
from monitor.config import Settings


class BlockingReader:
    """Read from the embedded log, and block the event loop when told to."""

    def __init__(self, inner: Any, order: Path) -> None:
        self._inner = inner
        self._order = order

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def poll(self, max_records: int, timeout_ms: int) -> Any:
        """Read, or stand still first."""
        if self._order.exists():
            seconds = float(self._order.read_text())
            self._order.unlink()
            time.sleep(seconds)  # noqa: ASYNC251 - this is the fault
        return await self._inner.poll(max_records, timeout_ms)


def wrap(order: Path) -> None:
    """Have the daemon open a log whose readers can block."""
    open_log = run.open_embedded_log

    async def opened(settings: Settings) -> Any:
        log = await open_log(settings)
        reader = log.reader
        log.reader = lambda: BlockingReader(reader(), order)  # type: ignore[method-assign, assignment, return-value]
        return log

    run.open_embedded_log = opened


if __name__ == "__main__":
    wrap(Path(sys.argv[1]) / "stand-still")
    sys.exit(main(["run"]))
