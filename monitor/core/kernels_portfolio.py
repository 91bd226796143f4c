"""The float64 screen of portfolios: equity and requirement of each from scratch, and which are not proven to stay.

The methods are in `kernels_methods`, twins in plain numpy in `kernels_numpy_portfolio`; the ground is in `kernels`,
whose terms and bounds are used here: u, S, w, K, E in USD.

Figures
    An account has one PIECE per asset, whose cells are its positions. The delta of a linear position is x·i, x = Q·mark
    its value and i the index of the piece's asset; of an inverse one it is Q, which is in USD. A group's D is the sum
    of the deltas of its positions and of what is held of its assets, E(piece)·i; G is Σ |delta| of positions, H is
    Σ |held|. The lesser of long and short is (G + H − |D|)/2. Ungrouped positions require r·i, r as in `kernels`.

Rounding of the sums
    A linear delta has 5u (Q, mark, i, two products), an inverse one u. An amount held has the error of E(piece), below
    S/4, and 2u, all times i. Adding t terms adds (t − 1)u of what is added. With T = Σ (G + H) over the groups:
        Σ |D̂ − D|, Σ |Ĝ − G|, Σ |Ĥ − H|  ≤  Φ = 4(t + 16)·u·T + Σ S·i.
    A sign that is wrong (what is held is 0 within its error) moves no sum by more.

Requirements
    Every method is continuous and piecewise linear in D, G and H, but for the charge for size. So its error is at most
    SLOPE·Φ, SLOPE a bound on its slopes, made with the plan:
    scenario  the loss in a scenario has slopes weight·max(move, −1), the greatest of them L; basis and minimum add
              their rates (twice for min(long, short)): SLOPE = (1 + buffer)·(L + 2·basis + minimum).
              The charge rate·G·(G/V)^e has relative error (1 + e)·4(t + 200)u: that of G times 1 + e; that of 1/V times
              e; that of ê is e·u·|ln(G/V)|, less than 160e·u; a power is right to 32u.
    span      scan and basis as above. A credit maps what is left of two deltas of opposite sign to what is left after
              it: for a ratio of 1:1 Σ |Δ| does not grow by that, for κ:1 by max(κ, 1/κ) at most; of a product A over
              the credits so far comes the slope A·credit·scan·(max(1, κ) + max(1, 1/κ)) of the next. Each rounds less
              than 16u of T: t + 4·credits stands for t.
    tims      offsets are within 0 and 1, so no sum has a slope above that of its classes: L + 2·basis + minimum.
    Rates, shocks and scans are rounded once; they and the sums of a method add less than 16u of SLOPE·T and of M. The
    ungrouped add their own S·i. In all, with P pieces and r the charge for size,
        |M̂ − M| ≤ SLOPE·Φ + (1 + buffer)(1 + e)·4(t + 200)u·r + Σ S·i + 4(P + 16)u·M̂,
        tolerance = (1 + K)·((1 + P/16)·Σ w·S + the above).

What is proven
    As in `kernels`. A requirement is exactly 0 only where no position and nothing held in a group is left.
    Of Hyperliquid's tokens each has an (E, M) of its own and the least E/M is the scope's: see `kernels_tokens`.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import compiled
from monitor.core.kernels_methods import requirement_of
from monitor.core.kernels_proof import UNIT, bracket_of, is_doubtful
from monitor.core.kernels_tokens import are_tokens_doubtful
from monitor.core.store_columns import (
    ASSET,
    BASE,
    DEDUCTION,
    EQUITY,
    F8,
    FIXED,
    HIGHEST,
    I8,
    INDEX,
    LOWEST,
    MINUS,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    PLUS,
    PORTFOLIO,
    RATE,
    REQUIREMENT,
    SCOPE_ROW,
    STATES,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
    WEIGHT,
)
from monitor.core.store_plan import DELTA, GROSS, HELD, SEEN, SLOPE, TOKENS, WORK_COLUMNS, Plan


@compiled
def clear(work: F8, touched: I8) -> None:
    """Empty what the last account has left behind; the last element says how many groups it touched."""
    for index in range(touched[-1]):
        work[touched[index], :] = 0.0


@compiled
def touch(group: int, work: F8, touched: I8, count: int) -> int:
    """Put a group among those that were touched, in order, unless it is there; return how many there are."""
    if work[group, SEEN] != 0.0:
        return count
    work[group, SEEN] = 1.0
    place = count
    while place > 0 and touched[place - 1] > group:
        touched[place] = touched[place - 1]
        place -= 1
    touched[place] = group
    return count + 1


@compiled
def walk(
    piece: int,
    index: float,
    pages: I8,
    figures: F8,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    groups: I8,
    work: F8,
    touched: I8,
    count: int,
) -> tuple[float, float, float, int]:
    """Add the positions of a piece to their groups; return (equity, requirement of the others, S, groups touched)."""
    page = piece >> PAGE_BITS
    capacity = pages[page, PAGE_CAPACITY]
    start = np.uint64(pages[page, PAGE_CELL] + (piece & (PAGE_ROWS - 1)) * capacity)
    base = figures[piece, BASE]
    equity, requirement, live, doubt = base, figures[piece, FIXED], 0.0, 0.0
    for place in range(start, start + np.uint64(capacity)):
        code, size = codes[place], sizes[place]
        line = code >> np.uint32(4)
        gain = size * values[line]
        notional = abs(gain)
        equity += gain
        live += notional
        if groups[line] >= 0:
            group = groups[line] >> 1
            delta = size if groups[line] & 1 else gain * index
            count = touch(group, work, touched, count)
            work[group, DELTA] += delta
            work[group, GROSS] += abs(delta)
            continue
        if (notional < table[code, LOWEST]) | (notional >= table[code, HIGHEST]):
            code, more = bracket_of(notional, code, edge)
            codes[place] = code
            doubt += more
        requirement += max(table[code, RATE] * notional - table[code, DEDUCTION], 0.0)
    scale = 4.0 * (capacity + 16.0) * UNIT * (abs(base) + live + requirement) + doubt
    return equity, requirement, scale, count


@compiled
def judge_row(
    row: int,
    pages: I8,
    figures: F8,
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
    groups: I8,
    held_in: I8,
    plan: Plan,
    work: F8,
    touched: I8,
) -> bool:
    """Evaluate one portfolio from scratch; return whether its status is not proven."""
    capacity = pages[row >> PAGE_BITS, PAGE_CAPACITY]
    start = pages[row >> PAGE_BITS, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * capacity
    clear(work, touched)
    count, terms, equity, scale, alone, error = 0, 0, 0.0, 0.0, 0.0, 0.0
    for place in range(start, start + capacity):
        piece = np.int64(codes[place])
        if piece == 0:
            continue
        asset = links[piece, ASSET]
        index, plus, minus = coins[asset, INDEX], coins[asset, PLUS], coins[asset, MINUS]
        amount, needed, mine, count = walk(
            int(piece), index, pages, figures, codes, sizes, values, table, edge, groups, work, touched, count
        )
        terms += pages[piece >> PAGE_BITS, PAGE_CAPACITY] + 1
        equity += amount * (minus if amount < 0.0 else plus)
        scale += mine * max(plus, minus)
        alone += needed * index
        error += mine * index
        group = held_in[asset]
        if group >= 0:
            count = touch(group, work, touched, count)
            worth = amount * index
            work[group, DELTA] += worth
            if plan.method == TOKENS:
                work[group, GROSS] = mine * index + 16.0 * UNIT * abs(worth)
                work[group, HELD] = index
            else:
                work[group, HELD] += abs(worth)
    state, touched[-1] = watch[row], count
    if plan.method == TOKENS:
        doubtful, value, requirement = are_tokens_doubtful(
            plan, work, touched, count, equity, alone, error, figures[row, FIXED] != 0.0, state, law
        )
        figures[row, EQUITY], figures[row, REQUIREMENT] = value, requirement
        return doubtful
    grouped, off = requirement_of(plan, work, touched, count, terms, error)
    requirement = grouped + alone if np.isfinite(equity) else np.nan
    error += plan.numbers[SLOPE] * error + off + 4.0 * (capacity + 16.0) * UNIT * requirement
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    tolerance = law[state, WEIGHT] * ((1.0 + capacity / 16.0) * scale + error)
    floor = floors[state // STATES, 0]
    requires = figures[row, FIXED] != 0.0 or count > 0
    pair, need = (equity, equity), (requirement, requirement)
    return is_doubtful(state, pair, need, requires, tolerance, (floor[0], floor[1]), law)


@compiled
def judge_tiles(
    tiles: I8,
    pages: I8,
    figures: F8,
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
    groups: I8,
    held_in: I8,
    plan: Plan,
    found: U4,
    count: int,
) -> int:
    """Evaluate every portfolio; return the count of candidates with those added to `found`."""
    work = np.zeros((plan.groups.shape[0], WORK_COLUMNS))
    touched = np.zeros(plan.groups.shape[0] + 1, np.int64)
    for tile in range(tiles.shape[0]):
        if tiles[tile, TILE_KIND] != PORTFOLIO:
            continue
        for row in range(tiles[tile, TILE_ROW], tiles[tile, TILE_ROW] + tiles[tile, TILE_USED]):
            if judge_row(
                *(int(row), pages, figures, watch, links, codes, sizes, values, table, edge, coins, floors, law),
                *(groups, held_in, plan, work, touched),
            ):
                found[count] = links[row, OWNER]
                count += 1
    return count


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
    values: F8,
    table: F8,
    edge: F8,
    coins: F8,
    floors: F8,
    law: F8,
    groups: I8,
    held_in: I8,
    plan: Plan,
    found: U4,
    count: int,
) -> int:
    """Evaluate the portfolios among some scopes; return the count of candidates with those added to `found`."""
    work = np.zeros((plan.groups.shape[0], WORK_COLUMNS))
    touched = np.zeros(plan.groups.shape[0] + 1, np.int64)
    for scope in chosen:
        row = np.int64(scopes[scope, SCOPE_ROW])
        if row == NONE or pages[row >> PAGE_BITS, PAGE_KIND] != PORTFOLIO:
            continue
        if judge_row(
            *(int(row), pages, figures, watch, links, codes, sizes, values, table, edge, coins, floors, law),
            *(groups, held_in, plan, work, touched),
        ):
            found[count] = scope
            count += 1
    return count
