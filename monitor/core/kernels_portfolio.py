"""The doors to the screen of portfolios: every one of them, or those among some scopes, a block of rows at a time.

What is done to a block, and what it proves, is in `kernels_portfolio_rows`. The doors are left to the interpreter: they
only say which rows, and one compiled function takes far less time to be made than two.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from monitor.core.kernels_compiled import compiled
from monitor.core.kernels_methods import bound, scenario_of, span_of, tims_of
from monitor.core.kernels_portfolio_rows import arrange, empty, finish, gather
from monitor.core.kernels_tokens import tokens_of
from monitor.core.store_columns import (
    F8,
    I8,
    NONE,
    OWNER,
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
from monitor.core.store_recipe import SCENARIO, SLOPE, SPAN, SUMS, TIMS, TOKENS, WORK_COLUMNS, Recipe

_AT_ONCE: Final = 32
"""Accounts margined together: what is called for each account would count references to every column it is given."""


class Scratch(NamedTuple):
    """Hold a block of accounts while it is margined: rows, groups, which of these are touched, sums, and verdicts."""

    rows: I8
    work: F8
    touched: I8
    sums: F8
    doubtful: U1


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
    groups = len(recipe.groups)
    scratch = Scratch(
        np.zeros(_AT_ONCE, np.int64),
        np.zeros((_AT_ONCE, groups, WORK_COLUMNS)),
        np.zeros((_AT_ONCE, groups + 1), np.int64),
        np.zeros((_AT_ONCE, SUMS)),
        np.zeros(_AT_ONCE, np.uint8),
    )
    judged: int = judge_rows(rows, pages, figures, watch, *others, recipe, scratch, found, count)  # type: ignore[call-arg]
    return judged


@compiled
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
    scratch: Scratch,
    found: U4,
    count: int,
) -> int:
    """Evaluate some portfolios from scratch; return the count of candidates with those added to `found`."""
    rows, work, touched, sums, doubtful = scratch
    for first in range(0, chosen.shape[0], rows.shape[0]):
        used = min(rows.shape[0], chosen.shape[0] - first)
        for at in range(used):
            rows[at] = chosen[first + at]
        empty(rows.shape[0], work, touched, sums)
        gather(
            rows,
            used,
            pages,
            figures,
            links,
            codes,
            sizes,
            values,
            table,
            edge,
            coins,
            groups,
            held_in,
            work,
            touched,
            sums,
        )
        arrange(used, touched)
        if recipe.method == TOKENS:
            tokens_of(rows, used, recipe, figures, watch, law, work, touched, sums, doubtful)
        else:
            bound(recipe, used, work, touched, sums)
            if recipe.method == SCENARIO:
                scenario_of(recipe, used, work, touched, sums)
            elif recipe.method == SPAN:
                span_of(recipe, used, work, touched, sums)
            elif recipe.method == TIMS:
                tims_of(recipe, used, work, touched, sums)
            finish(rows, used, pages, figures, watch, floors, law, recipe.numbers[SLOPE], touched, sums, doubtful)
        for at in range(used):
            if doubtful[at]:
                found[count] = links[rows[at], OWNER]
                count += 1
    return count
