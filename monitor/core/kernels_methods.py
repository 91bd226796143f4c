"""What the portfolio methods require of accounts, from the sums over their groups; in float64, with a bound.

The sums are made, and the bounds derived, in `kernels_portfolio_rows`; what each method is, exactly, `portfolio` says.
Groups are numbered, and `touched` lists those an account has anything in, rising: the numpy
twins add in that order. Every function is for one account, `count` how many groups it uses.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled_into
from monitor.core.kernels_proof import UNIT
from monitor.core.store_columns import F8, U8
from monitor.core.store_recipe import (
    BASIS_RATE,
    BREAK_DOWN,
    BREAK_UP,
    CREDIT,
    CREDITED,
    DELTA,
    EXPONENT,
    FACTOR,
    FAMILY,
    FAMILY_OFFSET,
    FIRST_LEG,
    FIRST_RATIO,
    GROSS,
    HELD,
    IS_MIXED,
    LIQUIDITY_RATE,
    MINIMUM_RATE,
    PER_VOLUME,
    PRODUCT,
    PRODUCT_OFFSET,
    REST,
    SCAN_LONG,
    SCAN_SHORT,
    SECOND_LEG,
    SECOND_RATIO,
    SLOPE,
    SWING_DOWN,
    SWING_UP,
    Recipe,
    Sums,
)

_NEXT: Final = np.uint64(1)


@compiled_into
def bound(recipe: Recipe, count: np.uint64, work: F8, touched: U8, sums: Sums) -> float:
    """Return the greatest rounding of the requirement, apart from errors of what is held.

    It is NaN where a mixed group is used: the requirement is not known then. Where that depends on whether what is held
    is 0, nothing is proven.
    """
    moving, doubt = 0.0, 0.0
    for slot in range(count):
        group = touched[slot]
        moving += work[group, GROSS] + work[group, HELD]
        if recipe.groups[group, IS_MIXED] != 0.0:
            is_used = work[group, GROSS] > 0.0 or work[group, HELD] > sums.held_error
            doubt += np.nan if is_used else np.inf
    rounding = 4.0 * (sums.terms + 16.0 + 4.0 * recipe.credits.shape[0]) * UNIT
    off: float = rounding * moving * recipe.numbers[SLOPE] + doubt
    return off


@compiled_into
def scenario_of(recipe: Recipe, count: np.uint64, work: F8, touched: U8, sums: Sums) -> tuple[float, float]:
    """Return what `scenario` requires, and the rounding of its charge for size.

    When one group breaks away from the others, the loss is that of all going the other way, and the swing of the one;
    a configured group in which there is nothing still breaks away.
    """
    numbers, groups, shocks = recipe.numbers, recipe.groups, recipe.shocks
    exponent, factor = numbers[EXPONENT], numbers[FACTOR]
    worst, sized, opposed, gross, up, down = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for slot in range(count):
        group = touched[slot]
        delta, mine = work[group, DELTA], work[group, GROSS]
        gross += mine
        opposed += 0.5 * (mine + work[group, HELD] - abs(delta))
        charge = numbers[LIQUIDITY_RATE] * mine
        if groups[group, PER_VOLUME] >= 0.0 and mine != 0.0:
            share = mine * groups[group, PER_VOLUME]
            charge *= np.sqrt(share) if exponent == 0.5 else share**exponent
        sized += charge
        up -= delta * groups[group, BREAK_UP]
        down -= delta * groups[group, BREAK_DOWN]
    for scenario in range(np.uint64(shocks.shape[1])):
        loss = 0.0
        for slot in range(count):
            loss -= work[touched[slot], DELTA] * shocks[touched[slot], scenario]
        worst = max(worst, loss)
    if groups.shape[0] > 1:
        for slot in range(count):
            group = touched[slot]
            worst = max(worst, up - work[group, DELTA] * groups[group, SWING_UP])
            worst = max(worst, down - work[group, DELTA] * groups[group, SWING_DOWN])
        if count < np.uint64(groups.shape[0]):
            worst = max(worst, up, down)
    charged = max(worst + sized + numbers[BASIS_RATE] * opposed, numbers[MINIMUM_RATE] * gross)
    return charged * factor, (1.0 + exponent) * 4.0 * (sums.terms + 200.0) * UNIT * factor * sized


@compiled_into
def span_of(recipe: Recipe, count: np.uint64, work: F8, touched: U8) -> float:
    """Return what `span` requires: its sixteen scenarios have become one factor for gains, one for losses."""
    numbers, groups, deals = recipe.numbers, recipe.groups, recipe.credits
    required = 0.0
    for slot in range(count):
        work[touched[slot], REST] = work[touched[slot], DELTA]
    for deal in range(np.uint64(deals.shape[0]) if count > 1 else np.uint64(0)):
        one, other = np.uint64(deals[deal, FIRST_LEG]), np.uint64(deals[deal, SECOND_LEG])
        first, second = work[one, REST], work[other, REST]
        if (first > 0.0 > second) | (first < 0.0 < second):
            spreads = min(abs(first) / deals[deal, FIRST_RATIO], abs(second) / deals[deal, SECOND_RATIO])
            taken, spent = spreads * deals[deal, FIRST_RATIO], spreads * deals[deal, SECOND_RATIO]
            scan = groups[one, SCAN_LONG] if first > 0.0 else groups[one, SCAN_SHORT]
            work[one, CREDITED] += taken * scan * deals[deal, CREDIT]
            scan = groups[other, SCAN_LONG] if second > 0.0 else groups[other, SCAN_SHORT]
            work[other, CREDITED] += spent * scan * deals[deal, CREDIT]
            work[one, REST] = max(first - taken, 0.0) if first > 0.0 else min(first + taken, 0.0)
            work[other, REST] = max(second - spent, 0.0) if second > 0.0 else min(second + spent, 0.0)
    for slot in range(count):
        group = touched[slot]
        delta, mine = work[group, DELTA], work[group, GROSS]
        scan = delta * groups[group, SCAN_LONG] if delta > 0.0 else -delta * groups[group, SCAN_SHORT]
        basis = numbers[BASIS_RATE] * (0.5 * (mine + work[group, HELD] - abs(delta)))
        required += max(scan + basis - work[group, CREDITED], numbers[MINIMUM_RATE] * mine)
    return required


@compiled_into
def offset_by(profit: float, offset: float) -> float:
    """Return a loss as it is, and of a gain the share that counts."""
    return profit if profit < 0.0 else profit * offset


@compiled_into
def tims_of(recipe: Recipe, count: np.uint64, work: F8, touched: U8) -> float:
    """Return what `tims` requires, over the ranks that can be the worst; bundles follow each other."""
    numbers, groups, shocks = recipe.numbers, recipe.groups, recipe.shocks
    required, begin = 0.0, np.uint64(0)
    while begin < count:
        end, opposed, gross, least = begin, 0.0, 0.0, np.inf
        while end < count and groups[touched[end], FAMILY] == groups[touched[begin], FAMILY]:
            group = touched[end]
            gross += work[group, GROSS]
            opposed += 0.5 * (work[group, GROSS] + work[group, HELD] - abs(work[group, DELTA]))
            end += _NEXT
        for rank in range(np.uint64(shocks.shape[1])):
            whole, slot = 0.0, begin
            while slot < end:
                first, together = touched[slot], 0.0
                while slot < end and groups[touched[slot], PRODUCT] == groups[first, PRODUCT]:
                    profit = work[touched[slot], DELTA] * shocks[touched[slot], rank]
                    together += offset_by(profit, groups[first, PRODUCT_OFFSET])
                    slot += _NEXT
                whole += offset_by(together, groups[first, FAMILY_OFFSET])
            least = min(least, whole)
        lost = numbers[BASIS_RATE] * opposed - least
        required += max(0.0, lost, numbers[MINIMUM_RATE] * gross)
        begin = end
    return required
