"""Hyperliquid's method in the screen: an equity and a requirement for each token that may be borrowed.

Bounds
    What is held of a token is known, in USD, to within s = S·i + 16u·|held|·i (S, i as in `kernels_portfolio`). Of
    each token lower and upper ends of value and requirement are made of the ends of what is held; every step rises or
    falls with them all the way. Sums and products of at most t + 8 terms above 0 are right to a share of 4(t + 16)u, by
    which the ends are moved apart; that is more than comparing them with k̂ can add.

What is proven
    The scope's (E, M) is that of the token with the least E/M, so the status by it is the worst of all tokens'. It
    stays if every token's lower E is above enter·(upper M), and some token's upper E below leave·(lower M). Nothing is
    below 0: bankrupt is E = 0, proven where some upper E is 0, if no token's requirement can be 0.
    An account without anything requires nothing.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import compiled
from monitor.core.kernels_proof import BANKRUPT, UNIT
from monitor.core.store_columns import BLOCKED, ENTER, F8, I8, LEAVE, STATES, UNKNOWN
from monitor.core.store_plan import (
    BORROW_CAP,
    CREDITED,
    DELTA,
    GROSS,
    HELD,
    IS_BORROWABLE,
    OFFSET,
    REST,
    SUPPLY_CAP,
    WORTH,
    Plan,
)


@compiled
def support(work: F8, touched: I8, count: int, column: int, token: int, cap: float) -> float:
    """Return what the tokens other than one count for it, at the lower or upper ends, up to its cap."""
    total = 0.0
    for index in range(count):
        if touched[index] != token:
            total += work[touched[index], column]
    return min(total, cap)


@compiled
def holds_nothing(work: F8, touched: I8, count: int) -> bool:
    """Return whether nothing is held of any token; without positions, amounts are 0 only where they are exactly 0."""
    held = 0.0
    for index in range(count):
        held += abs(work[touched[index], DELTA])
    return held == 0.0


@compiled
def are_tokens_doubtful(
    plan: Plan,
    work: F8,
    touched: I8,
    count: int,
    known: float,
    alone: float,
    error: float,
    has_positions: bool,
    watch: int,
    law: F8,
) -> tuple[bool, float, float]:
    """Return whether the status is not proven, and value and requirement of the binding token.

    `known` is finite where every price is known; `alone` what all positions require, within `error`.
    """
    state = watch % STATES
    if not np.isfinite(known):
        return state < UNKNOWN, np.nan, np.nan
    if not has_positions and holds_nothing(work, touched, count):
        return state not in (0, BLOCKED), 0.0, 0.0
    for index in range(count):
        token = touched[index]
        held, off = work[token, DELTA], work[token, GROSS]
        limit, worth = plan.groups[token, SUPPLY_CAP] * work[token, HELD], plan.groups[token, WORTH]
        work[token, REST] = min(max(held - off, 0.0), limit) * worth
        work[token, CREDITED] = min(max(held + off, 0.0), limit) * worth
    rounding = 4.0 * (plan.groups.shape[0] + 16.0) * UNIT
    least, most = max(alone - error, 0.0) + plan.numbers[OFFSET], alone + error + plan.numbers[OFFSET]
    stays_above, stays_below, sunk, required, needless = True, False, False, True, True
    value, requirement = np.nan, np.nan
    for token in range(plan.groups.shape[0]):
        if plan.groups[token, IS_BORROWABLE] == 0.0:
            continue
        held, off, cap = work[token, DELTA], work[token, GROSS], plan.groups[token, BORROW_CAP]
        low = (max(held - off, 0.0) + support(work, touched, count, REST, token, cap)) * (1.0 - rounding)
        high = (max(held + off, 0.0) + support(work, touched, count, CREDITED, token, cap)) * (1.0 + rounding)
        needed_low = (least + max(-held - off, 0.0)) * (1.0 - rounding)
        needed_high = (most + max(off - held, 0.0)) * (1.0 + rounding)
        stays_above = stays_above and low > law[watch, ENTER] * needed_high
        stays_below = stays_below or law[watch, LEAVE] * needed_low > high
        sunk, required, needless = sunk or high <= 0.0, required and needed_low > 0.0, needless and needed_high <= 0.0
        mine, need = 0.5 * (low + high), 0.5 * (needed_low + needed_high)
        if not (mine * requirement >= need * value) and not (value <= 0.0):
            value, requirement = mine, need
    if state >= UNKNOWN:
        return state != BLOCKED, value, requirement
    if state == 0:
        return not (stays_above or needless), value, requirement
    if state == BANKRUPT:
        return not (sunk and required), value, requirement
    return not (stays_above and stays_below), value, requirement
