"""The auditor of a shard: walks over all that the store holds, a piece at a time, and compares it with the exact path.

What is looked at next, and whether figures and statuses are right, is decided here. Rows and tables are compared in
`store_audit`, the layout in `store_layout`, the columns of account rules in `rules/screen_audit`; when the next piece
is due is the application's business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from math import isnan, nan
from typing import Final

import numpy as np

from monitor.core.accounts import Account
from monitor.core.amounts import Number, exactly
from monitor.core.audit.fault import Fault, Findings
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.events import Moment
from monitor.core.freshness import Age
from monitor.core.inputs import Cause, CauseKind
from monitor.core.outcome import Outcome
from monitor.core.rows import rows_of
from monitor.core.rules.watch import RuleWatch
from monitor.core.store import MarginStore
from monitor.core.store_audit import NO_BAND, Band
from monitor.core.store_bounds import Bound, Figures
from monitor.core.teller import Scopes, Teller
from monitor.core.verdict import Ladders, Verdict, judge

HOLDERS_AT_ONCE: Final = 100
SCOPES_AT_ONCE: Final = 200
"""Of the lists that are looked through: 1 ms or so at once."""
_MORE: Final = 1e-6
"""How far a stored bound may be from one whose terms were added in another order, as a share of it."""

Place = Callable[[Sequence[tuple[int, Account]]], None]
"""The engine's way to put accounts into the store."""


