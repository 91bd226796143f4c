"""How rows are taken and given back, and how the holders of a symbol are kept, inside the columns of the store.

These functions are compiled like the kernels (or run as they are). They need room made for them beforehand; whole
scopes are written by `store_write`, which calls them.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import compiled_within
from monitor.core.store_columns import (
    ASSET,
    BLOCKED,
    CAPACITIES,
    CELLS_LIVE,
    F8,
    GROUP,
    HELD_COUNT,
    HELD_NOTE,
    HELD_SEEN,
    HELD_START,
    HELD_WAS,
    I8,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_POOL,
    PAGE_ROWS,
    PAGE_TILE,
    POOL_FREE,
    POOL_HEAD,
    PORTFOLIO,
    ROWS_LIVE,
    SCOPE_ROW,
    SERIAL,
    TILE_ROW,
    TILE_USED,
    U1,
    U4,
)


@compiled_within
def first_cell(row: int, pages: I8) -> int:
    """Return where the cells of a row begin."""
    page = row >> PAGE_BITS
    return pages[page, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * pages[page, PAGE_CAPACITY]


@compiled_within
def has_parts(kind: int) -> bool:
    """Return whether the cells of a row of a kind are other rows."""
    return kind in (GROUP, PORTFOLIO)


@compiled_within
def pool_number(kind: int, cells: int) -> int:
    """Return the pool of the smallest rows of a kind that hold so many cells."""
    size = 0
    while CAPACITIES[size] < cells:
        size += 1
    return kind * len(CAPACITIES) + size


@compiled_within
def take_row(pool: int, links: U4, pages: I8, tiles: I8, pools: I8, counters: I8) -> int:
    """Take a free row of a pool; room for it was made before."""
    row = pools[pool, POOL_HEAD]
    pools[pool, POOL_HEAD] = links[row, OWNER]
    pools[pool, POOL_FREE] -= 1
    counters[ROWS_LIVE] += 1
    tile = pages[row >> PAGE_BITS, PAGE_TILE]
    used = row - tiles[tile, TILE_ROW] + 1
    tiles[tile, TILE_USED] = max(used, tiles[tile, TILE_USED])
    return row


@compiled_within
def give_row(
    row: int, figures: F8, links: U4, watch: U1, codes: U4, sizes: F8, pages: I8, pools: I8, counters: I8
) -> None:
    """Empty a row and put it in front of its pool's free rows."""
    start, pool = first_cell(row, pages), pages[row >> PAGE_BITS, PAGE_POOL]
    for place in range(start, start + pages[row >> PAGE_BITS, PAGE_CAPACITY]):
        codes[place] = 0
        sizes[place] = 0.0
    for column in range(figures.shape[1]):
        figures[row, column] = 0.0
    watch[row] = BLOCKED
    links[row, ASSET] = 0
    links[row, OWNER] = pools[pool, POOL_HEAD]
    pools[pool, POOL_HEAD] = row
    pools[pool, POOL_FREE] += 1
    counters[ROWS_LIVE] -= 1


@compiled_within
def note_row(
    row: int,
    noted: int,
    serial: int,
    codes: U4,
    sizes: F8,
    holds: U4,
    pages: I8,
    symbols: I8,
    counters: I8,
    symbol_of: I8,
    notes: I8,
) -> int:
    """Note the holdings of a row about to be given back; return how many are noted now."""
    start = first_cell(row, pages)
    for place in range(start, start + pages[row >> PAGE_BITS, PAGE_CAPACITY]):
        if sizes[place] != 0.0:
            counters[CELLS_LIVE] -= 1
            if holds[place] != NONE:
                symbol = symbol_of[codes[place] >> 4]
                notes[2 * noted] = symbol
                notes[2 * noted + 1] = holds[place]
                symbols[symbol, HELD_WAS] = serial
                symbols[symbol, HELD_NOTE] = noted
                noted += 1
    return noted


@compiled_within
def release(
    scope: int,
    figures: F8,
    links: U4,
    watch: U1,
    codes: U4,
    sizes: F8,
    holds: U4,
    pages: I8,
    scopes: U4,
    symbols: I8,
    pools: I8,
    counters: I8,
    symbol_of: I8,
    notes: I8,
) -> int:
    """Give back the rows of a scope if it has any; return how many of its holdings are noted."""
    counters[SERIAL] += 1
    serial = counters[SERIAL]
    if scopes[scope, SCOPE_ROW] == NONE:
        return 0
    top = np.int64(scopes[scope, SCOPE_ROW])
    page = top >> PAGE_BITS
    is_group = has_parts(pages[page, PAGE_KIND])
    start, count = first_cell(top, pages), pages[page, PAGE_CAPACITY]
    noted = np.int64(0)
    for index in range(count + 1 if is_group else 1):
        row = np.int64(codes[start + index]) if is_group and index < count else top
        if row == 0:
            continue
        if not is_group or index < count:
            noted = note_row(row, noted, serial, codes, sizes, holds, pages, symbols, counters, symbol_of, notes)
        give_row(row, figures, links, watch, codes, sizes, pages, pools, counters)
    scopes[scope, SCOPE_ROW] = NONE
    return noted


@compiled_within
def move_holding(
    scope: int, symbol: int, old: int, new: int, codes: U4, sizes: F8, holds: U4, pages: I8, scopes: U4, symbol_of: I8
) -> None:
    """Tell the cell by which a scope holds a symbol that the scope stands elsewhere among the holders."""
    top = np.int64(scopes[scope, SCOPE_ROW])
    page = top >> PAGE_BITS
    is_group = has_parts(pages[page, PAGE_KIND])
    start = first_cell(top, pages)
    for index in range(pages[page, PAGE_CAPACITY] if is_group else 1):
        row = np.int64(codes[start + index]) if is_group else top
        begin = first_cell(row, pages)
        for place in range(begin, begin + pages[row >> PAGE_BITS, PAGE_CAPACITY]):
            if holds[place] == old and sizes[place] != 0.0 and symbol_of[codes[place] >> 4] == symbol:
                holds[place] = new
                return


@compiled_within
def cross_out(
    noted: int,
    codes: U4,
    sizes: F8,
    holds: U4,
    pages: I8,
    scopes: U4,
    entries: U4,
    symbols: I8,
    symbol_of: I8,
    notes: I8,
) -> None:
    """Take the noted holdings that were not kept from the holders; the last holder moves to each free place."""
    for index in range(noted):
        symbol, place = notes[2 * index], notes[2 * index + 1]
        if place < 0:
            continue
        last = symbols[symbol, HELD_COUNT] - 1
        symbols[symbol, HELD_COUNT] = last
        if place != last:
            scope = entries[symbols[symbol, HELD_START] + last]
            entries[symbols[symbol, HELD_START] + place] = scope
            move_holding(np.int64(scope), symbol, last, place, codes, sizes, holds, pages, scopes, symbol_of)


@compiled_within
def enter(scope: int, symbol: int, serial: int, entries: U4, symbols: I8, notes: I8) -> int:
    """Return where a scope stands among the holders of a symbol: where it stood, or at the end; NONE a second time."""
    if symbols[symbol, HELD_SEEN] == serial:
        return NONE
    symbols[symbol, HELD_SEEN] = serial
    if symbols[symbol, HELD_WAS] == serial:
        note = symbols[symbol, HELD_NOTE]
        place = notes[2 * note + 1]
        notes[2 * note + 1] = -1
        return place
    place = symbols[symbol, HELD_COUNT]
    entries[symbols[symbol, HELD_START] + place] = scope
    symbols[symbol, HELD_COUNT] = place + 1
    return place
