"""The float64 screen: equity and requirement of every row, and which scopes are not proven to keep their status.

Exact decisions are made elsewhere: what is returned here are candidates, and never too few of them. Twins of these
functions in plain numpy are in `kernels_numpy`, the versions for prices known only within bounds in `kernels_banded`.

Figures
    A row holds n cells of one settle asset. Linear: E = B + Σ x, x = Q·v with Q = q·size, v = mark and
    B = wallet − Σ Q·entry. Inverse: the same with v = −1/mark and B = wallet + Σ Q/entry. In both the notional is
    y = |x|. The requirement is M = F + Σ max(0, y·(rate + fee) − d), F the part that is taken at entry prices. In USD:
    E = Σ a·w(a) over the parts, w = index·(1 − bid buffer)·ratio for amounts a ≥ 0, else index·(1 + ask buffer), and
    M = Σ M·index·(1 + ask buffer).

Rounding
    u = 2⁻⁵³. Q, rate + fee, d, F and B are exact numbers rounded once: relative error u each. (The quotients Q/entry of
    B carry 250 digits: an error below 10⁻⁶⁰ of any notional.) v has at most 2u (reciprocal of a rounded mark). With one
    product x and y have at most 4u + O(u²). With N = Σ y and g = |B| + N, n + 1 terms summed in order give
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
    A capacity c ≥ n is used for n. No figure leaves the range of normal numbers: inputs are within 1e±30 and at most
    four of them are multiplied.

In USD
    The value of an amount is continuous, with slope at most w = max(w₊, w₋), so an error of S moves it by w·S, also
    through 0. Factors are exact numbers rounded once; factor, product and a sum over P parts add (P + 2)·u·w·g, which
    the slack covers for P ≤ 32; beyond, the tolerance grows with P:
        tolerance = (1 + K)·(1 + P/16)·Σ w·S.

What is proven
    Status t stays if  E − enter·M > tolerance  and  leave·M − E > tolerance, with enter = k of the next worse rung (0
    for bankrupt), leave = k·(1 + h) of the status' own rung. Equality is inside the tolerance, so strict and inclusive
    ladders are served alike. From both follows E > 0 and M > 0. Healthy is left only downwards: the first test is
    enough. Bankrupt stays if E < −tolerance and either M > tolerance, or E also lies below the debt floor by more than
    that. Where M is exactly 0 (no position at all) the debt floor alone decides.
    Not finite: a known status is a candidate, an unknown one is not. Finite: unknown is a candidate, unless blocked.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled, inlined
from monitor.core.store_columns import (
    ASSET,
    BASE,
    BLOCKED,
    DEDUCTION,
    ENTER,
    EQUITY,
    F8,
    FIXED,
    FLOOR,
    GROUP,
    HIGHEST,
    I8,
    JUMP,
    LEAVE,
    LOWEST,
    MINUS,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    PART,
    PLUS,
    RATE,
    REQUIREMENT,
    SCOPE_ROW,
    SINGLE,
    STATES,
    TIERS,
    TILE_CAPACITY,
    TILE_CELL,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
    UNKNOWN,
    UNRULY,
    WEIGHT,
)

UNIT: Final = 2.0**-53
GUARD: Final = 16.0 * UNIT
"""How near to a floor a notional may be on the other side of it, as a share of the floor."""
BANKRUPT: Final = 7
_LINE_BITS = np.uint32(4)
_PAGE_BITS = np.uint64(PAGE_BITS)
_IN_PAGE = np.uint64(PAGE_ROWS - 1)
_NEXT = np.uint64(1)


@compiled
def bracket_of(notional: float, code: np.uint32, edge: F8) -> tuple[np.uint32, float]:
    """Return the code with the bracket of a notional, and how far the requirement may be off because of its floors."""
    here = code // TIERS * TIERS
    last = here + TIERS - 1
    while here < last and notional >= edge[here + 1, FLOOR]:
        here += 1
    doubt = edge[here, UNRULY]
    if notional <= edge[here, FLOOR] * (1.0 + GUARD):
        doubt += edge[here, JUMP]
    if here < last and notional >= edge[here + 1, FLOOR] * (1.0 - GUARD):
        doubt += edge[here + 1, JUMP]
    return np.uint32(here), doubt


@inlined
def sum_row(
    start: np.uint64, capacity: int, base: float, fixed: float, codes: U4, sizes: F8, values: F8, table: F8, edge: F8
) -> tuple[float, float, float, float]:
    """Return (equity, requirement, Σ notional, doubt) of one row, and keep the brackets it met."""
    equity = base
    requirement = fixed
    live = 0.0
    doubt = 0.0
    place = start
    for _ in range(capacity):
        code = codes[place]
        gain = sizes[place] * values[code >> _LINE_BITS]
        notional = abs(gain)
        equity += gain
        live += notional
        if (notional < table[code, LOWEST]) | (notional >= table[code, HIGHEST]):
            code, more = bracket_of(notional, code, edge)
            codes[place] = code
            doubt += more
        needed = table[code, RATE] * notional - table[code, DEDUCTION]
        requirement += max(needed, 0.0)
        place += _NEXT
    return equity, requirement, live, doubt


@compiled
def is_doubtful(
    watch: int,
    equity: tuple[float, float],
    requirement: tuple[float, float],
    has_positions: bool,
    tolerance: float,
    floor: tuple[float, float],
    law: F8,
) -> bool:
    """Return whether a status is not proven to stay, for figures and a debt floor within (low, high)."""
    state = watch % STATES
    finite = np.isfinite(equity[0] + equity[1]) and np.isfinite(requirement[0] + requirement[1])
    worst = equity[0] - law[watch, ENTER] * requirement[1] > tolerance
    if state >= UNKNOWN:
        proven = state == BLOCKED or not finite
    elif state == 0:
        nothing = equity[0] == 0.0 and tolerance == 0.0
        proven = worst or (not has_positions and (nothing or equity[0] - tolerance > -floor[0]))
    elif state == BANKRUPT:
        required = has_positions and requirement[0] > tolerance
        proven = equity[1] < -tolerance and (required or equity[1] + tolerance < -floor[1])
    else:
        proven = worst and law[watch, LEAVE] * requirement[0] - equity[1] > tolerance
    return not proven or (state < UNKNOWN and not finite)


@inlined
def judge_single(
    row: np.uint64,
    start: np.uint64,
    capacity: int,
    rounding: float,
    figures: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    floors: F8,
    law: F8,
) -> bool:
    """Evaluate a row that is a scope; return whether its status is not proven."""
    base = figures[row, BASE]
    equity, requirement, live, doubt = sum_row(
        start, capacity, base, figures[row, FIXED], codes, sizes, values, table, edge
    )
    figures[row, EQUITY] = equity
    figures[row, REQUIREMENT] = requirement
    state = watch[row]
    tolerance = law[state, WEIGHT] * (rounding * (abs(base) + live + requirement) + doubt)
    doubtful = False
    worse = equity - law[state, ENTER] * requirement
    better = law[state, LEAVE] * requirement - equity
    if not ((worse > tolerance) & (better > tolerance)):
        low, high = floors[state // STATES, links[row, ASSET], 0], floors[state // STATES, links[row, ASSET], 1]
        doubtful = is_doubtful(
            state, (equity, equity), (requirement, requirement), live != 0.0, tolerance, (low, high), law
        )
    return doubtful


@inlined
def sum_part(
    row: np.uint64,
    start: np.uint64,
    capacity: int,
    rounding: float,
    figures: F8,
    scales: F8,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
) -> None:
    """Evaluate a row that is a part of a scope in USD."""
    base = figures[row, BASE]
    equity, requirement, live, doubt = sum_row(
        start, capacity, base, figures[row, FIXED], codes, sizes, values, table, edge
    )
    figures[row, EQUITY] = equity
    figures[row, REQUIREMENT] = requirement
    scales[row] = rounding * (abs(base) + live + requirement) + doubt


@inlined
def judge_group(
    row: np.uint64,
    start: np.uint64,
    capacity: int,
    figures: F8,
    scales: F8,
    watch: U1,
    links: U4,
    codes: U4,
    coins: F8,
    floors: F8,
    law: F8,
) -> bool:
    """Add up the parts of a scope in USD, evaluated before; return whether its status is not proven."""
    equity = 0.0
    requirement = 0.0
    scale = 0.0
    place = start
    for _ in range(capacity):
        part = codes[place]
        asset = links[part, ASSET]
        amount = figures[part, EQUITY]
        plus = coins[asset, PLUS]
        minus = coins[asset, MINUS]
        equity += amount * (minus if amount < 0.0 else plus)
        requirement += figures[part, REQUIREMENT] * minus
        scale += scales[part] * (max(plus, minus))
        place += _NEXT
    figures[row, EQUITY] = equity
    figures[row, REQUIREMENT] = requirement
    state = watch[row]
    tolerance = law[state, WEIGHT] * (1.0 + capacity / 16.0) * scale
    doubtful = False
    worse = equity - law[state, ENTER] * requirement
    better = law[state, LEAVE] * requirement - equity
    if not ((worse > tolerance) & (better > tolerance)):
        low, high = floors[state // STATES, 0, 0], floors[state // STATES, 0, 1]
        has_positions = figures[row, FIXED] != 0.0
        doubtful = is_doubtful(
            state, (equity, equity), (requirement, requirement), has_positions, tolerance, (low, high), law
        )
    return doubtful


@compiled
def judge_tiles(
    tiles: I8,
    figures: F8,
    scales: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    coins: F8,
    floors: F8,
    law: F8,
    found: U4,
) -> int:
    """Evaluate every row, tile by tile, parts before their groups; fill `found` with the candidates and count them."""
    count = 0
    for turn in range(2 * tiles.shape[0]):
        tile = turn % tiles.shape[0]
        kind, capacity = tiles[tile, TILE_KIND], tiles[tile, TILE_CAPACITY]
        row, start = np.uint64(tiles[tile, TILE_ROW]), np.uint64(tiles[tile, TILE_CELL])
        stop, step = row + np.uint64(tiles[tile, TILE_USED]), np.uint64(capacity)
        rounding = 4.0 * (capacity + 16.0) * UNIT
        if turn < tiles.shape[0] and kind == SINGLE:
            while row < stop:
                if judge_single(
                    row,
                    start,
                    capacity,
                    rounding,
                    figures,
                    watch,
                    links,
                    codes,
                    sizes,
                    values,
                    table,
                    edge,
                    floors,
                    law,
                ):
                    found[count] = links[row, OWNER]
                    count += 1
                row += _NEXT
                start += step
        elif turn < tiles.shape[0] and kind == PART:
            while row < stop:
                sum_part(row, start, capacity, rounding, figures, scales, codes, sizes, values, table, edge)
                row += _NEXT
                start += step
        elif turn >= tiles.shape[0] and kind == GROUP:
            while row < stop:
                if judge_group(row, start, capacity, figures, scales, watch, links, codes, coins, floors, law):
                    found[count] = links[row, OWNER]
                    count += 1
                row += _NEXT
                start += step
    return count


@compiled
def judge_scopes(
    chosen: U4,
    scopes: U4,
    pages: I8,
    figures: F8,
    scales: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    coins: F8,
    floors: F8,
    law: F8,
    found: U4,
) -> int:
    """Evaluate some scopes from scratch; fill `found` with the candidates and count them."""
    count = 0
    for index in range(chosen.shape[0]):
        row = np.uint64(scopes[chosen[index], SCOPE_ROW])
        if row == np.uint64(NONE):
            continue
        page = row >> _PAGE_BITS
        capacity = pages[page, PAGE_CAPACITY]
        start = np.uint64(pages[page, PAGE_CELL]) + (row & _IN_PAGE) * np.uint64(capacity)
        rounding = 4.0 * (capacity + 16.0) * UNIT
        if pages[page, PAGE_KIND] == SINGLE:
            doubtful = judge_single(
                row, start, capacity, rounding, figures, watch, links, codes, sizes, values, table, edge, floors, law
            )
        else:
            for place in range(start, start + np.uint64(capacity)):
                part = np.uint64(codes[place])
                home = part >> _PAGE_BITS
                size = pages[home, PAGE_CAPACITY]
                cell = np.uint64(pages[home, PAGE_CELL]) + (part & _IN_PAGE) * np.uint64(size)
                precision = 4.0 * (size + 16.0) * UNIT
                sum_part(part, cell, size, precision, figures, scales, codes, sizes, values, table, edge)
            doubtful = judge_group(row, start, capacity, figures, scales, watch, links, codes, coins, floors, law)
        if doubtful:
            found[count] = chosen[index]
            count += 1
    return count
