"""How rows are taken and given back, and how the holders of a symbol are kept, inside the columns of the store.

These functions are compiled like the kernels (or run as they are). They need room made for them beforehand; whole
scopes are written by `store_write`, which calls them.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.core.kernels_compiled import compiled
from monitor.core.store_columns import (
    BLOCKED,
    CELLS_LIVE,
    GROUP,
    I8,
    NONE,
    PAGE_BITS,
    PAGE_ROWS,
    PART,
    ROWS_LIVE,
    SINGLE,
    U4,
    Cells,
    Holders,
    Memory,
    Pages,
    Pools,
    Rows,
    Scopes,
    Tiles,
)


class Columns(NamedTuple):
    """Hold everything a batch is written to. `symbol` tells the symbol of a line, `pool` the pool of a cell count."""

    rows: Rows
    cells: Cells
    pages: Pages
    tiles: Tiles
    scopes: Scopes
    memory: Memory
    holders: Holders
    pools: Pools
    first: U4
    symbol: I8
    pool: I8
    noted: I8


@compiled
def take_row(pool: int, kind: int, capacities: int, to: Columns) -> int:
    """Take a free row of a pool; room for it was made before."""
    number = kind * capacities + pool
    row = int(to.pools.head[number])
    to.pools.head[number] = to.rows.scope[row]
    to.pools.free[number] -= 1
    to.pools.counters[ROWS_LIVE] += 1
    tile = to.pages.tile[row >> PAGE_BITS]
    used = row - to.tiles.row[tile] + 1
    to.tiles.used[tile] = max(to.tiles.used[tile], used)
    return row


@compiled
def first_cell(row: int, to: Columns) -> int:
    """Return where the cells of a row begin."""
    page = row >> PAGE_BITS
    return to.pages.cell[page] + (row & (PAGE_ROWS - 1)) * to.pages.capacity[page]


@compiled
def give_row(row: int, pool_of_page: int, to: Columns) -> None:
    """Empty a row and put it in front of its pool's free rows."""
    rows, cells = to.rows, to.cells
    start = first_cell(row, to)
    for place in range(start, start + to.pages.capacity[row >> PAGE_BITS]):
        cells.code[place] = 0
        cells.size[place] = 0.0
        cells.hold[place] = NONE
    rows.base[row] = 0.0
    rows.fixed[row] = 0.0
    rows.equity[row] = 0.0
    rows.requirement[row] = 0.0
    rows.scale[row] = 0.0
    rows.watch[row] = BLOCKED
    rows.asset[row] = 0
    rows.scope[row] = to.pools.head[pool_of_page]
    to.pools.head[pool_of_page] = row
    to.pools.free[pool_of_page] += 1
    to.pools.counters[ROWS_LIVE] -= 1


@compiled
def note_row(row: int, noted: int, serial: int, to: Columns) -> int:
    """Note the holdings of a row about to be given back; return how many are noted now."""
    start = first_cell(row, to)
    for place in range(start, start + to.pages.capacity[row >> PAGE_BITS]):
        if to.cells.size[place] != 0.0:
            to.pools.counters[CELLS_LIVE] -= 1
            if to.cells.hold[place] != NONE:
                symbol = to.symbol[to.cells.code[place] >> 4]
                to.noted[2 * noted] = symbol
                to.noted[2 * noted + 1] = to.cells.hold[place]
                to.holders.was[symbol] = serial
                to.holders.slot[symbol] = noted
                noted += 1
    return noted


@compiled
def release(scope: int, serial: int, to: Columns) -> int:
    """Give back the rows of a scope; return how many of its holdings are noted."""
    row = int(to.scopes.row[scope])
    page = row >> PAGE_BITS
    capacities = to.pools.head.shape[0] // 3
    noted = 0
    if to.pages.kind[page] == GROUP:
        start = first_cell(row, to)
        for place in range(start, start + to.pages.capacity[page]):
            part = int(to.cells.code[place])
            if part != 0:
                noted = note_row(part, noted, serial, to)
                give_row(part, PART * capacities + to.pool[to.pages.capacity[part >> PAGE_BITS]], to)
                to.cells.code[place] = 0
        give_row(row, GROUP * capacities + to.pool[to.pages.capacity[page]], to)
    else:
        noted = note_row(row, noted, serial, to)
        give_row(row, SINGLE * capacities + to.pool[to.pages.capacity[page]], to)
    to.scopes.row[scope] = NONE
    return noted


@compiled
def move_holding(scope: int, symbol: int, old: int, new: int, to: Columns) -> None:
    """Tell the cell by which a scope holds a symbol that it stands elsewhere among the holders."""
    row = int(to.scopes.row[scope])
    page = row >> PAGE_BITS
    start = first_cell(row, to)
    is_group = to.pages.kind[page] == GROUP
    for outer in range(start, start + to.pages.capacity[page]) if is_group else range(start, start + 1):
        inner, capacity = start, to.pages.capacity[page]
        if is_group:
            part = int(to.cells.code[outer])
            inner, capacity = first_cell(part, to), to.pages.capacity[part >> PAGE_BITS]
        for place in range(inner, inner + capacity):
            held = to.cells.hold[place] == old and to.cells.size[place] != 0.0
            if held and to.symbol[to.cells.code[place] >> 4] == symbol:
                to.cells.hold[place] = new
                return


@compiled
def cross_out(symbol: int, place: int, to: Columns) -> None:
    """Take an entry out of the holders of a symbol; the last one moves to its place."""
    holders = to.holders
    last = holders.count[symbol] - 1
    holders.count[symbol] = last
    if place != last:
        scope = holders.scope[holders.start[symbol] + last]
        holders.scope[holders.start[symbol] + place] = scope
        move_holding(int(scope), symbol, last, place, to)


@compiled
def cross_out_noted(noted: int, to: Columns) -> None:
    """Take the noted holdings that were not kept out of the index."""
    for index in range(noted):
        if to.noted[2 * index + 1] >= 0:
            cross_out(to.noted[2 * index], to.noted[2 * index + 1], to)


@compiled
def enter(scope: int, symbol: int, serial: int, to: Columns) -> int:
    """Return where a scope stands among the holders of a symbol: where it stood, or at the end; NONE a second time."""
    holders = to.holders
    if holders.seen[symbol] == serial:
        return NONE
    holders.seen[symbol] = serial
    if holders.was[symbol] == serial:
        slot = holders.slot[symbol]
        place = to.noted[2 * slot + 1]
        to.noted[2 * slot + 1] = -1
        return place
    place = holders.count[symbol]
    holders.scope[holders.start[symbol] + place] = scope
    holders.count[symbol] = place + 1
    return place
