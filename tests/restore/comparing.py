"""What two restores must have in common: every figure of every scope, whatever order they came in."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from monitor.core.engine import MarginEngine


def digest_of(engine: MarginEngine) -> str:
    """Return a digest over account, scope, equity, requirement, told and shown status of every scope, once judged."""
    store = engine.store
    equity, requirement = store.figures()
    total = 0
    for scope in np.nonzero(store.is_live())[0].tolist():
        who = f"{engine.book.id_of(store.account_of(scope))}|{store.name_of(scope)}"
        figures = f"{equity[scope]!r}|{requirement[scope]!r}|{store.told[scope]}|{store.shown[scope]}"
        total ^= int.from_bytes(blake2b(f"{who}|{figures}".encode(), digest_size=8).digest(), "little")
    return f"{total:016x}"
