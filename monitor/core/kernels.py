"""The float64 screen: equity and requirement of every row, and which scopes are not proven to keep their status.

Exact decisions are made elsewhere: what is returned here are candidates, and never too few of them. Twins of these
functions in plain numpy are in `kernels_numpy`, the versions for prices known only within bounds in `kernels_banded`.

Figures
    A row holds n cells of one settle asset. Linear: E = B + Σ x, x = Q·v with Q = q·size, v = mark, B = wallet − Σ Q·entry.
    Inverse: the same with v = −1/mark, B = wallet + Σ Q/entry. In both the notional is y = |x|. The requirement is
    M = F + Σ max(0, y·(rate + fee) − d), F the part that is taken at entry prices. In USD: E = Σ a·w(a) over the parts,
    w = index·(1 − bid buffer)·ratio for amounts a ≥ 0, else index·(1 + ask buffer); M = Σ M·index·(1 + ask buffer).

Rounding
    u = 2⁻⁵³. Q, rate + fee, d, F and B are exact numbers rounded once: relative error u each. (The quotients Q/entry of B
    carry 250 digits: an error below 10⁻⁶⁰ of any notional.) v has at most 2u (reciprocal of a rounded mark). One product:
    x and y have at most 4u + O(u²). With N = Σ y and g = |B| + N, n + 1 terms summed in order give
        |Ê − E| ≤ (n + 5)·u·g.
    A cell's requirement r is a product (6u with its factors) and a difference; max(0, ·) adds no error. Terms were
    checked: 0 ≤ rate + fee ≤ 2 and d ≤ floor·rate, so |d| ≤ 2y for d ≥ 0, and y·rate + |d| = r for d < 0; hence
    y·rate + |d| ≤ 4y + r. A bracket that breaks the rule adds 64u·|d| of its own (`doubt`).
    The bracket chosen is wrong only where y lies within 6u of a floor; where the requirement is continuous there, that
    costs at most 2·6u·y. Where it jumps, the whole jump is added (`doubt`) if y is within 16u of the floor. So
        |M̂ − M| ≤ (n + 9)·u·(4N + M) + 12u·N + doubt ≤ 4(n + 13)·u·(N + M) + doubt.
    Both are below   S = 4(n + 16)·u·(g + M̂) + doubt,   the error of the equity by a factor of 4 or more.
    The test compares Ê − k̂·M̂ with a tolerance: k̂ has u, its product u, the difference u of itself, together less than
    2u·k·M + u·|E − k·M|, which the slack between 13 and 16 and the factor 4 cover. With K = max(1, all k·(1 + h)):
        tolerance = (1 + K)·S
    A capacity c ≥ n is used for n. No figure leaves the range of normal numbers: inputs are within 1e±30 and at most four
    of them are multiplied.

In USD
    The value of an amount is continuous, with slope at most w = max(w₊, w₋), so an error of S moves it by w·S, also
    through 0. Factors are exact numbers rounded once; factor, product and a sum over P parts add (P + 2)·u·w·g, which the
    slack covers for P ≤ 32; beyond, the tolerance grows with P:
        tolerance = (1 + K)·(1 + P/16)·Σ w·S.

What is proven
    Status t stays if  E − enter·M > tolerance  and  leave·M − E > tolerance, with enter = k of the next worse rung (0 for
    bankrupt), leave = k·(1 + h) of the status' own rung. Equality is inside the tolerance, so strict and inclusive ladders
    are served alike. From both follows E > 0 and M > 0. Healthy is left only downwards: the first test suffices.
    Bankrupt stays if E < −tolerance and either M > tolerance, or E also lies below the debt floor by more than it. Where M
    is exactly 0 (no position at all) the debt floor alone decides.
    Not finite: a known status is a candidate, an unknown one is not. Finite: unknown is a candidate, unless blocked.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from monitor.core.kernels_compiled import compiled
from monitor.core.store_columns import (
    BLOCKED,
    F8,
    GROUP,
    NONE,
    PAGE_BITS,
    PAGE_ROWS,
    PART,
    SINGLE,
    STATES,
    U4,
    UNKNOWN,
    Cells,
    Pages,
    Rows,
    Tiles,
)

UNIT: Final = 2.0**-53
GUARD: Final = 16.0 * UNIT
"""How near to a floor a notional may be on the other side of it, as a share of the floor."""
_BANKRUPT = 7
_SMALL_USD = 1.0 / 16.0
_BRACKETS = np.uint32(0xFFFFFFF0)
_LINE_BITS = np.uint32(4)
_LAST_TIER = 15


class Prices(NamedTuple):
    """Hold the value of each line (linear: mark, inverse: −1/mark; NaN when not known), and the ends of its band."""

    value: F8
    low: F8
    high: F8


class Brackets(NamedTuple):
    """Hold the terms of each code: table rows are rate + fee, deduction, and the notionals between which no doubt is.

    edge rows: the floor, the jump of the requirement at it, and an error to be added always.
    """

    table: F8
    edge: F8


class Coins(NamedTuple):
    """Hold what an asset counts in USD: an amount above 0, an amount below; their bounds; debt floors by ladder."""

    plus: F8
    minus: F8
    plus_low: F8
    plus_high: F8
    minus_low: F8
    minus_high: F8
    floor_low: F8
    floor_high: F8


class Law(NamedTuple):
    """Hold by ladder·STATES + state: the line to a worse status, the line to a better one, and 1 + K."""

    enter: F8
    leave: F8
    weight: F8


@compiled
def allowance(capacity: int) -> float:
    """Return 4(n + 16)·u."""
    return 4.0 * (capacity + 16.0) * UNIT


@compiled
def bracket_of(notional: float, code: np.uint32, brackets: Brackets) -> tuple[np.uint32, float]:
    """Return the code with the bracket of a notional, and how far the requirement may be off because of its floors."""
    first = code & _BRACKETS
    tier = 0
    while tier < _LAST_TIER and notional >= brackets.edge[first + tier + 1, 0]:
        tier += 1
    here = first + tier
    doubt = brackets.edge[here, 2]
    if notional <= brackets.edge[here, 0] * (1.0 + GUARD):
        doubt += brackets.edge[here, 1]
    if tier < _LAST_TIER and notional >= brackets.edge[here + 1, 0] * (1.0 - GUARD):
        doubt += brackets.edge[here + 1, 1]
    return np.uint32(here), doubt


@compiled
def sum_row(
    start: int, capacity: int, base: float, fixed: float, cells: Cells, value: F8, brackets: Brackets
) -> tuple[float, float, float, float]:
    """Return (equity, requirement, Σ notional, doubt) of one row, and keep the brackets it met."""
    table = brackets.table
    equity, requirement, live, doubt = base, fixed, 0.0, 0.0
    place = np.uint64(start)
    for _ in range(capacity):
        code = cells.code[place]
        gain = cells.size[place] * value[code >> _LINE_BITS]
        notional = abs(gain)
        equity += gain
        live += notional
        if (notional < table[code, 2]) | (notional >= table[code, 3]):
            code, more = bracket_of(notional, code, brackets)
            cells.code[place] = code
            doubt += more
        needed = table[code, 0] * notional - table[code, 1]
        needed = max(needed, 0.0)
        requirement += needed
        place += np.uint64(1)
    return equity, requirement, live, doubt


@compiled
def is_doubtful(
    watch: int,
    equity: tuple[float, float],
    requirement: tuple[float, float],
    has_positions: bool,
    tolerance: float,
    floor: tuple[float, float],
    law: Law,
) -> bool:
    """Return whether a status is not proven to stay, for figures and a debt floor within (low, high)."""
    state = watch % STATES
    if state == BLOCKED:
        return False
    known = np.isfinite(equity[0] + equity[1]) and np.isfinite(requirement[0] + requirement[1])
    if state == UNKNOWN:
        return known
    if not known:
        return True
    if state == 0:
        if equity[0] - law.enter[watch] * requirement[1] > tolerance:
            return False
        if has_positions:
            return True
        nothing = equity[0] == 0.0 and tolerance == 0.0
        return not (nothing or equity[0] - tolerance > -floor[0])
    if state == _BANKRUPT:
        beyond_floor = equity[1] + tolerance < -floor[1]
        required = has_positions and requirement[0] > tolerance
        return not (equity[1] < -tolerance and (required or beyond_floor))
    worst = equity[0] - law.enter[watch] * requirement[1]
    best = law.leave[watch] * requirement[0] - equity[1]
    return not (worst > tolerance and best > tolerance)


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
    base = rows.base[row]
    equity, requirement, live, doubt = sum_row(start, capacity, base, rows.fixed[row], cells, prices.value, brackets)
    rows.equity[row] = equity
    rows.requirement[row] = requirement
    watch = rows.watch[row]
    tolerance = law.weight[watch] * (allowance(capacity) * (abs(base) + live + requirement) + doubt)
    if (equity - law.enter[watch] * requirement > tolerance) & (law.leave[watch] * requirement - equity > tolerance):
        return False
    floor = coins.floor_low[watch // STATES, rows.asset[row]], coins.floor_high[watch // STATES, rows.asset[row]]
    return is_doubtful(watch, (equity, equity), (requirement, requirement), live != 0.0, tolerance, floor, law)


@compiled
def sum_part(row: int, start: int, capacity: int, rows: Rows, cells: Cells, prices: Prices, brackets: Brackets) -> None:
    """Evaluate a row that is a part of a scope in USD."""
    base = rows.base[row]
    equity, requirement, live, doubt = sum_row(start, capacity, base, rows.fixed[row], cells, prices.value, brackets)
    rows.equity[row] = equity
    rows.requirement[row] = requirement
    rows.scale[row] = allowance(capacity) * (abs(base) + live + requirement) + doubt


@compiled
def judge_group(row: int, start: int, capacity: int, rows: Rows, cells: Cells, coins: Coins, law: Law) -> bool:
    """Add up the parts of a scope in USD, evaluated before; return whether its status is not proven."""
    equity, requirement, scale = 0.0, 0.0, 0.0
    for place in range(start, start + capacity):
        part = cells.code[place]
        asset = rows.asset[part]
        amount, minus = rows.equity[part], coins.minus[asset]
        plus = coins.plus[asset]
        equity += amount * (minus if amount < 0.0 else plus)
        requirement += rows.requirement[part] * minus
        scale += rows.scale[part] * max(plus, minus)
    rows.equity[row] = equity
    rows.requirement[row] = requirement
    watch = rows.watch[row]
    tolerance = law.weight[watch] * (1.0 + capacity * _SMALL_USD) * scale
    if (equity - law.enter[watch] * requirement > tolerance) & (law.leave[watch] * requirement - equity > tolerance):
        return False
    floor = coins.floor_low[watch // STATES, 0], coins.floor_high[watch // STATES, 0]
    has_positions = rows.fixed[row] != 0.0
    return is_doubtful(watch, (equity, equity), (requirement, requirement), has_positions, tolerance, floor, law)


@compiled
def judge_tiles(
    rows: Rows, cells: Cells, tiles: Tiles, prices: Prices, brackets: Brackets, coins: Coins, law: Law, found: U4
) -> int:
    """Evaluate every row, tile by tile, parts before their groups; fill `found` with the candidates and count them."""
    count = 0
    for tile in range(tiles.row.shape[0]):
        kind, first, start, capacity = tiles.kind[tile], tiles.row[tile], tiles.cell[tile], tiles.capacity[tile]
        if kind == SINGLE:
            for index in range(tiles.used[tile]):
                if judge_single(
                    first + index, start + index * capacity, capacity, rows, cells, prices, brackets, coins, law
                ):
                    found[count] = rows.scope[first + index]
                    count += 1
        elif kind == PART:
            for index in range(tiles.used[tile]):
                sum_part(first + index, start + index * capacity, capacity, rows, cells, prices, brackets)
    for tile in range(tiles.row.shape[0]):
        if tiles.kind[tile] != GROUP:
            continue
        first, start, capacity = tiles.row[tile], tiles.cell[tile], tiles.capacity[tile]
        for index in range(tiles.used[tile]):
            if judge_group(first + index, start + index * capacity, capacity, rows, cells, coins, law):
                found[count] = rows.scope[first + index]
                count += 1
    return count


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
        row = np.uint64(row_of[scopes[index]])
        if row == NONE:
            continue
        page = row >> np.uint64(PAGE_BITS)
        capacity = pages.capacity[page]
        start = pages.cell[page] + np.int64(row & np.uint64(PAGE_ROWS - 1)) * capacity
        if pages.kind[page] == SINGLE:
            doubtful = judge_single(row, start, capacity, rows, cells, prices, brackets, coins, law)
        else:
            for place in range(start, start + capacity):
                part = np.uint64(cells.code[place])
                home = part >> np.uint64(PAGE_BITS)
                size = pages.capacity[home]
                cell = pages.cell[home] + np.int64(part & np.uint64(PAGE_ROWS - 1)) * size
                sum_part(part, cell, size, rows, cells, prices, brackets)
            doubtful = judge_group(row, start, capacity, rows, cells, coins, law)
        if doubtful:
            found[count] = scopes[index]
            count += 1
    return count
