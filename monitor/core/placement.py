"""Placement: the scopes of accounts go into the store as their facts and the terms in force have it.

Many accounts are put at once, plain ones straight from their packed facts. Who is then judged is the engine's business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from monitor.core.accounts import Account
from monitor.core.adl.keeper import AdlKeeper
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.bookkeeping import Entry
from monitor.core.rows import awaited_terms, rows_of
from monitor.core.rules.watch import RuleWatch
from monitor.core.scopes import ScopeKind
from monitor.core.store import MarginStore, ScopeFacts
from monitor.core.store_packed import PackedReader
from monitor.core.teller import Teller
from monitor.core.told import NOT_SHOWN
from monitor.core.verdict import Ladders
from monitor.core.waiting import AwaitedTerms


class Placement:
    """Put accounts of the book into the store."""

    def __init__(
        self,
        ladders: Ladders,
        board: MarketBoard,
        book: AccountBook,
        store: MarginStore,
        teller: Teller,
        rules: RuleWatch,
        adl: AdlKeeper,
    ) -> None:
        self._ladders = ladders
        self._board = board
        self._book = book
        self._store = store
        self._teller = teller
        self._rules = rules
        self._adl = adl
        self.waiting = AwaitedTerms()
        self._reader: PackedReader | None = None

    def outdate(self) -> None:
        """Note that terms have changed: packed facts are read by new ones from here on."""
        self._reader = None

    def renew(self, entries: Sequence[Entry]) -> None:
        """Put accounts, each named once, whose facts have just been replaced."""
        left = entries
        if self._store.uses_numba and not self._rules.are_for_everybody:
            left = self._renew_packed(entries)
        if left:
            self.place([(number, account or self._book.account(number)) for number, account, _ in left])

    def place(self, accounts: Sequence[tuple[int, Account]]) -> None:
        """Put accounts from their facts."""
        self._store.set_portfolio(self._board.portfolio)
        self._note_ends(self._store.put_many([(number, self._rows(number, account)) for number, account in accounts]))
        for number, account in accounts:
            self._rules.put(number, account)
            self._adl.note(number, account)
        self._take_back([number for number, _ in accounts])

    def _renew_packed(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Put the plain ones of some accounts; return the others.

        Of an account whose facts were not unpacked nothing has changed that rules and deleveraging look at, where it is
        plain: it has no settings, and is as complete and as little suspect as it was.
        """
        self._store.set_portfolio(self._board.portfolio)
        if self._reader is None:
            ladder = self._ladders.number(ScopeKind.CROSS)
            self._reader = self._store.packed_reader(ladder, brings_names=False)
        records = [self._book.record(number) for number, _, _ in entries]
        plain, removed = self._reader.replace([number for number, _, _ in entries], records)
        self._note_ends((scope, self._store.name_of(scope)) for scope in removed)
        placed: list[int] = []
        left: list[Entry] = []
        for entry, is_plain in zip(entries, plain, strict=True):
            if not is_plain:
                left.append(entry)
                continue
            number, account, _ = entry
            placed.append(number)
            self.waiting.put(number, ())
            if account is not None:
                self._rules.put(number, account)
                self._adl.note(number, account)
        self._take_back(placed)
        return left

    def _note_ends(self, removed: Iterable[tuple[int, str]]) -> None:
        for scope, name in removed:
            account_id = self._book.id_of(self._store.account_of(scope))
            self._teller.note_end(account_id, name, int(self._store.shown[scope]))

    def _take_back(self, numbers: Collection[int]) -> None:
        """Give scopes that were never shown under their ids what was told of them before, under their names."""
        store = self._store
        scopes, _ = store.scopes_of_all(numbers)
        for scope in scopes[store.shown[scopes] == NOT_SHOWN].tolist():
            account_id = self._book.id_of(store.account_of(scope))
            told, shown = self._teller.take_back(account_id, store.name_of(scope))
            store.set_state(scope, told if shown == NOT_SHOWN else shown)
            store.shown[scope] = shown

    def _rows(self, number: int, account: Account) -> list[ScopeFacts]:
        self.waiting.put(number, awaited_terms(account, self._board))
        told = self._teller.names_of(account.account_id)
        return rows_of(account, told, self._board, self._ladders)
