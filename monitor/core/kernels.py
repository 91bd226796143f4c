"""The float64 screen: equity and requirement of every row, and which scopes are not proven to keep their status.

Exact decisions are made elsewhere: what is returned here are candidates, and never too few of them. Twins of these
functions in plain numpy are in `kernels_numpy`, the versions for prices known only within bounds in `kernels_banded`.

Figures
    A row holds n cells of one settle asset. Linear: E = B + Σ x, x = Q·v with Q = q·size, v = mark and
    B = wallet − Σ Q·entry. Inverse: the same with v = −1/mark and B = wallet + Σ Q/entry. In both the notional is
    y = |x|. The requirement is M = F + Σ max(0, y·(rate + fee) − d), F the part that is taken at entry prices. In USD:
    E = Σ a·w(a) over the parts, w = index·(1 − bid buffer)·ratio for amounts a ≥ 0, else index·(1 + ask buffer), and
    M = Σ M·index·(1 + ask buffer).

Rounding
    u = 2⁻⁵³. Q, rate + fee, d, F and B are exact numbers rounded once: relative error u each. (The quotients Q/entry of
    B carry 80 digits, and no price is 10⁶⁰ times another: an error below 10⁻²⁰ of the notional.) v has at most 2u
    (reciprocal of a rounded mark). With one product x and y have at most 4u + O(u²). With N = Σ y and g = |B| + N,
    n + 1 terms summed in order give
        |Ê − E| ≤ (n + 5)·u·g.
    A cell's requirement r is a product (6u with its factors) and a difference; max(0, ·) adds no error. Terms were
    checked: 0 ≤ rate + fee ≤ 2 and d ≤ floor·rate, so |d| ≤ 2y for d ≥ 0, and y·rate + |d| = r for d < 0; hence
    y·rate + |d| ≤ 4y + r. A bracket that breaks the rule adds 64u·|d| of its own (`doubt`).
    The bracket chosen is wrong only where y lies within 6u of a floor; where the requirement is continuous there, that
    costs at most 2·6u·y. Where it jumps, the whole jump is added (`doubt`) if y is within 16u of the floor. So
        |M̂ − M| ≤ (n + 9)·u·(4N + M) + 12u·N + doubt ≤ 4(n + 13)·u·(N + M) + doubt.
    Both are below   S = 4(n + 16)·u·(g + M̂) + doubt,   the error of the equity by a factor of 4 or more.
    The test compares Ê − k̂·M̂ with a tolerance: k̂ has u, its product u, the difference u of itself, together less than
    2u·k·M + u·|E − k·M|, which the slack between 13 and 16 and the factor 4 cover. With K = max(1, all k·(1 + h)):
        tolerance = (1 + K)·S
    A capacity c ≥ n is used for n. No figure leaves the range of normal numbers: inputs are within 1e±30 and at most
    four of them are multiplied.

In USD
    The value of an amount is continuous, with slope at most w = max(w₊, w₋), so an error of S moves it by w·S, also
    through 0. Factors are exact numbers rounded once; factor, product and a sum over P parts add (P + 2)·u·w·g, which
    the slack covers for P ≤ 32; beyond, the tolerance grows with P:
        tolerance = (1 + K)·(1 + P/16)·Σ w·S.

What is proven
    Status t stays if  E − enter·M > tolerance  and  leave·M − E > tolerance, with enter = k of the next worse rung (0
    for bankrupt), leave = k·(1 + h) of the status' own rung. Equality is inside the tolerance, so strict and inclusive
    ladders are served alike. From both follows E > 0 and M > 0. Healthy is left only downwards: the first test is
    enough. Bankrupt stays if E < −tolerance and either M > tolerance, or E also lies below the debt floor by more than
    that. Where M is exactly 0 (no position at all) the debt floor alone decides.
    Not finite: a known status is a candidate, an unknown one is not. Finite: unknown is a candidate, unless blocked.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_ahead import AHEAD, fetch
from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.kernels_rows import judge_groups, judge_rows, judge_tile
from monitor.core.store_columns import (
    F8,
    GROUP,
    I8,
    NONE,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    PART,
    PORTFOLIO,
    SCOPE_ROW,
    TILE_CAPACITY,
    TILE_CELL,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
)


@compiled
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
    count = np.int64(0)
    for tile in range(tiles.shape[0]):
        kind, first, used = tiles[tile, TILE_KIND], tiles[tile, TILE_ROW], tiles[tile, TILE_USED]
        cell, capacity = tiles[tile, TILE_CELL], tiles[tile, TILE_CAPACITY]
        if kind <= PART:
            count = judge_tile(
                first,
                used,
                cell,
                capacity,
                kind == PART,
                figures,
                scales,
                watch,
                links,
                codes,
                sizes,
                values,
                table,
                edge,
                floors,
                law,
                found,
                count,
            )
    for tile in range(tiles.shape[0]):
        if tiles[tile, TILE_KIND] == GROUP:
            first, used = tiles[tile, TILE_ROW], tiles[tile, TILE_USED]
            start, capacity = tiles[tile, TILE_CELL], tiles[tile, TILE_CAPACITY]
            count = judge_groups(
                first, used, start, capacity, figures, scales, watch, links, codes, coins, floors, law, found, count
            )
    return count


@compiled_within
def rows_of(chosen: U4, scopes: U4, pages: I8, codes: U4) -> tuple[I8, I8]:
    """Return the rows of scopes and parts to be evaluated for some scopes, portfolios apart, and of scopes in USD."""
    count, groups = 0, 0
    for at in range(chosen.shape[0]):
        if at + AHEAD < chosen.shape[0]:
            fetch(scopes, np.int64(chosen[at + AHEAD]) * scopes.shape[1])
        row = np.int64(scopes[chosen[at], SCOPE_ROW])
        if row != NONE and pages[row >> PAGE_BITS, PAGE_KIND] != PORTFOLIO:
            is_group = pages[row >> PAGE_BITS, PAGE_KIND] == GROUP
            count += pages[row >> PAGE_BITS, PAGE_CAPACITY] if is_group else 1
            groups += is_group
    rows, tops = np.empty(count, np.int64), np.empty(groups, np.int64)
    count, groups = 0, 0
    for scope in chosen:
        row = np.int64(scopes[scope, SCOPE_ROW])
        if row == NONE or pages[row >> PAGE_BITS, PAGE_KIND] == PORTFOLIO:
            continue
        page = row >> PAGE_BITS
        if pages[page, PAGE_KIND] != GROUP:
            rows[count] = row
            count += 1
            continue
        tops[groups] = row
        groups += 1
        start = pages[page, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * pages[page, PAGE_CAPACITY]
        for place in range(start, start + pages[page, PAGE_CAPACITY]):
            rows[count] = codes[place]
            count += 1
    return rows, tops


@compiled
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
    rows, tops = rows_of(chosen, scopes, pages, codes)
    count = judge_rows(
        rows, pages, figures, scales, watch, links, codes, sizes, values, table, edge, floors, law, found
    )
    one = np.int64(1)
    for row in tops:
        page = row >> PAGE_BITS
        capacity = pages[page, PAGE_CAPACITY]
        start = pages[page, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * capacity
        count = judge_groups(
            row, one, start, capacity, figures, scales, watch, links, codes, coins, floors, law, found, count
        )
    return count
