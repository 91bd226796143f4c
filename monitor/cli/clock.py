"""The clock of the commands, by itself: not every one of them needs what `assembly` loads."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000
