"""Stating: many account messages at once as columns, those that are plain.

The compiled reading is in `kernels_accounts`; without compiled code nothing is plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from monitor.adapters.wire.kernels_accounts import Most, read_messages
from monitor.adapters.wire.values import SURELY_IN_RANGE
from monitor.core.joined import joined
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.limits import Limits
from monitor.core.stated import AMOUNT_COLUMNS, CHANGE_COLUMNS, Stated

_LEAST_AMOUNT: Final = len('"a":"1"')
_LEAST_CHANGE: Final = len('{"symbol":"a"}')


def state_messages(values: Sequence[bytes | None], keys: Sequence[bytes | None], limits: Limits) -> Stated | None:
    """Return what messages say, as `decode_account_event` would; None where there is no compiled code for it."""
    if not HAS_NUMBA:
        return None
    text, bounds = joined([value or b"" for value in values])
    said, key_bounds = joined([key or b"" for key in keys])
    count = len(values)
    stated = Stated(
        text,
        np.zeros(count, np.uint8),
        np.zeros((count, 3), np.int64),
        np.zeros((count, 2), np.int64),
        np.empty((len(text) // _LEAST_AMOUNT + 1, AMOUNT_COLUMNS), np.int64),
        np.empty((len(text) // _LEAST_CHANGE + 1, CHANGE_COLUMNS), np.int64),
    )
    digits = min(limits.max_digits, SURELY_IN_RANGE)
    most = Most(limits.max_id_bytes, digits, limits.max_balances, limits.max_positions)
    rows = np.zeros(2, np.int64)
    read_messages(bounds, said, key_bounds, most, limits.max_message_bytes, stated, rows)
    return stated
