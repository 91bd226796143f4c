"""How much room the store has, and how more is made: tiles of rows, scope ids, accounts.

Columns grow by half and are copied then; tiles have little to spare. What is in the rows is not known here.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.core.store_columns import (
    ASSET,
    BLOCKED,
    CAPACITIES,
    CELLS_LIVE,
    COUNTERS,
    DUMMY,
    EQUITY,
    NONE,
    NOTHING_SHOWN,
    OWNER,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_POOL,
    PAGE_ROWS,
    PAGE_TILE,
    PART,
    PIECE,
    POOL_FREE,
    POOL_HEAD,
    POOL_NEED,
    PORTFOLIO,
    ROWS_LIVE,
    SCOPE_FREE,
    SCOPE_ROW,
    SCOPES_FREE,
    SCOPES_REMOVED,
    SCOPES_TOP,
    SINGLE,
    TILE_CAPACITY,
    TILE_KIND,
    TILE_USED,
    U4,
    Batch,
    Columns,
    Memory,
)
from monitor.core.store_holders import HoldersRoom
from monitor.core.store_write import write_batch

_FIRST_SCOPES: Final = 256
_POOLS: Final = DUMMY * len(CAPACITIES)
_TILE_SPARE: Final = 8
"""A tile has room for what lacks, and for one more row in so many as its pool has used."""

A = TypeVar("A", bound=np.generic)


def half_more(count: int) -> int:
    """Return for how many there is to be room where there are so many."""
    return count + count // 2


def longer(column: NDArray[A], count: int, filler: int = 0) -> NDArray[A]:
    """Return a column with room for `count` elements; untouched memory costs nothing until it is written."""
    grown = np.zeros((count, *column.shape[1:]), dtype=column.dtype)
    grown[: len(column)] = column
    if filler:
        grown[len(column) :] = filler
    return grown


class Space:
    """Own the columns of a store, write batches into them and make them longer."""

    def __init__(self) -> None:
        rows, i8, u4 = PAGE_ROWS, np.int64, np.uint32
        self.columns = Columns(
            figures=np.zeros((rows, 4)),
            links=np.zeros((rows, 2), u4),
            watch=np.full(rows, BLOCKED, np.uint8),
            codes=np.zeros(PAGE_ROWS, u4),
            sizes=np.zeros(PAGE_ROWS),
            holds=np.zeros(PAGE_ROWS, u4),
            pages=np.zeros((1, 5), i8),
            tiles=np.zeros((1, 5), i8),
            scopes=np.full((_FIRST_SCOPES, 5), NONE, u4),
            told=np.zeros(_FIRST_SCOPES, np.uint8),
            entries=np.zeros(64, u4),
            symbols=np.zeros((16, 7), i8),
            pools=np.zeros((_POOLS, 3), i8),
            counters=np.zeros(COUNTERS, i8),
            first=np.full(_FIRST_SCOPES, NONE, u4),
            symbol_of=np.zeros(1, i8),
            notes=np.zeros(64, i8),
        )
        self.columns.pages[0, PAGE_KIND] = self.columns.tiles[0, TILE_KIND] = DUMMY
        self.scales = np.zeros(rows)
        """The bound on the error of PART rows."""
        self.memory = Memory(
            self.columns.told,
            *(np.zeros(_FIRST_SCOPES, i8) for _ in range(2)),
            np.zeros(_FIRST_SCOPES, np.uint8),
            np.full(_FIRST_SCOPES, NOTHING_SHOWN, np.uint8),
            np.zeros(_FIRST_SCOPES),
        )
        self._pages = self._tiles = 1
        self._cells = 0
        self._room = HoldersRoom()

    @property
    def extent(self) -> tuple[int, int]:
        """How many tiles and pages have been made."""
        return self._tiles, self._pages

    def live(self) -> int:
        """Return how many scopes exist."""
        counters = self.columns.counters
        return int(counters[SCOPES_TOP] - counters[SCOPES_FREE] - counters[SCOPES_REMOVED])

    def has_portfolios(self) -> bool:
        """Return whether there has ever been a portfolio."""
        return bool((self.columns.tiles[:, TILE_KIND] == PORTFOLIO).any())

    def portfolios_of(self, scopes: U4) -> U4:
        """Return the portfolios among scopes that exist."""
        rows = self.columns.scopes[scopes, SCOPE_ROW]
        rows[rows == NONE] = 0
        portfolios: U4 = scopes[self.columns.pages[rows >> PAGE_BITS, PAGE_KIND] == PORTFOLIO]
        return portfolios

    def counts(self) -> dict[str, int]:
        """Return how many scopes, rows and cells are alive, and the bytes reserved for all columns."""
        counters = self.columns.counters
        kept = {id(column): column.nbytes for column in (*self.columns, *self.memory, self.scales)}
        return {
            "scopes": self.live(),
            "rows": int(counters[ROWS_LIVE]),
            "cells": int(counters[CELLS_LIVE]),
            "bytes": sum(kept.values()),
        }

    def write(self, batch: Batch, symbol_of: NDArray[np.int64], symbols: int, most: tuple[int, int, int]) -> U4:
        """Write a batch and return the ids of the scopes it removed, in order.

        `most`: the highest account, the most cells or parts of one row, the most positions of one scope.
        """
        account, widest, positions = most
        if widest > CAPACITIES[-1]:
            raise ValueError(f"a scope has more than {CAPACITIES[-1]} positions or assets")
        self._recycle()
        self._make_room(account + 1, len(batch.scopes), symbols, positions)
        self.columns = self.columns._replace(symbol_of=symbol_of)
        while not write_batch(*batch, *self.columns):
            self._make_rows()
            self._make_entries()
        counters, free = self.columns.counters, self.columns.scopes[:, SCOPE_FREE]
        return free[len(free) - int(counters[SCOPES_REMOVED]) :][::-1].copy()

    def next_ids(self, count: int) -> NDArray[np.int64]:
        """Return the ids that the next so many new scopes will be given, in their order."""
        self._recycle()
        counters = self.columns.counters
        unused, top = int(counters[SCOPES_FREE]), int(counters[SCOPES_TOP])
        again = self.columns.scopes[:unused, SCOPE_FREE][::-1][:count].astype(np.int64)
        return np.concatenate([again, np.arange(top, top + count - len(again))])

    def scopes_in(self, wanted: NDArray[np.bool_], *, debts: bool) -> U4:
        """Return the owners of parts in wanted assets (by number); with `debts`, also scopes in debt in one."""
        rows = self._pages * PAGE_ROWS
        kind = np.repeat(self.columns.pages[: self._pages, PAGE_KIND], PAGE_ROWS)
        concerned = (kind == PART) | (kind == PIECE)
        if debts:
            concerned |= (kind == SINGLE) & (self.columns.figures[:rows, EQUITY] <= 0)
        concerned &= wanted[self.columns.links[:rows, ASSET]]
        return np.unique(self.columns.links[:rows, OWNER][concerned])

    def _recycle(self) -> None:
        """Let the ids removed by the last batch be used again, with a blank memory."""
        counters, free = self.columns.counters, self.columns.scopes[:, SCOPE_FREE]
        count = int(counters[SCOPES_REMOVED])
        if not count:
            return
        ids = free[len(free) - count :].copy()
        for column in self.memory:
            column[ids] = 0
        self.memory.shown[ids] = NOTHING_SHOWN
        top = int(counters[SCOPES_FREE])
        free[top : top + count] = ids
        counters[SCOPES_FREE] += count
        counters[SCOPES_REMOVED] = 0

    def _make_room(self, accounts: int, scopes: int, symbols: int, positions: int) -> None:
        """Make room for what is counted before a batch is written."""
        columns = self.columns
        if accounts > len(columns.first):
            columns = columns._replace(first=longer(columns.first, half_more(accounts), NONE))
        needed = int(columns.counters[SCOPES_TOP]) + scopes
        if needed > len(columns.told):
            room = half_more(needed)
            self.memory = Memory(*(longer(column, room) for column in self.memory))
            self.memory.shown[len(columns.told) :] = NOTHING_SHOWN
            columns = columns._replace(scopes=longer(columns.scopes, room, NONE), told=self.memory.told)
        if symbols > len(columns.symbols):
            columns = columns._replace(symbols=longer(columns.symbols, 2 * symbols))
        if 2 * positions > len(columns.notes):
            columns = columns._replace(notes=longer(columns.notes, 4 * positions))
        self.columns = columns

    def _make_entries(self) -> None:
        self.columns = self.columns._replace(entries=self._room.made(self.columns.symbols, self.columns.entries))

    def _make_rows(self) -> None:
        pools = self.columns.pools
        for pool in np.nonzero(pools[:, POOL_NEED] > pools[:, POOL_FREE])[0].tolist():
            self._add_tile(pool, int(pools[pool, POOL_NEED] - pools[pool, POOL_FREE]))

    def _add_tile(self, pool: int, lacking: int) -> None:
        """Add a tile to a pool: rows for what lacks, and some more."""
        kind, size = divmod(pool, len(CAPACITIES))
        capacity, tiles = CAPACITIES[size], self.columns.tiles[: self._tiles]
        mine = (tiles[:, TILE_KIND] == kind) & (tiles[:, TILE_CAPACITY] == capacity)
        wanted = lacking + int(tiles[mine, TILE_USED].sum()) // _TILE_SPARE
        pages = -(-wanted // PAGE_ROWS)
        rows, first = pages * PAGE_ROWS, self._pages * PAGE_ROWS
        self._reserve(self._pages + pages, self._cells + rows * capacity)
        columns, added = self.columns, slice(self._pages, self._pages + pages)
        columns.pages[added, PAGE_CELL] = self._cells + np.arange(pages) * PAGE_ROWS * capacity
        columns.pages[added, PAGE_CAPACITY] = capacity
        columns.pages[added, PAGE_KIND] = kind
        columns.pages[added, PAGE_TILE] = self._tiles
        columns.pages[added, PAGE_POOL] = pool
        columns.tiles[self._tiles] = (first, 0, self._cells, capacity, kind)
        columns.watch[first : first + rows] = BLOCKED
        columns.links[first : first + rows - 1, OWNER] = np.arange(first + 1, first + rows, dtype=np.uint32)
        columns.links[first + rows - 1, OWNER] = columns.pools[pool, POOL_HEAD]
        columns.pools[pool, POOL_HEAD] = first
        columns.pools[pool, POOL_FREE] += rows
        self._pages += pages
        self._tiles += 1
        self._cells += rows * capacity

    def _reserve(self, pages: int, cells: int) -> None:
        columns = self.columns
        if pages > len(columns.pages):
            columns = columns._replace(pages=longer(columns.pages, 2 * pages))
        if self._tiles + 1 > len(columns.tiles):
            tiles = longer(columns.tiles, 2 * self._tiles + 2)
            tiles[self._tiles :, TILE_KIND] = DUMMY
            columns = columns._replace(tiles=tiles)
        rows = pages << PAGE_BITS
        if rows > len(columns.watch):
            columns = columns._replace(
                figures=longer(columns.figures, half_more(rows)),
                links=longer(columns.links, half_more(rows)),
                watch=longer(columns.watch, half_more(rows)),
            )
            self.scales = longer(self.scales, half_more(rows))
        if cells > len(columns.codes):
            columns = columns._replace(
                codes=longer(columns.codes, half_more(cells)),
                sizes=longer(columns.sizes, half_more(cells)),
                holds=longer(columns.holds, half_more(cells)),
            )
        self.columns = columns
