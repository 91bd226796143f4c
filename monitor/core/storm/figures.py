"""The exact figures of one scope: those of its positions, their sums, and the status that follows.

Compiled; formulas and their sources are in `positions`, `margin` and `ladder`. All numbers are exact but quotients.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import inner
from monitor.core.store_columns import I8
from monitor.core.storm.columns import (
    AFTER,
    BASIS,
    BASIS_DECIMALS,
    BRACKET,
    BRACKET_ROW,
    CAP,
    CAP_DECIMALS,
    CHARGE,
    CHARGE_DECIMALS,
    COUNT,
    COUNTED_LEVERAGE,
    DUE,
    ENTRY,
    EQUITY,
    FEE,
    FIRST_OF_POSITIONS,
    FIRST_TIER,
    FLOOR,
    FLOOR_DECIMALS,
    HAS_FUNDING,
    INCLUSIVE,
    INITIAL,
    INITIAL_PART,
    LESS,
    LESS_DECIMALS,
    LEVERAGE,
    LEVERAGE_DECIMALS,
    MARK,
    MARK_DECIMALS,
    MARK_ROW,
    NEEDED,
    NEXT_TIME,
    NOTIONAL,
    ODD,
    ODD_OF_ALL,
    ODD_ROW,
    PLACE,
    PNL,
    PROFIT,
    QUANTITY,
    RATE,
    RATE_DECIMALS,
    REQUIRED,
    REQUIRED_DECIMALS,
    REQUIREMENT,
    ROWS_OF_POSITION,
    SIZE,
    SIZE_DECIMALS,
    SIZE_ROW,
    TIER_COUNT,
    WALLET,
    A,
    B,
    C,
    Law,
    Market,
    Work,
)
from monitor.core.storm.numbers import (
    DECIMALS,
    FAULT,
    LENGTH,
    SIGN,
    accumulate,
    add,
    compare,
    copy_number,
    multiply,
    put_number,
    sign_of,
    subtract,
    times_small,
)

MOST_PLACES = 12
_LARGEST_ODD = 1_000_000_000
BANKRUPT = 7


@inner
def find_bracket(w: I8, notional: int, first: int, count: int, tiers: I8) -> int:
    """Return the last bracket whose floor is not above a notional, of those from `first` on."""
    found = 0
    for number in range(1, count):
        put_number(w, A, tiers[first + number, FLOOR], tiers[first + number, FLOOR_DECIMALS])
        if compare(w, A, notional) > 0:
            break
        found = number
    return found


@inner
def put_needed(w: I8, to: int, notional: int, tier: int, tiers: I8) -> None:
    """Set a row to the requirement of a notional in a bracket, never below 0."""
    put_number(w, A, tiers[tier, REQUIRED], tiers[tier, REQUIRED_DECIMALS])
    multiply(w, B, notional, A)
    put_number(w, A, tiers[tier, LESS], tiers[tier, LESS_DECIMALS])
    subtract(w, to, B, A)
    if sign_of(w, to) < 0:
        w[to, LENGTH] = 0


@inner
def odd_part(number: int) -> tuple[int, int, int]:
    """Return how often a number can be divided by 2 and by 5, and what is left then."""
    twos, fives = 0, 0
    while number % 2 == 0:
        number, twos = number // 2, twos + 1
    while number % 5 == 0:
        number, fives = number // 5, fives + 1
    return twos, fives, number


@inner
def put_initial(w: I8, rows: int, number: int, tier: int, tiers: I8, held: I8) -> bool:
    """Set the initial margin of a position as a row and what it is still divided by; return whether that fits."""
    put_number(w, A, held[number, LEVERAGE], held[number, LEVERAGE_DECIMALS])
    put_number(w, B, tiers[tier, CAP], tiers[tier, CAP_DECIMALS])
    if sign_of(w, B) > 0 and compare(w, A, B) > 0:
        held[number, LEVERAGE], held[number, LEVERAGE_DECIMALS] = tiers[tier, CAP], tiers[tier, CAP_DECIMALS]
    twos, fives, odd = odd_part(held[number, LEVERAGE])
    places = max(twos, fives)
    put_number(w, rows + COUNTED_LEVERAGE, held[number, LEVERAGE], held[number, LEVERAGE_DECIMALS])
    copy_number(w, rows + INITIAL_PART, rows + NOTIONAL)
    held[number, ODD] = odd
    if places > MOST_PLACES or odd >= _LARGEST_ODD:
        return False
    times_small(w, rows + INITIAL_PART, 2 ** (places - twos))
    times_small(w, rows + INITIAL_PART, 5 ** (places - fives))
    w[rows + INITIAL_PART, DECIMALS] += places - held[number, LEVERAGE_DECIMALS]
    return True


@inner
def put_position(number: int, w: I8, held: I8, contracts: I8, tiers: I8) -> bool:
    """Set the figures of a position; return whether all of them fit."""
    rows, terms = FIRST_OF_POSITIONS + number * ROWS_OF_POSITION, contracts[held[number, PLACE]]
    put_number(w, A, terms[SIZE], terms[SIZE_DECIMALS])
    multiply(w, rows + SIZE_ROW, rows + QUANTITY, A)
    put_number(w, rows + MARK_ROW, terms[MARK], terms[MARK_DECIMALS])
    multiply(w, rows + NOTIONAL, rows + SIZE_ROW, rows + MARK_ROW)
    w[rows + NOTIONAL, SIGN] = 1
    subtract(w, B, rows + MARK_ROW, rows + ENTRY)
    multiply(w, rows + PROFIT, rows + SIZE_ROW, B)
    bracket = find_bracket(w, rows + NOTIONAL, terms[FIRST_TIER], terms[TIER_COUNT], tiers)
    held[number, BRACKET] = bracket
    put_number(w, rows + BRACKET_ROW, bracket, 0)
    tier = terms[FIRST_TIER] + bracket
    put_needed(w, rows + NEEDED, rows + NOTIONAL, tier, tiers)
    put_number(w, A, terms[CHARGE], terms[CHARGE_DECIMALS])
    multiply(w, rows + FEE, rows + NOTIONAL, A)
    return put_initial(w, rows, number, tier, tiers, held)


@inner
def greatest_common(one: int, other: int) -> int:
    """Return the greatest common divisor."""
    while other > 0:
        one, other = other, one % other
    return one


@inner
def put_initial_sum(work: Work) -> bool:
    """Set the initial margin of all positions as a row and what it is divided by; return whether that fits."""
    w, whole = work.rows, np.int64(1)
    count = work.spots[COUNT]
    for number in range(count):
        odd = work.held[number, ODD]
        whole = whole // greatest_common(whole, odd) * odd
        if whole >= _LARGEST_ODD:
            return False
    put_number(w, INITIAL, 0, 0)
    for number in range(count):
        copy_number(w, B, FIRST_OF_POSITIONS + number * ROWS_OF_POSITION + INITIAL_PART)
        times_small(w, B, whole // work.held[number, ODD])
        accumulate(w, INITIAL, B)
    work.spots[ODD_OF_ALL] = whole
    put_number(w, ODD_ROW, whole, 0)
    return True


@inner
def put_sums(market: Market, work: Work) -> bool:
    """Set the figures of a scope and of its positions; return whether all of them fit."""
    w, count, fits = work.rows, work.spots[COUNT], True
    put_number(w, PNL, 0, 0)
    put_number(w, REQUIREMENT, 0, 0)
    for number in range(count):
        fits = put_position(number, w, work.held, market.contracts, market.tiers) and fits
        rows = FIRST_OF_POSITIONS + number * ROWS_OF_POSITION
        accumulate(w, PNL, rows + PROFIT)
        accumulate(w, REQUIREMENT, rows + NEEDED)
    add(w, EQUITY, WALLET, PNL)
    return fits and put_initial_sum(work) and w[FAULT, LENGTH] == 0


@inner
def put_funding(market: Market, work: Work) -> int:
    """Set what is due at the next funding time, and the equity after it.

    Return that time: 0 where no price states it, -1 where nothing is known.
    """
    w, count, earliest = work.rows, work.spots[COUNT], np.int64(0)
    for number in range(count):
        terms = market.contracts[work.held[number, PLACE]]
        if terms[HAS_FUNDING] == 0:
            return -1
        if terms[NEXT_TIME] > 0 and (earliest == 0 or terms[NEXT_TIME] < earliest):
            earliest = terms[NEXT_TIME]
    put_number(w, DUE, 0, 0)
    for number in range(count):
        terms = market.contracts[work.held[number, PLACE]]
        if terms[NEXT_TIME] != 0 and terms[NEXT_TIME] != earliest:
            continue
        put_number(w, A, terms[RATE], terms[RATE_DECIMALS])
        put_number(w, B, terms[BASIS], terms[BASIS_DECIMALS])
        multiply(w, C, A, B)
        multiply(w, A, C, FIRST_OF_POSITIONS + number * ROWS_OF_POSITION + SIZE_ROW)
        accumulate(w, DUE, A)
    subtract(w, AFTER, EQUITY, DUE)
    return int(earliest)


@inner
def status_by(w: I8, lines: I8, inclusive: int) -> int:
    """Return the status that equity and requirement (above 0) have by some lines."""
    if sign_of(w, EQUITY) <= 0:
        return BANKRUPT
    for number in range(len(lines)):
        put_number(w, A, lines[number, 1], 0)
        multiply(w, B, REQUIREMENT, A)
        put_number(w, A, lines[number, 2], 0)
        multiply(w, C, EQUITY, A)
        order = compare(w, C, B)
        if order < 0 or (order == 0 and inclusive == 1):
            return int(lines[number, 0])
    return 0


@inner
def judge(law: Law, last: int, work: Work) -> tuple[int, int]:
    """Return the status after `last`, and the one without memory."""
    inclusive = law.scalars[INCLUSIVE]
    down = status_by(work.rows, law.lines, inclusive)
    if down > last:
        return down, down
    up = status_by(work.rows, law.rising, inclusive)
    return (min(last, up)), down
