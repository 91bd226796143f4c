"""Hyperliquid's method in the screen: an equity and a requirement for each token that may be borrowed.

Bounds
    What is held of a token is known, in USD, to within s = S·i + 16u·|held|·i (S, i as in `kernels_portfolio_rows`). Of
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

from monitor.core.kernels_compiled import compiled_into
from monitor.core.kernels_proof import BANKRUPT, UNIT
from monitor.core.store_columns import (
    BLOCKED,
    ENTER,
    EQUITY,
    F8,
    FIXED,
    LEAVE,
    REQUIREMENT,
    STATES,
    U1,
    U8,
    UNKNOWN,
)
from monitor.core.store_recipe import (
    BORROW_CAP,
    CREDITED,
    DELTA,
    IS_BORROWABLE,
    OFFSET,
    PRICE,
    REST,
    SPREAD,
    SUPPLY_CAP,
    WORTH,
    Recipe,
    Sums,
)


@compiled_into
def support_of(recipe: Recipe, count: np.uint64, work: F8, touched: U8) -> None:
    """Fill in what each token that is held counts for others, at its lower and its upper end."""
    groups = recipe.groups
    for slot in range(count):
        token = touched[slot]
        held, off = work[token, DELTA], work[token, SPREAD]
        limit = groups[token, SUPPLY_CAP] * work[token, PRICE]
        work[token, REST] = min(max(held - off, 0.0), limit) * groups[token, WORTH]
        work[token, CREDITED] = min(max(held + off, 0.0), limit) * groups[token, WORTH]


@compiled_into
def is_kept(state: int, above: bool, below: bool, sunk: bool, required: bool, needless: bool) -> bool:
    """Return whether a known status is proven to stay; see above."""
    if state == 0:
        return above or needless
    if state == BANKRUPT:
        return sunk and required
    return above and below


@compiled_into
def tokens_of(
    row: np.uint64,
    recipe: Recipe,
    figures: F8,
    watch: U1,
    law: F8,
    count: np.uint64,
    work: F8,
    touched: U8,
    sums: Sums,
) -> bool:
    """Keep value and requirement of the binding token of an account; return whether its status is not proven."""
    groups, offset = recipe.groups, recipe.numbers[OFFSET]
    rounding = 4.0 * (groups.shape[0] + 16.0) * UNIT
    support_of(recipe, count, work, touched)
    line, state = watch[row], watch[row] % STATES
    enter, leave = law[line, ENTER], law[line, LEAVE]
    least = max(sums.alone - sums.held_error, 0.0) + offset
    most = sums.alone + sums.held_error + offset
    above, below, sunk, required, needless, held_in_all = True, False, False, True, True, 0.0
    value, requirement = np.nan, np.nan
    for slot in range(count):
        held_in_all += abs(work[touched[slot], DELTA])
    for token in range(np.uint64(groups.shape[0])):
        if groups[token, IS_BORROWABLE] == 0.0:
            continue
        held, off, low, high, middle = work[token, DELTA], work[token, SPREAD], 0.0, 0.0, 0.0
        for slot in range(count):
            other = touched[slot]
            if other != token:
                low += work[other, REST]
                high += work[other, CREDITED]
                limit = groups[other, SUPPLY_CAP] * work[other, PRICE]
                middle += min(max(work[other, DELTA], 0.0), limit) * groups[other, WORTH]
        low = (max(held - off, 0.0) + min(low, groups[token, BORROW_CAP])) * (1.0 - rounding)
        high = (max(held + off, 0.0) + min(high, groups[token, BORROW_CAP])) * (1.0 + rounding)
        needed_low = (least + max(-held - off, 0.0)) * (1.0 - rounding)
        needed_high = (most + max(off - held, 0.0)) * (1.0 + rounding)
        above, below = above and low > enter * needed_high, below or leave * needed_low > high
        sunk, required = sunk or high <= 0.0, required and needed_low > 0.0
        needless = needless and needed_high <= 0.0
        mine = max(held, 0.0) + min(middle, groups[token, BORROW_CAP])
        need = sums.alone + offset + max(-held, 0.0)
        if not (mine * requirement >= need * value) and not value <= 0.0:
            value, requirement = mine, need
    doubtful = state != BLOCKED if state >= UNKNOWN else not is_kept(state, above, below, sunk, required, needless)
    if figures[row, FIXED] == 0.0 and held_in_all == 0.0:
        value, requirement, doubtful = 0.0, 0.0, state not in (0, BLOCKED)
    if not np.isfinite(sums.in_all):
        value, requirement, doubtful = np.nan, np.nan, state < UNKNOWN
    figures[row, EQUITY], figures[row, REQUIREMENT] = value, requirement
    return doubtful
