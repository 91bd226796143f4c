"""The twins of `kernels_portfolio_rows` in plain numpy: sums over groups of many accounts at once, then the methods.

Used where numba is missing, and to test it. What is proven, and why, is stated there.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_numpy_methods import judge_tokens, requirement_of
from monitor.core.kernels_numpy_rows import Mask, are_doubtful, brackets_of, rounding_of, runs
from monitor.core.kernels_proof import UNIT
from monitor.core.store_columns import (
    ASSET,
    BASE,
    DEDUCTION,
    EQUITY,
    F8,
    FIXED,
    HIGHEST,
    I8,
    INDEX,
    LOWEST,
    MINUS,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_KIND,
    PLUS,
    PORTFOLIO,
    RATE,
    REQUIREMENT,
    SCOPE_ROW,
    STATES,
    TILE_CAPACITY,
    TILE_CELL,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
    WEIGHT,
)
from monitor.core.store_recipe import DELTA, GROSS, HELD, PRICE, SEEN, SLOPE, SPREAD, TOKENS, WORK_COLUMNS, Recipe

_AT_ONCE: Final = 1 << 16
"""Elements of a quantity worked on together: accounts times groups."""


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
    at_once = max(1, _AT_ONCE // (len(recipe.groups) + 1))
    with np.errstate(all="ignore"):
        for tile in tiles[tiles[:, TILE_KIND] == PORTFOLIO]:
            used, capacity = int(tile[TILE_USED]), int(tile[TILE_CAPACITY])
            for begin in range(0, used, at_once):
                index = np.arange(begin, min(begin + at_once, used))
                row, start = tile[TILE_ROW] + index, tile[TILE_CELL] + index * capacity
                doubtful = _judge_rows(
                    *(row, start, capacity, pages, figures, watch, links, codes, sizes, values, table, edge, coins),
                    *(floors, law, groups, held_in, recipe),
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
    rows = scopes[chosen, SCOPE_ROW].astype(np.int64)
    rows = rows[rows != NONE]
    rows = np.unique(rows[pages[rows >> PAGE_BITS, PAGE_KIND] == PORTFOLIO])
    at_once = max(1, _AT_ONCE // (len(recipe.groups) + 1))
    with np.errstate(all="ignore"):
        for all_rows, all_starts, capacity in runs(rows, pages):
            for begin in range(0, len(all_rows), at_once):
                row, start = all_rows[begin : begin + at_once], all_starts[begin : begin + at_once]
                doubtful = _judge_rows(
                    *(row, start, capacity, pages, figures, watch, links, codes, sizes, values, table, edge, coins),
                    *(floors, law, groups, held_in, recipe),
                )
                owners = links[row[doubtful], OWNER]
                found[count : count + len(owners)] = owners
                count += len(owners)
    return count


def _judge_rows(
    row: I8,
    start: I8,
    capacity: int,
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
) -> Mask:
    """Evaluate portfolios of one capacity; return whose status is not proven."""
    block = np.zeros((WORK_COLUMNS, len(recipe.groups) + 1, len(row)))
    terms, (equity, scale, alone, error) = np.zeros(len(row), np.int64), (np.zeros(len(row)) for _ in range(4))
    for column in range(capacity):
        place = codes[start + column].astype(np.int64)
        here = np.nonzero(place)[0]
        piece = place[here]
        coin = coins[links[piece, ASSET]].T
        amount, needed, mine = _walk(
            here, piece, coin[INDEX], pages, figures, codes, sizes, values, table, edge, groups, block
        )
        terms[here] += pages[piece >> PAGE_BITS, PAGE_CAPACITY] + 1
        equity[here] += amount * np.where(amount < 0.0, coin[MINUS], coin[PLUS])
        scale[here] += mine * np.maximum(coin[PLUS], coin[MINUS])
        alone[here] += needed * coin[INDEX]
        error[here] += mine * coin[INDEX]
        _hold(here, held_in[links[piece, ASSET]], amount * coin[INDEX], mine * coin[INDEX], coin[INDEX], block)
    block = block[:, :-1]
    state, has_positions = watch[row].astype(np.int64), figures[row, FIXED] != 0.0
    if recipe.method == TOKENS:
        doubtful, value, requirement = judge_tokens(recipe, block, equity, alone, error, has_positions, state, law)
        figures[row, EQUITY], figures[row, REQUIREMENT] = value, requirement
        return doubtful
    grouped, off = requirement_of(recipe, block, terms, error)
    requirement = np.where(np.isfinite(equity), grouped + alone, np.nan)
    error = error + (recipe.numbers[SLOPE] * error + off + 4.0 * (capacity + 16.0) * UNIT * requirement)
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    tolerance = law[state, WEIGHT] * ((1.0 + capacity / 16.0) * scale + error)
    requires = has_positions | (block[SEEN] != 0.0).any(axis=0)
    floor = floors[state // STATES, 0]
    return are_doubtful(state, (equity, equity), (requirement, requirement), requires, tolerance, floor, law)


def _walk(
    here: I8,
    piece: I8,
    index: F8,
    pages: I8,
    figures: F8,
    codes: U4,
    sizes: F8,
    values: F8,
    table: F8,
    edge: F8,
    groups: I8,
    block: F8,
) -> tuple[F8, F8, F8]:
    """Add the positions of pieces to the groups of their accounts `here`; return (equity, requirement, S)."""
    equity, requirement, scale = figures[piece, BASE].copy(), figures[piece, FIXED].copy(), np.zeros(len(piece))
    capacities = pages[piece >> PAGE_BITS, PAGE_CAPACITY]
    for which in (np.nonzero(capacities == capacity)[0] for capacity in np.unique(capacities)):
        ((_, start, capacity),) = runs(piece[which], pages)
        live, doubt = np.zeros(len(which)), np.zeros(len(which))
        for place in (start + column for column in range(capacity)):
            code, size = codes[place], sizes[place]
            line = code >> 4
            gain = size * values[line]
            notional = np.abs(gain)
            equity[which] += gain
            live += notional
            group = groups[line]
            delta = np.where(group & 1, size, gain * index[which])
            block[DELTA, group >> 1, here[which]] += delta
            block[GROSS, group >> 1, here[which]] += np.abs(delta)
            block[SEEN, group >> 1, here[which]] = 1.0
            alone = np.nonzero(group < 0)[0]
            needed, more = _required(notional[alone], place[alone], codes, table, edge)
            requirement[which[alone]] += needed
            doubt[alone] += more
        mass = np.abs(figures[piece[which], BASE]) + live + requirement[which]
        scale[which] = rounding_of(capacity) * mass + doubt
    return equity, requirement, scale


def _required(notional: F8, place: I8, codes: U4, table: F8, edge: F8) -> tuple[F8, F8]:
    """Return the requirements of ungrouped positions and their doubt, and keep the brackets they met."""
    code, doubt = codes[place], np.zeros(len(place))
    outside = np.nonzero((notional < table[code, LOWEST]) | (notional >= table[code, HIGHEST]))[0]
    if len(outside):
        code[outside], doubt[outside] = brackets_of(notional[outside], code[outside], edge)
        codes[place] = code
    needed: F8 = np.maximum(table[code, RATE] * notional - table[code, DEDUCTION], 0.0)
    return needed, doubt


def _hold(here: I8, group: I8, worth: F8, scale: F8, index: F8, block: F8) -> None:
    """Add what accounts hold of an asset to its group."""
    block[DELTA, group, here] += worth
    block[SEEN, group, here] = 1.0
    block[HELD, group, here] += np.abs(worth)
    block[SPREAD, group, here] = scale + 16.0 * UNIT * np.abs(worth)
    block[PRICE, group, here] = index
