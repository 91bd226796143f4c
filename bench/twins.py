"""The C twins of the daemon's screen: the same work on the same population, each on arrays of its own.

What a twin writes (figures, bounds, brackets, candidates) it has a copy of, so that nobody finds warm what another has
just touched. Prices are copied from the store at both ends of the ticks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.compiler import Loop, Loops
from bench.inside import columns_of, contracts_of, holders_of, portfolio_of, tables_of
from bench.loading import Book
from monitor.core.store_columns import (
    EQUITY,
    F8,
    GROUP,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    PART,
    REQUIREMENT,
    SCOPE_ROW,
    TILE_CAPACITY,
    TILE_KIND,
    TILE_USED,
    U4,
)


class Values:
    """Hold the values of all lines at the first and at the second prices."""

    def __init__(self, book: Book) -> None:
        at: list[F8] = []
        for which in (1, 0):
            book.turn(which)
            at.append(contracts_of(book.store).values.copy())
        self.at: tuple[F8, F8] = (at[1], at[0])


class StoreCopy:
    """Hold copies of what a screen writes, and the arguments every loop over rows begins with."""

    def __init__(self, book: Book) -> None:
        self._store = book.store
        columns = columns_of(book.store)
        scales, self.coins, self.floors, self.law = tables_of(book.store)
        self.columns = columns
        self.figures, self.codes, self.scales = columns.figures.copy(), columns.codes.copy(), scales.copy()
        self.sizes = columns.sizes.copy()
        self.found: U4 = np.zeros(book.store.counts()["scopes"] + 1, np.uint32)

    def arguments(self, values: F8) -> tuple[Any, ...]:
        """Return what follows the places to look at."""
        columns, contracts = self.columns, contracts_of(self._store)
        return (
            self.figures,
            self.scales,
            columns.watch,
            columns.links,
            self.codes,
            self.sizes,
            values,
            contracts.table,
            contracts.edge,
            self.coins,
            self.floors,
            self.floors.shape[1],
            self.law,
            self.found,
        )


class TilesTwin(StoreCopy):
    """Judge every row, as `kernels.judge_tiles`."""

    def __init__(self, loops: Loops, book: Book, values: Values) -> None:
        super().__init__(book)
        tiles = self.columns.tiles
        self._loops: list[Loop] = [
            loops.bind("judge_tiles", tiles, len(tiles), *self.arguments(one)) for one in values.at
        ]

    def __call__(self, which: int) -> U4:
        """Evaluate everybody at one of the prices; return the candidates."""
        return self.found[: self._loops[which]()]


class ScopesTwin(StoreCopy):
    """Judge the holders of one contract from scratch, as `kernels.judge_scopes`."""

    def __init__(self, loops: Loops, book: Book, values: Values, rank: int) -> None:
        super().__init__(book)
        line = next(iter(contracts_of(book.store).symbols[book.names[rank]].lines.values()))
        self.chosen = holders_of(book.store, book.names[rank]).copy()
        at = [values.at[0].copy(), values.at[0].copy()]
        at[1][line] = values.at[1][line]
        columns = self.columns
        pages = columns.pages[columns.scopes[self.chosen, SCOPE_ROW] >> PAGE_BITS]
        most = len(self.chosen) + int(pages[pages[:, PAGE_KIND] == GROUP, PAGE_CAPACITY].sum())
        self._rows, self._tops = np.zeros(most, np.uint32), np.zeros(len(self.chosen), np.uint32)
        where = self.chosen, len(self.chosen), columns.scopes, columns.pages, self._rows, self._tops
        self._loops = [loops.bind("judge_scopes", *where, *self.arguments(one)) for one in at]

    def __call__(self, which: int) -> U4:
        """Evaluate the holders with the contract at one of its prices, all others at their first."""
        return self.found[: self._loops[which]()]


class MovedTwin:
    """Judge the holders of one contract by what its price has moved: the quickest way there is without a proof.

    Its figures drift from tick to tick, and its bounds grow: how they would be made anew is not part of it.
    """

    def __init__(self, loops: Loops, book: Book, values: Values, rank: int) -> None:
        columns, contracts = columns_of(book.store), contracts_of(book.store)
        _, _, floors, law = tables_of(book.store)
        line = next(iter(contracts.symbols[book.names[rank]].lines.values()))
        chosen = holders_of(book.store, book.names[rank])
        self.rows = columns.scopes[chosen, SCOPE_ROW].copy()
        cells = _cells_with(line, self.rows, columns)
        self.codes, self.sizes = columns.codes[cells].copy(), columns.sizes[cells].copy()
        self.state = np.zeros((len(columns.figures), 4))
        self.state[:, :2] = columns.figures[:, [EQUITY, REQUIREMENT]]
        self.state[:, 2] = 1e-12 * (np.abs(columns.figures).sum(axis=1))
        self.found = np.zeros(len(self.rows) + 1, np.uint32)
        prices = float(values.at[0][line]), float(values.at[1][line])
        what = columns.watch, columns.links, contracts.table, contracts.edge, floors, floors.shape[1], law, self.found
        self._loops = [
            loops.bind("judge_moved", len(chosen), self.rows, self.codes, self.sizes, *pair, self.state, *what)
            for pair in (prices[::-1], prices)
        ]

    def __call__(self, which: int) -> U4:
        """Move the contract to one of its prices from the other one."""
        return self.found[: self._loops[which]()]


class PortfolioTwin(StoreCopy):
    """Judge every portfolio by the scenario method, as `kernels_portfolio.judge_tiles`."""

    def __init__(self, loops: Loops, book: Book, values: Values) -> None:
        super().__init__(book)
        groups, held_in, recipe = portfolio_of(book.store)
        columns, contracts = self.columns, contracts_of(book.store)
        where = columns.tiles, len(columns.tiles), columns.pages, self.figures, columns.watch, columns.links
        method = recipe.numbers, recipe.groups, len(recipe.groups), recipe.shocks, recipe.shocks.shape[1]
        self._loops = [
            loops.bind(
                "judge_portfolios",
                *(*where, self.codes, self.sizes, one, contracts.table, contracts.edge),
                *(self.coins, self.floors, self.floors.shape[1], self.law, groups, held_in),
                *(*method, len(recipe.credits), self.found),
            )
            for one in values.at
        ]

    def __call__(self, which: int) -> U4:
        """Evaluate every portfolio at one of the prices; return the candidates."""
        return self.found[: self._loops[which]()]


class Reader(StoreCopy):
    """Read the bytes that a full tick touches, and do nothing with them."""

    def __init__(self, loops: Loops, book: Book) -> None:
        super().__init__(book)
        columns, tiles = self.columns, self.columns.tiles
        watch = columns.watch.copy()
        self._loop = loops.bind("read_tiles", tiles, len(tiles), self.figures, watch, self.codes, self.sizes)
        read = tiles[tiles[:, TILE_KIND] <= PART]
        rows, cells = read[:, TILE_USED].sum(), (read[:, TILE_USED] * read[:, TILE_CAPACITY]).sum()
        self.bytes = int(rows * (self.figures.strides[0] + 1) + cells * (self.codes.itemsize + self.sizes.itemsize))

    def __call__(self) -> int:
        """Read everything once; return a sum that depends on all of it."""
        return self._loop()


def _cells_with(line: int, rows: U4, columns: Any) -> Any:
    """Return of each row the cell that refers to a line."""
    pages = columns.pages[rows >> PAGE_BITS]
    starts = pages[:, PAGE_CELL] + (rows & (PAGE_ROWS - 1)) * pages[:, PAGE_CAPACITY]
    cells = np.full(len(rows), -1, np.int64)
    for offset in range(int(pages[:, PAGE_CAPACITY].max(initial=0))):
        inside = offset < pages[:, PAGE_CAPACITY]
        here = np.where(inside, starts + offset, 0)
        mine = inside & (columns.codes[here] >> 4 == line) & (columns.sizes[here] != 0.0)
        cells[mine] = here[mine]
    if (cells < 0).any():
        raise ValueError("a holder without a position")
    return cells
