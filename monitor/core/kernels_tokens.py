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

from monitor.core.kernels_compiled import compiled_within
from monitor.core.kernels_proof import BANKRUPT, UNIT
from monitor.core.store_columns import (
    BLOCKED,
    ENTER,
    EQUITY,
    F8,
    FIXED,
    I8,
    LEAVE,
    REQUIREMENT,
    STATES,
    U1,
    UNKNOWN,
)
from monitor.core.store_recipe import (
    ALONE,
    BORROW_CAP,
    CREDITED,
    DELTA,
    HELD_ERROR,
    IN_ALL,
    IS_BORROWABLE,
    OFFSET,
    PRICE,
    REST,
    SPREAD,
    SUPPLY_CAP,
    WORTH,
    Recipe,
)


@compiled_within
def supports_of(recipe: Recipe, used: int, work: F8, touched: I8) -> None:
    """Fill in what each token that is held counts for others, at its lower and its upper end."""
    groups = recipe.groups
    for at in range(used):
        for slot in range(touched[at, -1]):
            token = touched[at, slot]
            held, off = work[at, token, DELTA], work[at, token, SPREAD]
            limit = groups[token, SUPPLY_CAP] * work[at, token, PRICE]
            work[at, token, REST] = min(max(held - off, 0.0), limit) * groups[token, WORTH]
            work[at, token, CREDITED] = min(max(held + off, 0.0), limit) * groups[token, WORTH]


@compiled_within
def is_kept(state: int, above: bool, below: bool, sunk: bool, required: bool, needless: bool) -> bool:
    """Return whether a known status is proven to stay; see above."""
    if state == 0:
        return above or needless
    if state == BANKRUPT:
        return sunk and required
    return above and below


@compiled_within
def tokens_of(
    rows: I8,
    used: int,
    recipe: Recipe,
    figures: F8,
    watch: U1,
    law: F8,
    work: F8,
    touched: I8,
    sums: F8,
    doubtful: U1,
) -> None:
    """Keep value and requirement of the binding token of each account, and say whose status is not proven."""
    groups, offset = recipe.groups, recipe.numbers[OFFSET]
    rounding = 4.0 * (groups.shape[0] + 16.0) * UNIT
    supports_of(recipe, used, work, touched)
    for at in range(used):
        line, state = watch[rows[at]], watch[rows[at]] % STATES
        enter, leave, count = law[line, ENTER], law[line, LEAVE], touched[at, -1]
        least = max(sums[at, ALONE] - sums[at, HELD_ERROR], 0.0) + offset
        most = sums[at, ALONE] + sums[at, HELD_ERROR] + offset
        above, below, sunk, required, needless, held_in_all = True, False, False, True, True, 0.0
        value, requirement = np.nan, np.nan
        for slot in range(count):
            held_in_all += abs(work[at, touched[at, slot], DELTA])
        for token in range(groups.shape[0]):
            if groups[token, IS_BORROWABLE] == 0.0:
                continue
            held, off, low, high, middle = work[at, token, DELTA], work[at, token, SPREAD], 0.0, 0.0, 0.0
            for slot in range(count):
                other = touched[at, slot]
                if other != token:
                    low += work[at, other, REST]
                    high += work[at, other, CREDITED]
                    limit = groups[other, SUPPLY_CAP] * work[at, other, PRICE]
                    middle += min(max(work[at, other, DELTA], 0.0), limit) * groups[other, WORTH]
            low = (max(held - off, 0.0) + min(low, groups[token, BORROW_CAP])) * (1.0 - rounding)
            high = (max(held + off, 0.0) + min(high, groups[token, BORROW_CAP])) * (1.0 + rounding)
            needed_low = (least + max(-held - off, 0.0)) * (1.0 - rounding)
            needed_high = (most + max(off - held, 0.0)) * (1.0 + rounding)
            above, below = above and low > enter * needed_high, below or leave * needed_low > high
            sunk, required = sunk or high <= 0.0, required and needed_low > 0.0
            needless = needless and needed_high <= 0.0
            mine = max(held, 0.0) + min(middle, groups[token, BORROW_CAP])
            need = sums[at, ALONE] + offset + max(-held, 0.0)
            if not (mine * requirement >= need * value) and not value <= 0.0:
                value, requirement = mine, need
        doubtful[at] = (
            state != BLOCKED if state >= UNKNOWN else not is_kept(state, above, below, sunk, required, needless)
        )
        if figures[rows[at], FIXED] == 0.0 and held_in_all == 0.0:
            value, requirement, doubtful[at] = 0.0, 0.0, state not in (0, BLOCKED)
        if not np.isfinite(sums[at, IN_ALL]):
            value, requirement, doubtful[at] = np.nan, np.nan, state < UNKNOWN
        figures[rows[at], EQUITY], figures[rows[at], REQUIREMENT] = value, requirement