class Auditor:
    """Compare the store with the facts and mend it; a pass looks at everything once."""

    def __init__(
        self,
        board: MarketBoard,
        book: AccountBook,
        store: MarginStore,
        teller: Teller,
        rules: RuleWatch,
        ladders: Ladders,
        place: Place,
    ) -> None:
        self._board = board
        self._book = book
        self._store = store
        self._teller = teller
        self._rules = rules
        self._ladders = ladders
        self._place = place
        self._pass: Iterator[Findings] = iter(())
        self._accounts = 0
        self._moment, self._outcome = Moment(Cause(CauseKind.CLOCK), 0), Outcome()

    @property
    def progress(self) -> float:
        """How much of the pass is done, by accounts: 0 … 1."""
        return self._accounts / len(self._book) if len(self._book) else 1.0

    @exactly
    def step(self, now_ms: int) -> tuple[Findings, Outcome]:
        """Look at the next piece; return what was found, and what there is to tell now that it is mended.

        An account is a piece, and so are a symbol, an asset, a stretch of a list. Must not be called while inputs are
        taken in without judging: what is told is then not yet what is so.
        """
        outcome = Outcome()
        self._moment, self._outcome = Moment(Cause(CauseKind.CLOCK), now_ms), outcome
        try:
            findings = next(self._pass, None)
            if findings is None:
                self._pass = self._walk()
                findings = next(self._pass)
        except IndexError:  # something says that it is found where there is no room
            self._pass = iter(())
            findings = Findings(faults=[Fault("layout", nan, nan, is_structure=True)])
        self._teller.close(outcome)
        self._rules.close(outcome)
        return findings, outcome

    def _walk(self) -> Iterator[Findings]:
        """Look at everything, once: the last piece ends the pass. The layout comes first: all else relies on it."""
        self._accounts = 0
        yield Findings(faults=self._store.layout.whole())
        yield Findings(faults=self._renewed(self._store.audit.law(self._board.portfolio), self._store.judge_all))
        for name in self._store.audit.symbols:
            yield Findings(faults=self._symbol(name))
        known = self._store.audit.assets
        for name in known:
            yield Findings(faults=self._asset(name))
        for name in set(self._rules.screen.assets).difference(known):
            yield Findings(faults=self._of_rules(self._rules.screen.audited_asset(name), assets=[name]))
        while self._accounts < len(self._book):
            yield self._account(self._accounts)
            self._accounts += 1
        for name in self._store.audit.symbols:
            start, goes_on = 0, True
            while goes_on:
                faults, goes_on = self._store.layout.holders(name, start, HOLDERS_AT_ONCE)
                start += HOLDERS_AT_ONCE
                yield Findings(faults=faults)
        start, goes_on = 0, True
        while goes_on:
            faults, goes_on = self._store.layout.scopes(start, SCOPES_AT_ONCE, len(self._book))
            start += SCOPES_AT_ONCE
            yield Findings(faults=faults)
        yield Findings(faults=self._store.layout.whole(), is_pass_over=True)

    # ------------------------------------------------------------------------------------------------- the tables
    def _symbol(self, name: str) -> list[Fault]:
        mark = self._board.mark(name)
        is_stale = self._board.symbol_age(name) is Age.STALE and mark is not None
        band: Band = self._board.band(mark) if is_stale and mark is not None else NO_BAND
        faults = self._store.audit.symbol(name, self._board, band)
        faults = self._renewed(faults, lambda: self._store.judge_symbols([name]))
        return faults + self._of_rules(self._rules.screen.audited_symbol(name), symbols=[name])

    def _asset(self, name: str) -> list[Fault]:
        terms, band = self._board.asset(name), NO_BAND
        if self._board.asset_age(name) is Age.STALE and terms is not None and terms.index_price is not None:
            band = self._board.band(terms.index_price)
        faults = self._store.audit.asset(name, terms, band)
        faults = self._renewed(faults, lambda: self._store.judge_assets([name]))
        return faults + self._of_rules(self._rules.screen.audited_asset(name), assets=[name])

    def _of_rules(
        self,
        faults: list[Fault],
        *,
        accounts: Collection[int] = (),
        symbols: Collection[str] = (),
        assets: Collection[str] = (),
    ) -> list[Fault]:
        """Take the readings that were missed by what account rules stand on, now that it is mended."""
        if faults:
            self._rules.judge(self._moment, self._outcome, accounts=accounts, symbols=symbols, assets=assets, moves={})
        return faults

    def _renewed(self, faults: list[Fault], concerned: Callable[[], Scopes]) -> list[Fault]:
        """Judge whom tables concern that were mended."""
        if faults:
            self._teller.decide(concerned(), self._moment, self._outcome)
        return faults

    # ------------------------------------------------------------------------------------------------ the accounts
    def _account(self, number: int) -> Findings:
        """Compare the rows, the figures and the statuses of an account; derive it anew where one differs."""
        account = self._book.account(number)
        told = self._teller.names_of(account.account_id)
        faults = self._store.audit.account(number, rows_of(account, told, self._board, self._ladders))
        scopes: list[int] = []
        if not any(fault.is_structure for fault in faults):
            scopes = self._store.scopes_of(number)
            faults += self._figures(account, number, scopes)
            if faults:
                self._place([(number, account)])
                mine = np.array(self._store.scopes_of(number), dtype=np.int64)
                self._store.judge_accounts([number])
                self._teller.decide(mine, self._moment, self._outcome)
            faults += self._of_rules(self._rules.audited(number, account), accounts=[number])
        return Findings(len(scopes), [fault._replace(account_id=account.account_id) for fault in faults])

    def _figures(self, account: Account, number: int, scopes: Sequence[int]) -> list[Fault]:
        """Compare figures with exact ones, and what is told with what must be, where rows are as they must be."""
        stored = [self._store.bounds.stored(scope) for scope in scopes]
        self._store.judge_accounts([number])
        faults: list[Fault] = []
        for scope, before in zip(scopes, stored, strict=True):
            name = self._store.name_of(scope)
            memory = self._teller.told_of(account.account_id, name)
            verdict = judge(account, name, self._board, self._ladders, memory.last_status)
            faults += [fault._replace(scope=name) for fault in self._status(scope, verdict)]
            if memory.is_news(verdict.status):
                faults.append(Fault("memory", memory.status.rank, verdict.status.rank, name))
            if not self._store.is_blocked(np.array([scope]))[0]:
                now, bound = self._store.bounds.stored(scope), self._store.bounds.of(scope)
                faults += [fault._replace(scope=name) for fault in _differences(before, now, bound, verdict)]
        return faults

    def _status(self, scope: int, verdict: Verdict) -> list[Fault]:
        """Compare the status that the store has of a scope, and the one it was shown with, with the exact one."""
        store, rank = self._store, verdict.status.rank
        kept = {"told": int(store.told[scope]), "shown": int(store.shown[scope])}
        return [Fault(name, stored, rank) for name, stored in kept.items() if stored != rank]


def _differences(before: Figures, now: Figures, bound: Bound, verdict: Verdict) -> list[Fault]:
    """Compare figures as they were stored, as they are worked out anew, and the exact ones."""
    exact = verdict.assessment.equity, verdict.assessment.maintenance_margin
    faults = [
        *_off("equity", before.equity, now.equity, exact[0], bound.equity),
        *_off("requirement", before.requirement, now.requirement, exact[1], bound.requirement),
    ]
    scales = zip(before.scales, bound.scales, strict=True) if bound.scales else ()
    faults += [
        Fault("scales", was, new) for was, new in scales if not (isnan(new) or abs(was - new) <= _MORE * abs(new))
    ]
    return faults


def _off(name: str, was: float, new: float, right: Number | None, most: float) -> list[Fault]:
    """Return what is wrong with a figure; one that is not a number is not known to the screen, which is no fault.

    A bound is no number where a coin of no amount has no price: then the figure is only one that is known.
    """
    if isnan(new):
        return []
    if right is not None and abs(new - float(right)) > most:
        return [Fault(name, new, float(right))]
    return [Fault(name, was, new)] if isnan(was) or abs(was - new) > 2.0 * most else []
