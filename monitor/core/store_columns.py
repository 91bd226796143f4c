"""The columns of the store: which arrays there are, what each element means, and how they grow.

Only memory lives here; the kernels write and read it, `store` decides when. Rows are addressed by number: page =
row >> PAGE_BITS. All rows of a page have the same kind and capacity; pages of one allocation form a tile, whose cells
lie side by side.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]
U1 = NDArray[np.uint8]

PAGE_BITS: Final = 8
PAGE_ROWS: Final = 1 << PAGE_BITS
NONE: Final = 0xFFFFFFFF
SINGLE, PART, GROUP, DUMMY = range(4)
BLOCKED: Final = 9
UNKNOWN: Final = 8
STATES: Final = 16
"""Room per ladder in the tables of lines; a row's `watch` is ladder·STATES + state."""
TIERS: Final = 16
CAPACITIES: Final = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 16384)
POOLS: Final = 3 * len(CAPACITIES)

T = TypeVar("T", bound=tuple[Any, ...])


class Rows(NamedTuple):
    """Hold one element per row.

    base: wallet − Σ q·size·entry (linear) + Σ q·size/entry (inverse), rounded once; fixed: requirement taken at entry
    prices (of a GROUP row: how many positions its parts have). equity, requirement: of the last judgement; scale: the
    bound on their error (PART rows). watch: ladder and told state. scope: the owner (of a free row: the next free one).
    """

    base: F8
    fixed: F8
    equity: F8
    requirement: F8
    scale: F8
    watch: U1
    scope: U4
    asset: U4


class Cells(NamedTuple):
    """Hold one element per cell.

    code: line << 4 | cached tier (of a GROUP row: the row of a part); size: q·contract size; hold: where the scope
    stands among the holders of the symbol (NONE for a second position of one symbol, and in free cells).
    """

    code: U4
    size: F8
    hold: U4


class Pages(NamedTuple):
    """Hold one element per page: its first cell, the capacity and kind of its rows, the tile it belongs to."""

    cell: I8
    capacity: I8
    kind: I8
    tile: I8


class Tiles(NamedTuple):
    """Hold one element per tile: its first row, how many rows have ever been used, first cell, capacity, kind."""

    row: I8
    used: I8
    cell: I8
    capacity: I8
    kind: I8


class Scopes(NamedTuple):
    """Hold one element per scope id: its row (NONE when it does not exist), account, name, next scope of the account."""

    row: U4
    account: U4
    name: U4
    next: U4
    free: U4
    """A stack of scope ids to use again; above its top the ids removed by the last change."""


class Memory(NamedTuple):
    """Hold what the engine remembers of each scope id."""

    told: U1
    sequence: I8
    episode: I8
    last_known: U1
    shown: U1
    shown_ratio: F8


class Holders(NamedTuple):
    """Hold the scopes that hold a symbol: `scope[start:start + count]`, room for `room`; the rest is scratch.

    seen, was: serial numbers of the scope last met in a symbol; slot: where the old holding of it was noted.
    """

    scope: U4
    start: I8
    count: I8
    room: I8
    seen: I8
    was: I8
    slot: I8


class Pools(NamedTuple):
    """Hold one element per (kind, capacity): first free row, how many are free; and the counters of the store."""

    head: U4
    free: I8
    counters: I8


COUNTER_NAMES: Final = ("scopes_top", "scopes_free", "scopes_removed", "scopes", "rows", "cells", "serial")
SCOPES_TOP, SCOPES_FREE, SCOPES_REMOVED, SCOPES_LIVE, ROWS_LIVE, CELLS_LIVE, SERIAL = range(len(COUNTER_NAMES))

NOTHING_SHOWN: Final = 255


def zeros(columns: type[T], count: int, /, **dtypes: type) -> T:
    """Return columns of `count` zeros each; untouched memory costs nothing until it is written."""
    return columns(*(np.zeros(count, dtype=dtype) for dtype in dtypes.values()))


def grown(columns: T, count: int) -> T:
    """Return the same columns with room for `count`; new elements are zero."""
    bigger = []
    for column in columns:
        longer = np.zeros(count, dtype=column.dtype)
        longer[: len(column)] = column
        bigger.append(longer)
    return type(columns)(*bigger)


def new_rows() -> Rows:
    """Return rows for the one page that stands for nothing: row 0 of it is what empty places point at."""
    f8 = dict.fromkeys(("base", "fixed", "equity", "requirement", "scale"), np.float64)
    return zeros(Rows, PAGE_ROWS, **f8, watch=np.uint8, scope=np.uint32, asset=np.uint32)


def new_cells(count: int) -> Cells:
    """Return empty cells."""
    return zeros(Cells, count, code=np.uint32, size=np.float64, hold=np.uint32)


def new_scopes(count: int) -> Scopes:
    """Return places for scopes, none of which exists."""
    names = ("row", "account", "name", "next", "free")
    return zeros(Scopes, count, **dict.fromkeys(names, np.uint32))


def new_memory(count: int) -> Memory:
    """Return the memory of scopes that were never told or shown."""
    memory = zeros(
        Memory,
        count,
        told=np.uint8,
        sequence=np.int64,
        episode=np.int64,
        last_known=np.uint8,
        shown=np.uint8,
        shown_ratio=np.float64,
    )
    memory.shown.fill(NOTHING_SHOWN)
    return memory
