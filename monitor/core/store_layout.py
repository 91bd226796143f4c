"""The layout of a store looked through: rows, pages, holders and ids, each against what else says where it is.

Nothing is set right here: where something is found decides what is written next, so that a store whose layout is
damaged is made anew. What stands in rows is compared in `store_audit`.
"""

from __future__ import annotations

import numpy as np

from monitor.core.audit.fault import Fault
from monitor.core.store_columns import (
    CAPACITIES,
    HELD_COUNT,
    HELD_ROOM,
    HELD_START,
    I8,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    POOL_FREE,
    POOL_HEAD,
    ROWS_LIVE,
    SCOPE_ACCOUNT,
    SCOPE_NEXT,
    SCOPE_ROW,
    SCOPES_TOP,
    SINGLE,
    TILE_CAPACITY,
    TILE_CELL,
    TILE_KIND,
    TILE_ROW,
    TILE_USED,
    Columns,
)
from monitor.core.store_space import Space
from monitor.core.store_terms import Contracts


def chain(columns: Columns, account: int, most: int) -> list[int]:
    """Return the scopes that an account's list names, at most one more than `most`, up to one that is not its."""
    found: list[int] = []
    scope = int(columns.first[account]) if account < len(columns.first) else NONE
    while scope != NONE and len(found) <= most:
        if scope >= columns.counters[SCOPES_TOP] or columns.scopes[scope, SCOPE_ACCOUNT] != account:
            break
        found.append(scope)
        scope = int(columns.scopes[scope, SCOPE_NEXT])
    return found


def cells_of(columns: Columns, row: int) -> slice:
    """Return where the cells of a row lie."""
    page = row >> PAGE_BITS
    capacity = int(columns.pages[page, PAGE_CAPACITY])
    start = int(columns.pages[page, PAGE_CELL]) + (row & (PAGE_ROWS - 1)) * capacity
    return slice(start, start + capacity)


def part_rows(columns: Columns, row: int) -> list[int]:
    """Return the rows a scope's own row is made of: those of its parts, or itself."""
    page = row >> PAGE_BITS
    if columns.pages[page, PAGE_KIND] == SINGLE:
        return [row]
    found: list[int] = columns.codes[cells_of(columns, row)].tolist()
    return [part for part in found if part]


def stands_at(columns: Columns, symbol_of_line: I8, scope: int, symbol: int, place: int) -> bool:
    """Return whether a scope has a position in a symbol that says it stands at a place among the holders."""
    if scope >= columns.counters[SCOPES_TOP] or columns.scopes[scope, SCOPE_ROW] == NONE:
        return False
    row = int(columns.scopes[scope, SCOPE_ROW])
    if row >> PAGE_BITS >= len(columns.pages) or columns.links[row, OWNER] != scope:
        return False
    for part in part_rows(columns, row):
        if part >> PAGE_BITS >= len(columns.pages):
            continue
        cells = cells_of(columns, part)
        lines = np.minimum(columns.codes[cells] >> 4, len(symbol_of_line) - 1)
        mine = (columns.holds[cells] == place) & (columns.sizes[cells] != 0.0)
        if (mine & (symbol_of_line[lines] == symbol)).any():
            return True
    return False


