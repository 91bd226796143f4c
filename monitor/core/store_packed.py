"""Packed facts into the store, many accounts at once: tables for the scanner, and the batch it makes.

Only for accounts that have no scopes yet, as in a restore. What the scanner does not take is for the caller to put.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.kernels_facts import MOST_ASSETS, MOST_POSITIONS, Terms, Work, read_accounts
from monitor.core.kernels_words import Words, hash_of
from monitor.core.scopes import cross_scope
from monitor.core.store_adl import AdlColumns
from monitor.core.store_coins import Assets
from monitor.core.store_columns import (
    F8,
    SCOPE_ROW,
    SCOPES_FREE,
    SCOPES_REMOVED,
    SCOPES_TOP,
    SINGLE,
    STATES,
    U1,
    Batch,
)
from monitor.core.store_names import ScopeNames
from monitor.core.store_space import Space
from monitor.core.store_terms import Contracts, Symbol

_ONE: Final = Decimal(1)
_LARGEST_SIZE: Final = 2**62
_MOST_SIZE_DECIMALS: Final = 18
assert SINGLE == 0, "the scanner writes rows of that kind"


class Placed(NamedTuple):
    """Hold what of some accounts was put: which of them, and of each new scope its id, account and name (numbers).

    The accounts of scopes are counted from the first of these.
    """

    accounts: NDArray[np.bool_]
    scopes: NDArray[np.int64]
    owners: NDArray[np.int64]
    names: NDArray[np.int64]


class PackedReader:
    """Put plain accounts into a store from their packed facts; terms must not change while one is in use."""

    def __init__(
        self, space: Space, contracts: Contracts, assets: Assets, names: ScopeNames, adl: AdlColumns, ladder: int
    ) -> None:
        self._space = space
        self._contracts = contracts
        self._coins = assets
        self._names = names
        self._adl = adl
        self._ladder = ladder
        self._known = (-1, -1)
        self._symbols, self._assets = _words(()), _words(())
        self._terms = Terms(np.zeros((0, 3), np.int64), np.zeros(0, np.uint64), np.zeros((0, 3), np.int64))
        self._work = Work(
            np.zeros((MOST_ASSETS, 3), np.int64),
            np.zeros(MOST_ASSETS, np.uint64),
            np.zeros((MOST_POSITIONS, 5), np.int64),
            np.zeros((MOST_POSITIONS, 3), np.uint64),
        )

    def put(self, first: int, records: Sequence[bytes]) -> Placed:
        """Put those that are plain of the accounts numbered from `first`, whose facts are `records`."""
        self._learn()
        text = np.frombuffer(b"".join(records), np.uint8)
        ends = np.cumsum(np.fromiter(map(len, records), np.int64, len(records)))
        room = int(np.count_nonzero(text == 0x1F)) + len(records)  # mostly untouched, and so never there
        batch = Batch(
            np.empty((len(records), 2), np.int64),
            np.empty((room, 5), np.int64),
            np.empty((room, 2), np.int64),
            np.empty((room, 2)),
            np.empty(room, np.uint32),
            np.empty(room),
        )
        costs, placed, counts = np.empty(room), np.zeros(len(records), np.uint8), np.zeros(4, np.int64)
        tables = self._symbols, self._assets, self._terms, self._work
        read_accounts(text, ends, first, self._ladder, *tables, batch, costs, placed, counts)
        accounts, scopes, cells, most = counts.tolist()
        flat = Batch(
            batch.accounts[:accounts],
            batch.scopes[:scopes],
            batch.parts[:scopes],
            batch.amounts[:scopes],
            batch.codes[:cells],
            batch.sizes[:cells],
        )
        return self._write(flat, costs[:cells], placed.astype(np.bool_), first, most)

    def set_told(self, scopes: NDArray[np.int64], states: U1, shown: U1) -> None:
        """Set what new scopes were told and last shown as, as `MarginStore.set_state` does."""
        columns = self._space.columns
        columns.told[scopes] = states
        rows = columns.scopes[scopes, SCOPE_ROW]
        columns.watch[rows] = columns.watch[rows] // STATES * STATES + states
        self._space.memory.shown[scopes] = shown

    def _write(self, flat: Batch, costs: F8, placed: NDArray[np.bool_], first: int, most: int) -> Placed:
        contracts, counters = self._contracts, self._space.columns.counters
        assert not counters[SCOPES_FREE], "a restore begins with an empty store"
        assert not counters[SCOPES_REMOVED], "a restore begins with an empty store"
        begin, highest = int(counters[SCOPES_TOP]), first + len(placed) - 1
        self._space.write(flat, contracts.symbol_of_line, len(contracts.symbols), (highest, most, most))
        self._adl.write(flat, costs)
        ids = np.arange(begin, begin + len(flat.scopes))
        each = np.diff(flat.accounts[:, 1], prepend=0)
        owners = np.repeat(flat.accounts[:, 0] - first, each)
        return Placed(placed, ids, owners, flat.scopes[:, 0].copy())

    def _learn(self) -> None:
        """Write the tables anew where symbols or assets have become known."""
        contracts, assets = self._contracts, self._coins
        known = len(contracts.symbols), len(assets.numbers)
        if known == self._known:
            return
        for symbol in contracts.symbols.values():
            if symbol.terms is not None:
                assets.number(symbol.terms.settle_asset)
        self._known = len(contracts.symbols), len(assets.numbers)
        self._symbols, self._assets = _words(contracts.symbols), _words(assets.numbers)
        places = {name: place for place, name in enumerate(assets.numbers)}
        rows = [self._contract(symbol, places) for symbol in contracts.symbols.values()]
        ranks = {name: rank for rank, name in enumerate(sorted(assets.numbers))}
        names = self._names
        named = [(number, names.number(cross_scope(name)), ranks[name]) for name, number in assets.numbers.items()]
        self._terms = Terms(
            np.array([row[:3] for row in rows], np.int64).reshape(-1, 3),
            np.array([row[3] for row in rows], np.uint64),
            np.array(named, np.int64).reshape(-1, 3),
        )

    def _contract(self, symbol: Symbol, places: Mapping[str, int]) -> tuple[int, int, int, int]:
        """Return line, place of the settle asset, decimals and digits of the size; line -1: not plain."""
        if symbol.terms is None or symbol.inverse or symbol.at_entry:
            return -1, 0, 0, 0
        sign, digits, exponent = (_ONE if symbol.size is None else symbol.size).as_tuple()
        size = int("".join(map(str, digits)))
        if sign or not isinstance(exponent, int) or not -_MOST_SIZE_DECIMALS <= exponent <= 0 or size > _LARGEST_SIZE:
            return -1, 0, 0, 0
        line = symbol.line_of_one if symbol.line_of_one >= 0 else self._contracts.line(symbol, _ONE)
        return line, places[symbol.terms.settle_asset], -exponent, size


def _words(texts: Iterable[str]) -> Words:
    encoded = [text.encode() for text in texts]
    joined = np.frombuffer(b"".join(encoded) + b"\0", np.uint8)
    starts = np.cumsum([0, *map(len, encoded)])
    slots = np.full(1 << (2 * len(encoded) + 2).bit_length(), -1, np.int64)
    for place in range(len(encoded)):
        slot = int(hash_of(joined, starts[place], starts[place + 1])) % len(slots)
        while slots[slot] != -1:
            slot = (slot + 1) % len(slots)
        slots[slot] = place
    return Words(joined, starts.astype(np.int64), slots)
