"""What the portfolio methods require of accounts, from the sums over their groups; in float64, with a bound.

The sums are made, and the bounds derived, in `kernels_portfolio_rows`; what each method is, exactly, `portfolio` says.
Groups are numbered, and `touched` lists those an account has anything in, rising, and at its end how many: the numpy
twins add in that order. Every function walks a block of accounts.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import compiled_within
from monitor.core.kernels_proof import UNIT
from monitor.core.store_columns import F8, I8
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
    HELD_ERROR,
    IS_MIXED,
    LIQUIDITY_RATE,
    MINIMUM_RATE,
    OFF,
    PER_VOLUME,
    PRODUCT,
    PRODUCT_OFFSET,
    REQUIRED,
    REST,
    SCAN_LONG,
    SCAN_SHORT,
    SECOND_LEG,
    SECOND_RATIO,
    SLOPE,
    SWING_DOWN,
    SWING_UP,
    TERMS,
    Recipe,
)


@compiled_within
def bound(recipe: Recipe, used: int, work: F8, touched: I8, sums: F8) -> None:
    """Fill in the greatest rounding of the requirements, apart from errors of what is held.

    A requirement is not known, NaN, where a mixed group is used; where that depends on whether what is held is 0,
    nothing is proven.
    """
    groups, credits_in_all = recipe.groups, recipe.credits.shape[0]
    for at in range(used):
        moving, doubt = 0.0, 0.0
        for slot in range(touched[at, -1]):
            group = touched[at, slot]
            moving += work[at, group, GROSS] + work[at, group, HELD]
            if groups[group, IS_MIXED] != 0.0:
                is_used = work[at, group, GROSS] > 0.0 or work[at, group, HELD] > sums[at, HELD_ERROR]
                doubt += np.nan if is_used else np.inf
        rounding = 4.0 * (sums[at, TERMS] + 16.0 + 4.0 * credits_in_all) * UNIT
        sums[at, OFF] = rounding * moving * recipe.numbers[SLOPE] + doubt
        sums[at, REQUIRED] = np.nan


@compiled_within
def scenario_of(recipe: Recipe, used: int, work: F8, touched: I8, sums: F8) -> None:
    """Fill in the requirements of `scenario`.

    When one group breaks away from the others, the loss is that of all going the other way, and the swing of the one;
    a configured group in which there is nothing still breaks away.
    """
    numbers, groups, shocks = recipe.numbers, recipe.groups, recipe.shocks
    exponent, factor = numbers[EXPONENT], numbers[FACTOR]
    for at in range(used):
        count, worst, sized, opposed, gross, up, down = touched[at, -1], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for slot in range(count):
            group = touched[at, slot]
            delta, mine = work[at, group, DELTA], work[at, group, GROSS]
            gross += mine
            opposed += 0.5 * (mine + work[at, group, HELD] - abs(delta))
            charge = numbers[LIQUIDITY_RATE] * mine
            if groups[group, PER_VOLUME] >= 0.0 and mine != 0.0:
                share = mine * groups[group, PER_VOLUME]
                charge *= np.sqrt(share) if exponent == 0.5 else share**exponent
            sized += charge
            up -= delta * groups[group, BREAK_UP]
            down -= delta * groups[group, BREAK_DOWN]
        for scenario in range(shocks.shape[1]):
            loss = 0.0
            for slot in range(count):
                loss -= work[at, touched[at, slot], DELTA] * shocks[touched[at, slot], scenario]
            worst = max(worst, loss)
        if groups.shape[0] > 1:
            for slot in range(count):
                group = touched[at, slot]
                worst = max(worst, up - work[at, group, DELTA] * groups[group, SWING_UP])
                worst = max(worst, down - work[at, group, DELTA] * groups[group, SWING_DOWN])
            if count < groups.shape[0]:
                worst = max(worst, up, down)
        charged = max(worst + sized + numbers[BASIS_RATE] * opposed, numbers[MINIMUM_RATE] * gross)
        sums[at, REQUIRED] = charged * factor
        sums[at, OFF] += (1.0 + exponent) * 4.0 * (sums[at, TERMS] + 200.0) * UNIT * factor * sized


@compiled_within
def span_of(recipe: Recipe, used: int, work: F8, touched: I8, sums: F8) -> None:
    """Fill in the requirements of `span`: its sixteen scenarios have become one factor for gains, one for losses."""
    numbers, groups, deals = recipe.numbers, recipe.groups, recipe.credits
    for at in range(used):
        count, required = touched[at, -1], 0.0
        for slot in range(count):
            work[at, touched[at, slot], REST] = work[at, touched[at, slot], DELTA]
        for deal in range(deals.shape[0] if count > 1 else 0):
            one, other = int(deals[deal, FIRST_LEG]), int(deals[deal, SECOND_LEG])
            first, second = work[at, one, REST], work[at, other, REST]
            if (first > 0.0 > second) | (first < 0.0 < second):
                spreads = min(abs(first) / deals[deal, FIRST_RATIO], abs(second) / deals[deal, SECOND_RATIO])
                taken, spent = spreads * deals[deal, FIRST_RATIO], spreads * deals[deal, SECOND_RATIO]
                scan = groups[one, SCAN_LONG] if first > 0.0 else groups[one, SCAN_SHORT]
                work[at, one, CREDITED] += taken * scan * deals[deal, CREDIT]
                scan = groups[other, SCAN_LONG] if second > 0.0 else groups[other, SCAN_SHORT]
                work[at, other, CREDITED] += spent * scan * deals[deal, CREDIT]
                work[at, one, REST] = max(first - taken, 0.0) if first > 0.0 else min(first + taken, 0.0)
                work[at, other, REST] = max(second - spent, 0.0) if second > 0.0 else min(second + spent, 0.0)
        for slot in range(count):
            group = touched[at, slot]
            delta, mine = work[at, group, DELTA], work[at, group, GROSS]
            scan = delta * groups[group, SCAN_LONG] if delta > 0.0 else -delta * groups[group, SCAN_SHORT]
            basis = numbers[BASIS_RATE] * (0.5 * (mine + work[at, group, HELD] - abs(delta)))
            required += max(scan + basis - work[at, group, CREDITED], numbers[MINIMUM_RATE] * mine)
        sums[at, REQUIRED] = required


@compiled_within
def offset_by(profit: float, offset: float) -> float:
    """Return a loss as it is, and of a gain the share that counts."""
    return profit if profit < 0.0 else profit * offset


@compiled_within
def tims_of(recipe: Recipe, used: int, work: F8, touched: I8, sums: F8) -> None:
    """Fill in the requirements of `tims`, over the ranks that can be the worst; bundles follow each other."""
    numbers, groups, shocks = recipe.numbers, recipe.groups, recipe.shocks
    for at in range(used):
        count, required, begin = touched[at, -1], 0.0, 0
        while begin < count:
            end, opposed, gross, least = begin, 0.0, 0.0, np.inf
            while end < count and groups[touched[at, end], FAMILY] == groups[touched[at, begin], FAMILY]:
                group = touched[at, end]
                gross += work[at, group, GROSS]
                opposed += 0.5 * (work[at, group, GROSS] + work[at, group, HELD] - abs(work[at, group, DELTA]))
                end += 1
            for rank in range(shocks.shape[1]):
                whole, slot = 0.0, begin
                while slot < end:
                    first, together = touched[at, slot], 0.0
                    while slot < end and groups[touched[at, slot], PRODUCT] == groups[first, PRODUCT]:
                        profit = work[at, touched[at, slot], DELTA] * shocks[touched[at, slot], rank]
                        together += offset_by(profit, groups[first, PRODUCT_OFFSET])
                        slot += 1
                    whole += offset_by(together, groups[first, FAMILY_OFFSET])
                least = min(least, whole)
            lost = numbers[BASIS_RATE] * opposed - least
            required += max(0.0, lost, numbers[MINIMUM_RATE] * gross)
            begin = end
        sums[at, REQUIRED] = required
