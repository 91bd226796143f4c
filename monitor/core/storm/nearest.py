"""The prices of a position: where its scope is liquidated, and where its share of the equity is used up.

Compiled; `liquidation_walk` and `bankruptcy` are the specification, and say where the formulas come from. Of one linear
position the margin F(x) = base + gain·x − n·requirement(x), x its notional, with the line E = (n/d)·MM.
"""

from __future__ import annotations

from monitor.core.kernels_compiled import inner
from monitor.core.store_columns import I8
from monitor.core.storm.columns import (
    AT,
    BANKRUPTCY,
    BEST_APART,
    BEST_BOTTOM,
    BEST_TOP,
    BRACKET,
    EQUITY,
    FIRST_OF_POSITIONS,
    FIRST_TIER,
    FLOOR,
    FLOOR_DECIMALS,
    FLOOR_ROW,
    GAIN,
    HEIGHT,
    HELD_REST,
    LESS,
    LESS_DECIMALS,
    LESS_ROW,
    LINE_BOTTOM_ROW,
    LINE_TOP_ROW,
    LIQUIDATION,
    MARK_ROW,
    NEEDED,
    NOTIONAL,
    PLACE,
    RATE_ROW,
    REQUIRED,
    REQUIRED_DECIMALS,
    REQUIRED_REST,
    REQUIREMENT,
    ROWS_OF_POSITION,
    SIZE_ROW,
    SLOPE,
    TIER_COUNT,
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    H,
)
from monitor.core.storm.division import quotient
from monitor.core.storm.figures import put_needed
from monitor.core.storm.numbers import (
    FAULT,
    LENGTH,
    SIGN,
    add,
    compare,
    copy_number,
    multiply,
    put_number,
    sign_of,
    subtract,
)

PRICE_DIGITS = 60
"""Digits of a price found by dividing, as `amounts.quotient`."""


@inner
def propose(w: I8, top: int, bottom: int, has_best: bool) -> bool:
    """Take a notional top ÷ bottom for the best where its price is nearer, or as near and lower; return True."""
    multiply(w, A, AT, bottom)
    subtract(w, B, top, A)
    w[B, SIGN] = 1
    if has_best:
        multiply(w, C, B, BEST_BOTTOM)
        multiply(w, D, BEST_APART, bottom)
        order = compare(w, C, D)
        if order > 0:
            return True
        if order == 0:
            multiply(w, C, top, BEST_BOTTOM)
            multiply(w, D, BEST_TOP, bottom)
            if compare(w, C, D) >= 0:
                return True
    copy_number(w, BEST_TOP, top)
    copy_number(w, BEST_BOTTOM, bottom)
    copy_number(w, BEST_APART, B)
    return True


@inner
def may_be_nearer(w: I8, tier: int, has_best: bool, tiers: I8) -> bool:
    """Return whether the price at a floor is not further than the best."""
    if not has_best:
        return True
    put_number(w, A, tiers[tier, FLOOR], tiers[tier, FLOOR_DECIMALS])
    subtract(w, B, A, AT)
    w[B, SIGN] = 1
    multiply(w, A, B, BEST_BOTTOM)
    return compare(w, A, BEST_APART) <= 0


@inner
def is_inside(w: I8, top: int, bottom: int, first: int, number: int, count: int, tiers: I8) -> bool:
    """Return whether a notional top ÷ bottom lies in a bracket, its ends included."""
    put_number(w, A, tiers[first + number, FLOOR], tiers[first + number, FLOOR_DECIMALS])
    multiply(w, B, A, bottom)
    if compare(w, B, top) > 0:
        return False
    if number + 1 == count:
        return True
    put_number(w, A, tiers[first + number + 1, FLOOR], tiers[first + number + 1, FLOOR_DECIMALS])
    multiply(w, B, A, bottom)
    return compare(w, top, B) <= 0


@inner
def is_zero_between(w: I8, height: int, slope: int) -> bool:
    """Return whether height + slope·x is 0 for an x above 0; both rows then lose their signs. All 0 is a fault."""
    if sign_of(w, height) == 0 and sign_of(w, slope) == 0:
        w[FAULT, LENGTH] = 1
    if sign_of(w, height) * sign_of(w, slope) >= 0:
        return False
    w[height, SIGN], w[slope, SIGN] = 1, 1
    return True


