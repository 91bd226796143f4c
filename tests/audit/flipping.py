"""Bits turned over in the columns of a living store, each in an element that something hangs on.

Which columns there are, and whether what hangs on them can be mended in its place, is said here; finding them is the
audit's.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np

from monitor.core.engine import MarginEngine
from monitor.core.store_columns import (
    ASSET,
    BASE,
    EQUITY,
    FIXED,
    GROUP,
    HELD_COUNT,
    HELD_START,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_KIND,
    POOL_FREE,
    REQUIREMENT,
    ROWS_LIVE,
    SCOPE_ACCOUNT,
    SCOPE_NAME,
    SCOPE_NEXT,
    SCOPE_ROW,
    SCOPES_TOP,
    SINGLE,
    TIERS,
)
from monitor.core.store_layout import cells_of, part_rows

Element = tuple[Any, Any]
"""A column, and where in it."""


class Targets:
    """Find elements of the store that are in use."""

    def __init__(self, engine: MarginEngine, random: Random) -> None:
        self.store = engine.store
        self.space, self.contracts, self.assets = self.store._space, self.store._contracts, self.store._assets
        self.columns = self.space.columns
        self.random = random
        self.ids = np.nonzero(self.store.is_live())[0].tolist()
        blocked = self.store.is_blocked(np.array(self.ids, dtype=np.int64))
        self.judged = [scope for scope, is_so in zip(self.ids, blocked, strict=True) if not is_so]
        self.tops = [int(self.columns.scopes[scope, SCOPE_ROW]) for scope in self.judged]
        self.rows = [part for row in self.tops for part in part_rows(self.columns, row)]
        cells = [place for row in self.rows for place in range(*cells_of(self.columns, row).indices(1 << 40))]
        self.cells = [place for place in cells if self.columns.sizes[place] != 0.0]
        self.lines = sorted({int(self.columns.codes[place]) >> 4 for place in self.cells})

    def _kind(self, row: int) -> int:
        return int(self.columns.pages[row >> PAGE_BITS, PAGE_KIND])

    def mendable(self) -> Iterator[tuple[str, list[Element]]]:
        """Yield what holds figures, terms and statuses."""
        columns, contracts = self.columns, self.contracts
        yield "base", [(columns.figures, (row, BASE)) for row in self.rows]
        yield "fixed", [(columns.figures, (row, FIXED)) for row in self.rows]
        yield "positions", [(columns.figures, (row, FIXED)) for row in self.tops if self._kind(row) != SINGLE]
        yield "equity", [(columns.figures, (row, EQUITY)) for row in self.tops]
        yield "requirement", [(columns.figures, (row, REQUIREMENT)) for row in self.tops]
        groups = [part for row in self.tops if self._kind(row) == GROUP for part in part_rows(columns, row)]
        yield "scales", [(self.space.scales, row) for row in groups if self.space.scales[row]]
        yield "asset", [(columns.links, (row, ASSET)) for row in self.rows]
        yield "watch", [(columns.watch, row) for row in self.tops]
        yield "sizes", [(columns.sizes, place) for place in self.cells]
        yield "codes", [(columns.codes, place) for place in self.cells]
        yield "holds", [(columns.holds, place) for place in self.cells if columns.holds[place] != NONE]
        held = [(int(one[HELD_START]), int(one[HELD_COUNT])) for one in columns.symbols]
        yield "entries", [(columns.entries, start + place) for start, count in held for place in range(count)]
        yield "costs", [(self.store.adl._costs, place) for place in self.cells if self.store.adl._costs[place]]
        yield "told", [(columns.told, scope) for scope in self.ids]
        yield "shown", [(self.space.memory.shown, scope) for scope in self.ids]
        yield "values", [(contracts.values, line) for line in self.lines]
        yield "ends", [(contracts.ends, (line, end)) for line in self.lines for end in (0, 1)]
        yield "table", [(contracts.table, (line * TIERS, column)) for line in self.lines for column in range(4)]
        yield "edge", [(contracts.edge, (line * TIERS, column)) for line in self.lines for column in range(3)]
        yield "symbol_of_line", [(contracts.symbol_of_line, line) for line in self.lines]
        yield "group_of_line", [(contracts.group_of_line, line) for line in self.lines]
        numbers = list(self.assets.numbers.values())
        yield "coins", [(self.assets.coins, (number, column)) for number in numbers for column in range(9)]
        yield "floors", [(self.assets.floors, (0, number, 0)) for number in numbers]
        yield "group_of", [(self.assets.group_of, number) for number in numbers]
        yield "index", [(self.store.adl._index, number) for number in numbers]
        yield "law", [(self.store._screen.law, (state, column)) for state in range(8) for column in range(3)]

    def structural(self) -> Iterator[tuple[str, list[Element]]]:
        """Yield what says where things are."""
        columns, (tiles, pages) = self.columns, self.space.extent
        yield "owner", [(columns.links, (row, OWNER)) for row in (*self.rows, *self.tops)]
        parts = [cells_of(columns, row).start for row in self.tops if self._kind(row) != SINGLE]
        yield "parts", [(columns.codes, place) for place in parts if columns.codes[place]]
        for name, of in (("row", SCOPE_ROW), ("account", SCOPE_ACCOUNT), ("name", SCOPE_NAME), ("next", SCOPE_NEXT)):
            yield name, [(columns.scopes, (scope, of)) for scope in self.ids]
        yield "first", [(columns.first, self.store.account_of(scope)) for scope in self.ids]
        yield "pages", [(columns.pages, (page, of)) for page in range(1, pages) for of in range(5)]
        yield "tiles", [(columns.tiles, (tile, of)) for tile in range(1, tiles) for of in (0, 2, 3, 4)]
        held = [number for number, one in enumerate(columns.symbols) if one[HELD_COUNT]]
        for of in (HELD_START, HELD_COUNT):
            yield f"symbols {of}", [(columns.symbols, (number, of)) for number in held]
        free = [number for number, one in enumerate(columns.pools) if one[POOL_FREE]]
        yield "free rows", [(columns.pools, (number, POOL_FREE)) for number in free]
        yield "counters", [(columns.counters, counter) for counter in (SCOPES_TOP, ROWS_LIVE)]


def flip(column: Any, where: Any, bit: int) -> None:
    """Turn one bit of an element over."""
    size = column.dtype.itemsize
    view = column.view({1: np.uint8, 4: np.uint32, 8: np.uint64}[size])
    view[where] ^= view.dtype.type(1) << view.dtype.type(bit % (8 * size))
