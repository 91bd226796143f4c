"""The doors to the screen of portfolios: every one of them, or those among some scopes, a block of rows at a time.

What is done to a block, and what it proves, is in `kernels_portfolio_rows`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled
from monitor.core.kernels_portfolio_rows import judge_rows
from monitor.core.store_columns import (
    F8,
    I8,
    NONE,
    PAGE_BITS,
    PAGE_KIND,
    PORTFOLIO,
    SCOPE_ROW,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
)
from monitor.core.store_recipe import SUMS, WORK_COLUMNS, Recipe

_AT_ONCE: Final = 32
"""Accounts margined together: what is called for each account would count references to every column it is given."""


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
    recipe: Recipe,
    found: U4,
    count: int,
) -> int:
    """Evaluate every portfolio; return the count of candidates with those added to `found`."""
    rows, sums, doubtful = np.zeros(_AT_ONCE, np.int64), np.zeros((_AT_ONCE, SUMS)), np.zeros(_AT_ONCE, np.uint8)
    work = np.zeros((_AT_ONCE, recipe.groups.shape[0], WORK_COLUMNS))
    touched = np.zeros((_AT_ONCE, recipe.groups.shape[0] + 1), np.int64)
    for tile in range(tiles.shape[0]):
        if tiles[tile, TILE_KIND] != PORTFOLIO:
            continue
        end = tiles[tile, TILE_ROW] + tiles[tile, TILE_USED]
        for first in range(tiles[tile, TILE_ROW], end, _AT_ONCE):
            used = min(_AT_ONCE, end - first)
            for at in range(used):
                rows[at] = first + at
            count = judge_rows(
                rows,
                used,
                pages,
                figures,
                watch,
                links,
                codes,
                sizes,
                values,
                table,
                edge,
                coins,
                floors,
                law,
                groups,
                held_in,
                recipe,
                work,
                touched,
                sums,
                doubtful,
                found,
                count,
            )
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
    recipe: Recipe,
    found: U4,
    count: int,
) -> int:
    """Evaluate the portfolios among some scopes; return the count of candidates with those added to `found`."""
    rows, sums, doubtful = np.zeros(_AT_ONCE, np.int64), np.zeros((_AT_ONCE, SUMS)), np.zeros(_AT_ONCE, np.uint8)
    work = np.zeros((_AT_ONCE, recipe.groups.shape[0], WORK_COLUMNS))
    touched = np.zeros((_AT_ONCE, recipe.groups.shape[0] + 1), np.int64)
    used = 0
    for number in range(chosen.shape[0] + 1):
        row = np.int64(scopes[chosen[number], SCOPE_ROW]) if number < chosen.shape[0] else NONE
        if row != NONE and pages[row >> PAGE_BITS, PAGE_KIND] == PORTFOLIO:
            rows[used] = row
            used += 1
        if used == _AT_ONCE or (number == chosen.shape[0] and used > 0):
            count = judge_rows(
                rows,
                used,
                pages,
                figures,
                watch,
                links,
                codes,
                sizes,
                values,
                table,
                edge,
                coins,
                floors,
                law,
                groups,
                held_in,
                recipe,
                work,
                touched,
                sums,
                doubtful,
                found,
                count,
            )
            used = 0
    return count
