"""The twins of `kernels` in plain numpy: the same figures to the last bit, column by column instead of row by row.

Used where numba is missing, and to test it. What is proven, and why, is stated in `kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.kernels_proof import BANKRUPT, GUARD, UNIT
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

_AT_ONCE: Final = 1 << 13
"""Rows worked on together, so that what lies between two steps stays in the cache."""

Mask = NDArray[np.bool_]


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
    with np.errstate(all="ignore"):
        for kind in (SINGLE, PART, GROUP):
            for tile in tiles[tiles[:, TILE_KIND] == kind]:
                used, capacity = int(tile[TILE_USED]), int(tile[TILE_CAPACITY])
                for begin in range(0, used, _AT_ONCE):
                    index = np.arange(begin, min(begin + _AT_ONCE, used))
                    row, start = tile[TILE_ROW] + index, tile[TILE_CELL] + index * capacity
                    if kind == PART:
                        sum_parts(row, start, capacity, figures, scales, codes, sizes, values, table, edge)
                        continue
                    if kind == SINGLE:
                        doubtful = judge_singles(
                            *(row, start, capacity, figures, watch, links, codes, sizes, values, table, edge),
                            *(floors, law),
                        )
                    else:
                        doubtful = judge_groups(
                            row, start, capacity, figures, scales, watch, links, codes, coins, floors, law
                        )
                    chosen = links[row[doubtful], OWNER]
                    found[count : count + len(chosen)] = chosen
                    count += len(chosen)
    return count


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
    rows = scopes[chosen, SCOPE_ROW].astype(np.int64)
    rows = rows[rows != NONE]
    kind = pages[rows >> PAGE_BITS, PAGE_KIND]
    judged = []
    with np.errstate(all="ignore"):
        for row, start, capacity in runs(rows[kind == SINGLE], pages):
            doubtful = judge_singles(
                row, start, capacity, figures, watch, links, codes, sizes, values, table, edge, floors, law
            )
            judged.append(row[doubtful])
        for row, start, capacity in runs(rows[kind == GROUP], pages):
            parts = codes[start[:, None] + np.arange(capacity)].ravel().astype(np.int64)
            for part, place, size in runs(parts, pages):
                sum_parts(part, place, size, figures, scales, codes, sizes, values, table, edge)
            doubtful = judge_groups(row, start, capacity, figures, scales, watch, links, codes, coins, floors, law)
            judged.append(row[doubtful])
    if not judged:
        return 0
    owners = links[np.concatenate(judged), OWNER]
    found[: len(owners)] = owners
    return len(owners)


def runs(rows: I8, pages: I8) -> Iterator[tuple[I8, I8, int]]:
    """Yield rows of one capacity at a time: (rows, their first cells, capacity)."""
    page = rows >> PAGE_BITS
    capacities = pages[page, PAGE_CAPACITY]
    for capacity in np.unique(capacities).tolist():
        same = capacities == capacity
        mine = rows[same]
        yield mine, pages[page[same], PAGE_CELL] + (mine & (PAGE_ROWS - 1)) * capacity, capacity


def judge_singles(
    row: I8,
    start: I8,
    capacity: int,
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
) -> Mask:
    """Evaluate rows that are scopes; return whose status is not proven."""
    base, state = figures[row, BASE], watch[row].astype(np.int64)
    equity, requirement, live, doubt = sum_rows(
        start, capacity, base, figures[row, FIXED], codes, sizes, values, table, edge
    )
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    tolerance = law[state, WEIGHT] * (rounding_of(capacity) * (np.abs(base) + live + requirement) + doubt)
    floor = floors[state // STATES, links[row, ASSET]]
    return are_doubtful(state, (equity, equity), (requirement, requirement), live != 0.0, tolerance, floor, law)


def sum_parts(
    row: I8,
    start: I8,
    capacity: int,
    figures: F8,
    scales: F8,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
) -> None:
    """Evaluate rows that are parts of scopes in USD."""
    base = figures[row, BASE]
    equity, requirement, live, doubt = sum_rows(
        start, capacity, base, figures[row, FIXED], codes, sizes, values, table, edge
    )
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    scales[row] = rounding_of(capacity) * (np.abs(base) + live + requirement) + doubt


def judge_groups(
    row: I8,
    start: I8,
    capacity: int,
    figures: F8,
    scales: F8,
    watch: U1,
    links: U4,
    codes: U4,
    coins: F8,
    floors: F8,
    law: F8,
) -> Mask:
    """Add up the parts of scopes in USD, evaluated before; return whose status is not proven."""
    equity, requirement, scale = (np.zeros(len(row)) for _ in range(3))
    for column in range(capacity):
        part = codes[start + column]
        plus, minus = coins[links[part, ASSET], PLUS], coins[links[part, ASSET], MINUS]
        amount = figures[part, EQUITY]
        equity += amount * np.where(amount < 0.0, minus, plus)
        requirement += figures[part, REQUIREMENT] * minus
        scale += scales[part] * np.where(minus > plus, minus, plus)
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    state = watch[row].astype(np.int64)
    tolerance = law[state, WEIGHT] * (1.0 + capacity / 16.0) * scale
    has_positions = figures[row, FIXED] != 0.0
    floor = floors[state // STATES, 0]
    return are_doubtful(state, (equity, equity), (requirement, requirement), has_positions, tolerance, floor, law)


def rounding_of(capacity: int) -> float:
    """Return 4(n + 16)·u."""
    return 4.0 * (capacity + 16.0) * UNIT


def sum_rows(
    start: I8, capacity: int, base: F8, fixed: F8, codes: U4, sizes: F8, values: F8, table: F8, edge: F8
) -> tuple[F8, F8, F8, F8]:
    """Return (equity, requirement, Σ notional, doubt) of rows, and keep the brackets they met."""
    equity, requirement = base.copy(), fixed.copy()
    live, doubt = np.zeros(len(start)), np.zeros(len(start))
    is_tile = len(start) > 1 and bool((np.diff(start) == capacity).all())
    side_by_side = slice(int(start[0]), int(start[-1]) + capacity) if is_tile else slice(0)
    for column in range(capacity):
        place = slice(side_by_side.start + column, side_by_side.stop, capacity) if is_tile else start + column
        code = codes[place]
        gain = sizes[place] * values[code >> 4]
        notional = np.abs(gain)
        equity += gain
        live += notional
        terms = table[code]
        outside = np.nonzero((notional < terms[:, LOWEST]) | (notional >= terms[:, HIGHEST]))[0]
        if len(outside):
            new, more = brackets_of(notional[outside], code[outside], edge)
            codes[start[outside] + column] = new
            terms[outside] = table[new]
            doubt[outside] += more
        needed = terms[:, RATE] * notional - terms[:, DEDUCTION]
        requirement += np.maximum(needed, 0.0)
    return equity, requirement, live, doubt


def brackets_of(notional: F8, code: U4, edge: F8) -> tuple[U4, F8]:
    """Return the codes with the brackets of notionals, and how far the requirements may be off by their floors."""
    first = code.astype(np.int64) // TIERS * TIERS
    floors = edge[first[:, None] + np.arange(1, TIERS), FLOOR]
    here = first + (notional[:, None] >= floors).sum(axis=1)
    doubt = edge[here, UNRULY] + np.where(notional <= edge[here, FLOOR] * (1.0 + GUARD), edge[here, JUMP], 0.0)
    after = np.minimum(here + 1, first + TIERS - 1)
    near = (after > here) & (notional >= edge[after, FLOOR] * (1.0 - GUARD))
    return here.astype(np.uint32), doubt + np.where(near, edge[after, JUMP], 0.0)


def are_doubtful(
    watch: I8,
    equity: tuple[F8, F8],
    requirement: tuple[F8, F8],
    has_positions: Mask,
    tolerance: F8,
    floor: F8,
    law: F8,
) -> Mask:
    """Return which statuses are not proven to stay, for figures and debt floors within (low, high)."""
    state = watch % STATES
    finite = np.isfinite(equity[0] + equity[1]) & np.isfinite(requirement[0] + requirement[1])
    worst = equity[0] - law[watch, ENTER] * requirement[1] > tolerance
    best = law[watch, LEAVE] * requirement[0] - equity[1] > tolerance
    nothing = (equity[0] == 0.0) & (tolerance == 0.0)
    healthy = worst | (~has_positions & (nothing | (equity[0] - tolerance > -floor[:, 0])))
    required = has_positions & (requirement[0] > tolerance)
    bankrupt = (equity[1] < -tolerance) & (required | (equity[1] + tolerance < -floor[:, 1]))
    proven = np.where(state == 0, healthy, np.where(state == BANKRUPT, bankrupt, worst & best))
    return np.where(state >= UNKNOWN, (state != BLOCKED) & finite, ~(proven & finite))
