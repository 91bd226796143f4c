"""What one figure needs to be judged: the bracket of a notional and its doubt, and when a status is proven to stay.

Why these tests prove it, and where the constants come from, is derived in `kernels`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled_within
from monitor.core.store_columns import BLOCKED, ENTER, F8, FLOOR, JUMP, LEAVE, STATES, TIERS, UNKNOWN, UNRULY

UNIT: Final = 2.0**-53
GUARD: Final = 16.0 * UNIT
"""How near to a floor a notional may be on the other side of it, as a share of the floor."""
BANKRUPT: Final = 7


@compiled_within
def bracket_of(notional: float, code: np.uint32, edge: F8) -> tuple[np.uint32, float]:
    """Return the code with the bracket of a notional, and how far the requirement may be off because of its floors."""
    here = code // TIERS * TIERS
    last = here + TIERS - 1
    while here < last and notional >= edge[here + 1, FLOOR]:
        here += 1
    doubt = edge[here, UNRULY]
    if notional <= edge[here, FLOOR] * (1.0 + GUARD):
        doubt += edge[here, JUMP]
    if here < last and notional >= edge[here + 1, FLOOR] * (1.0 - GUARD):
        doubt += edge[here + 1, JUMP]
    return np.uint32(here), doubt


@compiled_within
def is_doubtful(
    watch: int,
    equity: tuple[float, float],
    requirement: tuple[float, float],
    has_positions: bool,
    tolerance: float,
    floor: tuple[float, float],
    law: F8,
) -> bool:
    """Return whether a status is not proven to stay, for figures and a debt floor within (low, high)."""
    state = watch % STATES
    finite = np.isfinite(equity[0] + equity[1]) and np.isfinite(requirement[0] + requirement[1])
    worst = equity[0] - law[watch, ENTER] * requirement[1] > tolerance
    if state >= UNKNOWN:
        proven = state == BLOCKED or not finite
    elif state == 0:
        nothing = equity[0] == 0.0 and tolerance == 0.0
        proven = worst or (not has_positions and (nothing or equity[0] - tolerance > -floor[0]))
    elif state == BANKRUPT:
        required = has_positions and requirement[0] > tolerance
        proven = equity[1] < -tolerance and (required or equity[1] + tolerance < -floor[1])
    else:
        proven = worst and law[watch, LEAVE] * requirement[0] - equity[1] > tolerance
    return not proven or (state < UNKNOWN and not finite)
