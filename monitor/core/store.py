"""The store: float mirrors of every margin scope, and the question who is not proven to keep its status.

Facts come in exact and are kept by the engine; what the store returns are candidates for an exact decision. The layout
is in `store_columns`, writing in `store_write`, the arithmetic and its error bounds in `kernels`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.adl.settings import AdlRanking
from monitor.core.instruments import Asset, Instrument
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.ladder import Ladder
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.store_adl import AdlColumns
from monitor.core.store_audit import StoreAudit
from monitor.core.store_batch import BatchBuilder, Facts
from monitor.core.store_bounds import FigureBounds
from monitor.core.store_chains import scopes_of_account, scopes_of_accounts
from monitor.core.store_coins import Assets
from monitor.core.store_columns import (
    BLOCKED,
    EQUITY,
    F8,
    I8,
    NONE,
    NOTHING_SHOWN,
    REQUIREMENT,
    SCOPE_ACCOUNT,
    SCOPE_NAME,
    SCOPE_ROW,
    STATES,
    U1,
    UNKNOWN,
)
from monitor.core.store_facts import CellFacts, PartFacts, ScopeFacts
from monitor.core.store_layout import StoreLayout
from monitor.core.store_names import ScopeNames
from monitor.core.store_packed import PackedReader
from monitor.core.store_portfolio import recipe_of
from monitor.core.store_screen import Screen
from monitor.core.store_space import Space
from monitor.core.store_terms import Contracts

__all__ = ["CellFacts", "MarginStore", "PartFacts", "ScopeFacts"]


class MarginStore:
    """Keep every scope of a shard in rows of floats and screen them; not safe to use from two threads at once.

    Ids are those the store gives to scopes; accounts are numbered by the caller, densely. The memory columns (`told`,
    `sequence` …) are indexed by scope id; ask for them again after `put`, which may have moved them.
    """

    def __init__(self, ladders: Sequence[Ladder], *, use_numba: bool | None = None) -> None:
        self.uses_numba = HAS_NUMBA if use_numba is None else use_numba and HAS_NUMBA
        self._contracts = Contracts()
        self._assets = Assets(ladders)
        self._ladders = ladders
        self._space = Space()
        self.adl = AdlColumns(self._space, self._contracts)
        self._screen = Screen(ladders, self._space, self._contracts, self._assets, uses_numba=self.uses_numba)
        self.names = ScopeNames()
        self.audit = StoreAudit(
            self._space, self._contracts, self._assets, self.names.numbers, self.adl, self._screen, ladders
        )
        self.layout = StoreLayout(self._space, self._contracts)
        self.bounds = FigureBounds(self._space, self._contracts, self._assets)
        self._moved_assets: set[str] = set()
        self._portfolio: PortfolioTerms | None = None
        self._is_regrouped = False

    @property
    def name_count(self) -> int:
        """How many names of scopes and assets, and bracket multipliers, were ever put: none is forgotten."""
        return len(self.names.numbers) + len(self._assets.numbers) + self._contracts.multipliers

    def knows(self, name: str) -> bool:
        """Return whether a scope or an asset of this name was ever put."""
        return name in self.names.numbers or name in self._assets.numbers

    @property
    def judged(self) -> int:
        """How many evaluations of a scope there have been."""
        return self._screen.judged

    def set_instrument(self, symbol: str, terms: Instrument[Decimal] | None) -> NDArray[np.int64]:
        """Put checked terms in force; return the accounts whose scopes must be put again.

        Those are all holders when the kind, money or size of the contract changed, or anything of one margined at entry
        prices; nobody where only brackets changed. Until they are put again their scopes are candidates.
        """
        return self.holders(symbol) if self._contracts.set_terms(symbol, terms) else np.zeros(0, dtype=np.int64)

    def set_mark(self, symbol: str, mark: Decimal | None) -> None:
        """Set the mark price of a symbol, above 0; None: it is not priced."""
        self._contracts.set_mark(symbol, mark)

    def set_marks(self, marks: Mapping[str, Decimal]) -> None:
        """Set the mark prices of some symbols."""
        self._contracts.set_marks(marks)

    def set_band(self, symbol: str, low: Decimal | None, high: Decimal | None) -> None:
        """Say that a mark is only known to lie within [low, high]; None, None: it is exact again."""
        self._contracts.set_band(symbol, low, high)

    def set_asset(
        self, name: str, terms: Asset[Decimal] | None, *, low: Decimal | None = None, high: Decimal | None = None
    ) -> None:
        """Set what an asset counts in USD, None where that is not known; `low`, `high`: ends of a doubted index.

        An asset that counts 1:1 without terms of its own must be set like any other.
        """
        self.adl.set_index(self._assets.number(name), terms)
        if self._assets.set_terms(name, terms, low, high):
            self._moved_assets.add(name)

    def set_portfolio(self, portfolio: PortfolioTerms | None) -> None:
        """Put the resolved parameters of a portfolio method in force, None where there is none.

        Where they are new everybody is judged with the next symbols; portfolios must be put again if a symbol has come
        into a group or left one. Without a method no portfolio's requirement is known.
        """
        if portfolio == self._portfolio:
            return
        self._portfolio, self._is_regrouped = portfolio, True
        placed = recipe_of(portfolio)
        self._contracts.set_groups(placed.symbols)
        self._assets.set_groups(placed.assets)
        self._screen.recipe = placed.recipe

    def put(self, account: int, scopes: Sequence[ScopeFacts]) -> list[tuple[int, str]]:
        """Replace all scopes of an account; see `put_many`."""
        return self.put_many(((account, scopes),))

    def put_many(self, facts: Facts) -> list[tuple[int, str]]:
        """Replace all scopes of accounts, in order; return (id, name) of every scope that exists no more.

        A scope that keeps its name keeps its id and memory; a new one begins with a blank memory. The memory of removed
        scopes stays readable until the next put.
        """
        batch = BatchBuilder(self._contracts, self._assets, self.names.numbers)
        batch.add_all(facts)
        contracts, most, flat = self._contracts, (batch.highest, batch.widest, batch.most), batch.finish()
        removed = self._space.write(flat, contracts.symbol_of_line, len(contracts.symbols), most)
        self.adl.write(flat, batch.costs)
        return [(scope, self.name_of(scope)) for scope in removed.tolist()]

    def packed_reader(self, ladder: int, *, brings_names: bool = True) -> PackedReader:
        """Return what puts plain accounts from their packed facts, their cross scopes under a ladder."""
        parts = self._space, self._contracts, self._assets, self.names, self.adl
        return PackedReader(*parts, ladder, brings_names=brings_names)

    def scopes_of(self, account: int) -> list[int]:
        """Return the ids of an account's scopes in the order they were put."""
        return scopes_of_account(self._space.columns, account)

    def scopes_of_all(self, accounts: Collection[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the ids of all scopes of accounts, in their order, and the place of each one's account."""
        return scopes_of_accounts(self._space.columns, accounts)

    def name_of(self, scope: int) -> str:
        """Return the name of a scope."""
        return self.names.text(int(self._space.columns.scopes[scope, SCOPE_NAME]))

    def account_of(self, scope: int) -> int:
        """Return the account of a scope."""
        return int(self._space.columns.scopes[scope, SCOPE_ACCOUNT])

    def exists(self, scope: int) -> bool:
        """Return whether a scope exists."""
        return bool(self._space.columns.scopes[scope, SCOPE_ROW] != NONE)

    def is_live(self) -> NDArray[np.bool_]:
        """Return by scope id whether the scope exists."""
        live: NDArray[np.bool_] = self._space.columns.scopes[:, SCOPE_ROW] != NONE
        return live

    def is_blocked(self, scopes: NDArray[Any]) -> NDArray[np.bool_]:
        """Return of scopes that exist whether each was put as blocked."""
        columns = self._space.columns
        blocked: NDArray[np.bool_] = columns.watch[columns.scopes[scopes, SCOPE_ROW]] % STATES == BLOCKED
        return blocked

    def unscreened(self, scopes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of some scopes that the screen says nothing of: never shown, or blocked and not yet unknown."""
        blocked = self.is_blocked(scopes) & (self.told[scopes] != UNKNOWN)
        unscreened: NDArray[np.int64] = scopes[(self.shown[scopes] == NOTHING_SHOWN) | blocked]
        return unscreened

    def set_state(self, scope: int, state: int) -> None:
        """Set the told status of a scope: rank 0 … 7, or 8 for unknown."""
        columns = self._space.columns
        columns.told[scope] = state
        row = columns.scopes[scope, SCOPE_ROW]
        watch = int(columns.watch[row])
        if watch % STATES != BLOCKED:
            columns.watch[row] = watch - watch % STATES + state

    def judge_all(self) -> NDArray[np.int64]:
        """Evaluate everybody; return the scopes that are not proven to keep their status."""
        self._moved_assets.clear()
        self._is_regrouped = False
        return self._screen.everybody()

    def judge_symbols(self, symbols: Collection[str]) -> NDArray[np.int64]:
        """Evaluate all holders of some symbols, and of the assets that were set since the last judgement."""
        if self._is_regrouped:
            return self.judge_all()
        others = self._screen.scopes_in(self._moved_assets)
        self._moved_assets.clear()
        return self._screen.holders(symbols, others)

    def judge_assets(self, assets: Collection[str]) -> NDArray[np.int64]:
        """Evaluate every scope in USD that has a part in one of some assets, and debts in them."""
        self._moved_assets.difference_update(assets)
        return self._screen.these(self._screen.scopes_in(assets))

    def judge_accounts(self, accounts: Sequence[int]) -> NDArray[np.int64]:
        """Evaluate all scopes of some accounts."""
        return self._screen.these(self.scopes_of_all(accounts)[0].astype(np.uint32))

    def figures(self, scopes: NDArray[Any] | None = None) -> tuple[F8, F8]:
        """Return (equity, requirement) of scopes, of all ids by default, as of their last judgement.

        In the scope's unit, within the bounds of `kernels`; NaN where not known, or the scope does not exist.
        """
        columns = self._space.columns
        row = columns.scopes[:, SCOPE_ROW] if scopes is None else columns.scopes[scopes, SCOPE_ROW]
        exists, figures = row != NONE, columns.figures[np.where(row == NONE, 0, row)]
        return np.where(exists, figures[:, EQUITY], np.nan), np.where(exists, figures[:, REQUIREMENT], np.nan)

    def holders(self, symbol: str) -> NDArray[np.int64]:
        """Return the accounts that have a live position in a symbol, each once."""
        return np.unique(self.accounts_of(np.concatenate([np.zeros(0, np.uint32), *self._screen.entries_of([symbol])])))

    def holders_of_asset(self, asset: str) -> NDArray[np.int64]:
        """Return the accounts that have a part of a scope in USD in an asset, each once."""
        return np.unique(self.accounts_of(self._screen.scopes_in({asset}, debts=False)))

    def accounts_of(self, scopes: NDArray[Any]) -> NDArray[np.int64]:
        """Return the account of each of some scopes."""
        accounts: NDArray[np.int64] = self._space.columns.scopes[scopes, SCOPE_ACCOUNT].astype(np.int64)
        return accounts

    def counts(self) -> dict[str, int]:
        """Return how many scopes, rows and cells are alive, and the bytes reserved for all columns."""
        counts = self._space.counts()
        return {**counts, "bytes": counts["bytes"] + self.adl.nbytes}

    @property
    def told(self) -> U1:
        """The told status of each scope id, as a rank; written by `set_state` only."""
        return self._space.memory.told

    @property
    def sequence(self) -> I8:
        """The sequence of the last event of each scope id."""
        return self._space.memory.sequence

    @property
    def episode(self) -> I8:
        """The episode of each scope id."""
        return self._space.memory.episode

    @property
    def last_known(self) -> U1:
        """The last known status of each scope id, as a rank."""
        return self._space.memory.last_known

    @property
    def shown(self) -> U1:
        """The status last shown of each scope id, as a rank; 255 where none was."""
        return self._space.memory.shown

    @property
    def shown_ratio(self) -> F8:
        """The ratio last shown of each scope id."""
        return self._space.memory.shown_ratio

    def warm(self) -> None:
        """Compile or load every kernel, so that the first tick does not wait for it."""
        small = MarginStore(self._ladders, use_numba=self.uses_numba)
        if self.uses_numba:
            small.packed_reader(0).put(0, [b""])
        part = PartFacts("", Decimal(1), (CellFacts("", Decimal(1), Decimal(1), Decimal(1)),))
        small.put(0, (ScopeFacts("", 0, in_usd=True, blocked=False, parts=(part,)),))
        small.put(1, (ScopeFacts("", 0, in_usd=True, blocked=False, parts=(part,), portfolio=True),))
        for _ in range(2):
            small.judge_all()
            small.judge_accounts([0, 1])
            small.adl.holders("", AdlRanking.BINANCE_V2)
            small.set_band("", Decimal(1), Decimal(2))
