"""The teller of a shard: decides screened scopes exactly, and says what changed.

It holds the memory of what was told and shown. Which scopes need a decision is the store's and the engine's to say;
the shape of an event is in `events`, that of a status in `report`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.core.accounts import Account
from monitor.core.adl.keeper import AdlKeeper
from monitor.core.ahead import Begin, at_once
from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.events import Moment, Moves, adl_watch_event, because, change_event, closed_event, deserves_plan
from monitor.core.evidence import Witness
from monitor.core.fund.claimant import Claimant
from monitor.core.funding import funding_figures
from monitor.core.herald.batch import Pieces
from monitor.core.herald.herald import AT_ONCE, Herald, Memory
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.outcome import Outcome
from monitor.core.plan.body import plan_body
from monitor.core.plan.plan import PLANNED, plan_of
from monitor.core.plan.rule import LiquidationRule
from monitor.core.report import scope_report, takeover_positions
from monitor.core.scopes import kind_of
from monitor.core.store import MarginStore
from monitor.core.told import NOT_SHOWN, UNTOLD, Remembered, Told, pack_memory
from monitor.core.verdict import Ladders, Verdict, judge

Scopes = npt.NDArray[np.integer[Any]]


class Teller:
    """Decide, tell and show; remember what was told and shown."""

    def __init__(
        self,
        ladders: Ladders,
        board: MarketBoard,
        book: AccountBook,
        store: MarginStore,
        adl: AdlKeeper,
        liquidation: LiquidationRule,
        claimant: Claimant,
        begin: Begin = at_once,
    ) -> None:
        self._claimant = claimant
        self.memory: dict[str, dict[str, Told]] = {}
        self._ladders = ladders
        self._rule = liquidation
        self._board = board
        self._witness = Witness(board)
        self._book = book
        self._store = store
        self._adl = adl
        self.unknown: dict[int, str] = {}
        """Why each scope that is unknown now is so: the first reason, by scope id."""
        self.ended: dict[str, dict[str, int]] = {}
        self._to_remember: set[str] = set()
        memory = Memory(self.memory, self.unknown, self._to_remember)
        self.herald = Herald(ladders, board, book, store, adl, liquidation, claimant, memory, begin)

    def names_of(self, account_id: str) -> list[str]:
        """Return the scopes of an account about which something was told that is not yet over."""
        told = self.memory.get(account_id, {})
        return [name for name, line in told.items() if line.status is not MarginStatus.HEALTHY]

    def remember(self, account_id: str, lines: Mapping[str, Remembered]) -> dict[str, int]:
        """Take over the memory of an account; return what its scopes were last shown as."""
        told = {name: line.told for name, line in lines.items() if line.told.sequence}
        if told:
            self.memory[account_id] = told
        return {name: line.shown for name, line in lines.items() if line.shown != NOT_SHOWN}

    def forget(self, account_id: str) -> None:
        """Forget what was told of an account, as if it had never been seen: another's memory follows."""
        self.memory.pop(account_id, None)
        self.ended.pop(account_id, None)
        self._to_remember.discard(account_id)

    def note_end(self, account_id: str, scope: str, shown: int) -> None:
        """Note that a scope has ceased to exist; `tell_ends` says so."""
        self.ended.setdefault(account_id, {})[scope] = shown

    def take_back(self, account_id: str, scope: str) -> tuple[int, int]:
        """Return the rank a scope that exists (again) was told to have, and the rank it was last shown with."""
        ended = self.ended.get(account_id, {})
        shown = ended.pop(scope, NOT_SHOWN)
        if not ended:
            self.ended.pop(account_id, None)
        return self.told_of(account_id, scope).status.rank, shown

    def tell_ends(self, moment: Moment, outcome: Outcome, of: Collection[str] | None = None) -> None:
        """Close every scope that ceased to exist: an event where it was not healthy, a tombstone where it was shown."""
        for account_id in list(self.ended) if of is None else of:
            account, scopes = self._book.find(account_id), self.ended.pop(account_id)
            if account is None:
                continue
            for scope, shown in scopes.items():
                before = self.memory.get(account_id, {}).get(scope, UNTOLD)
                if before.status is not MarginStatus.HEALTHY:
                    after = before.after(MarginStatus.HEALTHY)
                    ladder = self._ladders.of(kind_of(account, scope))
                    evidence = self._witness.of_end(account, scope, ladder, before.last_status)
                    event = closed_event(account, scope, before, after, ladder, moment, evidence)
                    outcome.of(account_id).events.append(event)
                    self._claimant.release(account, scope, outcome)
                    self.memory[account_id][scope] = after
                    self._to_remember.add(account_id)
                if shown != NOT_SHOWN:
                    outcome.of(account_id).statuses[scope] = None
                    self._to_remember.add(account_id)

    @exactly
    def look_ahead(self, scopes: Sequence[int]) -> dict[int, Pieces]:
        """Look at scopes that account messages have changed, so that `decide` has little to do, account by account."""
        [found] = self.herald.consider([scopes])
        return {scope: pieces for scope, pieces in zip(scopes, found, strict=True) if pieces is not None}

    @exactly
    def decide(
        self,
        scopes: Scopes,
        moment: Moment,
        outcome: Outcome,
        moves: Moves | None = None,
        seen: Mapping[int, Pieces] | None = None,
    ) -> None:
        """Decide scopes exactly; tell each whose status changed, show each that changed or was never shown.

        `seen`: what has been found by looking ahead, at the market as it is.
        """
        number, account, grouped = -1, None, self._grouped(scopes)
        batches = [grouped[start : start + AT_ONCE] for start in range(0, len(grouped), AT_ONCE)]
        known = None if seen is None else ([seen.get(scope) for scope in some] for some in batches)
        for some, found in zip(batches, known or self.herald.consider(batches, moves), strict=True):
            for scope, pieces in zip(some, found, strict=True):
                if pieces is not None:
                    self.herald.decide(scope, pieces, moment, outcome)
                    continue
                if account is None or self._store.account_of(scope) != number:
                    number = self._store.account_of(scope)
                    account = self._book.account(number)
                self._decide(account, scope, because(moment, account, moves), outcome)

    @exactly
    def show(self, scopes: Scopes, outcome: Outcome) -> None:
        """Show scopes again; one whose status has changed meanwhile is left to whoever decides it."""
        grouped = self._grouped(scopes)
        found = self.herald.look_at(grouped) if self.herald.is_worth_it(grouped) else [None] * len(grouped)
        for scope, pieces in zip(grouped, found, strict=True):
            if pieces is not None:
                self.herald.show(scope, pieces, outcome)
                continue
            account = self._book.account(self._store.account_of(scope))
            name = self._store.name_of(scope)
            told = self.told_of(account.account_id, name)
            verdict = judge(account, name, self._board, self._ladders, told.last_status)
            if verdict.status.rank == self._store.told[scope]:
                self._show(account, scope, verdict, told, outcome, self._plan(account, verdict))

    def close(self, outcome: Outcome) -> None:
        """Pack the memory of every account about which something new was told or shown."""
        for account_id in self._to_remember:
            outcome.of(account_id).memory = self._packed(account_id)
        self._to_remember.clear()

    def _grouped(self, scopes: Scopes) -> list[int]:
        """Return scopes with those of one account side by side, accounts in the order of their first scope."""
        order: dict[int, list[int]] = {}
        for scope in scopes.tolist():
            order.setdefault(self._store.account_of(scope), []).append(scope)
        return [scope for mine in order.values() for scope in mine]

    def told_of(self, account_id: str, name: str) -> Told:
        """Return what was told of a scope."""
        return self.memory.get(account_id, {}).get(name, UNTOLD)

    def _decide(self, account: Account, scope: int, moment: Moment, outcome: Outcome) -> None:
        name = self._store.name_of(scope)
        before = self.told_of(account.account_id, name)
        verdict = judge(account, name, self._board, self._ladders, before.last_status)
        self._store.set_state(scope, verdict.status.rank)
        self.unknown.pop(scope, None)
        if verdict.unknown_because:
            self.unknown[scope] = verdict.unknown_because[0]
        after, is_news = before, before.is_news(verdict.status)
        if not is_news and self._store.shown[scope] == verdict.status.rank:
            return
        plan = self._plan(account, verdict)
        if is_news:
            after = self._tell(account, verdict, before, moment, outcome, plan)
        self._show(account, scope, verdict, after, outcome, plan)

    def _plan(self, account: Account, verdict: Verdict) -> dict[str, Any] | None:
        """Return the plan of a scope that is in liquidation or worse; a suspect account has none."""
        if verdict.status not in PLANNED or account.suspect:
            return None
        ladder = self._ladders.of(verdict.assessment.kind)
        plan = plan_of(account, verdict.assessment, self._board, ladder, self._rule)
        return None if plan is None else plan_body(plan)

    def _tell(
        self,
        account: Account,
        verdict: Verdict,
        before: Told,
        moment: Moment,
        outcome: Outcome,
        plan: dict[str, Any] | None,
    ) -> Told:
        scope = verdict.assessment.scope
        ladder = self._ladders.of(verdict.assessment.kind)
        after = before.after(verdict.status)
        plan = plan if deserves_plan(before, after, suspect=account.suspect) else None
        rule = None if plan is None else self._rule
        evidence = self._witness.of(account, verdict, ladder, before.last_status, rule)
        events = outcome.of(account.account_id).events
        oldest = self._oldest_price_ms(verdict)
        known = verdict.status is not MarginStatus.UNKNOWN
        more = funding_figures(account, verdict.assessment, self._board) if known else {}
        event = change_event(account, verdict, before, after, ladder, moment, oldest, evidence, plan, more)
        events.append(event)
        if self._is_near_adl(after, ladder):
            held = [leg.position for leg in verdict.assessment.legs]
            self._adl.alarm({position.symbol for position in held}, moment.decided_at_ms)
            if not after.adl_watched:
                after = after._replace(adl_watched=True)
                positions, others = takeover_positions(verdict.assessment), self._adl.first(account, held)
                events.append(adl_watch_event(account, scope, after, positions, others, moment))
        self._claimant.told(account, verdict, event.body, outcome)
        self.memory.setdefault(account.account_id, {})[scope] = after
        self._to_remember.add(account.account_id)
        return after

    @staticmethod
    def _is_near_adl(after: Told, ladder: Ladder) -> bool:
        return after.status is not MarginStatus.UNKNOWN and after.status.rank >= ladder.adl_watch.rank

    def _oldest_price_ms(self, verdict: Verdict) -> int | None:
        quotes = (self._board.quotes.get(leg.position.symbol) for leg in verdict.assessment.legs)
        return min((quote.event_time_ms for quote in quotes if quote is not None), default=None)

    def _show(
        self,
        account: Account,
        scope: int,
        verdict: Verdict,
        told: Told,
        outcome: Outcome,
        plan: dict[str, Any] | None,
    ) -> None:
        assessment = verdict.assessment
        ladder = self._ladders.of(assessment.kind)
        report = scope_report(account, assessment.scope, self._board, ladder, told.last_status, assessment)
        report |= {
            "status": str(verdict.status),
            "degraded": list(verdict.degraded),
            "unknown_because": list(verdict.unknown_because),
            "account_id": account.account_id,
            "sequence": told.sequence,
            "episode": told.episode,
            "raw_status": str(verdict.raw_status),
            "suspect": account.suspect,
            "account_version": account.version,
            "event_time_ms": account.event_time_ms,
        }
        if plan is not None:
            report["plan"] = plan
        lights = self._adl.show(scope, account, [leg.position for leg in assessment.legs])
        for position, light in zip(report["positions"], lights, strict=True):
            position["adl_quantile"] = light
        outcome.of(account.account_id).statuses[assessment.scope] = report
        rank = verdict.status.rank
        if self._store.shown[scope] != rank:
            self._store.shown[scope] = rank
            self._to_remember.add(account.account_id)
        equity, requirement = assessment.equity, assessment.maintenance_margin
        ratio = float(equity) / float(requirement) if equity is not None and requirement else 0.0
        self._store.shown_ratio[scope] = ratio

    def _packed(self, account_id: str) -> bytes:
        lines = {name: Remembered(told) for name, told in self.memory.get(account_id, {}).items()}
        # an end that is still to be told must outlive us: whoever dies first is followed by somebody who tells it
        shown_last = {name: rank for name, rank in self.ended.get(account_id, {}).items() if rank != NOT_SHOWN}
        lines |= {name: Remembered(self.told_of(account_id, name), rank) for name, rank in shown_last.items()}
        number = self._book.number_of(account_id)
        for scope in () if number is None else self._store.scopes_of(number):
            name, shown = self._store.name_of(scope), int(self._store.shown[scope])
            if shown != NOT_SHOWN:
                lines[name] = Remembered(lines[name].told if name in lines else UNTOLD, shown)
        return pack_memory(lines)
