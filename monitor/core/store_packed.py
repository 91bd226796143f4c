"""Packed facts into the store, many accounts at once: tables for the scanner, and the batch it makes.

Only for accounts that have no scopes yet, as in a restore. What the scanner does not take is for the caller to put.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.ahead import Begin, at_once
from monitor.core.joined import joined
from monitor.core.kernels_facts import MOST_ASSETS, MOST_POSITIONS, Terms, Work, read_accounts
from monitor.core.kernels_words import Words, words_of
from monitor.core.scopes import cross_scope
from monitor.core.store_adl import AdlColumns
from monitor.core.store_coins import Assets
from monitor.core.store_columns import (
    F8,
    SCOPE_ROW,
    SINGLE,
    STATES,
    U1,
    U4,
    Batch,
)
from monitor.core.store_names import ScopeNames
from monitor.core.store_space import Space
from monitor.core.store_terms import Contracts, Symbol

_ONE: Final = Decimal(1)
_LARGEST_SIZE: Final = 2**62
_MOST_SIZE_DECIMALS: Final = 18
_WORTH: Final = 16
"""Tables are written anew when one has grown by a part in so many, or when that many records did not find themselves
in tables that are behind: else each new name would cost as much as all."""
_LEAST_ASSET: Final = 4
"""Bytes of a balance: a name, an amount, two separators. A position that brings another asset is longer."""
_LEAST_POSITION: Final = 19
"""Bytes of a position: seven separators, "cross", "both", a symbol, a quantity and an entry price."""
assert SINGLE == 0, "the scanner writes rows of that kind"


class Placed(NamedTuple):
    """Hold what of some accounts was put: which of them, and of each new scope its id, account and name (numbers).

    The accounts of scopes are counted from the first of these.
    """

    accounts: NDArray[np.bool_]
    scopes: NDArray[np.int64]
    owners: NDArray[np.int64]
    names: NDArray[np.int64]


class Scanned(NamedTuple):
    """Hold what was read of the records of some accounts, numbered from `first`, before it is in the store.

    counts: how many accounts, scopes and cells there are, and how many cells the largest scope has.
    """

    first: int
    batch: Batch
    costs: F8
    placed: U1
    counts: NDArray[np.int64]


class PackedReader:
    """Put plain accounts into a store from their packed facts; terms must not change while one is in use.

    One that does not bring names takes accounts for plain only where all names and lines they need are there: new ones
    are counted when they are put the long way.
    """

    def __init__(
        self,
        space: Space,
        contracts: Contracts,
        assets: Assets,
        names: ScopeNames,
        adl: AdlColumns,
        ladder: int,
        *,
        brings_names: bool,
    ) -> None:
        self._brings_names = brings_names
        self._space = space
        self._contracts = contracts
        self._coins = assets
        self._names = names
        self._adl = adl
        self._ladder = ladder
        self._known = (-1, -1, -1, -1)
        self._missed = 0
        self._symbols, self._assets = words_of(()), words_of(())
        self._terms = Terms(np.zeros((0, 3), np.int64), np.zeros(0, np.uint64), np.zeros((0, 3), np.int64))
        self._work = Work(
            np.zeros((MOST_ASSETS, 3), np.int64),
            np.zeros(MOST_ASSETS, np.uint64),
            np.zeros((MOST_POSITIONS, 5), np.int64),
            np.zeros((MOST_POSITIONS, 3), np.uint64),
        )

    def put(self, first: int, records: Sequence[bytes]) -> Placed:
        """Put those that are plain of the accounts numbered from `first`, whose facts are `records`."""
        return self.write(self.scan(first, records, at_once)())

    def scan(self, first: int, records: Sequence[bytes], begin: Begin) -> Callable[[], Scanned]:
        """Begin to read records; return what waits for what is to be written of them.

        What was read before may be written meanwhile.
        """
        self._learn()
        tables = self._ladder, self._symbols, self._assets, self._terms, self._work

        def work() -> Scanned:
            return _scanned(first, records, tables)

        return begin(work)

    def replace(self, numbers: Sequence[int], records: Sequence[bytes]) -> tuple[list[bool], list[int]]:
        """Replace all scopes of those that are plain of some accounts; return which are, and the scopes that are gone.

        The memory of these stays readable until the next put.
        """
        scanned = self.scan(0, records, at_once)()
        plain: list[bool] = scanned.placed.astype(np.bool_).tolist()
        self._missed += plain.count(False)
        if not scanned.counts[0]:
            return plain, []
        accounts = scanned.batch.accounts[: scanned.counts[0]]
        accounts[:, 0] = np.array(numbers, np.int64)[accounts[:, 0]]
        _, removed = self._write(scanned, max(numbers))
        return plain, removed.tolist()

    def write(self, scanned: Scanned) -> Placed:
        """Put what was read into the store, of accounts that have no scopes yet."""
        first, placed, ids = scanned.first, scanned.placed, self._space.next_ids(int(scanned.counts[1]))
        flat, _ = self._write(scanned, first + len(placed) - 1)
        owners = np.repeat(flat.accounts[:, 0] - first, np.diff(flat.accounts[:, 1], prepend=0))
        return Placed(placed.astype(np.bool_), ids, owners, flat.scopes[:, 0].copy())

    def _write(self, scanned: Scanned, highest: int) -> tuple[Batch, U4]:
        """Write what was read; return it without the room that was left, and the scopes that are gone."""
        batch, contracts = scanned.batch, self._contracts
        accounts, scopes, cells, most = scanned.counts.tolist()
        flat = Batch(
            batch.accounts[:accounts],
            batch.scopes[:scopes],
            batch.parts[:scopes],
            batch.amounts[:scopes],
            batch.codes[:cells],
            batch.sizes[:cells],
        )
        removed = self._space.write(flat, contracts.symbol_of_line, len(contracts.symbols), (highest, most, most))
        self._adl.write(flat, scanned.costs[:cells])
        return flat, removed

    def set_told(self, scopes: NDArray[np.int64], states: U1, shown: U1) -> None:
        """Set what new scopes were told and last shown as, as `MarginStore.set_state` does."""
        columns = self._space.columns
        columns.told[scopes] = states
        rows = columns.scopes[scopes, SCOPE_ROW]
        columns.watch[rows] = columns.watch[rows] // STATES * STATES + states
        self._space.memory.shown[scopes] = shown

    def _learn(self) -> None:
        """Write the tables anew where more symbols or assets have become known than are worth the long way."""
        contracts, assets, names = self._contracts, self._coins.numbers, self._names
        if self._brings_names:
            for symbol in contracts.symbols.values():
                if symbol.terms is not None:
                    self._coins.number(symbol.terms.settle_asset)
            for name in assets:
                names.number(cross_scope(name))
        known = len(contracts.symbols), len(assets), len(names.numbers), contracts.lines
        are_missed = known != self._known and self._missed > len(contracts.symbols) // _WORTH
        grown = any(now > before + before // _WORTH for now, before in zip(known, self._known, strict=True))
        if not grown and not are_missed:
            return
        self._known, self._missed = known, 0
        named = [name for name in assets if cross_scope(name) in names.numbers]
        self._symbols, self._assets = words_of(contracts.symbols), words_of(named)
        places = {name: place for place, name in enumerate(named)}
        rows = [self._contract(symbol, places) for symbol in contracts.symbols.values()]
        ranks = {name: rank for rank, name in enumerate(sorted(named))}
        numbers = [(assets[name], names.number(cross_scope(name)), ranks[name]) for name in named]
        self._terms = Terms(
            np.array([row[:3] for row in rows], np.int64).reshape(-1, 3),
            np.array([row[3] for row in rows], np.uint64),
            np.array(numbers, np.int64).reshape(-1, 3),
        )

    def _contract(self, symbol: Symbol, places: Mapping[str, int]) -> tuple[int, int, int, int]:
        """Return line, place of the settle asset, decimals and digits of the size; line -1: not plain."""
        if symbol.terms is None or symbol.inverse or symbol.at_entry or symbol.terms.settle_asset not in places:
            return -1, 0, 0, 0
        sign, digits, exponent = (_ONE if symbol.size is None else symbol.size).as_tuple()
        size = int("".join(map(str, digits)))
        if sign or not isinstance(exponent, int) or not -_MOST_SIZE_DECIMALS <= exponent <= 0 or size > _LARGEST_SIZE:
            return -1, 0, 0, 0
        line = symbol.line_of_one
        if line < 0 and self._brings_names:
            line = self._contracts.line(symbol, _ONE)
        return line, places[symbol.terms.settle_asset], -exponent, size


def _scanned(first: int, records: Sequence[bytes], tables: tuple[int, Words, Words, Terms, Work]) -> Scanned:
    """Read records; most of it without the interpreter's lock."""
    text, bounds = joined(records)
    scopes, cells = (len(text) // least + 1 for least in (_LEAST_ASSET, _LEAST_POSITION))
    batch = Batch(  # mostly untouched, and so never there
        np.empty((len(records), 2), np.int64),
        np.empty((scopes, 5), np.int64),
        np.empty((scopes, 2), np.int64),
        np.empty((scopes, 2)),
        np.empty(cells, np.uint32),
        np.empty(cells),
    )
    found = Scanned(first, batch, np.empty(cells), np.zeros(len(records), np.uint8), np.zeros(4, np.int64))
    read_accounts(text, bounds, first, *tables, batch, found.costs, found.placed, found.counts)
    return found
