"""The screen while some prices are only known to lie within a band: what `kernels` does, at both ends.

Used for the scopes that stand on a doubted price. The bounds are those of `kernels`, with the greatest notional for N;
figures are kept at the last price.

What is proven
    Each cell's gain and requirement are taken at both ends of its value; E lies within the sums of the lower and of the
    upper gains, M within those of the lower and upper requirements, at whatever combination of ends a scope is judged.
    A known status stays if the test of `kernels` holds with the worse E and M on either side.
    An unknown status stays unknown if the two judgements surely differ. The worse end of a price is the one with less
    E − M; with d the status by k at the worse ends and u the status by k·(1 + h) at the better ones, what is told after
    any status whatever is at least d there, at most u here: u milder than d is enough. This is tried for rows that are
    a scope of their own, have one position a symbol, and whose worse ends are beyond doubt; others are candidates.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.kernels_proof import BANKRUPT, UNIT, bracket_of, is_doubtful
from monitor.core.store_columns import (
    ASSET,
    BASE,
    DEDUCTION,
    ENTER,
    EQUITY,
    F8,
    FIXED,
    HIGHEST,
    I8,
    LEAVE,
    LOWEST,
    MINUS,
    MINUS_HIGH,
    MINUS_LOW,
    NONE,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    PLUS,
    PLUS_HIGH,
    PLUS_LOW,
    PORTFOLIO,
    RATE,
    REQUIREMENT,
    SCOPE_ROW,
    SINGLE,
    STATES,
    U1,
    U4,
    UNKNOWN,
    WEIGHT,
)

CLEARLY: Final = 1e-9
"""How much the two ends of a cell must differ, as a share of their notionals, for the worse one to be beyond doubt."""
LOW, HIGH, LEAST, MOST, WORSE, WORSE_NEEDED, BETTER, BETTER_NEEDED, LIVE, DOUBT, UNSURE = range(11)
"""Of the bounds of a row: ends of E, ends of M, (E, M) with every price at its worse and at its better end, Σ of the
greater notionals, doubt as in `kernels`, and whether the last two pairs are not beyond doubt."""
ENDS: Final = 11


@compiled_within
def required(notional: float, code: np.uint32, table: F8, edge: F8) -> tuple[float, float]:
    """Return the requirement of one cell at a notional, and its doubt."""
    doubt = 0.0
    if (notional < table[code, LOWEST]) | (notional >= table[code, HIGHEST]):
        code, doubt = bracket_of(notional, code, edge)
    needed = table[code, RATE] * notional - table[code, DEDUCTION]
    return max(needed, 0.0), doubt


@compiled_within
def find_ends(
    row: int, pages: I8, figures: F8, codes: U4, sizes: F8, holds: U4, ends: F8, table: F8, edge: F8, out: F8
) -> None:
    """Fill in the bounds of the figures of one row."""
    out[:] = 0.0
    for column in (LOW, HIGH, WORSE, BETTER):
        out[column] = figures[row, BASE]
    for column in (LEAST, MOST, WORSE_NEEDED, BETTER_NEEDED):
        out[column] = figures[row, FIXED]
    page = row >> PAGE_BITS
    capacity = pages[page, PAGE_CAPACITY]
    start = pages[page, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * capacity
    for place in range(start, start + capacity):
        code, size = codes[place], sizes[place]
        one, other = size * ends[code >> 4, 0], size * ends[code >> 4, 1]
        needed_one, doubt_one = required(abs(one), code, table, edge)
        needed_other, doubt_other = needed_one, doubt_one
        if one != other:
            needed_other, doubt_other = required(abs(other), code, table, edge)
        out[LOW] += min(one, other)
        out[HIGH] += max(one, other)
        out[LEAST] += min(needed_one, needed_other)
        out[MOST] += max(needed_one, needed_other)
        out[LIVE] += max(abs(one), abs(other))
        out[DOUBT] += max(doubt_one, doubt_other)
        room = (other - needed_other) - (one - needed_one)
        if one != other and (holds[place] == NONE or not abs(room) > CLEARLY * (abs(one) + abs(other))):
            out[UNSURE] = 1.0
        is_turned = room < 0.0
        out[WORSE] += other if is_turned else one
        out[WORSE_NEEDED] += needed_other if is_turned else needed_one
        out[BETTER] += one if is_turned else other
        out[BETTER_NEEDED] += needed_one if is_turned else needed_other


@compiled_within
def evaluate(
    row: int, pages: I8, figures: F8, codes: U4, sizes: F8, values: F8, table: F8, edge: F8
) -> tuple[float, float]:
    """Keep and return the figures of one row at the last prices."""
    page = row >> PAGE_BITS
    capacity = pages[page, PAGE_CAPACITY]
    start = pages[page, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * capacity
    equity, requirement = figures[row, BASE], figures[row, FIXED]
    for place in range(start, start + capacity):
        gain = sizes[place] * values[codes[place] >> 4]
        needed, _ = required(abs(gain), codes[place], table, edge)
        equity += gain
        requirement += needed
    figures[row, EQUITY] = equity
    figures[row, REQUIREMENT] = requirement
    return equity, requirement


@compiled_within
def rank_of(watch: int, equity: float, requirement: float, is_widened: bool, law: F8) -> int:
    """Return the status by k (or k·(1 + h)) of figures with a requirement above 0, as a rank."""
    first = watch // STATES * STATES
    rank = 0
    for state in range(1, BANKRUPT):
        k = law[first + state, LEAVE] if is_widened else law[first + state - 1, ENTER]
        if law[first + state - 1, ENTER] > law[first + state, ENTER] and equity < k * requirement:
            rank = state
    return BANKRUPT if equity <= 0.0 else rank


@compiled_within
def judge_single(watch: int, capacity: int, equity: float, base: float, bounds: F8, floor: F8, law: F8) -> bool:
    """Return whether the status of a row that is a scope is not proven."""
    rounding = 4.0 * (capacity + 16.0) * UNIT
    tolerance = law[watch, WEIGHT] * (rounding * (abs(base) + bounds[LIVE] + bounds[MOST]) + bounds[DOUBT])
    low = bounds[LOW] if np.isfinite(equity) else equity
    doubtful = is_doubtful(
        watch,
        (low, bounds[HIGH]),
        (bounds[LEAST], bounds[MOST]),
        bounds[LIVE] != 0.0,
        tolerance,
        (floor[0], floor[1]),
        law,
    )
    if doubtful and watch % STATES == UNKNOWN and bounds[UNSURE] == 0.0 and bounds[LEAST] > tolerance:
        at_worse = rank_of(watch, bounds[WORSE] + tolerance, bounds[WORSE_NEEDED], False, law)
        at_better = rank_of(watch, bounds[BETTER] - tolerance, bounds[BETTER_NEEDED], True, law)
        return at_better >= at_worse
    return doubtful


@compiled_within
def judge_group(
    row: int,
    pages: I8,
    figures: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    holds: U4,
    values: F8,
    ends: F8,
    table: F8,
    edge: F8,
    coins: F8,
    floors: F8,
    law: F8,
    bounds: F8,
) -> bool:
    """Evaluate a scope in USD with all its parts; return whether its status is not proven."""
    equity, requirement, low, high, least, most, scale = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    capacity = pages[row >> PAGE_BITS, PAGE_CAPACITY]
    start = pages[row >> PAGE_BITS, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * capacity
    for place in range(start, start + capacity):
        part = np.int64(codes[place])
        coin = coins[links[part, ASSET]]
        amount, needed = evaluate(part, pages, figures, codes, sizes, values, table, edge)
        equity += amount * (coin[MINUS] if amount < 0.0 else coin[PLUS])
        requirement += needed * coin[MINUS]
        find_ends(part, pages, figures, codes, sizes, holds, ends, table, edge, bounds)
        low += bounds[LOW] * (coin[MINUS_HIGH] if bounds[LOW] < 0.0 else coin[PLUS_LOW])
        high += bounds[HIGH] * (coin[MINUS_LOW] if bounds[HIGH] < 0.0 else coin[PLUS_HIGH])
        least += bounds[LEAST] * coin[MINUS_LOW]
        most += bounds[MOST] * coin[MINUS_HIGH]
        rounding = 4.0 * (pages[part >> PAGE_BITS, PAGE_CAPACITY] + 16.0) * UNIT
        error = rounding * (abs(figures[part, BASE]) + bounds[LIVE] + bounds[MOST]) + bounds[DOUBT]
        scale += error * (max(coin[PLUS_HIGH], coin[MINUS_HIGH]))
    figures[row, EQUITY] = equity
    figures[row, REQUIREMENT] = requirement
    state = watch[row]
    tolerance = law[state, WEIGHT] * (1.0 + capacity / 16.0) * scale
    floor = floors[state // STATES, 0]
    low = low if np.isfinite(equity) else equity
    has_positions = figures[row, FIXED] != 0.0
    return is_doubtful(state, (low, high), (least, most), has_positions, tolerance, (floor[0], floor[1]), law)


@compiled
def judge_scopes(
    chosen: U4,
    scopes: U4,
    pages: I8,
    figures: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    holds: U4,
    values: F8,
    ends: F8,
    table: F8,
    edge: F8,
    coins: F8,
    floors: F8,
    law: F8,
    found: U4,
) -> int:
    """Evaluate some scopes from scratch; fill `found` with the candidates and count them."""
    count = 0
    bounds = np.empty(ENDS)
    for index in range(chosen.shape[0]):
        row = np.int64(scopes[chosen[index], SCOPE_ROW])
        if row == NONE or pages[row >> PAGE_BITS, PAGE_KIND] == PORTFOLIO:
            continue
        page = row >> PAGE_BITS
        if pages[page, PAGE_KIND] == SINGLE:
            equity, _ = evaluate(row, pages, figures, codes, sizes, values, table, edge)
            find_ends(row, pages, figures, codes, sizes, holds, ends, table, edge, bounds)
            state = watch[row]
            floor, base = floors[state // STATES, links[row, ASSET]], figures[row, BASE]
            doubtful = judge_single(state, pages[page, PAGE_CAPACITY], equity, base, bounds, floor, law)
        else:
            doubtful = judge_group(
                row,
                pages,
                figures,
                watch,
                links,
                codes,
                sizes,
                holds,
                values,
                ends,
                table,
                edge,
                coins,
                floors,
                law,
                bounds,
            )
        if doubtful:
            found[count] = chosen[index]
            count += 1
    return count
