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
)

_AT_ONCE: Final = 1 << 16
"""Cells worked on together, so that what lies between two steps stays in the cache."""
_FEWEST: Final = 1 << 8
"""Rows worked on together at the least: they are added up cell by cell."""

Mask = NDArray[np.bool_]
Places = I8 | slice
"""Rows, or their cells row by row: a slice where they lie side by side in a tile."""


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
    count, terms = 0, np.ascontiguousarray(table.T)
    with np.errstate(all="ignore"):
        for kind in (SINGLE, PART, GROUP):
            for tile in tiles[tiles[:, TILE_KIND] == kind]:
                used, capacity = int(tile[TILE_USED]), int(tile[TILE_CAPACITY])
                at_once = max(_AT_ONCE // max(capacity, 1), _FEWEST)
                for begin in range(0, used, at_once):
                    first, start = int(tile[TILE_ROW]) + begin, int(tile[TILE_CELL]) + begin * capacity
                    length = min(at_once, used - begin)
                    row, cells = slice(first, first + length), slice(start, start + length * capacity)
                    if kind == PART:
                        sum_parts(row, cells, capacity, figures, scales, codes, sizes, values, terms, edge)
                        continue
                    if kind == SINGLE:
                        owners = judge_singles(
                            row, cells, capacity, figures, watch, links, codes, sizes, values, terms, edge, floors, law
                        )
                    else:
                        owners = judge_groups(
                            row, cells, capacity, figures, scales, watch, links, codes, coins, floors, law
                        )
                    found[count : count + len(owners)] = owners
                    count += len(owners)
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
    kind, terms = pages[rows >> PAGE_BITS, PAGE_KIND], np.ascontiguousarray(table.T)
    judged = [np.zeros(0, np.uint32)]
    with np.errstate(all="ignore"):
        for row, start, capacity in runs(rows[kind == SINGLE], pages):
            cells = cells_of(start, capacity)
            judged.append(
                judge_singles(
                    row, cells, capacity, figures, watch, links, codes, sizes, values, terms, edge, floors, law
                )
            )
        for row, start, capacity in runs(rows[kind == GROUP], pages):
            parts = codes[start[:, None] + np.arange(capacity)].ravel().astype(np.int64)
            for part, place, size in runs(parts, pages):
                sum_parts(part, cells_of(place, size), size, figures, scales, codes, sizes, values, terms, edge)
            cells = cells_of(start, capacity)
            judged.append(judge_groups(row, cells, capacity, figures, scales, watch, links, codes, coins, floors, law))
    owners = np.concatenate(judged)
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


def cells_of(start: I8, capacity: int) -> I8:
    """Return the cells of rows of one capacity, row by row."""
    return (start[:, None] + np.arange(capacity)).ravel()


def judge_singles(
    row: Places,
    cells: Places,
    capacity: int,
    figures: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    terms: F8,
    edge: F8,
    floors: F8,
    law: F8,
) -> U4:
    """Evaluate rows that are scopes; return the scopes whose status is not proven."""
    base = figures[row, BASE]
    equity, requirement, live, doubt = sum_rows(
        cells, capacity, base, figures[row, FIXED], codes, sizes, values, terms, edge
    )
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    scale = rounding_of(capacity) * (np.abs(base) + live + requirement) + doubt
    doubtful = _unproven(watch[row], equity, requirement, live != 0.0, scale, 1.0, links[row, ASSET], floors, law)
    return links[row, OWNER][doubtful]


def sum_parts(
    row: Places,
    cells: Places,
    capacity: int,
    figures: F8,
    scales: F8,
    codes: U4,
    sizes: F8,
    values: F8,
    terms: F8,
    edge: F8,
) -> None:
    """Evaluate rows that are parts of scopes in USD."""
    base = figures[row, BASE]
    equity, requirement, live, doubt = sum_rows(
        cells, capacity, base, figures[row, FIXED], codes, sizes, values, terms, edge
    )
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    scales[row] = rounding_of(capacity) * (np.abs(base) + live + requirement) + doubt


def judge_groups(
    row: Places,
    cells: Places,
    capacity: int,
    figures: F8,
    scales: F8,
    watch: U1,
    links: U4,
    codes: U4,
    coins: F8,
    floors: F8,
    law: F8,
) -> U4:
    """Add up the parts of scopes in USD, evaluated before; return those whose status is not proven."""
    has_positions = figures[row, FIXED] != 0.0
    equity, requirement, scale = (np.zeros(len(has_positions)) for _ in range(3))
    for part in codes[cells].reshape(len(has_positions), capacity).T:
        plus, minus = coins[links[part, ASSET], PLUS], coins[links[part, ASSET], MINUS]
        amount = figures[part, EQUITY]
        equity += amount * np.where(amount < 0.0, minus, plus)
        requirement += figures[part, REQUIREMENT] * minus
        scale += scales[part] * np.where(minus > plus, minus, plus)
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    coin, more = np.zeros(len(equity), np.uint32), 1.0 + capacity / 16.0
    doubtful = _unproven(watch[row], equity, requirement, has_positions, scale, more, coin, floors, law)
    return links[row, OWNER][doubtful]


def _unproven(
    watch: U1,
    equity: F8,
    requirement: F8,
    has_positions: Mask,
    scale: F8,
    more: float,
    asset: U4,
    floors: F8,
    law: F8,
) -> I8:
    """Return the places of the statuses that are not proven to stay: most are after the quick test of the kernels."""
    state, (enter, leave, weight) = watch.astype(np.int64), law.T
    tolerance = weight[state] * more * scale
    worse = equity - enter[state] * requirement > tolerance
    better = leave[state] * requirement - equity > tolerance
    rest = np.nonzero(~(worse & better))[0]
    state, mine, need = state[rest], equity[rest], requirement[rest]
    floor = floors[state // STATES, asset[rest]]
    chosen = are_doubtful(state, (mine, mine), (need, need), has_positions[rest], tolerance[rest], floor, law)
    return rest[chosen]


def rounding_of(capacity: int) -> float:
    """Return 4(n + 16)·u."""
    return 4.0 * (capacity + 16.0) * UNIT


def sum_rows(
    cells: Places, capacity: int, base: F8, fixed: F8, codes: U4, sizes: F8, values: F8, terms: F8, edge: F8
) -> tuple[F8, F8, F8, F8]:
    """Return (equity, requirement, Σ notional, doubt) of rows, and keep the brackets they met.

    `terms` is the table of brackets column by column: one number at a time is taken from it, which is far quicker than
    all four of a code.
    """
    code = codes[cells].astype(np.int64)
    gain = sizes[cells] * values.take(code >> 4)
    notional, doubt = np.abs(gain), np.zeros(len(base))
    outside = np.nonzero((notional < terms[LOWEST].take(code)) | (notional >= terms[HIGHEST].take(code)))[0]
    if len(outside):
        code[outside], more = brackets_of(notional[outside], code[outside], edge)
        codes[cells] = code
        np.add.at(doubt, outside // capacity, more)
    needed = np.maximum(terms[RATE].take(code) * notional - terms[DEDUCTION].take(code), 0.0)
    live = _added(np.zeros(len(base)), notional, capacity)
    return _added(base, gain, capacity), _added(fixed, needed, capacity), live, doubt


def _added(first: F8, cells: F8, capacity: int) -> F8:
    """Return the first term of each row with its cells added, one after the other as in the kernels."""
    total = first.copy()
    for column in cells.reshape(len(first), capacity).T:
        total += column
    return total


def brackets_of(notional: F8, code: U4 | I8, edge: F8) -> tuple[U4, F8]:
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
