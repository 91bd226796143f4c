"""The twins of `kernels` in plain numpy: the same figures to the last bit, column by column instead of row by row.

Used where numba is missing, and to test it. What is proven, and why, is stated in `kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.kernels import GUARD, UNIT, Brackets, Coins, Law, Prices
from monitor.core.store_columns import (
    BLOCKED,
    F8,
    GROUP,
    I8,
    NONE,
    PAGE_BITS,
    PAGE_ROWS,
    PART,
    SINGLE,
    STATES,
    TIERS,
    U4,
    UNKNOWN,
    Cells,
    Pages,
    Rows,
    Tiles,
)

_BANKRUPT = 7
_AT_ONCE: Final = 1 << 14
"""Rows worked on together, so that what is between two steps stays in the cache."""

Mask = NDArray[np.bool_]


def judge_tiles(
    rows: Rows, cells: Cells, tiles: Tiles, prices: Prices, brackets: Brackets, coins: Coins, law: Law, found: U4
) -> int:
    """Evaluate every row, tile by tile, parts before their groups; fill `found` with the candidates and count them."""
    count = 0
    with np.errstate(all="ignore"):
        for kinds in ((SINGLE, PART), (GROUP,)):
            for tile in range(len(tiles.row)):
                if tiles.kind[tile] not in kinds:
                    continue
                capacity = int(tiles.capacity[tile])
                for first in range(0, int(tiles.used[tile]), _AT_ONCE):
                    index = np.arange(first, min(first + _AT_ONCE, int(tiles.used[tile])))
                    row, start = tiles.row[tile] + index, tiles.cell[tile] + index * capacity
                    doubtful = _judge(
                        int(tiles.kind[tile]), row, start, capacity, rows, cells, prices, brackets, coins, law
                    )
                    chosen = rows.scope[row[doubtful]]
                    found[count : count + len(chosen)] = chosen
                    count += len(chosen)
    return count


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
    row = row_of[scopes].astype(np.int64)
    row = row[row != NONE]
    kind = pages.kind[row >> PAGE_BITS]
    groups = row[kind == GROUP]
    with np.errstate(all="ignore"):
        for _, start, capacity in runs(groups, pages):
            parts = cells.code[(start[:, None] + np.arange(capacity))].ravel().astype(np.int64)
            for part, place, size in runs(parts[parts != 0], pages):
                _judge(PART, part, place, size, rows, cells, prices, brackets, coins, law)
        for number, members in ((SINGLE, row[kind == SINGLE]), (GROUP, groups)):
            for chosen, start, capacity in runs(members, pages):
                doubtful = _judge(number, chosen, start, capacity, rows, cells, prices, brackets, coins, law)
                judged = rows.scope[chosen[doubtful]]
                found[count : count + len(judged)] = judged
                count += len(judged)
    return count


def runs(row: I8, pages: Pages) -> Iterator[tuple[I8, I8, int]]:
    """Yield rows of one capacity at a time: (rows, their first cells, capacity)."""
    page = row >> PAGE_BITS
    capacities = pages.capacity[page]
    for capacity in np.unique(capacities).tolist():
        same = capacities == capacity
        mine, home = row[same], page[same]
        yield mine, pages.cell[home] + (mine & (PAGE_ROWS - 1)) * capacity, capacity


def _judge(
    kind: int,
    row: I8,
    start: I8,
    capacity: int,
    rows: Rows,
    cells: Cells,
    prices: Prices,
    brackets: Brackets,
    coins: Coins,
    law: Law,
) -> Mask:
    """Evaluate rows of one kind and capacity; return which are scopes that are not proven to keep their status."""
    watch = rows.watch[row].astype(np.int64)
    if kind == GROUP:
        equity, requirement, scale = sum_groups(start, capacity, rows, cells, coins.plus, coins.minus)
        rows.equity[row], rows.requirement[row] = equity, requirement
        tolerance = law.weight[watch] * (1.0 + capacity / 16.0) * scale
        live, asset = rows.fixed[row], 0
    else:
        base, fixed = rows.base[row], rows.fixed[row]
        equity, requirement, live, doubt = sum_rows(start, capacity, base, fixed, cells, prices.value, brackets)
        rows.equity[row], rows.requirement[row] = equity, requirement
        scale = 4.0 * (capacity + 16.0) * UNIT * (np.abs(base) + live + requirement)
        if kind == PART:
            rows.scale[row] = scale + doubt
            return np.zeros(len(row), dtype=np.bool_)
        tolerance = law.weight[watch] * (scale + doubt)
        asset = rows.asset[row]
    ladder = watch // STATES
    floor = coins.floor_low[ladder, asset], coins.floor_high[ladder, asset]
    return are_doubtful(watch, (equity, equity), (requirement, requirement), live != 0.0, tolerance, floor, law)


def sum_rows(
    start: I8, capacity: int, base: F8, fixed: F8, cells: Cells, value: F8, brackets: Brackets
) -> tuple[F8, F8, F8, F8]:
    """Return (equity, requirement, Σ notional, doubt) of rows, and keep the brackets they met."""
    equity, requirement = base.copy(), fixed.copy()
    live, doubt = np.zeros(len(start)), np.zeros(len(start))
    for column in range(capacity):
        place = start + column
        code = cells.code[place]
        gain = cells.size[place] * value[code >> 4]
        notional = np.abs(gain)
        equity += gain
        live += notional
        table = brackets.table[code]
        outside = np.nonzero((notional < table[:, 2]) | (notional >= table[:, 3]))[0]
        if len(outside):
            new, more = brackets_of(notional[outside], code[outside], brackets)
            cells.code[place[outside]] = new
            table[outside] = brackets.table[new]
            doubt[outside] += more
        needed = table[:, 0] * notional - table[:, 1]
        needed[needed < 0.0] = 0.0
        requirement += needed
    return equity, requirement, live, doubt


def brackets_of(notional: F8, code: U4, brackets: Brackets) -> tuple[U4, F8]:
    """Return the codes with the brackets of notionals, and how far the requirements may be off by their floors."""
    first = (code & np.uint32(0xFFFFFFF0)).astype(np.int64)
    edges = brackets.edge[first[:, None] + np.arange(1, TIERS), 0]
    tier = (notional[:, None] >= edges).sum(axis=1)
    here = first + tier
    doubt = brackets.edge[here, 2] + np.where(
        notional <= brackets.edge[here, 0] * (1.0 + GUARD), brackets.edge[here, 1], 0.0
    )
    after = np.minimum(here + 1, first + TIERS - 1)
    near = (after > here) & (notional >= brackets.edge[after, 0] * (1.0 - GUARD))
    return here.astype(np.uint32), doubt + np.where(near, brackets.edge[after, 1], 0.0)


def sum_groups(start: I8, capacity: int, rows: Rows, cells: Cells, plus: F8, minus: F8) -> tuple[F8, F8, F8]:
    """Return (equity, requirement, scale) in USD of groups whose parts were evaluated before."""
    equity, requirement, scale = (np.zeros(len(start)) for _ in range(3))
    for column in range(capacity):
        part = cells.code[start + column]
        asset = rows.asset[part]
        amount, down, up = rows.equity[part], minus[asset], plus[asset]
        equity += amount * np.where(amount < 0.0, down, up)
        requirement += rows.requirement[part] * down
        scale += rows.scale[part] * np.maximum(up, down)
    return equity, requirement, scale


def are_doubtful(
    watch: I8,
    equity: tuple[F8, F8],
    requirement: tuple[F8, F8],
    has_positions: Mask,
    tolerance: F8,
    floor: tuple[F8, F8],
    law: Law,
) -> Mask:
    """Return which statuses are not proven to stay, for figures and debt floors within (low, high)."""
    state = watch % STATES
    known = np.isfinite(equity[0] + equity[1]) & np.isfinite(requirement[0] + requirement[1])
    worst = equity[0] - law.enter[watch] * requirement[1] > tolerance
    best = law.leave[watch] * requirement[0] - equity[1] > tolerance
    nothing = (equity[0] == 0.0) & (tolerance == 0.0)
    healthy = worst | (~has_positions & (nothing | (equity[0] - tolerance > -floor[0])))
    beyond_floor = equity[1] + tolerance < -floor[1]
    bankrupt = (equity[1] < -tolerance) & ((has_positions & (requirement[0] > tolerance)) | beyond_floor)
    proven = np.where(state == 0, healthy, np.where(state == _BANKRUPT, bankrupt, worst & best))
    return np.where(state == BLOCKED, False, np.where(state == UNKNOWN, known, ~(known & proven)))
