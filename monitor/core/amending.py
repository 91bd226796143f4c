"""Amending many packed facts at once, by what a run of plain messages states.

What becomes of one is in `amendment`, the compiled way in `kernels_amendment`; keeping them is `bookkeeping`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.core.amendment import Amended
from monitor.core.joined import joined
from monitor.core.kernels_amendment import amend_records
from monitor.core.limits import Limits
from monitor.core.stated import Stated


def amended_run(records: Sequence[bytes], stated: Stated, limits: Limits) -> list[Amended | None]:
    """Return the facts after the messages of a run, in its order, None where the long way must be taken.

    A record is empty where the account is not known.
    """
    text, bounds = joined(records)
    out = np.empty(len(text) + len(stated.text), np.uint8)  # what is added stands in the message, and more
    ends, counts = np.zeros(len(records), np.int64), np.zeros((len(records), 2), np.int64)
    amended = np.zeros(len(records), np.uint8)
    amend_records(text, bounds, stated, limits.max_balances, out, ends, amended, counts)
    written, start = out[: ends[-1]].tobytes(), 0
    found: list[Amended | None] = []
    for end, is_amended, (balances, positions) in zip(ends.tolist(), amended.tolist(), counts.tolist(), strict=True):
        found.append(Amended(written[start:end], balances, positions) if is_amended else None)
        start = end
    return found
