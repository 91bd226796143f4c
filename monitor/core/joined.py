"""Joined: many texts as one array, as compiled code reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.core.store_columns import I8, U1


def joined(texts: Sequence[bytes]) -> tuple[U1, I8]:
    """Return all texts in one array, and where each begins (and the last ends)."""
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=bounds[1:])
    return np.frombuffer(b"".join(texts), np.uint8), bounds
