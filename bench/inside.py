"""The one place that looks into a store of the daemon: the columns its kernels walk, and what they are called with.

Nothing is written through here. Baselines get copies of what they write; what they only read they share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.loading import LADDER
from monitor.core import kernels
from monitor.core.store import MarginStore
from monitor.core.store_batch import BatchBuilder
from monitor.core.store_columns import U4, Columns
from monitor.core.store_facts import ScopeFacts
from monitor.core.store_screen import Screen
from monitor.core.store_terms import Contracts
from monitor.core.verdict import Ladders


def columns_of(store: MarginStore) -> Columns:
    """Return the columns."""
    return store._space.columns


def contracts_of(store: MarginStore) -> Contracts:
    """Return the tables of prices and brackets."""
    return store._contracts


def tables_of(store: MarginStore) -> tuple[Any, ...]:
    """Return (scales, coins, floors, law): the columns and tables that are in neither of the others."""
    return store._space.scales, store._assets.coins, store._assets.floors, store._screen.law


def kernel_of(store: MarginStore) -> Callable[[], int]:
    """Return the kernel of a full tick with the arguments the screen gives it, and nothing around it."""
    columns, contracts = columns_of(store), contracts_of(store)
    scales, coins, floors, law = tables_of(store)
    found = np.empty(store.counts()["scopes"] + 1, np.uint32)
    rows: tuple[Any, ...] = columns.watch, columns.links, columns.codes, columns.sizes, contracts.values
    terms: tuple[Any, ...] = contracts.table, contracts.edge, coins, floors, law, found
    return lambda: int(kernels.judge_tiles(columns.tiles, columns.figures, scales, *rows, *terms))


def holders_kernel_of(store: MarginStore, symbol: str) -> Callable[[], int]:
    """Return the kernel that evaluates the holders of one contract, with the arguments the screen gives it."""
    columns, contracts, chosen = columns_of(store), contracts_of(store), holders_of(store, symbol).copy()
    scales, coins, floors, law = tables_of(store)
    where: tuple[Any, ...] = chosen, columns.scopes, columns.pages, columns.figures, scales
    rows: tuple[Any, ...] = columns.watch, columns.links, columns.codes, columns.sizes, contracts.values
    terms: tuple[Any, ...] = contracts.table, contracts.edge, coins, floors, law, np.empty(len(chosen), np.uint32)
    return lambda: int(kernels.judge_scopes(*where, *rows, *terms))


def portfolio_of(store: MarginStore) -> tuple[Any, ...]:
    """Return (groups of lines, groups of assets, recipe): what portfolios need besides."""
    return store._contracts.group_of_line, store._assets.group_of, store._screen.recipe


def holders_of(store: MarginStore, symbol: str) -> U4:
    """Return the holders of a symbol, as the screen asks for them."""
    return store._screen.entries_of([symbol])[0]


def scopes_of_first(store: MarginStore, accounts: int) -> U4:
    """Return the first scope of each of the first accounts."""
    return columns_of(store).first[:accounts]


def writing_of(store: MarginStore, facts: Sequence[tuple[int, Sequence[ScopeFacts]]]) -> Callable[[], object]:
    """Return what writes rows of accounts that are there already, made from exact facts beforehand."""
    builder = BatchBuilder(store._contracts, store._assets, store.names.numbers)
    builder.add_all(facts)
    flat, most = builder.finish(), (builder.highest, builder.widest, builder.most)
    contracts = store._contracts
    return lambda: store._space.write(flat, contracts.symbol_of_line, len(contracts.symbols), most)


def numpy_screen(store: MarginStore) -> Screen:
    """Return the daemon's screen over the same columns as it is without numba."""
    ladders = Ladders.same(LADDER).all()
    return Screen(ladders, store._space, store._contracts, store._assets, uses_numba=False)
