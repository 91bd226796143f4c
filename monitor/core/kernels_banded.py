"""The screen while some prices are only known to lie within a band: what `kernels` does, at both ends.

Used as long as any band is set. The bounds are those of `kernels`, with the greatest notional for N; figures are kept at
the last price.

What is proven
    Each cell's gain and requirement are taken at both ends of its value; E lies within the sums of the lower and of the
    upper gains, M within those of the lower and upper requirements, at whatever combination of ends a scope is judged. A
    known status stays if the test of `kernels` holds with the worse E and M on either side.
    An unknown status stays unknown if the two judgements surely differ. The worse end of a price is the one with less
    E − M; with d the status by k at the worse ends and u the status by k·(1 + h) at the better ones, what is told after
    any status whatever is at least d there, at most u here: u milder than d is enough. This is tried for rows that are a
    scope of their own, have one position a symbol, and whose worse ends are beyond doubt; others are candidates.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from monitor.core.kernels import Brackets, Coins, Law, Prices, allowance, bracket_of, is_doubtful, sum_row
from monitor.core.kernels_compiled import compiled
from monitor.core.store_columns import NONE, PAGE_BITS, PAGE_ROWS, SINGLE, STATES, U4, UNKNOWN, Cells, Pages, Rows

_LINE_BITS = np.uint32(4)
_CLEARLY: Final = 1e-9
"""How much the two ends of a cell must differ, as a share of their notionals, for the worse one to be beyond doubt."""
_SMALL_USD: Final = 1.0 / 16.0
_BANKRUPT = 7


class Ends(NamedTuple):
    """Hold the bounds of a row's figures.

    equity and requirement: (low, high). worse, better: (E, M) with every price at its worse and its better end, if
    `is_sure`. live: Σ of the greater notionals; doubt: as in `kernels`.
    """

    equity: tuple[float, float]
    requirement: tuple[float, float]
    worse: tuple[float, float]
    better: tuple[float, float]
    is_sure: bool
    live: float
    doubt: float


@compiled
def required(notional: float, code: np.uint32, brackets: Brackets) -> tuple[float, float]:
    """Return the requirement of one cell at a notional, and its doubt."""
    here, doubt = bracket_of(notional, code, brackets)
    needed = brackets.table[here, 0] * notional - brackets.table[here, 1]
    needed = max(needed, 0.0)
    return needed, doubt


@compiled
def ends_of_row(
    start: int, capacity: int, base: float, fixed: float, cells: Cells, prices: Prices, brackets: Brackets
) -> Ends:
    """Return the bounds of the figures of one row."""
    low, high, least, most, live, doubt = base, base, fixed, fixed, 0.0, 0.0
    worse_equity, better_equity, worse_needed, better_needed, is_sure = base, base, fixed, fixed, True
    for place in range(start, start + capacity):
        code, size = cells.code[place], cells.size[place]
        one, other = size * prices.low[code >> _LINE_BITS], size * prices.high[code >> _LINE_BITS]
        needed_one, doubt_one = required(abs(one), code, brackets)
        needed_other, doubt_other = required(abs(other), code, brackets)
        low += min(one, other)
        high += max(one, other)
        least += min(needed_one, needed_other)
        most += max(needed_one, needed_other)
        live += max(abs(one), abs(other))
        doubt += max(doubt_one, doubt_other)
        room = (other - needed_other) - (one - needed_one)
        if one != other and (cells.hold[place] == NONE or not abs(room) > _CLEARLY * (abs(one) + abs(other))):
            is_sure = False
        if room < 0.0:
            one, other, needed_one, needed_other = other, one, needed_other, needed_one
        worse_equity += one
        better_equity += other
        worse_needed += needed_one
        better_needed += needed_other
    return Ends(
        (low, high),
        (least, most),
        (worse_equity, worse_needed),
        (better_equity, better_needed),
        is_sure,
        live,
        doubt,
    )


@compiled
def rank_of(watch: int, equity: float, requirement: float, widened: bool, law: Law) -> int:
    """Return the status by k (or k·(1 + h)) of figures with a requirement above 0, as a rank."""
    if equity <= 0.0:
        return _BANKRUPT
    first = watch // STATES * STATES
    rank = 0
    for state in range(1, _BANKRUPT):
        k = law.leave[first + state] if widened else law.enter[first + state - 1]
        if law.enter[first + state - 1] > law.enter[first + state] and equity < k * requirement:
            rank = state
    return rank


@compiled
def stays_unknown(watch: int, ends: Ends, tolerance: float, law: Law) -> bool:
    """Return whether the judgements at the worse and the better ends surely differ."""
    if not (ends.is_sure and ends.requirement[0] > tolerance):
        return False
    at_worse = rank_of(watch, ends.worse[0] + tolerance, ends.worse[1], False, law)
    at_better = rank_of(watch, ends.better[0] - tolerance, ends.better[1], True, law)
    return at_better < at_worse


@compiled
def judge_single(
    row: int,
    start: int,
    capacity: int,
    rows: Rows,
    cells: Cells,
    prices: Prices,
    brackets: Brackets,
    coins: Coins,
    law: Law,
) -> bool:
    """Evaluate a row that is a scope; return whether its status is not proven."""
    base, fixed, watch = rows.base[row], rows.fixed[row], rows.watch[row]
    equity, requirement, _, _ = sum_row(start, capacity, base, fixed, cells, prices.value, brackets)
    rows.equity[row] = equity
    rows.requirement[row] = requirement
    ends = ends_of_row(start, capacity, base, fixed, cells, prices, brackets)
    scale = allowance(capacity) * (abs(base) + ends.live + ends.requirement[1]) + ends.doubt
    tolerance = law.weight[watch] * scale
    floor = coins.floor_low[watch // STATES, rows.asset[row]], coins.floor_high[watch // STATES, rows.asset[row]]
    low = ends.equity[0] if np.isfinite(equity) else equity
    doubtful = is_doubtful(watch, (low, ends.equity[1]), ends.requirement, ends.live != 0.0, tolerance, floor, law)
    if doubtful and watch % STATES == UNKNOWN:
        return not stays_unknown(watch, ends, tolerance, law)
    return doubtful


@compiled
def judge_group(
    row: int,
    start: int,
    capacity: int,
    pages: Pages,
    rows: Rows,
    cells: Cells,
    prices: Prices,
    brackets: Brackets,
    coins: Coins,
    law: Law,
) -> bool:
    """Evaluate a scope in USD with all its parts; return whether its status is not proven."""
    equity, requirement, low, high, least, most, scale = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for place in range(start, start + capacity):
        part = int(cells.code[place])
        page, asset = part >> PAGE_BITS, rows.asset[part]
        size, base, fixed = pages.capacity[page], rows.base[part], rows.fixed[part]
        cell = pages.cell[page] + (part & (PAGE_ROWS - 1)) * size
        amount, needed, _, _ = sum_row(cell, size, base, fixed, cells, prices.value, brackets)
        rows.equity[part] = amount
        rows.requirement[part] = needed
        equity += amount * (coins.minus[asset] if amount < 0.0 else coins.plus[asset])
        requirement += needed * coins.minus[asset]
        ends = ends_of_row(cell, size, base, fixed, cells, prices, brackets)
        low += ends.equity[0] * (coins.minus_high[asset] if ends.equity[0] < 0.0 else coins.plus_low[asset])
        high += ends.equity[1] * (coins.minus_low[asset] if ends.equity[1] < 0.0 else coins.plus_high[asset])
        least += ends.requirement[0] * coins.minus_low[asset]
        most += ends.requirement[1] * coins.minus_high[asset]
        error = allowance(size) * (abs(base) + ends.live + ends.requirement[1]) + ends.doubt
        scale += error * max(coins.plus_high[asset], coins.minus_high[asset])
    rows.equity[row] = equity
    rows.requirement[row] = requirement
    watch = rows.watch[row]
    tolerance = law.weight[watch] * (1.0 + capacity * _SMALL_USD) * scale
    floor = coins.floor_low[watch // STATES, 0], coins.floor_high[watch // STATES, 0]
    low = low if np.isfinite(equity) else equity
    return is_doubtful(watch, (low, high), (least, most), rows.fixed[row] != 0.0, tolerance, floor, law)


@compiled
def judge_scopes(
    scopes: U4,
    row_of: U4,
    pages: Pages,
    rows: Rows,
    cells: Cells,
    prices: Prices,
    brackets: Brackets,
    coins: Coins,
    law: Law,
    found: U4,
) -> int:
    """Evaluate some scopes from scratch; fill `found` with the candidates and count them."""
    count = 0
    for index in range(scopes.shape[0]):
        row = int(row_of[scopes[index]])
        if row == NONE:
            continue
        page = row >> PAGE_BITS
        capacity = pages.capacity[page]
        start = pages.cell[page] + (row & (PAGE_ROWS - 1)) * capacity
        if pages.kind[page] == SINGLE:
            doubtful = judge_single(row, start, capacity, rows, cells, prices, brackets, coins, law)
        else:
            doubtful = judge_group(row, start, capacity, pages, rows, cells, prices, brackets, coins, law)
        if doubtful:
            found[count] = scopes[index]
            count += 1
    return count
