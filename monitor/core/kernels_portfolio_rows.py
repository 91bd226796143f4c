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

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled_into
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
    U8,
    WEIGHT,
)
from monitor.core.store_recipe import DELTA, GROSS, HELD, PRICE, SEEN, SPREAD, WORK_COLUMNS, Sums

_LINE_BITS: Final = np.uint32(4)
_PAGE_BITS: Final = np.uint64(PAGE_BITS)
_IN_PAGE: Final = np.uint64(PAGE_ROWS - 1)
_NONE_YET: Final = np.uint64(0)
_NEXT: Final = np.uint64(1)


@compiled_into
def meet(group: np.uint64, count: np.uint64, work: F8, touched: U8) -> np.uint64:
    """Note that a group is used; return how many are."""
    if work[group, SEEN] == 0.0:
        work[group, SEEN] = 1.0
        touched[count] = group
        count += _NEXT
    return count


@compiled_into
def add_piece(
    piece: np.uint64,
    index: float,
    count: np.uint64,
    pages: I8,
    figures: F8,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    groups: I8,
    work: F8,
    touched: U8,
) -> tuple[np.uint64, float, float, float]:
    """Add the positions of a piece to their groups; return how many groups are used, and E, M and S of the piece."""
    page = piece >> _PAGE_BITS
    capacity = pages[page, PAGE_CAPACITY]
    place = np.uint64(pages[page, PAGE_CELL]) + (piece & _IN_PAGE) * np.uint64(capacity)
    base = figures[piece, BASE]
    amount, needed, live, doubt = base, figures[piece, FIXED], 0.0, 0.0
    for _ in range(capacity):
        code, size = codes[place], sizes[place]
        line = code >> _LINE_BITS
        gain = size * values[line]
        notional = abs(gain)
        amount += gain
        live += notional
        if groups[line] >= 0:
            group = np.uint64(groups[line] >> 1)
            delta = size if groups[line] & 1 else gain * index
            count = meet(group, count, work, touched)
            work[group, DELTA] += delta
            work[group, GROSS] += abs(delta)
        else:
            if (notional < table[code, LOWEST]) | (notional >= table[code, HIGHEST]):
                code, more = bracket_of(notional, code, edge)
                codes[place] = code
                doubt += more
            needed += max(table[code, RATE] * notional - table[code, DEDUCTION], 0.0)
        place += _NEXT
    return count, amount, needed, 4.0 * (capacity + 16.0) * UNIT * (abs(base) + live + needed) + doubt


@compiled_into
def gather(
    row: np.uint64,
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
    touched: U8,
) -> tuple[np.uint64, Sums]:
    """Add up an account and its groups; return how many of these it uses, and its sums."""
    count, in_all, value_error, alone, held_error, terms = _NONE_YET, 0.0, 0.0, 0.0, 0.0, 0.0
    parts = pages[row >> _PAGE_BITS, PAGE_CAPACITY]
    part = np.uint64(pages[row >> _PAGE_BITS, PAGE_CELL]) + (row & _IN_PAGE) * np.uint64(parts)
    for _ in range(parts):
        piece = np.uint64(codes[part])
        part += _NEXT
        if piece == _NONE_YET:
            continue
        asset = links[piece, ASSET]
        index, plus, minus = coins[asset, INDEX], coins[asset, PLUS], coins[asset, MINUS]
        count, amount, needed, scale = add_piece(
            piece, index, count, pages, figures, codes, sizes, values, table, edge, groups, work, touched
        )
        in_all += amount * (minus if amount < 0.0 else plus)
        value_error += scale * max(plus, minus)
        alone += needed * index
        held_error += scale * index
        terms += pages[piece >> _PAGE_BITS, PAGE_CAPACITY] + 1.0
        if held_in[asset] >= 0:
            group, worth = np.uint64(held_in[asset]), amount * index
            count = meet(group, count, work, touched)
            work[group, DELTA] += worth
            work[group, HELD] += abs(worth)
            work[group, SPREAD] = scale * index + 16.0 * UNIT * abs(worth)
            work[group, PRICE] = index
    return count, Sums(in_all, value_error, alone, held_error, terms)


@compiled_into
def arrange(count: np.uint64, touched: U8) -> None:
    """Put the groups an account uses in order."""
    for last in range(_NEXT, count):
        group, slot = touched[last], np.uint64(last)
        while slot > _NONE_YET and touched[slot - _NEXT] > group:
            touched[slot] = touched[slot - _NEXT]
            slot -= _NEXT
        touched[slot] = group


@compiled_into
def empty(count: np.uint64, work: F8, touched: U8) -> None:
    """Empty the groups an account has used."""
    for slot in range(count):
        for column in range(WORK_COLUMNS):
            work[touched[slot], column] = 0.0


@compiled_into
def finish(
    row: np.uint64,
    parts: int,
    required: float,
    off: float,
    sums: Sums,
    count: np.uint64,
    figures: F8,
    watch: U1,
    floors: F8,
    law: F8,
    slope: float,
) -> bool:
    """Keep the figures of an account; return whether its status is not proven."""
    state, equity, requirement = watch[row], sums.in_all, required + sums.alone
    if not np.isfinite(equity) or np.isnan(off):
        requirement = np.nan
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    error = (slope + 1.0) * sums.held_error + off + 4.0 * (parts + 16.0) * UNIT * requirement
    tolerance = law[state, WEIGHT] * ((1.0 + parts / 16.0) * sums.value_error + error)
    worse = equity - law[state, ENTER] * requirement
    better = law[state, LEAVE] * requirement - equity
    if (worse > tolerance) & (better > tolerance):
        return False
    requires = bool(figures[row, FIXED] != 0.0 or count > _NONE_YET)
    floor = floors[state // STATES, 0, 0], floors[state // STATES, 0, 1]
    return is_doubtful(state, (equity, equity), (requirement, requirement), requires, tolerance, floor, law)
