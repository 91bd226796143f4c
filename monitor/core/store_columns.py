"""The columns of the store: which arrays there are and what their elements mean.

Only names and shapes live here; `store_space` makes the arrays, the kernels read and write them. Rows are addressed by
number: page = row >> PAGE_BITS. All rows of a page have one kind and one capacity; the pages made together are a tile,
whose cells lie side by side.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U8 = NDArray[np.uint64]
U4 = NDArray[np.uint32]
U1 = NDArray[np.uint8]

PAGE_BITS: Final = 8
PAGE_ROWS: Final = 1 << PAGE_BITS
CAPACITIES: Final = (
    *(0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512),
    *(1024, 2048, 4096, 8192, 16384),
)
NONE: Final = 0xFFFFFFFF
STATES: Final = 16
"""Room per ladder in the table of lines; a row's `watch` is ladder·STATES + state."""
TIERS: Final = 16
"""Room per line in the tables of brackets; a cell's code is line·TIERS + the bracket it was last in."""
UNKNOWN: Final = 8
BLOCKED: Final = 9
NOTHING_SHOWN: Final = 255

SINGLE, PART, GROUP, PIECE, PORTFOLIO, DUMMY = range(6)
"""Kinds of rows: a scope in one asset, a part of a scope in USD, such a scope itself, a part of a portfolio, such a
portfolio itself, none."""

BASE, FIXED, EQUITY, REQUIREMENT = range(4)
"""Of a row's figures. BASE: wallet − Σ q·size·entry (inverse: + Σ q·size/entry), rounded once. FIXED: what is required
at entry prices, of a PIECE of its ungrouped positions (of a GROUP or PORTFOLIO: how many positions its parts have).
EQUITY, REQUIREMENT: of the last judgement."""
OWNER, ASSET = range(2)
"""Of a row's links: its scope (of a free row: the next free one), and the number of its asset."""
PAGE_CELL, PAGE_CAPACITY, PAGE_KIND, PAGE_TILE, PAGE_POOL = range(5)
TILE_ROW, TILE_USED, TILE_CELL, TILE_CAPACITY, TILE_KIND = range(5)
"""Of a tile: its first row, how many rows have ever been used, its first cell; TILE_CAPACITY and KIND of its rows."""
SCOPE_ROW, SCOPE_ACCOUNT, SCOPE_NAME, SCOPE_NEXT, SCOPE_FREE = range(5)
"""Of a scope: its row (NONE: it does not exist), account, number of its name, the next scope of its account. The last
column is a stack of ids to use again, with the ids just removed at its end."""
HELD_START, HELD_COUNT, HELD_ROOM, HELD_NEED, HELD_SEEN, HELD_WAS, HELD_NOTE = range(7)
"""Of a symbol: where its holders are, how many, room; entries a batch may add; serials of the scope last entered in it
and last noted in it, and the number of that note."""
POOL_HEAD, POOL_FREE, POOL_NEED = range(3)
"""Of a pool, one per kind and capacity: its first free row, how many are free, rows a batch may take."""
SCOPES_TOP, SCOPES_FREE, SCOPES_REMOVED, ROWS_LIVE, CELLS_LIVE, SERIAL, COUNTERS = range(7)

PLUS, MINUS, PLUS_LOW, PLUS_HIGH, MINUS_LOW, MINUS_HIGH, INDEX, INDEX_LOW, INDEX_HIGH = range(9)
"""Of an asset: what an amount above 0 and one below count in USD, the bounds of both; its index, and its bounds."""
COIN_COLUMNS: Final = 9
ENTER, LEAVE, WEIGHT = range(3)
"""Of a ladder and state: the line to a worse status, the line to a better one, and 1 + K."""
RATE, DEDUCTION, LOWEST, HIGHEST = range(4)
"""Of a code: rate + fee, deduction, and the notionals between which there is no doubt that its bracket is in force."""
FLOOR, JUMP, UNRULY = range(3)
"""Of a code: its floor, the jump of the requirement there, and an error that is always added."""


class Columns(NamedTuple):
    """Hold all that a batch is written to.

    codes, sizes, holds are by cell: the code (of a GROUP or PORTFOLIO: the row of a part), q·contract size, and the
    place of the scope among the holders of the symbol (NONE for a second position in it). `entries` lists the holders,
    `first` the first scope of each account.
    """

    figures: F8
    links: U4
    watch: U1
    codes: U4
    sizes: F8
    holds: U4
    pages: I8
    tiles: I8
    scopes: U4
    told: U1
    entries: U4
    symbols: I8
    pools: I8
    counters: I8
    first: U4
    symbol_of: I8
    notes: I8


class Memory(NamedTuple):
    """Hold what the engine remembers, by scope id."""

    told: U1
    sequence: I8
    episode: I8
    last_known: U1
    shown: U1
    shown_ratio: F8


class Batch(NamedTuple):
    """Hold flat what is to be written; children follow their parents, `*_end` says where they end.

    accounts: (account, scope_end); scopes: (name, ladder, kind of its row, blocked, part_end); parts: (asset,
    cell_end); amounts of parts: (BASE, FIXED); codes carry no bracket, sizes are not 0.
    """

    accounts: I8
    scopes: I8
    parts: I8
    amounts: F8
    codes: U4
    sizes: F8