@inner
def look_into(w: I8, first: int, number: int, count: int, has_best: bool, tiers: I8) -> bool:
    """Look for zeros inside a bracket: with its requirement, and where the deduction leaves none."""
    tier = first + number
    put_number(w, RATE_ROW, tiers[tier, REQUIRED], tiers[tier, REQUIRED_DECIMALS])
    put_number(w, LESS_ROW, tiers[tier, LESS], tiers[tier, LESS_DECIMALS])
    multiply(w, A, LINE_TOP_ROW, RATE_ROW)
    subtract(w, SLOPE, GAIN, A)
    multiply(w, A, LINE_TOP_ROW, LESS_ROW)
    add(w, HEIGHT, H, A)
    if is_zero_between(w, HEIGHT, SLOPE) and is_inside(w, HEIGHT, SLOPE, first, number, count, tiers):
        multiply(w, A, RATE_ROW, HEIGHT)
        multiply(w, B, LESS_ROW, SLOPE)
        if compare(w, A, B) >= 0:
            has_best = propose(w, HEIGHT, SLOPE, has_best)
    if sign_of(w, LESS_ROW) <= 0:
        return has_best
    copy_number(w, HEIGHT, H)
    copy_number(w, SLOPE, GAIN)
    if is_zero_between(w, HEIGHT, SLOPE) and is_inside(w, HEIGHT, SLOPE, first, number, count, tiers):
        multiply(w, A, RATE_ROW, HEIGHT)
        multiply(w, B, LESS_ROW, SLOPE)
        if compare(w, A, B) <= 0:
            has_best = propose(w, HEIGHT, SLOPE, has_best)
    return has_best


@inner
def look_at_floor(w: I8, tier: int, has_best: bool, tiers: I8) -> bool:
    """Look at the floor of a bracket, where published deductions may make F jump over 0."""
    put_number(w, FLOOR_ROW, tiers[tier, FLOOR], tiers[tier, FLOOR_DECIMALS])
    put_needed(w, E, FLOOR_ROW, tier - 1, tiers)
    put_needed(w, F, FLOOR_ROW, tier, tiers)
    if compare(w, E, F) == 0:
        return has_best
    multiply(w, A, GAIN, FLOOR_ROW)
    add(w, G, H, A)
    multiply(w, A, LINE_TOP_ROW, E)
    subtract(w, B, G, A)
    multiply(w, A, LINE_TOP_ROW, F)
    subtract(w, C, G, A)
    if sign_of(w, B) * sign_of(w, C) < 0:
        put_number(w, SLOPE, 1, 0)
        return propose(w, FLOOR_ROW, SLOPE, has_best)
    return has_best


@inner
def walk(w: I8, first: int, present: int, count: int, tiers: I8) -> bool:
    """Find the nearest notional where the margin is 0 or jumps over it; return whether there is one."""
    has_best = look_into(w, first, present, count, False, tiers)
    for lower in range(present, 0, -1):
        if not may_be_nearer(w, first + lower, has_best, tiers):
            break
        has_best = look_at_floor(w, first + lower, has_best, tiers)
        has_best = look_into(w, first, lower - 1, count, has_best, tiers)
    for higher in range(present + 1, count):
        if not may_be_nearer(w, first + higher, has_best, tiers):
            break
        has_best = look_at_floor(w, first + higher, has_best, tiers)
        has_best = look_into(w, first, higher, count, has_best, tiers)
    return has_best


@inner
def put_liquidation(number: int, w: I8, held: I8, contracts: I8, tiers: I8) -> bool:
    """Set the liquidation price of a position; return whether there is one."""
    rows, terms = FIRST_OF_POSITIONS + number * ROWS_OF_POSITION, contracts[held[number, PLACE]]
    is_long = w[rows + SIZE_ROW, SIGN] > 0
    copy_number(w, AT, rows + NOTIONAL)
    copy_number(w, GAIN, LINE_BOTTOM_ROW)
    if is_long:
        subtract(w, HELD_REST, EQUITY, AT)
    else:
        add(w, HELD_REST, EQUITY, AT)
        w[GAIN, SIGN] = -1
    subtract(w, REQUIRED_REST, REQUIREMENT, rows + NEEDED)
    multiply(w, A, LINE_BOTTOM_ROW, HELD_REST)
    multiply(w, B, LINE_TOP_ROW, REQUIRED_REST)
    subtract(w, H, A, B)
    if not walk(w, terms[FIRST_TIER], held[number, BRACKET], terms[TIER_COUNT], tiers):
        return False
    copy_number(w, A, rows + SIZE_ROW)
    w[A, SIGN] = 1
    multiply(w, B, BEST_BOTTOM, A)
    quotient(w, rows + LIQUIDATION, BEST_TOP, B, PRICE_DIGITS)
    return True


@inner
def put_bankruptcy(number: int, is_cross: bool, w: I8) -> bool:
    """Set the bankruptcy price of a position; return whether there is one above 0."""
    rows = FIRST_OF_POSITIONS + number * ROWS_OF_POSITION
    copy_number(w, A, EQUITY)
    copy_number(w, B, rows + SIZE_ROW)
    if is_cross:
        multiply(w, A, EQUITY, rows + NEEDED)
        multiply(w, B, REQUIREMENT, rows + SIZE_ROW)
    multiply(w, C, rows + MARK_ROW, B)
    subtract(w, D, C, A)
    quotient(w, rows + BANKRUPTCY, D, B, PRICE_DIGITS)
    return sign_of(w, rows + BANKRUPTCY) > 0
