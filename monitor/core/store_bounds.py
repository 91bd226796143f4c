"""The bounds on the error of stored figures, as `kernels` derives them, worked out anew for a single scope.

Nothing is compared here; rows must be what the facts give (`store_audit`) for a bound to mean anything.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from monitor.core.kernels_proof import UNIT, bracket_of
from monitor.core.store_coins import Assets
from monitor.core.store_columns import (
    ASSET,
    BASE,
    EQUITY,
    GROUP,
    HIGHEST,
    INDEX,
    LOWEST,
    MINUS,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_KIND,
    PLUS,
    REQUIREMENT,
    SCOPE_ROW,
    SINGLE,
)
from monitor.core.store_layout import cells_of, part_rows
from monitor.core.store_space import Space
from monitor.core.store_terms import Contracts

COARSE: Final = 1e-9
"""Of portfolios: of what was added up. Their bound goes with the method's slopes; this is far above it."""


_bracket_of = getattr(bracket_of, "py_func", bracket_of)
"""As it is written: compiling it for the arguments of a single cell takes longer than it ever saves."""


class Figures(NamedTuple):
    """Hold the stored figures of a scope, and the bounds stored of its parts."""

    equity: float
    requirement: float
    scales: tuple[float, ...]


class Bound(NamedTuple):
    """Hold how far the figures of a scope may be off, and what the bounds of its parts must be."""

    equity: float
    requirement: float
    scales: tuple[float, ...]


class FigureBounds:
    """Read stored figures and say how far they may be off."""

    def __init__(self, space: Space, contracts: Contracts, assets: Assets) -> None:
        self._space = space
        self._contracts = contracts
        self._assets = assets

    def stored(self, scope: int) -> Figures:
        """Return what is stored of a scope."""
        columns, row = self._space.columns, int(self._space.columns.scopes[scope, SCOPE_ROW])
        is_group = columns.pages[row >> PAGE_BITS, PAGE_KIND] == GROUP
        scales = tuple(self._space.scales[part_rows(columns, row)].tolist()) if is_group else ()
        return Figures(float(columns.figures[row, EQUITY]), float(columns.figures[row, REQUIREMENT]), scales)

    def of(self, scope: int) -> Bound:
        """Return the bounds of a scope as it was last judged."""
        columns, row = self._space.columns, int(self._space.columns.scopes[scope, SCOPE_ROW])
        rows, kind = part_rows(columns, row), int(columns.pages[row >> PAGE_BITS, PAGE_KIND])
        parts = [self._part(part) for part in rows]
        if kind == SINGLE:
            rounding, doubt = parts[0]
            return Bound(rounding, rounding + doubt, ())
        scales = tuple(rounding + doubt for rounding, doubt in parts)
        coins = self._assets.coins[columns.links[rows, ASSET]]
        weights = np.maximum(coins[:, PLUS], coins[:, MINUS])
        many = 1.0 + int(columns.pages[row >> PAGE_BITS, PAGE_CAPACITY]) / 16.0
        if kind == GROUP:
            total = many * float(np.dot(weights, scales))
            return Bound(total, total, scales)
        gross = sum(
            abs(rounding) / (4.0 * UNIT) * float(index)
            for (rounding, _), index in zip(parts, np.maximum(coins[:, INDEX], weights), strict=True)
        )
        coarse = COARSE * (gross + abs(float(columns.figures[row, REQUIREMENT])))
        return Bound(coarse, coarse, ())

    def _part(self, row: int) -> tuple[float, float]:
        """Return 4(n + 16)·u·(g + M) of a row, and the doubt about its brackets."""
        columns, contracts = self._space.columns, self._contracts
        cells = cells_of(columns, row)
        capacity, codes, sizes = cells.stop - cells.start, columns.codes[cells], columns.sizes[cells]
        notionals = np.abs(sizes * contracts.values[codes >> 4])
        doubt = 0.0
        lowest, highest = contracts.table[codes, LOWEST], contracts.table[codes, HIGHEST]
        for place in np.nonzero(~((notionals >= lowest) & (notionals < highest)))[0]:
            doubt += _bracket_of(float(notionals[place]), codes[place], contracts.edge)[1]
        gross = abs(float(columns.figures[row, BASE])) + float(notionals.sum())
        return 4.0 * (capacity + 16.0) * UNIT * (gross + abs(float(columns.figures[row, REQUIREMENT]))), doubt
