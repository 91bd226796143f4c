"""The twins of `kernels` in plain numpy: the same figures to the last bit, column by column instead of row by row.

Used where numba is missing, and to test it; how rows are added up is in `kernels_numpy_rows`. What is proven, and why,
is stated in `kernels`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_numpy_rows import Mask, Places, are_doubtful, cells_of, rounding_of, runs, sum_rows
from monitor.core.store_columns import (
    ASSET,
    BASE,
    EQUITY,
    F8,
    FIXED,
    GROUP,
    I8,
    MINUS,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_KIND,
    PART,
    PLUS,
    REQUIREMENT,
    SCOPE_ROW,
    SINGLE,
    STATES,
    TILE_CAPACITY,
    TILE_CELL,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
)

_AT_ONCE: Final = 1 << 16
"""Cells worked on together, so that what lies between two steps stays in the cache."""
_FEWEST: Final = 1 << 8
"""Rows worked on together at the least: they are added up cell by cell."""


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
