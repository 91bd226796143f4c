"""What the portfolio methods require of one account, from the sums over its groups; in float64, with a bound.

The sums are made, and the bounds derived, in `kernels_portfolio`; what each method is, exactly, is said in `portfolio`.
Groups are numbered, and `touched` lists those an account has anything in, rising: the numpy twins add in that order.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import compiled
from monitor.core.kernels_proof import UNIT
from monitor.core.store_columns import F8, I8
from monitor.core.store_plan import (
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
    SCENARIO,
    SECOND_LEG,
    SECOND_RATIO,
    SLOPE,
    SPAN,
    SWING_DOWN,
    SWING_UP,
    TIMS,
    Plan,
)


@compiled
def requirement_of(plan: Plan, work: F8, touched: I8, count: int, terms: int, error: float) -> tuple[float, float]:
    """Return what a method with groups requires, ungrouped positions apart, and the greatest error of that.

    `terms`: how many numbers were added up in `work`; `error` bounds those of what is held, and is not counted. Not
    known where a mixed group is used; where that depends on whether what is held is 0, nothing is proven.
    """
    moving, rounding = 0.0, 0.0
    for index in range(count):
        group = touched[index]
        moving += work[group, GROSS] + work[group, HELD]
        if plan.groups[group, IS_MIXED] != 0.0:
            if work[group, GROSS] > 0.0 or work[group, HELD] > error:
                return np.nan, 0.0
            rounding = np.inf
    rounding += 4.0 * (terms + 16.0 + 4.0 * plan.credits.shape[0]) * UNIT * moving * plan.numbers[SLOPE]
    if plan.method == SCENARIO:
        required, sized = scenario_of(plan, work, touched, count)
        power = (1.0 + plan.numbers[EXPONENT]) * 4.0 * (terms + 200.0) * UNIT
        return required, rounding + power * plan.numbers[FACTOR] * sized
    if plan.method == SPAN:
        return span_of(plan, work, touched, count), rounding
    if plan.method == TIMS:
        return tims_of(plan, work, touched, count), rounding
    return np.nan, 0.0


@compiled
def worst_of(plan: Plan, work: F8, touched: I8, count: int) -> float:
    """Return the greatest weighted loss over the scenarios, not below 0.

    When one group breaks away from the others, the loss is that of all going the other way, and the swing of the one;
    a configured group in which there is nothing still breaks away.
    """
    worst, up, down = 0.0, 0.0, 0.0
    for scenario in range(plan.shocks.shape[1]):
        loss = 0.0
        for index in range(count):
            loss -= work[touched[index], DELTA] * plan.shocks[touched[index], scenario]
        worst = max(worst, loss)
    if plan.groups.shape[0] < 2:
        return worst
    for index in range(count):
        group = touched[index]
        up -= work[group, DELTA] * plan.groups[group, BREAK_UP]
        down -= work[group, DELTA] * plan.groups[group, BREAK_DOWN]
    for index in range(count):
        group = touched[index]
        worst = max(worst, up - work[group, DELTA] * plan.groups[group, SWING_UP])
        worst = max(worst, down - work[group, DELTA] * plan.groups[group, SWING_DOWN])
    return max(worst, up, down) if count < plan.groups.shape[0] else worst


@compiled
def scenario_of(plan: Plan, work: F8, touched: I8, count: int) -> tuple[float, float]:
    """Return the requirement of `scenario`, and the part of it that is charged for size, before the buffer."""
    numbers = plan.numbers
    exponent, sized, opposed, gross = numbers[EXPONENT], 0.0, 0.0, 0.0
    for index in range(count):
        group = touched[index]
        mine = work[group, GROSS]
        gross += mine
        opposed += 0.5 * (mine + work[group, HELD] - abs(work[group, DELTA]))
        charge = numbers[LIQUIDITY_RATE] * mine
        if plan.groups[group, PER_VOLUME] >= 0.0 and mine != 0.0:
            share = mine * plan.groups[group, PER_VOLUME]
            charge *= np.sqrt(share) if exponent == 0.5 else share**exponent
        sized += charge
    worst = worst_of(plan, work, touched, count)
    charged = max(worst + sized + numbers[BASIS_RATE] * opposed, numbers[MINIMUM_RATE] * gross)
    return charged * numbers[FACTOR], sized


@compiled
def span_of(plan: Plan, work: F8, touched: I8, count: int) -> float:
    """Return the requirement of `span`: its sixteen scenarios have become one factor for gains, one for losses."""
    numbers, groups, deals = plan.numbers, plan.groups, plan.credits
    for index in range(count):
        work[touched[index], REST] = work[touched[index], DELTA]
    for credit in range(deals.shape[0] if count > 1 else 0):
        one, other = int(deals[credit, FIRST_LEG]), int(deals[credit, SECOND_LEG])
        first, second = work[one, REST], work[other, REST]
        if (first > 0.0 > second) | (first < 0.0 < second):
            spreads = min(abs(first) / deals[credit, FIRST_RATIO], abs(second) / deals[credit, SECOND_RATIO])
            used, spent = spreads * deals[credit, FIRST_RATIO], spreads * deals[credit, SECOND_RATIO]
            scan = groups[one, SCAN_LONG] if first > 0.0 else groups[one, SCAN_SHORT]
            work[one, CREDITED] += used * scan * deals[credit, CREDIT]
            scan = groups[other, SCAN_LONG] if second > 0.0 else groups[other, SCAN_SHORT]
            work[other, CREDITED] += spent * scan * deals[credit, CREDIT]
            work[one, REST] = max(first - used, 0.0) if first > 0.0 else min(first + used, 0.0)
            work[other, REST] = max(second - spent, 0.0) if second > 0.0 else min(second + spent, 0.0)
    required = 0.0
    for index in range(count):
        group = touched[index]
        delta, mine = work[group, DELTA], work[group, GROSS]
        scan = delta * groups[group, SCAN_LONG] if delta > 0.0 else -delta * groups[group, SCAN_SHORT]
        basis = numbers[BASIS_RATE] * (0.5 * (mine + work[group, HELD] - abs(delta)))
        required += max(scan + basis - work[group, CREDITED], numbers[MINIMUM_RATE] * mine)
    return required


@compiled
def offset_by(profit: float, offset: float) -> float:
    """Return a loss as it is, and of a gain the share that counts."""
    return profit if profit < 0.0 else profit * offset


@compiled
def least_of(plan: Plan, work: F8, touched: I8, begin: int, end: int) -> float:
    """Return the least profit over the ranks of the touched classes of one portfolio group."""
    least = np.inf
    for rank in range(plan.shocks.shape[1]):
        whole, index = 0.0, begin
        while index < end:
            first = touched[index]
            together = 0.0
            while index < end and plan.groups[touched[index], PRODUCT] == plan.groups[first, PRODUCT]:
                profit = work[touched[index], DELTA] * plan.shocks[touched[index], rank]
                together += offset_by(profit, plan.groups[first, PRODUCT_OFFSET])
                index += 1
            whole += offset_by(together, plan.groups[first, FAMILY_OFFSET])
        least = min(least, whole)
    return least


@compiled
def tims_of(plan: Plan, work: F8, touched: I8, count: int) -> float:
    """Return the requirement of `tims`, over the ranks that can be the worst."""
    required, begin = 0.0, 0
    while begin < count:
        end, opposed, gross = begin, 0.0, 0.0
        while end < count and plan.groups[touched[end], FAMILY] == plan.groups[touched[begin], FAMILY]:
            group = touched[end]
            gross += work[group, GROSS]
            opposed += 0.5 * (work[group, GROSS] + work[group, HELD] - abs(work[group, DELTA]))
            end += 1
        lost = plan.numbers[BASIS_RATE] * opposed - least_of(plan, work, touched, begin, end)
        required += max(0.0, lost, plan.numbers[MINIMUM_RATE] * gross)
        begin = end
    return required
