"""The screen over the store: which kernel looks at which scopes, with bands and without.

What the kernels prove is derived in `kernels` and `kernels_banded`; which scopes are to be looked at after what is said
by `store`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.core import (
    kernels,
    kernels_banded,
    kernels_numpy,
    kernels_numpy_banded,
    kernels_numpy_portfolio,
    kernels_portfolio,
)
from monitor.core.ladder import Ladder
from monitor.core.store_coins import Assets, law_of
from monitor.core.store_columns import CELLS_LIVE, F8, HELD_COUNT, HELD_START, U4
from monitor.core.store_recipe import no_recipe
from monitor.core.store_space import Space
from monitor.core.store_terms import Contracts

_EXACT: Final[tuple[ModuleType, ModuleType]] = (kernels_numpy, kernels)
_BANDED: Final[tuple[ModuleType, ModuleType]] = (kernels_numpy_banded, kernels_banded)
_PORTFOLIO: Final[tuple[ModuleType, ModuleType]] = (kernels_numpy_portfolio, kernels_portfolio)
"""The kernels without and with numba."""
_CELL_SHARE: Final = 30
"""Look at everybody where the holders of what moved are more than one in this many positions: it is quicker then."""
_SCOPE_SHARE: Final = 4
"""The same, in scopes."""
_FEW: Final = 64


class Screen:
    """Find the scopes that are not proven to keep their status."""

    def __init__(
        self, ladders: Sequence[Ladder], space: Space, contracts: Contracts, assets: Assets, *, uses_numba: bool
    ) -> None:
        self._space = space
        self._contracts = contracts
        self._assets = assets
        self.law = law_of(ladders)
        self._kernels, self._banded_kernels = _EXACT[uses_numba], _BANDED[uses_numba]
        self._portfolio_kernels = _PORTFOLIO[uses_numba]
        self.recipe = no_recipe()
        """What portfolios are margined by."""
        self.judged = 0
        """How many evaluations of a scope there have been."""

    def everybody(self) -> NDArray[np.int64]:
        """Evaluate every scope; return the candidates."""
        columns, found = self._space.columns, np.empty(self._space.live(), dtype=np.uint32)
        self.judged += len(found)
        rows, terms = self._tables()
        count: int = self._kernels.judge_tiles(
            columns.tiles, columns.figures, self._space.scales, *rows, self._contracts.values, *terms, found
        )
        if self._space.has_portfolios():
            where = columns.tiles, columns.pages, columns.figures
            count = self._portfolio_kernels.judge_tiles(
                *where, *rows, self._contracts.values, *terms, *self._groups(), found, count
            )
        return self._with_bands(found[:count], None)

    def holders(self, symbols: Collection[str], others: U4) -> NDArray[np.int64]:
        """Evaluate the holders of some symbols, and other scopes; return the candidates."""
        columns, numbers = self._space.columns, self._numbers_of(symbols)
        held = sum(columns.symbols.item(number, HELD_COUNT) for number in numbers)
        if held * _CELL_SHARE > columns.counters[CELLS_LIVE]:
            return self.everybody()
        return self.these(np.concatenate([*self._entries(numbers), others]))

    def these(self, scopes: U4) -> NDArray[np.int64]:
        """Evaluate some scopes; one that is named twice is evaluated twice and returned once."""
        space, columns = self._space, self._space.columns
        if len(scopes) > max(_FEW, space.live() // _SCOPE_SHARE):
            return self.everybody()
        self.judged += len(scopes)
        found, (rows, terms) = np.empty(len(scopes), dtype=np.uint32), self._tables()
        where, values = (scopes, columns.scopes, columns.pages, columns.figures), self._contracts.values
        count: int = self._kernels.judge_scopes(*where, space.scales, *rows, values, *terms, found)
        if space.has_portfolios():
            count = self._portfolio_kernels.judge_scopes(*where, *rows, values, *terms, *self._groups(), found, count)
        return self._with_bands(found[:count], scopes)

    def entries_of(self, symbols: Collection[str]) -> list[U4]:
        """Return the holders of each symbol as scope ids."""
        return self._entries(self._numbers_of(symbols))

    def _numbers_of(self, symbols: Collection[str]) -> list[int]:
        """Return the numbers of those symbols that anybody has ever held."""
        known, held = self._contracts.symbols, len(self._space.columns.symbols)
        numbers = [known[name].number for name in symbols if name in known]
        return [number for number in numbers if number < held]

    def _entries(self, numbers: list[int]) -> list[U4]:
        entries, symbols = self._space.columns.entries, self._space.columns.symbols
        starts = [symbols.item(number, HELD_START) for number in numbers]
        counts = [symbols.item(number, HELD_COUNT) for number in numbers]
        return [entries[start : start + count] for start, count in zip(starts, counts, strict=True)]

    def scopes_in(self, assets: Collection[str], *, debts: bool = True) -> U4:
        """Return the scopes in USD with a part in one of some assets; with `debts`, also those in debt in one."""
        if not assets:
            return np.zeros(0, dtype=np.uint32)
        wanted = np.zeros(len(self._assets.coins), dtype=np.bool_)
        wanted[[self._assets.numbers[name] for name in assets if name in self._assets.numbers]] = True
        return self._space.scopes_in(wanted, debts=debts)

    def _with_bands(self, found: U4, judged: U4 | None) -> NDArray[np.int64]:
        """Return candidates, each once, those that stand on doubted prices judged at the ends of their bands.

        `judged` are the scopes to look at, None for all.
        """
        contracts, columns = self._contracts, self._space.columns
        if contracts.banded or self._assets.banded:
            is_banded = np.zeros(len(columns.told), dtype=np.bool_)
            is_banded[self.scopes_in(self._assets.banded)] = True
            for entries in self.entries_of(contracts.banded):
                is_banded[entries] = True
            scopes = np.nonzero(is_banded)[0].astype(np.uint32) if judged is None else judged[is_banded[judged]]
            more, (rows, terms) = np.empty(len(scopes), dtype=np.uint32), self._tables()
            where = scopes, columns.scopes, columns.pages, columns.figures
            ends = columns.holds, contracts.values, contracts.ends
            count: int = self._banded_kernels.judge_scopes(*where, *rows, *ends, *terms, more)
            found = np.concatenate([found[~is_banded[found]], more[:count], self._doubtful_portfolios(scopes)])
        return (np.unique(found) if len(found) > 1 else found).astype(np.int64)

    def _doubtful_portfolios(self, scopes: U4) -> U4:
        """Return the portfolios among scopes on doubted prices that are not proven to keep their status at all ends.

        With one doubted mark there are two ends, and each is evaluated like a price. On several, or on a doubted asset,
        which end is the worse one is for the exact verdict to say.
        """
        portfolios = self._space.portfolios_of(scopes)
        doubts = np.zeros(len(self._space.columns.told), dtype=np.int64)
        for entries in self.entries_of(self._contracts.banded):
            doubts[entries] += 1
        doubts[self.scopes_in(self._assets.banded)] += 2
        simple = portfolios[doubts[portfolios] == 1]
        found = [portfolios[doubts[portfolios] != 1]]
        found += [self._portfolios_at(np.ascontiguousarray(ends), simple) for ends in self._contracts.ends.T]
        self._portfolios_at(self._contracts.values, simple)  # the figures that are kept are those at the last price
        return np.concatenate(found)

    def _portfolios_at(self, values: F8, scopes: U4) -> U4:
        """Evaluate portfolios at some values of the lines; return those that are not proven."""
        columns, found, (rows, terms) = self._space.columns, np.empty(len(scopes), dtype=np.uint32), self._tables()
        where = scopes, columns.scopes, columns.pages, columns.figures
        count: int = self._portfolio_kernels.judge_scopes(*where, *rows, values, *terms, *self._groups(), found, 0)
        return found[:count]

    def _tables(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the columns every kernel walks, and the tables of terms it looks up."""
        columns, contracts, assets = self._space.columns, self._contracts, self._assets
        rows = columns.watch, columns.links, columns.codes, columns.sizes
        return rows, (contracts.table, contracts.edge, assets.coins, assets.floors, self.law)

    def _groups(self) -> tuple[Any, ...]:
        """Return what portfolios need besides: the groups of lines and of assets, and the recipe."""
        return self._contracts.group_of_line, self._assets.group_of, self.recipe
