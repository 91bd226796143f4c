"""How much room the store has, and how more is made: tiles of rows, holders of symbols, scope ids, accounts.

Growth copies columns now and then, doubling them; what is in the rows is not known here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.store_columns import (
    BLOCKED,
    CAPACITIES,
    CELLS_LIVE,
    COUNTER_NAMES,
    DUMMY,
    NONE,
    PAGE_BITS,
    PAGE_ROWS,
    PART,
    POOLS,
    ROWS_LIVE,
    SCOPES_LIVE,
    SCOPES_TOP,
    SINGLE,
    U4,
    Holders,
    Pages,
    Pools,
    Tiles,
    grown,
    new_cells,
    new_memory,
    new_rows,
    new_scopes,
    zeros,
)
from monitor.core.store_rows import Columns
from monitor.core.store_terms import Contracts
from monitor.core.store_write import Batch, count_needs

_FIRST_SCOPES: Final = 256
_SYMBOL_COLUMNS: Final = Holders._fields[1:]


class Space:
    """Own the columns of a store and make them longer."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.rows = new_rows()
        self.cells = new_cells(PAGE_ROWS)
        self.pages = zeros(Pages, 1, cell=np.int64, capacity=np.int64, kind=np.int64, tile=np.int64)
        self.tiles = zeros(Tiles, 1, row=np.int64, used=np.int64, cell=np.int64, capacity=np.int64, kind=np.int64)
        self.pages.kind[0] = self.tiles.kind[0] = DUMMY
        self.rows.watch.fill(BLOCKED)
        self.scopes = new_scopes(_FIRST_SCOPES)
        self.scopes.row.fill(NONE)
        self.memory = new_memory(_FIRST_SCOPES)
        self.holders = Holders(np.zeros(0, np.uint32), *(np.zeros(0, np.int64) for _ in _SYMBOL_COLUMNS))
        counters = np.zeros(len(COUNTER_NAMES), np.int64)
        self.pools = Pools(np.zeros(POOLS, np.uint32), np.zeros(POOLS, np.int64), counters)
        self.first = np.full(_FIRST_SCOPES, NONE, dtype=np.uint32)
        self.pool = np.searchsorted(CAPACITIES, np.arange(CAPACITIES[-1] + 1)).astype(np.int64)
        self.noted = np.zeros(64, np.int64)
        self._pages = self._tiles = 1
        self._cells = 0
        self._entries = 0

    def columns(self) -> Columns:
        """Return everything a batch is written to."""
        return Columns(
            self.rows,
            self.cells,
            self.pages,
            self.tiles,
            self.scopes,
            self.memory,
            self.holders,
            self.pools,
            self.first,
            self._contracts.symbol_of_line,
            self.pool,
            self.noted,
        )

    def counts(self) -> dict[str, int]:
        """Return how many scopes, rows and cells are alive, and the bytes reserved for all columns."""
        counters = self.pools.counters
        groups = (self.rows, self.cells, self.pages, self.tiles, self.scopes, self.memory, self.holders, self.pools)
        reserved = sum(column.nbytes for group in groups for column in group) + self.first.nbytes
        return {
            "scopes": int(counters[SCOPES_LIVE]),
            "rows": int(counters[ROWS_LIVE]),
            "cells": int(counters[CELLS_LIVE]),
            "bytes": reserved,
        }

    def scopes_in(self, wanted: NDArray[np.bool_], *, debts: bool) -> U4:
        """Return the owners of parts in wanted assets (by number); with `debts`, also scopes in debt in one."""
        rows = self._pages * PAGE_ROWS
        kind = np.repeat(self.pages.kind[: self._pages], PAGE_ROWS)
        concerned = kind == PART
        if debts:
            concerned |= (kind == SINGLE) & (self.rows.equity[:rows] <= 0)
        concerned &= wanted[self.rows.asset[:rows]]
        return np.unique(self.rows.scope[:rows][concerned])

    def make_room(self, batch: Batch) -> None:
        """Make sure that a batch can be written without a further thought."""
        if len(batch.account):
            self._make_accounts(int(batch.account.max()) + 1)
        self._make_scopes(int(self.pools.counters[SCOPES_TOP]) + len(batch.name))
        self._make_symbols(len(self._contracts.symbols))
        self._check_sizes(batch)
        rows, entries = np.zeros(POOLS, np.int64), np.zeros(len(self.holders.count), np.int64)
        if count_needs(batch, self.columns(), rows, entries):
            for number in np.nonzero(rows > self.pools.free)[0].tolist():
                self._add_tile(number, int(rows[number] - self.pools.free[number]))
            needed = self.holders.count + entries
            lacking = np.nonzero(needed > self.holders.room)[0]
            if len(lacking):
                self._make_entries(lacking, needed)

    def _check_sizes(self, batch: Batch) -> None:
        for ends in (batch.cell_end, batch.part_end):
            if len(ends) and int(np.diff(ends, prepend=0).max()) > CAPACITIES[-1]:
                raise ValueError(f"a scope has more than {CAPACITIES[-1]} positions or assets")
        if len(batch.code) and len(self.noted) < 2 * CAPACITIES[-1]:
            most = int(np.diff(batch.cell_end[batch.part_end[batch.part_end > 0] - 1], prepend=0).max(initial=0))
            if 2 * most > len(self.noted):
                self.noted = np.zeros(4 * most, np.int64)

    def _make_accounts(self, count: int) -> None:
        if count > len(self.first):
            longer = np.full(2 * count, NONE, dtype=np.uint32)
            longer[: len(self.first)] = self.first
            self.first = longer

    def _make_scopes(self, count: int) -> None:
        known = len(self.scopes.row)
        if count <= known:
            return
        self.scopes = grown(self.scopes, 2 * count)
        self.scopes.row[known:] = NONE
        self.memory = grown(self.memory, 2 * count)
        self.memory.shown[known:] = new_memory(1).shown[0]

    def _make_symbols(self, count: int) -> None:
        known = len(self.holders.count)
        if count > known:
            longer = [np.concatenate([column, np.zeros(2 * count - known, np.int64)]) for column in self.holders[1:]]
            self.holders = Holders(self.holders.scope, *longer)

    def _make_entries(self, lacking: np.ndarray, needed: np.ndarray) -> None:
        """Move the holders of some symbols to where there is room; all of them where the end is reached."""
        holders = self.holders
        room = holders.room.copy()
        room[lacking] = 2 * needed[lacking] + 4
        if self._entries + int(room[lacking].sum()) <= len(holders.scope):
            starts, chosen, target = self._entries + np.cumsum(room[lacking]) - room[lacking], lacking, holders.scope
            self._entries += int(room[lacking].sum())
        else:
            total = int(room.sum())
            starts, chosen, target = np.cumsum(room) - room, np.arange(len(room)), np.zeros(2 * total, np.uint32)
            self._entries = total
        for symbol, start in zip(chosen.tolist(), starts.tolist(), strict=True):
            old, count = int(holders.start[symbol]), int(holders.count[symbol])
            target[start : start + count] = holders.scope[old : old + count]
            holders.start[symbol] = start
        holders.room[:] = room
        self.holders = holders._replace(scope=target)

    def _add_tile(self, number: int, lacking: int) -> None:
        """Add a tile to a pool: rows for what lacks, and half as many as the pool has."""
        kind, pool = divmod(number, len(CAPACITIES))
        capacity = CAPACITIES[pool]
        mine = (self.tiles.kind[: self._tiles] == kind) & (self.tiles.capacity[: self._tiles] == capacity)
        wanted = lacking + int(self.tiles.used[: self._tiles][mine].sum()) // 2
        pages = -(-wanted // PAGE_ROWS)
        rows, first = pages * PAGE_ROWS, self._pages * PAGE_ROWS
        self._reserve(self._pages + pages, self._cells + rows * capacity)
        page = slice(self._pages, self._pages + pages)
        self.pages.cell[page] = self._cells + np.arange(pages) * PAGE_ROWS * capacity
        self.pages.capacity[page] = capacity
        self.pages.kind[page] = kind
        self.pages.tile[page] = self._tiles
        for column, value in zip(self.tiles, (first, 0, self._cells, capacity, kind), strict=True):
            column[self._tiles] = value
        self.rows.watch[first : first + rows] = BLOCKED
        self.rows.scope[first : first + rows - 1] = np.arange(first + 1, first + rows, dtype=np.uint32)
        self.rows.scope[first + rows - 1] = self.pools.head[number]
        self.pools.head[number] = first
        self.pools.free[number] += rows
        self._pages += pages
        self._tiles += 1
        self._cells += rows * capacity

    def _reserve(self, pages: int, cells: int) -> None:
        if pages > len(self.pages.cell):
            self.pages = grown(self.pages, 2 * pages)
        if self._tiles + 1 > len(self.tiles.row):
            longer = grown(self.tiles, 2 * self._tiles + 2)
            longer.kind[self._tiles :] = DUMMY
            self.tiles = longer
        if pages << PAGE_BITS > len(self.rows.base):
            self.rows = grown(self.rows, pages << (PAGE_BITS + 1))
        if cells > len(self.cells.code):
            self.cells = grown(self.cells, 2 * cells)
