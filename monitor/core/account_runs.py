"""Runs of account messages about different accounts: they are applied together, and yet judged each for itself.

What one message does to its account no other of the run can see. Facts are taken in order, rows written and screened
with one call; what the screen does not prove is decided with the message that brought it as its cause, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from monitor.core.book import AccountBook
from monitor.core.bookkeeping import Bookkeeper, Entry
from monitor.core.events import Moment
from monitor.core.fund.claimant import Claimant
from monitor.core.inputs import AccountMessage, Cause, CauseKind, Input, Origin, RejectedMessage
from monitor.core.outcome import Outcome
from monitor.core.placement import Placement
from monitor.core.rules.watch import RuleWatch
from monitor.core.stated import StatedRun
from monitor.core.store import MarginStore
from monitor.core.teller import Teller

MOST: Final = 128
"""Messages of one run: more are no cheaper each, and nothing else has its turn before the end of one."""

OfAccount = AccountMessage | RejectedMessage
Taken = Input | StatedRun
"""What an engine applies: a message, or a run of them without an object for each."""


def account_of(message: OfAccount) -> str:
    """Return the id of the account a message is about."""
    return message.event.account_id if isinstance(message, AccountMessage) else message.account_id


def in_runs(inputs: Iterable[Taken]) -> Iterator[list[OfAccount] | Taken]:
    """Return inputs in their order, neighbours that are about different accounts as one."""
    run: list[OfAccount] = []
    accounts: set[str] = set()
    for item in inputs:
        if not isinstance(item, AccountMessage | RejectedMessage):
            if run:
                yield run
                run, accounts = [], set()
            yield item
            continue
        account_id = account_of(item)
        if run and (account_id in accounts or len(run) == MOST):
            yield run
            run, accounts = [], set()
        run.append(item)
        accounts.add(account_id)
    if run:
        yield run


class AccountRuns:
    """Apply runs of account messages."""

    def __init__(
        self,
        bookkeeper: Bookkeeper,
        placement: Placement,
        book: AccountBook,
        store: MarginStore,
        teller: Teller,
        rules: RuleWatch,
        claimant: Claimant,
    ) -> None:
        self._bookkeeper = bookkeeper
        self._placement = placement
        self._book = book
        self._store = store
        self._teller = teller
        self._rules = rules
        self._claimant = claimant

    def apply(self, run: Sequence[OfAccount], now_ms: int, outcome: Outcome, *, judging: bool) -> None:
        """Apply messages about different accounts."""
        done = 0
        while done < len(run):
            done += self._apply_some(run[done:], now_ms, outcome, judging=judging)

    def apply_stated(self, run: StatedRun, now_ms: int, outcome: Outcome, *, judging: bool) -> None:
        """Apply a run: first together what amends packed facts, then the others by their objects, in their order.

        What accounts are told stands in that order too: nothing is promised of two accounts.

        None are taken together where ends wait to be told, which go with the first that is judged, nor where names are
        few (each takes some bytes of its message): who is refused for them must not depend on who goes first.
        """
        taken: dict[int, Entry] = {}
        is_roomy = self._bookkeeper.names_left > len(run.stated.text)
        if is_roomy and not (judging and self._teller.ended):
            taken = self._bookkeeper.take_stated(run, now_ms, outcome)
            self._put(list(taken.values()), [run.origins[at] for at in taken], now_ms, outcome, judging=judging)
        others = [run.read(at) for at in range(len(run.origins)) if at not in taken]
        self.apply([message for message in others if message is not None], now_ms, outcome, judging=judging)

    def _apply_some(self, run: Sequence[OfAccount], now_ms: int, outcome: Outcome, *, judging: bool) -> int:
        """Apply the first messages of a run; return how many.

        The next one must wait where it could be refused for the names that those before it bring, and where ends are
        to be told which one before it has not brought about: they are told with the first that is judged.
        """
        entries: list[Entry] = []
        origins: list[Origin] = []
        is_alone, left, done = judging and bool(self._teller.ended), self._bookkeeper.names_left, 0
        while done < len(run) and not (entries and (is_alone or left <= 0)):
            message = run[done]
            done += 1
            if isinstance(message, RejectedMessage):
                self._bookkeeper.suspect(message, now_ms, outcome)
                continue
            entry = self._bookkeeper.take(message, now_ms, outcome)
            if entry is not None:
                entries.append(entry)
                origins.append(message.origin)
                left -= entry.names
        self._put(entries, origins, now_ms, outcome, judging=judging)
        return done

    def _put(
        self, entries: Sequence[Entry], origins: Sequence[Origin], now_ms: int, outcome: Outcome, *, judging: bool
    ) -> None:
        """Put accounts whose facts have changed, and judge them."""
        if entries:
            outcome.account_events += len(entries)
            self._placement.renew(entries)
            if judging:
                self._judge([entry.number for entry in entries], origins, now_ms, outcome)

    def _judge(self, numbers: Sequence[int], origins: Sequence[Origin], now_ms: int, outcome: Outcome) -> None:
        """Judge accounts whose scopes have been put, each as if alone."""
        candidates = self._candidates(numbers)
        ended, is_alone = self._teller.ended, len(numbers) == 1
        concerned = {*candidates, *((0,) if is_alone else ())}
        if ended or self._claimant.open:
            ids = [self._book.id_of(number) for number in numbers]
            concerned |= {place for place, name in enumerate(ids) if name in ended or name in self._claimant.open}
        concerned |= {place for place, number in enumerate(numbers) if self._rules.watches(number)}
        seen = self._teller.look_ahead([scope for scopes in candidates.values() for scope in scopes])
        for place in sorted(concerned):
            number, account_id = numbers[place], self._book.id_of(numbers[place])
            moment = Moment(Cause(CauseKind.ACCOUNT_EVENT, origins[place]), now_ms)
            if is_alone:
                self._teller.tell_ends(moment, outcome)
            elif account_id in ended:
                self._teller.tell_ends(moment, outcome, [account_id])
            if place in candidates:
                self._teller.decide(np.array(candidates[place], dtype=np.int64), moment, outcome, seen=seen)
            if self._rules.watches(number):
                self._rules.judge(moment, outcome, accounts=[number])
            self._claimant.release_emptied([account_id], outcome)

    def _candidates(self, numbers: Sequence[int]) -> dict[int, list[int]]:
        """Return, by the places of their accounts, the scopes that are not proven to keep their status, in order."""
        store = self._store
        screened = store.judge_accounts(numbers)
        scopes, places = store.scopes_of_all(numbers)
        chosen = np.isin(scopes, screened) | np.isin(scopes, store.unscreened(scopes))
        found: dict[int, list[int]] = {}
        for place, scope in zip(places[chosen].tolist(), scopes[chosen].tolist(), strict=True):
            found.setdefault(place, []).append(scope)
        return found
