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
    SLOPE·Φ, SLOPE a bound on its slopes, made with the recipe:
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

from monitor.core.kernels_compiled import compiled_within
from monitor.core.kernels_proof import UNIT, bracket_of, is_doubtful
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
    INDEX,
    LEAVE,
    LOWEST,
    MINUS,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_ROWS,
    PLUS,
    RATE,
    REQUIREMENT,
    STATES,
    U1,
    U4,
    WEIGHT,
)
from monitor.core.store_recipe import (
    ALONE,
    DELTA,
    GROSS,
    HELD,
    HELD_ERROR,
    IN_ALL,
    OFF,
    PRICE,
    REQUIRED,
    SEEN,
    SPREAD,
    SUMS,
    TERMS,
    VALUE_ERROR,
    WORK_COLUMNS,
)


@compiled_within
def empty(used: int, work: F8, touched: I8, sums: F8) -> None:
    """Empty what the last accounts have left behind; the last of `touched` says how many groups each had."""
    for at in range(used):
        for slot in range(touched[at, -1]):
            for column in range(WORK_COLUMNS):
                work[at, touched[at, slot], column] = 0.0
        touched[at, -1] = 0
        for column in range(SUMS):
            sums[at, column] = 0.0


@compiled_within
def arrange(used: int, touched: I8) -> None:
    """Put the groups each account has touched in order."""
    for at in range(used):
        for last in range(1, touched[at, -1]):
            group, slot = touched[at, last], last
            while slot > 0 and touched[at, slot - 1] > group:
                touched[at, slot] = touched[at, slot - 1]
                slot -= 1
            touched[at, slot] = group


@compiled_within
def gather(
    rows: I8,
    used: int,
    pages: I8,
    figures: F8,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    coins: F8,
    groups: I8,
    held_in: I8,
    work: F8,
    touched: I8,
    sums: F8,
) -> None:
    """Add up the accounts of some rows, and their groups."""
    for at in range(used):
        count, parts = 0, pages[rows[at] >> PAGE_BITS, PAGE_CAPACITY]
        first = pages[rows[at] >> PAGE_BITS, PAGE_CELL] + (rows[at] & (PAGE_ROWS - 1)) * parts
        for part in range(first, first + parts):
            piece = np.int64(codes[part])
            if piece == 0:
                continue
            asset, capacity = links[piece, ASSET], pages[piece >> PAGE_BITS, PAGE_CAPACITY]
            index, base = coins[asset, INDEX], figures[piece, BASE]
            amount, needed, live, doubt = base, figures[piece, FIXED], 0.0, 0.0
            start = np.uint64(pages[piece >> PAGE_BITS, PAGE_CELL] + (piece & (PAGE_ROWS - 1)) * capacity)
            for place in range(start, start + np.uint64(capacity)):
                code, line = codes[place], codes[place] >> np.uint32(4)
                gain = sizes[place] * values[line]
                notional = abs(gain)
                amount += gain
                live += notional
                if groups[line] >= 0:
                    group = groups[line] >> 1
                    delta = sizes[place] if groups[line] & 1 else gain * index
                    if work[at, group, SEEN] == 0.0:
                        work[at, group, SEEN] = 1.0
                        touched[at, count] = group
                        count += 1
                    work[at, group, DELTA] += delta
                    work[at, group, GROSS] += abs(delta)
                    continue
                if (notional < table[code, LOWEST]) | (notional >= table[code, HIGHEST]):
                    code, more = bracket_of(notional, code, edge)
                    codes[place] = code
                    doubt += more
                needed += max(table[code, RATE] * notional - table[code, DEDUCTION], 0.0)
            scale = 4.0 * (capacity + 16.0) * UNIT * (abs(base) + live + needed) + doubt
            sums[at, IN_ALL] += amount * (coins[asset, MINUS] if amount < 0.0 else coins[asset, PLUS])
            sums[at, VALUE_ERROR] += scale * max(coins[asset, PLUS], coins[asset, MINUS])
            sums[at, ALONE] += needed * index
            sums[at, HELD_ERROR] += scale * index
            sums[at, TERMS] += capacity + 1.0
            group, worth = held_in[asset], amount * index
            if group >= 0:
                if work[at, group, SEEN] == 0.0:
                    work[at, group, SEEN] = 1.0
                    touched[at, count] = group
                    count += 1
                work[at, group, DELTA] += worth
                work[at, group, HELD] += abs(worth)
                work[at, group, SPREAD] = scale * index + 16.0 * UNIT * abs(worth)
                work[at, group, PRICE] = index
        touched[at, -1] = count


@compiled_within
def finish(
    rows: I8,
    used: int,
    pages: I8,
    figures: F8,
    watch: U1,
    floors: F8,
    law: F8,
    slope: float,
    touched: I8,
    sums: F8,
    doubtful: U1,
) -> None:
    """Keep the figures of some rows, and say whose status is not proven."""
    for at in range(used):
        row, state = rows[at], watch[rows[at]]
        parts, equity, off = pages[row >> PAGE_BITS, PAGE_CAPACITY], sums[at, IN_ALL], sums[at, OFF]
        requirement = sums[at, REQUIRED] + sums[at, ALONE]
        if not np.isfinite(equity) or np.isnan(off):
            requirement = np.nan
        figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
        error = (slope + 1.0) * sums[at, HELD_ERROR] + off + 4.0 * (parts + 16.0) * UNIT * requirement
        tolerance = law[state, WEIGHT] * ((1.0 + parts / 16.0) * sums[at, VALUE_ERROR] + error)
        worse = equity - law[state, ENTER] * requirement
        better = law[state, LEAVE] * requirement - equity
        doubtful[at] = 0
        if not ((worse > tolerance) & (better > tolerance)):
            requires = figures[row, FIXED] != 0.0 or touched[at, -1] > 0
            floor = floors[state // STATES, 0, 0], floors[state // STATES, 0, 1]
            pair, need = (equity, equity), (requirement, requirement)
            doubtful[at] = is_doubtful(state, pair, need, requires, tolerance, floor, law)
