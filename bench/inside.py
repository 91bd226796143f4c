"""The one place that looks into a store of the daemon: the columns its kernels walk, and what they are called with.

Nothing is written through here. Baselines get copies of what they write; what they only read they share.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.loading import LADDER
from monitor.core import kernels
from monitor.core.book import AccountBook
from monitor.core.store import MarginStore
from monitor.core.store_batch import BatchBuilder
from monitor.core.store_columns import HELD_COUNT, NONE, SCOPES_TOP, U4, Columns
from monitor.core.store_facts import ScopeFacts
from monitor.core.store_screen import Screen
from monitor.core.store_terms import Contracts
from monitor.core.verdict import Ladders

POSITIONS, ACCOUNTS, NEITHER = "positions", "accounts", "neither"
"""What the elements of a column are of."""


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


class Column(NamedTuple):
    """Hold the bytes of one column of a store: in use, and reserved; and what its elements are of."""

    name: str
    of: str
    used: int
    reserved: int
    array: NDArray[Any]


def bytes_of(store: MarginStore) -> list[Column]:
    """Return what every column of a store takes: of positions, of accounts (with rows and scopes), or of neither."""
    columns, space, adl = columns_of(store), store._space, store.adl
    counts, top = store.counts(), int(columns.counters[SCOPES_TOP])
    cells, held = counts["cells"], int(columns.symbols[:, HELD_COUNT].sum())
    live: dict[str, tuple[str, int]] = {
        **dict.fromkeys(("codes", "sizes", "holds"), (POSITIONS, cells)),
        **dict.fromkeys(("figures", "links", "watch"), (ACCOUNTS, counts["rows"])),
        "entries": (POSITIONS, held),
        "scopes": (ACCOUNTS, top),
        "first": (ACCOUNTS, int(np.count_nonzero(columns.first != NONE))),
    }
    found = [(name, array, *live.get(name, (NEITHER, len(array)))) for name, array in columns._asdict().items()]
    found += [("scales", space.scales, ACCOUNTS, counts["rows"])]
    found += [(f"memory: {name}", array, ACCOUNTS, top) for name, array in space.memory._asdict().items()]
    found += [("costs", adl._costs, POSITIONS, cells), ("lights", adl._lights, POSITIONS, cells)]
    met: dict[int, Column] = {}
    for name, array, of, count in found:
        met[id(array)] = Column(name, of, count * array[:1].nbytes, array.nbytes, array)
    return list(met.values())


def tables_of_book(book: AccountBook) -> dict[str, int]:
    """Return the bytes of an account book's tables, without the ids and the facts themselves."""
    size, numbers = sys.getsizeof, book._numbers
    ids = size(numbers) + size(book._ids) + sum(map(size, numbers.values()))
    return {"ids": ids, "records": size(book._records)}


def timed_growth(store: MarginStore, note: Callable[[str, float], None]) -> None:
    """Have a store say how long each call took by which it makes room: the name and the seconds of the thread."""
    space = store._space

    def watched(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            start = time.thread_time()
            result = act(*given)
            note(name, time.thread_time() - start)
            return result

        return call

    for name in ("_make_room", "_make_entries", "_make_rows"):
        setattr(space, name, watched(name.strip("_").replace("_", " "), getattr(space, name)))
