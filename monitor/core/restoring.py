"""Restoring accounts into a new engine: most of them straight from their packed facts, many at once.

What an account becomes is `engine`'s to say; here that is done without an object for each account, and what cannot be
done so is handed back. What was told of most accounts is the same few bytes, which are unpacked once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.ahead import Begin, at_once
from monitor.core.book import AccountBook
from monitor.core.store import MarginStore
from monitor.core.store_packed import PackedReader, Placed, Scanned
from monitor.core.teller import Teller
from monitor.core.told import NOT_SHOWN, UNTOLD, Remembered, unpack_memory

AT_ONCE: Final = 16_384
"""Accounts put with one call: few enough that no other thread waits long for the interpreter."""
_MOST_KINDS: Final = 65_536
_NAMES: Final = 1 << 32


class _Kind(NamedTuple):
    """Hold what some accounts remember alike."""

    lines: Mapping[str, Remembered]
    is_told: bool
    shown: Mapping[str, int]


class _Begun(NamedTuple):
    """Hold accounts of the book, numbered from `first`, whose facts are being read."""

    first: int
    ids: Sequence[str]
    memory: Sequence[bytes | None]
    reading: Callable[[], Scanned] | None


class Restoring:
    """Fill book and store with accounts that were never seen; terms must not change while one is in use."""

    def __init__(self, book: AccountBook, store: MarginStore, teller: Teller, ladder: int) -> None:
        self._book = book
        self._store = store
        self._teller = teller
        self._reader = store.packed_reader(ladder) if store.uses_numba else None
        self._kinds: dict[bytes | None, int] = {}
        self._met: list[_Kind] = []

    def run(
        self,
        facts: Mapping[str, bytes],
        memory: Mapping[str, bytes],
        odd: Collection[str] | None,
        begin: Begin = at_once,
    ) -> list[int]:
        """Take accounts over; return the numbers of those that must be placed one by one.

        These are all that are `odd` (None: everybody), or whose facts are not plain. `begin` may read facts while
        others, read before, are put into the store.
        """
        left: list[int] = []
        ids, records = list(facts), list(facts.values())
        told: list[bytes | None] = [*memory.values()] if list(memory) == ids else [*map(memory.get, ids)]
        before: _Begun | None = None
        for start in range(0, len(ids), AT_ONCE):
            here = slice(start, start + AT_ONCE)
            ahead = begin if len(ids) > AT_ONCE else at_once
            begun = self._begin(ids[here], records[here], told[here], odd, ahead)
            if before is not None:
                left += self._finish(before)
            before = begun
        if before is not None:
            left += self._finish(before)
        if len(told) - told.count(None) < len(memory):
            for account_id in memory.keys() - facts.keys():
                self._teller.remember(account_id, unpack_memory(memory[account_id]))
        return left

    def _begin(
        self,
        ids: Sequence[str],
        records: Sequence[bytes],
        memory: Sequence[bytes | None],
        odd: Collection[str] | None,
        begin: Begin,
    ) -> _Begun:
        """Add accounts to the book, and begin to read their facts where that may be done for many at once."""
        first, reading = len(self._book), None
        self._book.keep_new(ids, records)
        if self._reader is not None and odd is not None:
            if odd:
                records = [b"" if name in odd else record for name, record in zip(ids, records, strict=True)]
            reading = self._reader.scan(first, records, begin)
        return _Begun(first, ids, memory, reading)

    def _finish(self, begun: _Begun) -> list[int]:
        """Remember what was told of accounts, and put into the store what was read."""
        ids = begun.ids
        kinds = self._remember(ids, begun.memory)
        placed = np.zeros(len(ids), dtype=np.bool_)
        if self._reader is not None and begun.reading is not None:
            put = self._reader.write(begun.reading())
            placed = put.accounts
            self._show(self._reader, put, ids, kinds)
        left: list[int] = np.nonzero(~placed)[0].tolist()
        for place in left:
            for name, rank in self._met[int(kinds[place])].shown.items():
                self._teller.note_end(ids[place], name, rank)
        return [begun.first + place for place in left]

    def _remember(self, ids: Sequence[str], records: Sequence[bytes | None]) -> NDArray[np.int64]:
        """Hand the teller what it remembers of accounts; return the number of each one's kind."""
        if len(self._met) > _MOST_KINDS:
            self._kinds.clear()
            self._met.clear()
        for record in dict.fromkeys(records):
            if record not in self._kinds:
                self._kinds[record] = len(self._met)
                self._met.append(_kind_of(record))
        kinds = np.fromiter(map(self._kinds.__getitem__, records), np.int64, len(records))
        is_told = np.array([kind.is_told for kind in self._met], dtype=np.bool_)
        for place in np.nonzero(is_told[kinds])[0].tolist():
            self._teller.remember(ids[place], self._met[int(kinds[place])].lines)
        return kinds

    def _show(self, reader: PackedReader, put: Placed, ids: Sequence[str], kinds: NDArray[np.int64]) -> None:
        """Set what the new scopes were told and shown as; what was shown of scopes that are no more has ended."""
        pairs, which = np.unique(kinds[put.owners] * _NAMES + put.names, return_inverse=True)
        states = np.zeros(len(pairs), np.uint8)
        shown = np.full(len(pairs), NOT_SHOWN, np.uint8)
        for place, pair in enumerate(pairs.tolist()):
            number, name = divmod(pair, _NAMES)
            line = self._met[number].lines.get(self._store.names.text(name), Remembered(UNTOLD))
            shown[place] = line.shown
            told = line.told if line.told.sequence else UNTOLD
            states[place] = told.status.rank if line.shown == NOT_SHOWN else line.shown
        reader.set_told(put.scopes, states[which], shown[which])
        counted = np.bincount(put.owners, shown[which] != NOT_SHOWN, len(ids))
        expected = np.array([len(kind.shown) for kind in self._met], dtype=np.int64)[kinds]
        for place in np.nonzero(put.accounts & (counted != expected))[0].tolist():
            mine = np.nonzero(put.owners == place)[0]
            names = {self._store.names.text(int(put.names[one])) for one in mine}
            for name, rank in self._met[int(kinds[place])].shown.items():
                if name not in names:
                    self._teller.note_end(ids[place], name, rank)


def _kind_of(record: bytes | None) -> _Kind:
    lines = {} if record is None else unpack_memory(record)
    told = any(line.told.sequence for line in lines.values())
    return _Kind(lines, told, {name: line.shown for name, line in lines.items() if line.shown != NOT_SHOWN})
