"""The twins of `kernels_rows` and `kernels_proof` in plain numpy: rows of one capacity added up, what is not proven.

Which rows, and what becomes of them, is in `kernels_numpy`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.core.kernels_proof import BANKRUPT, GUARD, UNIT
from monitor.core.store_columns import (
    BLOCKED,
    DEDUCTION,
    ENTER,
    F8,
    FLOOR,
    HIGHEST,
    I8,
    JUMP,
    LEAVE,
    LOWEST,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_ROWS,
    RATE,
    STATES,
    TIERS,
    U4,
    UNKNOWN,
    UNRULY,
)

Mask = NDArray[np.bool_]
Places = I8 | slice
"""Rows, or their cells row by row: a slice where they lie side by side in a tile."""


def runs(rows: I8, pages: I8) -> Iterator[tuple[I8, I8, int]]:
    """Yield rows of one capacity at a time: (rows, their first cells, capacity)."""
    page = rows >> PAGE_BITS
    capacities = pages[page, PAGE_CAPACITY]
    for capacity in np.unique(capacities).tolist():
        same = capacities == capacity
        mine = rows[same]
        yield mine, pages[page[same], PAGE_CELL] + (mine & (PAGE_ROWS - 1)) * capacity, capacity


def cells_of(start: I8, capacity: int) -> I8:
    """Return the cells of rows of one capacity, row by row."""
    return (start[:, None] + np.arange(capacity)).ravel()


def rounding_of(capacity: int) -> float:
    """Return 4(n + 16)·u."""
    return 4.0 * (capacity + 16.0) * UNIT


def sum_rows(
    cells: Places, capacity: int, base: F8, fixed: F8, codes: U4, sizes: F8, values: F8, terms: F8, edge: F8
) -> tuple[F8, F8, F8, F8]:
    """Return (equity, requirement, Σ notional, doubt) of rows, and keep the brackets they met.

    `terms` is the table of brackets column by column: one number at a time is taken from it, which is far quicker than
    all four of a code.
    """
    code = codes[cells].astype(np.int64)
    gain = sizes[cells] * values.take(code >> 4)
    notional, doubt = np.abs(gain), np.zeros(len(base))
    outside = np.nonzero((notional < terms[LOWEST].take(code)) | (notional >= terms[HIGHEST].take(code)))[0]
    if len(outside):
        code[outside], more = brackets_of(notional[outside], code[outside], edge)
        codes[cells] = code
        np.add.at(doubt, outside // capacity, more)
    needed = np.maximum(terms[RATE].take(code) * notional - terms[DEDUCTION].take(code), 0.0)
    live = _added(np.zeros(len(base)), notional, capacity)
    return _added(base, gain, capacity), _added(fixed, needed, capacity), live, doubt


def _added(first: F8, cells: F8, capacity: int) -> F8:
    """Return the first term of each row with its cells added, one after the other as in the kernels."""
    total = first.copy()
    for column in cells.reshape(len(first), capacity).T:
        total += column
    return total


def brackets_of(notional: F8, code: U4 | I8, edge: F8) -> tuple[U4, F8]:
    """Return the codes with the brackets of notionals, and how far the requirements may be off by their floors."""
    first = code.astype(np.int64) // TIERS * TIERS
    floors = edge[first[:, None] + np.arange(1, TIERS), FLOOR]
    here = first + (notional[:, None] >= floors).sum(axis=1)
    doubt = edge[here, UNRULY] + np.where(notional <= edge[here, FLOOR] * (1.0 + GUARD), edge[here, JUMP], 0.0)
    after = np.minimum(here + 1, first + TIERS - 1)
    near = (after > here) & (notional >= edge[after, FLOOR] * (1.0 - GUARD))
    return here.astype(np.uint32), doubt + np.where(near, edge[after, JUMP], 0.0)


def are_doubtful(
    watch: I8,
    equity: tuple[F8, F8],
    requirement: tuple[F8, F8],
    has_positions: Mask,
    tolerance: F8,
    floor: F8,
    law: F8,
) -> Mask:
    """Return which statuses are not proven to stay, for figures and debt floors within (low, high)."""
    state = watch % STATES
    finite = np.isfinite(equity[0] + equity[1]) & np.isfinite(requirement[0] + requirement[1])
    worst = equity[0] - law[watch, ENTER] * requirement[1] > tolerance
    best = law[watch, LEAVE] * requirement[0] - equity[1] > tolerance
    nothing = (equity[0] == 0.0) & (tolerance == 0.0)
    healthy = worst | (~has_positions & (nothing | (equity[0] - tolerance > -floor[:, 0])))
    required = has_positions & (requirement[0] > tolerance)
    bankrupt = (equity[1] < -tolerance) & (required | (equity[1] + tolerance < -floor[:, 1]))
    proven = np.where(state == 0, healthy, np.where(state == BANKRUPT, bankrupt, worst & best))
    return np.where(state >= UNKNOWN, (state != BLOCKED) & finite, ~(proven & finite))
