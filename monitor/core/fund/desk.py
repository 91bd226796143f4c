"""The desk of a shard: keeps the book of the insurance funds that are its own, and decides about every claim on them.

Claims are decided in the order of the fund topic. What a fund stands for, peaks and decisions that wait are kept and
restored as records; the arithmetic of a decision is in `decision`, what is told of it in `events`.

A covered claim counts against the fund until it is released, and then until the fund's own figure is newer than the
account event that closed its scope, at most `fund.settle_ms` longer. A claim that is refused costs the fund nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.core.adl.candidates import key_of
from monitor.core.adl.settings import AdlSettings, AdlTrigger
from monitor.core.amounts import exactly, format_amount
from monitor.core.board import MarketBoard
from monitor.core.fund.claims import Claim, FundFigure, Release
from monitor.core.fund.decision import SETTLING, Decision, FundView, Kind, cost_by_symbol, decide
from monitor.core.fund.entries import Book, Closing, Entry, Spending, Stage
from monitor.core.fund.events import claim_candidate, triggered
from monitor.core.fund.evidence import decision_evidence
from monitor.core.fund.figures import FundFigures, figures_of
from monitor.core.fund.selector import Selector
from monitor.core.fund.settings import FundSettings
from monitor.core.funds import Place, fund_object, fund_of
from monitor.core.inputs import FundRecord, FundTerms
from monitor.core.outcome import FundOutcome, Request, Route

Kept = Mapping[str, Mapping[str, Any]]
"""The plain forms that were kept of some things, by their names."""


class _Seen(NamedTuple):
    """Hold what a decision was made from, None where the fund was not known."""

    figure: FundFigure | None
    view: FundView | None


class FundDesk:
    """Decide about claims on the funds of one shard."""

    def __init__(self, board: MarketBoard, adl: AdlSettings, settings: FundSettings) -> None:
        self._shelf = board.funds
        self._adl = adl
        self._settings = settings
        self._books: dict[str, Book] = {}
        self._spending = Spending()
        self.selector = Selector(adl, settings.settle_ms)

    @exactly
    def restore(self, claims: Kept, windows: Kept, promises: Mapping[str, list[list[Any]]]) -> None:
        """Take over the book and the windows another desk has kept. Raises what a foreign form raises."""
        for fund, window in windows.items():
            levels = {int(at): Decimal(level) for at, level in window["levels"].items()}
            self._shelf.restore(fund_of(window["figure"]), Place(*window["place"]), levels)
            self._spending.restore(fund, window["spent"])
        for name, body in promises.items():
            self.selector.promises.restore(key_of(name), body)
        for entry in sorted((Entry.of(body) for body in claims.values()), key=lambda entry: entry.offset):
            self._books.setdefault(entry.claim.fund, Book()).put(entry)

    def take(self, item: FundTerms | FundRecord, now_ms: int, outcome: FundOutcome) -> None:
        """Take a fund's figure, or a message of the fund topic."""
        if isinstance(item, FundTerms):
            self.terms(item, now_ms, outcome)
        else:
            self.record(item, now_ms, outcome)

    @exactly
    def terms(self, item: FundTerms, now_ms: int, outcome: FundOutcome) -> None:
        """Take over what a fund holds, and follow what that decides."""
        self._shelf.restore_levels(item.fund, item.levels)
        if not self._shelf.take(item.fund, item.terms, Place(item.origin.partition, item.origin.offset)):
            outcome.late += 1
            return
        outcome.windows.add(item.fund)
        self._review(item.fund, now_ms, outcome)

    @exactly
    def record(self, item: FundRecord, now_ms: int, outcome: FundOutcome) -> None:
        """Take a claim or a release from the fund topic; one that is known already changes nothing."""
        fund = item.message.fund
        if isinstance(item.message, Release):
            self._close(item.message, item.timestamp_ms, outcome)
            self._review(fund, now_ms, outcome)
        elif item.message.claim_id not in self.book(fund).entries:
            self._review(fund, now_ms, outcome)
            self._receive(item.message, item.origin.offset, now_ms, outcome)

    @exactly
    def clock(self, now_ms: int, outcome: FundOutcome) -> None:
        """Let time pass: releases become due, what waits for them is decided, what is decided is told."""
        for fund in list(self._books):
            self._review(fund, now_ms, outcome)
            for entry in list(self.book(fund).triggered.values()):
                if self.selector.is_ready(entry, now_ms):
                    self._tell(entry, now_ms, outcome)
        self.selector.expire(now_ms, outcome)

    def _tell(self, entry: Entry, now_ms: int, outcome: FundOutcome) -> None:
        """Have the bankrupt account's shard tell what is decided, and each counterparty's what it loses."""
        covers = self.selector.covers(entry)
        found = self.selector.select(entry, now_ms, outcome)
        event, selected = triggered(entry, found, self._adl, now_ms, covers=covers)
        for body in (event, *selected):
            outcome.requests.append(Request(Route.ADL, body["account_id"], {"event": body}))
        self._drop(entry, outcome)

    def window(self, fund: str) -> dict[str, Any] | None:
        """Return the plain form of a fund's window to keep, None when the fund is gone."""
        known, levels = self._shelf.funds.get(fund), self._shelf.levels(fund)
        if known is None:
            return None
        return {
            "figure": fund_object(known),
            "place": list(self._shelf.places[fund]),
            "levels": {str(at): format_amount(level) for at, level in levels.items()},
            "spent": self._spending.body(fund),
        }

    @exactly
    def view(self, fund: str, now_ms: int) -> FundView | None:
        """Return the figures of a fund, None where it is not known."""
        known, peak = self._shelf.funds.get(fund), self._shelf.peak(fund, now_ms)
        if known is None or peak is None:
            return None
        return self._view(known.balance, peak, fund, now_ms)

    def book(self, fund: str) -> Book:
        """Return the claims on a fund; an empty book where there is none."""
        return self._books.get(fund) or Book()

    @exactly
    def figures(self, now_ms: int) -> list[FundFigures]:
        """Return the figures of every fund that is known, for those who watch."""
        return [
            figures_of(fund, view, self.book(fund), self._shelf, now_ms)
            for fund in sorted(self._shelf.funds)
            if (view := self.view(fund, now_ms)) is not None
        ]

    def _view(self, balance: Decimal, peak: Decimal, fund: str, now_ms: int) -> FundView:
        book, oldest = self.book(fund), self._shelf.grain(now_ms - self._adl.window_ms)
        spent = self._spending.since(fund, oldest)
        return FundView(balance, peak, book.claimed, settling=bool(book.closed), spent=spent)

    def _figure(self, claim: Claim) -> FundFigure | None:
        """Return the fund's present figure; the claim's own where the message it saw has not come here yet."""
        place, known = self._shelf.places.get(claim.fund), self._shelf.funds.get(claim.fund)
        seen = (claim.figure.partition, claim.figure.offset)
        if place is None or (place.partition == seen[0] and place.offset < seen[1]):
            return claim.figure
        return (
            None if known is None else FundFigure(known.fund, known.asset, known.balance, known.event_time_ms, *place)
        )

    def _receive(self, claim: Claim, offset: int, now_ms: int, outcome: FundOutcome) -> None:
        entry = Entry(claim, offset, Stage.WAITING, now_ms)
        decision, seen = self._decided(claim, now_ms)
        if decision.kind is Kind.CANDIDATE:
            body = claim_candidate(claim, decision.because, self._evidence(claim, seen), now_ms)
            outcome.requests.append(Request(Route.ADL, claim.bankrupt.account_id, {"event": body}))
            outcome.decisions[f"candidate_{decision.because}"] += 1
            if decision.because == SETTLING:
                self._keep(entry, outcome)
        else:
            self._conclude(entry, decision, seen, now_ms, outcome)

    def _decided(self, claim: Claim, now_ms: int) -> tuple[Decision, _Seen]:
        """Return the decision on a claim as of now, and the figures it was made from."""
        figure = self._figure(claim)
        view = None
        if figure is not None:
            peak = self._shelf.peak(claim.fund, now_ms)
            highest = figure.balance if peak is None else max(peak, figure.balance)
            view = self._view(figure.balance, highest, claim.fund, now_ms)
        return decide(claim, view, self._adl), _Seen(figure, view)

    def _evidence(self, claim: Claim, seen: _Seen) -> dict[str, Any]:
        return decision_evidence(*seen, self.book(claim.fund), self._adl)

    def _conclude(self, entry: Entry, decision: Decision, seen: _Seen, now_ms: int, outcome: FundOutcome) -> None:
        """Keep a claim that is covered or triggered, for good."""
        outcome.decisions[str(decision.kind)] += 1
        if decision.kind is Kind.COVERED:
            self._keep(replace(entry, stage=Stage.COVERED, since_ms=now_ms), outcome)
            self._spend(entry, 1, now_ms, outcome)
        else:
            evidence = self._evidence(entry.claim, seen)
            self._keep(replace(entry, stage=Stage.TRIGGERED, since_ms=now_ms, evidence=evidence), outcome)

    def _close(self, release: Release, log_ms: int, outcome: FundOutcome) -> None:
        """Note that a claim's scope is over. One that is triggered stays: its decision has yet to be told."""
        entry = self.book(release.fund).entries.get(release.claim_id)
        if entry is None or entry.closing is not None or entry.stage is Stage.TRIGGERED:
            return
        if entry.stage is Stage.WAITING:
            self._drop(entry, outcome)
        elif release.event_time_ms is None:
            self._spend(entry, -1, entry.since_ms, outcome)
            self._drop(entry, outcome)
        else:
            self._keep(replace(entry, closing=Closing(log_ms, release.event_time_ms)), outcome)

    def _review(self, fund: str, now_ms: int, outcome: FundOutcome) -> None:
        """Let go of closed claims whose payment the figure shows, or need not show any more; then decide who waited."""
        book = self.book(fund)
        for entry in [entry for entry in book.closed.values() if self._is_settled(entry, now_ms)]:
            self._drop(entry, outcome)
        for entry in list(book.waiting.values()):
            decision, seen = self._decided(entry.claim, now_ms)
            if decision.kind is not Kind.CANDIDATE:
                self._conclude(entry, decision, seen, now_ms, outcome)
            elif decision.because != SETTLING:
                self._drop(entry, outcome)

    def _is_settled(self, entry: Entry, now_ms: int) -> bool:
        if entry.closing is None:
            return False
        fund = self._shelf.funds.get(entry.claim.fund)
        shown = fund is not None and fund.event_time_ms > entry.closing.event_ms
        return shown or now_ms >= entry.closing.log_ms + self._settings.settle_ms

    def _spend(self, entry: Entry, sign: int, at_ms: int, outcome: FundOutcome) -> None:
        """Count what a covered claim costs per symbol, or take it back."""
        fund, shelf = entry.claim.fund, self._shelf
        costs = {symbol: sign * cost for symbol, cost in cost_by_symbol(entry.claim).items()}
        self._spending.add(fund, costs, shelf.grain(at_ms), shelf.grain(at_ms - self._adl.window_ms))
        if self._adl.trigger is AdlTrigger.SYMBOL_PNL_DRAWDOWN:
            outcome.windows.add(fund)

    def _keep(self, entry: Entry, outcome: FundOutcome) -> None:
        self._books.setdefault(entry.claim.fund, Book()).put(entry)
        outcome.claims[entry.claim.claim_id] = entry.body()

    def _drop(self, entry: Entry, outcome: FundOutcome) -> None:
        book = self._books[entry.claim.fund]
        book.remove(entry)
        if not book.entries:
            del self._books[entry.claim.fund]
        outcome.claims[entry.claim.claim_id] = None
