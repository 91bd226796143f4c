"""The loops over rows: equity and requirement of one row after the other, and which of them are not proven.

Tiles are walked cell by cell for speed, single rows by their pages; both compute the same, in the same order. The
derivation of the bounds is in `kernels`, which also adds up rows of several assets.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_ahead import AHEAD, fetch
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
    LEAVE,
    LOWEST,
    MINUS,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    PLUS,
    RATE,
    REQUIREMENT,
    SINGLE,
    STATES,
    U1,
    U4,
    WEIGHT,
)

_LINE_BITS: Final = np.uint32(4)
_PAGE_BITS: Final = np.uint64(PAGE_BITS)
_IN_PAGE: Final = np.uint64(PAGE_ROWS - 1)
_NEXT: Final = np.uint64(1)
_FIGURES: Final = np.uint64(4)


@compiled_within
def judge_tile(
    first: int,
    used: int,
    cell: int,
    capacity: int,
    is_part: bool,
    figures: F8,
    scales: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    floors: F8,
    law: F8,
    found: U4,
    count: int,
) -> int:
    """Evaluate the rows of a tile and keep the brackets they met; return the count of candidates with its own."""
    tile_codes, tile_sizes = codes[cell : cell + used * capacity], sizes[cell : cell + used * capacity]
    tile_figures, tile_watch = figures[first : first + used], watch[first : first + used]
    rounding = 4.0 * (capacity + 16.0) * UNIT
    place = np.uint64(0)
    for index in range(used):
        base = tile_figures[index, BASE]
        equity, requirement, live, doubt = base, tile_figures[index, FIXED], 0.0, 0.0
        for _ in range(capacity):
            code = tile_codes[place]
            gain = tile_sizes[place] * values[code >> _LINE_BITS]
            notional = abs(gain)
            equity += gain
            live += notional
            if (notional < table[code, LOWEST]) | (notional >= table[code, HIGHEST]):
                code, more = bracket_of(notional, code, edge)
                tile_codes[place] = code
                doubt += more
            needed = table[code, RATE] * notional - table[code, DEDUCTION]
            requirement += max(needed, 0.0)
            place += _NEXT
        tile_figures[index, EQUITY] = equity
        tile_figures[index, REQUIREMENT] = requirement
        scale = rounding * (abs(base) + live + requirement) + doubt
        if is_part:
            scales[first + index] = scale
            continue
        state = tile_watch[index]
        tolerance = law[state, WEIGHT] * scale
        worse = equity - law[state, ENTER] * requirement
        better = law[state, LEAVE] * requirement - equity
        if not ((worse > tolerance) & (better > tolerance)):
            asset, pair, need = links[first + index, ASSET], (equity, equity), (requirement, requirement)
            floor = floors[state // STATES, asset, 0], floors[state // STATES, asset, 1]
            if is_doubtful(state, pair, need, live != 0.0, tolerance, floor, law):
                found[count] = links[first + index, OWNER]
                count += 1
    return count


@compiled_within
def judge_rows(
    rows: I8,
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
    floors: F8,
    law: F8,
    found: U4,
) -> int:
    """Evaluate rows of scopes and parts, as `judge_tile` does those of a tile, each asked for before its turn."""
    count = 0
    for index in range(rows.shape[0]):
        if index + AHEAD < rows.shape[0]:
            row = np.uint64(rows[index + AHEAD])
            page = row >> _PAGE_BITS
            place = np.uint64(pages[page, PAGE_CELL]) + (row & _IN_PAGE) * np.uint64(pages[page, PAGE_CAPACITY])
            fetch(figures, row * _FIGURES)
            fetch(codes, place)
            fetch(sizes, place)
            fetch(watch, row)
        row = np.uint64(rows[index])
        page = row >> _PAGE_BITS
        capacity = pages[page, PAGE_CAPACITY]
        place = np.uint64(pages[page, PAGE_CELL]) + (row & _IN_PAGE) * np.uint64(capacity)
        base = figures[row, BASE]
        equity, requirement, live, doubt = base, figures[row, FIXED], 0.0, 0.0
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
        figures[row, EQUITY] = equity
        figures[row, REQUIREMENT] = requirement
        scale = 4.0 * (capacity + 16.0) * UNIT * (abs(base) + live + requirement) + doubt
        if pages[page, PAGE_KIND] != SINGLE:
            scales[row] = scale
            continue
        state = watch[row]
        tolerance = law[state, WEIGHT] * scale
        worse = equity - law[state, ENTER] * requirement
        better = law[state, LEAVE] * requirement - equity
        if not ((worse > tolerance) & (better > tolerance)):
            asset, pair, need = links[row, ASSET], (equity, equity), (requirement, requirement)
            floor = floors[state // STATES, asset, 0], floors[state // STATES, asset, 1]
            if is_doubtful(state, pair, need, live != 0.0, tolerance, floor, law):
                found[count] = links[row, OWNER]
                count += 1
    return count


@compiled_within
def judge_groups(
    first: int,
    used: int,
    start: int,
    capacity: int,
    figures: F8,
    scales: F8,
    watch: U1,
    links: U4,
    codes: U4,
    coins: F8,
    floors: F8,
    law: F8,
    found: U4,
    count: int,
) -> int:
    """Add up the parts of scopes in USD, evaluated before; return the count of candidates with those among them."""
    place = np.uint64(start)
    for row in range(first, first + used):
        equity, requirement, scale = 0.0, 0.0, 0.0
        for _ in range(capacity):
            part = codes[place]
            asset = links[part, ASSET]
            amount, plus, minus = figures[part, EQUITY], coins[asset, PLUS], coins[asset, MINUS]
            equity += amount * (minus if amount < 0.0 else plus)
            requirement += figures[part, REQUIREMENT] * minus
            scale += scales[part] * (max(plus, minus))
            place += _NEXT
        figures[row, EQUITY] = equity
        figures[row, REQUIREMENT] = requirement
        state = watch[row]
        tolerance = law[state, WEIGHT] * (1.0 + capacity / 16.0) * scale
        worse = equity - law[state, ENTER] * requirement
        better = law[state, LEAVE] * requirement - equity
        if not ((worse > tolerance) & (better > tolerance)):
            floor = floors[state // STATES, 0, 0], floors[state // STATES, 0, 1]
            pair, need, has_positions = (equity, equity), (requirement, requirement), figures[row, FIXED] != 0.0
            if is_doubtful(state, pair, need, has_positions, tolerance, floor, law):
                found[count] = links[row, OWNER]
                count += 1
    return count
