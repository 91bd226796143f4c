"""The audit of a store: its columns against those that the exact facts give, element by element.

Facts become columns as in a batch that is written, each number rounded once, so that what is stored must be the same to
the last bit. What differs is set right in its place, but for what says where things are. Where things are is
looked after in `store_layout`; figures and statuses are compared by `audit.auditor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import isnan
from typing import Any, Final, NamedTuple

import numpy as np

from monitor.core.audit.comparing import Column, differences
from monitor.core.audit.fault import Fault
from monitor.core.instruments import Asset
from monitor.core.ladder import Ladder
from monitor.core.market import Market
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.store_adl import AdlColumns
from monitor.core.store_batch import BatchBuilder
from monitor.core.store_coins import Assets, law_of
from monitor.core.store_columns import (
    ASSET,
    BASE,
    BLOCKED,
    FIXED,
    GROUP,
    HELD_COUNT,
    HELD_START,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_KIND,
    PAGE_TILE,
    PART,
    PIECE,
    PORTFOLIO,
    SCOPE_NAME,
    SCOPE_ROW,
    SINGLE,
    STATES,
    TILE_ROW,
    TILE_USED,
)
from monitor.core.store_facts import ScopeFacts
from monitor.core.store_layout import cells_of, chain, part_rows, stands_at
from monitor.core.store_portfolio import recipe_of
from monitor.core.store_recipe import Recipe
from monitor.core.store_screen import Screen
from monitor.core.store_space import Space
from monitor.core.store_terms import Contracts

Band = tuple[Decimal | None, Decimal | None]
"""The ends between which a doubted price lies; None, None: it is exact."""


_PART_KIND: Final = {SINGLE: SINGLE, GROUP: PART, PORTFOLIO: PIECE}
NO_BAND: Final[Band] = (None, None)


class _Part(NamedTuple):
    """Hold what a part of a scope must be: its asset and amounts, and its cells."""

    asset: int
    base: float
    fixed: float
    codes: list[int]
    sizes: list[float]
    costs: list[float]


class _Scope(NamedTuple):
    """Hold what a scope must be."""

    facts: ScopeFacts
    name: int
    ladder: int
    kind: int
    blocked: bool
    parts: list[_Part]


class StoreAudit:
    """Compare the columns of a store with the facts."""

    def __init__(
        self,
        space: Space,
        contracts: Contracts,
        assets: Assets,
        names: dict[str, int],
        adl: AdlColumns,
        screen: Screen,
        ladders: Sequence[Ladder],
    ) -> None:
        self._space = space
        self._contracts = contracts
        self._assets = assets
        self._names = names
        self._adl = adl
        self._screen = screen
        self._ladders = ladders

    def account(self, account: int, facts: Sequence[ScopeFacts]) -> list[Fault]:
        """Compare the rows of an account with its facts, both ways; set right what has its place."""
        right = self._right(account, facts)
        ids = chain(self._space.columns, account, len(right))
        names = [int(self._space.columns.scopes[scope, SCOPE_NAME]) for scope in ids]
        if names != [scope.name for scope in right]:
            return [Fault("scopes", len(names), len(right), is_structure=True)]
        faults: list[Fault] = []
        for scope, one in zip(ids, right, strict=True):
            faults += self._scope(scope, one)
        return faults

    def symbol(self, name: str, market: Market, band: Band) -> list[Fault]:
        """Work the tables of a symbol out anew from the market; return what was otherwise in them."""
        before = self._contracts.tabulated(name)
        self._contracts.renew(name, market.instrument(name), market.mark(name), band)
        return differences(before, self._contracts.tabulated(name), symbol=name)

    def asset(self, name: str, terms: Asset[Decimal] | None, band: Band) -> list[Fault]:
        """Work the tables of an asset out anew; return what was otherwise in them."""
        number = self._assets.numbers[name]
        before = {**self._assets.tabulated(number), "index": np.array(self._adl.index_of(number))}
        self._assets.renew(name, terms, *band)
        self._adl.set_index(number, terms)
        after = {**self._assets.tabulated(number), "index": np.array(self._adl.index_of(number))}
        return differences(before, after, symbol=name)

    def law(self, portfolio: PortfolioTerms | None) -> list[Fault]:
        """Work the lines of the ladders and the portfolio method out anew; return what was otherwise in them."""
        stored = {"law": self._screen.law, **_arrays(self._screen.recipe)}
        right = {"law": law_of(self._ladders), **_arrays(recipe_of(portfolio).recipe)}
        faults = differences(stored, right)
        for name, column in stored.items():
            column[...] = right[name]
        return faults

    @property
    def symbols(self) -> list[str]:
        """The contracts that have ever been named."""
        return list(self._contracts.symbols)

    @property
    def assets(self) -> list[str]:
        """The assets that have ever been named."""
        return list(self._assets.numbers)

    def _right(self, account: int, facts: Sequence[ScopeFacts]) -> list[_Scope]:
        builder = BatchBuilder(self._contracts, self._assets, self._names)
        builder.add_all([(account, facts)])
        batch = builder.finish()
        codes, sizes, costs = batch.codes.tolist(), batch.sizes.tolist(), builder.costs
        parts, begin = [], 0
        for (asset, end), (base, fixed) in zip(batch.parts.tolist(), batch.amounts.tolist(), strict=True):
            parts.append(_Part(asset, base, fixed, codes[begin:end], sizes[begin:end], costs[begin:end]))
            begin = end
        scopes, begin = [], 0
        for one, (name, ladder, kind, blocked, end) in zip(facts, batch.scopes.tolist(), strict=True):
            scopes.append(_Scope(one, name, ladder, kind, bool(blocked), parts[begin:end]))
            begin = end
        return scopes

    def _scope(self, scope: int, right: _Scope) -> list[Fault]:
        columns, name, row = self._space.columns, right.facts.name, int(self._space.columns.scopes[scope, SCOPE_ROW])
        if not self._is_row(row, right.kind, scope):
            return [Fault("row", row, scope, name, is_structure=True)]
        rows = part_rows(columns, row)
        kind = _PART_KIND[right.kind]
        if len(rows) != len(right.parts) or not all(self._is_row(part, kind, scope) for part in rows):
            return [Fault("parts", len(rows), len(right.parts), name, is_structure=True)]
        mender = _Mender(name)
        state = BLOCKED if right.blocked else int(columns.told[scope])
        mender.same("watch", columns.watch, row, right.ladder * STATES + state)
        if right.kind != SINGLE:
            mender.same("positions", columns.figures, (row, FIXED), float(sum(len(part.codes) for part in right.parts)))
        seen: set[int] = set()
        for part, one in zip(rows, right.parts, strict=True):
            self._part(scope, part, one, seen, mender)
        return mender.faults

    def _is_row(self, row: int, kind: int, scope: int) -> bool:
        """Return whether a row is one of a kind that belongs to a scope, and among those that are judged."""
        columns, page = self._space.columns, row >> PAGE_BITS
        if not 0 < page < len(columns.pages) or columns.pages[page, PAGE_KIND] != kind:
            return False
        tile = columns.tiles[columns.pages[page, PAGE_TILE]]
        return bool(columns.links[row, OWNER] == scope and row - tile[TILE_ROW] < tile[TILE_USED])

    def _part(self, scope: int, row: int, right: _Part, seen: set[int], mender: _Mender) -> None:
        columns = self._space.columns
        mender.same("base", columns.figures, (row, BASE), right.base)
        mender.same("fixed", columns.figures, (row, FIXED), right.fixed)
        mender.same("asset", columns.links, (row, ASSET), right.asset)
        cells, used = cells_of(columns, row), len(right.codes)
        start, capacity = cells.start, cells.stop - cells.start
        if used > capacity:
            mender.faults.append(Fault("cells", capacity, used, mender.scope, is_structure=True))
            return
        for place, code, size, cost in zip(
            range(start, start + used), right.codes, right.sizes, right.costs, strict=True
        ):
            symbol = int(self._contracts.symbol_of_line[code >> 4])
            if columns.codes[place] >> 4 != code >> 4:
                mender.same("codes", columns.codes, place, code)
            mender.same("sizes", columns.sizes, place, size)
            mender.same("costs", self._adl.costs, place, cost)
            self._held(scope, place, symbol, symbol not in seen, mender)
            seen.add(symbol)
        for place in range(start + used, start + capacity):
            mender.same("sizes", columns.sizes, place, 0.0)
            mender.same("codes", columns.codes, place, 0)

    def _is_held_at(self, scope: int, symbol: int, place: int) -> bool:
        return stands_at(self._space.columns, self._contracts.symbol_of_line, scope, symbol, place)

    def _held(self, scope: int, place: int, symbol: int, is_first: bool, mender: _Mender) -> None:
        """Compare where a cell says its scope stands among the holders with where it stands."""
        columns = self._space.columns
        if not is_first:
            mender.same("holds", columns.holds, place, NONE)
            return
        begin, count = int(columns.symbols[symbol, HELD_START]), int(columns.symbols[symbol, HELD_COUNT])
        stated = int(columns.holds[place])
        if stated < count and columns.entries[begin + stated] == scope:
            return
        found = np.nonzero(columns.entries[begin : begin + count] == scope)[0]
        occupant = int(columns.entries[begin + stated]) if stated < count else NONE
        if len(found) == 1:
            mender.same("holds", columns.holds, place, int(found[0]))
        elif not len(found) and stated < count and not self._is_held_at(occupant, symbol, stated):
            mender.same("entries", columns.entries, begin + stated, scope)
        else:
            mender.faults.append(Fault("holders", len(found), 1, mender.scope, is_structure=True))


def _arrays(recipe: Recipe) -> dict[str, Column]:
    return {"numbers": recipe.numbers, "groups": recipe.groups, "shocks": recipe.shocks, "credits": recipe.credits}


class _Mender:
    """Compare elements of columns with what they must be, note what differs and set it right."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.faults: list[Fault] = []

    def same(self, name: str, column: Column, where: Any, right: float) -> None:
        """Compare one element."""
        stored = column[where]
        if stored == right or (isnan(stored) and isnan(right)):
            return
        self.faults.append(Fault(name, float(stored), float(right), self.scope))
        column[where] = right