class StoreLayout:
    """Look through the layout of a store, a bounded piece at a time."""

    def __init__(self, space: Space, contracts: Contracts) -> None:
        self._space = space
        self._contracts = contracts

    def scopes(self, start: int, count: int, accounts: int) -> tuple[list[Fault], bool]:
        """Look for scopes that live but stand in no account's list; return also whether ids go on after these."""
        columns, faults = self._space.columns, []
        top = min(int(columns.counters[SCOPES_TOP]), len(columns.scopes))
        for scope in range(start, min(start + count, top)):
            account = int(columns.scopes[scope, SCOPE_ACCOUNT])
            if columns.scopes[scope, SCOPE_ROW] != NONE and (
                account >= accounts or scope not in chain(columns, account, top)
            ):
                faults.append(_astray("scope of no account", scope, account))
        return faults, start + count < top

    def holders(self, symbol: str, start: int, count: int) -> tuple[list[Fault], bool]:
        """Look whether each holder of a symbol has it; return also whether there are more after these."""
        columns, number = self._space.columns, self._contracts.symbols[symbol].number
        if number >= len(columns.symbols):
            return [], False
        first, held = int(columns.symbols[number, HELD_START]), int(columns.symbols[number, HELD_COUNT])
        if first < 0 or held < 0 or first + held > len(columns.entries):
            return [_astray("room of holders", first, held)], False
        faults = []
        for place in range(start, min(start + count, held)):
            scope = int(columns.entries[first + place])
            if not stands_at(columns, self._contracts.symbol_of_line, scope, number, place):
                faults.append(_astray("holders", scope, place, symbol))
        return faults, start + count < held

    def whole(self) -> list[Fault]:
        """Compare what is counted with what is there, and how the room is laid out with how it was made."""
        columns = self._space.columns
        live = int(np.count_nonzero(columns.scopes[:, SCOPE_ROW] != NONE))
        counted = self._space.live()
        faults = [] if live == counted else [_astray("live scopes", counted, live)]
        wrong = {"tiles": self._misplaced(), "free rows": self._misfreed(), "room of holders": self._overlaps()}
        return faults + [_astray(name, count, 0) for name, count in wrong.items() if count]

    def _misplaced(self) -> int:
        """Return how many tiles do not lie, page by page, where those before them end."""
        columns, (tiles, last) = self._space.columns, self._space.extent
        wrong, page, cells = 0, 1, 0
        for tile in range(1, tiles):
            end = int(columns.tiles[tile + 1, TILE_ROW]) >> PAGE_BITS if tile + 1 < tiles else last
            capacity, kind = int(columns.tiles[tile, TILE_CAPACITY]), int(columns.tiles[tile, TILE_KIND])
            pages = columns.pages[page : max(page, end)]
            pool = kind * len(CAPACITIES) + CAPACITIES.index(capacity) if capacity in CAPACITIES else -1
            laid = np.tile([0, capacity, kind, tile, pool], (len(pages), 1))
            laid[:, 0] = cells + np.arange(len(pages)) * PAGE_ROWS * capacity
            first = columns.tiles[tile, TILE_ROW] == page * PAGE_ROWS and columns.tiles[tile, TILE_CELL] == cells
            used = 0 <= columns.tiles[tile, TILE_USED] <= len(pages) * PAGE_ROWS
            wrong += not (first and used and len(pages) and np.array_equal(laid, pages))
            page, cells = page + len(pages), cells + len(pages) * PAGE_ROWS * capacity
        return wrong

    def _misfreed(self) -> int:
        """Return by how many rows the pools differ from what is free, and how many begin with a row that is not."""
        columns, (_, pages) = self._space.columns, self._space.extent
        pools = columns.pools
        missing = abs(int(pools[:, POOL_FREE].sum()) - (pages - 1) * PAGE_ROWS + int(columns.counters[ROWS_LIVE]))
        filled = np.nonzero(pools[:, POOL_FREE] > 0)[0]
        heads = pools[filled, POOL_HEAD]
        inside = (heads >= PAGE_ROWS) & (heads < pages * PAGE_ROWS)
        taken = np.isin(heads, columns.scopes[:, SCOPE_ROW])
        return missing + int((~inside | taken).sum())

    def _overlaps(self) -> int:
        """Return how many symbols have more holders than room, or room that is another's."""
        held = self._space.columns.symbols
        held = held[held[:, HELD_ROOM] != 0]
        held = held[np.argsort(held[:, HELD_START])]
        ends = held[:, HELD_START] + held[:, HELD_ROOM]
        wrong = (ends[:-1] > held[1:, HELD_START]).sum() + (ends > len(self._space.columns.entries)).sum()
        return int(wrong + ((held[:, HELD_COUNT] > held[:, HELD_ROOM]) | (held[:, HELD_COUNT] < 0)).sum())


def _astray(column: str, stored: float, right: float, symbol: str = "") -> Fault:
    return Fault(column, stored, right, symbol=symbol, is_structure=True)
