"""The doors to the screen of portfolios: every one of them, or those among some scopes, one account after the other.

What is done to an account, and what it proves, is in `kernels_portfolio_rows`. The doors are left to the interpreter:
they only say which rows, and one compiled function takes far less time to be made than two.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from monitor.core.kernels_compiled import compiled_flat
from monitor.core.kernels_methods import bound, scenario_of, span_of, tims_of
from monitor.core.kernels_portfolio_rows import arrange, empty, finish, gather
from monitor.core.kernels_tokens import tokens_of
from monitor.core.store_columns import (
    F8,
    I8,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_KIND,
    PORTFOLIO,
    SCOPE_ROW,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
    U8,
)
from monitor.core.store_recipe import SCENARIO, SLOPE, SPAN, TIMS, TOKENS, WORK_COLUMNS, Recipe

_PAGE_BITS: Final = np.uint64(PAGE_BITS)


def judge_tiles(tiles: I8, pages: I8, figures: F8, watch: U1, *columns: Any) -> int:
    """Evaluate every portfolio; return the count of candidates with those added to `found`."""
    spans = [
        np.arange(tile[TILE_ROW], tile[TILE_ROW] + tile[TILE_USED]) for tile in tiles[tiles[:, TILE_KIND] == PORTFOLIO]
    ]
    return _judge(np.concatenate(spans) if spans else np.zeros(0, np.int64), pages, figures, watch, *columns)


def judge_scopes(chosen: U4, scopes: U4, pages: I8, figures: F8, watch: U1, *columns: Any) -> int:
    """Evaluate the portfolios among some scopes; return the count of candidates with those added to `found`."""
    rows = scopes[chosen, SCOPE_ROW].astype(np.int64)
    rows = rows[rows != NONE]
    return _judge(rows[pages[rows >> PAGE_BITS, PAGE_KIND] == PORTFOLIO], pages, figures, watch, *columns)


def _judge(rows: I8, pages: I8, figures: F8, watch: U1, *columns: Any) -> int:
    *others, recipe, found, count = columns
    work, touched = np.zeros((len(recipe.groups), WORK_COLUMNS)), np.zeros(len(recipe.groups), np.uint64)
    judged: int = judge_rows(rows, pages, figures, watch, *others, recipe, work, touched, found, count)  # type: ignore[call-arg]
    return judged


@compiled_flat
def judge_rows(
    chosen: I8,
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
    work: F8,
    touched: U8,
    found: U4,
    count: int,
) -> int:
    """Evaluate some portfolios from scratch; return the count of candidates with those added to `found`.

    `work` is by group, `touched` as long as there are groups; both begin and end empty.
    """
    slope = recipe.numbers[SLOPE]
    for which in range(chosen.shape[0]):
        row = np.uint64(chosen[which])
        used, sums = gather(
            row, pages, figures, links, codes, sizes, values, table, edge, coins, groups, held_in, work, touched
        )
        arrange(used, touched)
        if recipe.method == TOKENS:
            doubtful = tokens_of(row, recipe, figures, watch, law, used, work, touched, sums)
        else:
            required, off = np.nan, bound(recipe, used, work, touched, sums)
            if recipe.method == SCENARIO:
                required, more = scenario_of(recipe, used, work, touched, sums)
                off += more
            elif recipe.method == SPAN:
                required = span_of(recipe, used, work, touched)
            elif recipe.method == TIMS:
                required = tims_of(recipe, used, work, touched)
            parts = pages[row >> _PAGE_BITS, PAGE_CAPACITY]
            doubtful = finish(row, parts, required, off, sums, used, figures, watch, floors, law, slope)
        if doubtful:
            found[count] = links[row, OWNER]
            count += 1
        empty(used, work, touched)
    return count
