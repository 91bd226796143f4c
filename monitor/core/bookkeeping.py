"""Bookkeeping: what account messages say becomes the facts in the book, whatever the store makes of them.

Which scopes follow from facts is `placement`'s to say, what becomes of them the engine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from monitor.core.accounts import Account, BadFacts, after, check_event, is_news
from monitor.core.adl.keeper import AdlKeeper
from monitor.core.amending import amended_run
from monitor.core.amendment import Amended, amended
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.growth import Growth
from monitor.core.inputs import AccountMessage, RejectedMessage
from monitor.core.limits import Limits
from monitor.core.outcome import Outcome, Refusal
from monitor.core.portfolio.deciding import decided
from monitor.core.rules.watch import RuleWatch
from monitor.core.showing import RefreshQueue
from monitor.core.stated import StatedRun
from monitor.core.store import MarginStore
from monitor.core.told import Told


class Entry(NamedTuple):
    """Hold what a message has changed: an account's number, and its facts where they had to be unpacked.

    `names` is the most names that its scopes may bring into the store.
    """

    number: int
    account: Account | None
    names: int


class Bookkeeper:
    """Take account messages into the book, one after the other."""

    def __init__(
        self,
        limits: Limits,
        board: MarketBoard,
        book: AccountBook,
        store: MarginStore,
        told: Mapping[str, Mapping[str, Told]],
        rules: RuleWatch,
        adl: AdlKeeper,
        refresh: RefreshQueue,
    ) -> None:
        self._limits = limits
        self._board = board
        self._book = book
        self._rules = rules
        self._adl = adl
        self._refresh = refresh
        self._growth = Growth(limits, board, book, store, told)

    @property
    def names_left(self) -> int:
        """How many names the store has room for."""
        return self._growth.names_left

    def take(self, message: AccountMessage, now_ms: int, outcome: Outcome) -> Entry | None:
        """Apply all parts of a message together; return None where it is no news, or refused."""
        event = message.event
        number = self._book.number_of(event.account_id)
        if number is not None:
            new = amended(self._book.record(number), event, self._limits)
            if new is not None and (entry := self._replaced(event.account_id, number, new, now_ms, outcome)):
                return entry
        known = None if number is None else self._book.account(number)
        try:
            if not is_news(event, known):
                check_event(event)
                outcome.duplicates += 1
                return None
            account = self._growth.checked(after(event, known, self._limits.max_positions), known)
            account = decided(account, self._board, known)
        except BadFacts as bad:
            outcome.refusals.append(Refusal(message.origin, bad.path, bad.why, bad.code))
            self.suspect(RejectedMessage(event.account_id, message.origin), now_ms, outcome)
            return None
        names = _most_names(len(account.balances), len(account.positions)) + len(account.settings.bracket_multiplier)
        return Entry(self._keep(account, now_ms, outcome), account, names)

    def take_stated(self, run: StatedRun, now_ms: int, outcome: Outcome) -> dict[int, Entry]:
        """Apply the plain messages of a run that amend packed facts; return what they have changed, by their places."""
        book, entries = self._book, dict[int, Entry]()
        numbers = [None if account_id is None else book.number_of(account_id) for account_id in run.ids]
        records = [b"" if number is None else book.record(number) for number in numbers]
        for place, new in enumerate(amended_run(records, run.stated, self._limits)):
            account_id, number = run.ids[place], numbers[place]
            if new is None or account_id is None or number is None:
                continue
            entry = self._replaced(account_id, number, new, now_ms, outcome)
            if entry is not None:
                entries[place] = entry
        return entries

    def _replaced(self, account_id: str, number: int, new: Amended, now_ms: int, outcome: Outcome) -> Entry | None:
        """Keep amended facts; return what that has changed, None where there is not surely room."""
        if not self._growth.has_room(account_id, new.balances, new.positions):
            return None
        self._book.keep_record(account_id, new.record)
        self._note(account_id, number, now_ms, outcome)
        return Entry(number, None, _most_names(new.balances, new.positions))

    def suspect(self, message: RejectedMessage, now_ms: int, outcome: Outcome) -> None:
        """Mark a known account suspect until its next snapshot."""
        known = self._book.find(message.account_id)
        if known is not None and not known.deleted and not known.suspect:
            suspect = replace(known, suspect=True)
            self._rules.put(self._keep(suspect, now_ms, outcome), suspect)

    def _keep(self, account: Account, now_ms: int, outcome: Outcome) -> int:
        number = self._book.keep(account)
        self._note(account.account_id, number, now_ms, outcome)
        self._adl.note(number, account)
        return number

    def _note(self, account_id: str, number: int, now_ms: int, outcome: Outcome) -> None:
        outcome.of(account_id).facts = self._book.record(number)
        self._refresh.add(number, now_ms)


def _most_names(balances: int, positions: int) -> int:
    """Return the most names of scopes and assets that an account may need: one scope is for all of it."""
    return 2 * (balances + positions) + 1
