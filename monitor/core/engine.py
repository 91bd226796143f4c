"""The margin engine of one shard: the only writer of its state.

Inputs go in one after the other, each is applied as a whole and every scope it touches is judged before the next; out
comes what to tell, show and remember. Records, topics, transactions and clocks are the application's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from monitor.core.account_runs import AccountRuns, Taken, in_runs
from monitor.core.accounts import EMPTY
from monitor.core.adl.keeper import AdlKeeper
from monitor.core.ageing import band_age
from monitor.core.ahead import Begin, at_once
from monitor.core.amounts import exactly
from monitor.core.audit.auditor import Auditor
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.bookkeeping import Bookkeeper
from monitor.core.census import Census, census_of
from monitor.core.engine_settings import EngineSettings
from monitor.core.events import Moment, Moves
from monitor.core.fund.claimant import Claimant
from monitor.core.fund.desk import FundDesk
from monitor.core.inputs import (
    AssetTerms,
    Cause,
    CauseKind,
    Clock,
    FundRecord,
    FundTerms,
    Input,
    InstrumentTerms,
    Prices,
)
from monitor.core.outcome import Outcome
from monitor.core.placement import Placement
from monitor.core.prices import RelativeMoves, TakenPrices
from monitor.core.quality.pegs import PegChange
from monitor.core.restoring import Restoring
from monitor.core.rules.watch import RuleWatch
from monitor.core.scopes import ScopeKind
from monitor.core.showing import RefreshQueue
from monitor.core.stated import StatedRun
from monitor.core.store import MarginStore
from monitor.core.teller import Scopes, Teller
from monitor.core.turns import Judgement, turns

__all__ = ["EngineSettings", "MarginEngine"]

Records = Mapping[str, bytes]
_PLACED_AT_ONCE = 4_096
"""Accounts a restore puts into the store with one call: their facts are unpacked for as long."""


class MarginEngine:
    """Keep every account of a shard margined; `apply` is the only door."""

    def __init__(
        self, settings: EngineSettings, board: MarketBoard, *, use_numba: bool | None = None, begin: Begin = at_once
    ) -> None:
        """`begin`: a thread for work that is done ahead in a storm."""
        self.board, self.book = board, AccountBook()
        self.store = MarginStore(settings.ladders.all(), use_numba=use_numba)
        self.claimant = Claimant(board, self.book)
        self.desk = FundDesk(board, settings.adl, settings.fund)
        self._refresh = RefreshQueue(settings.status)
        self.adl = AdlKeeper(settings.adl, board, self.book, self.store, self._refresh.waits)
        self.teller = Teller(
            settings.ladders, board, self.book, self.store, self.adl, settings.liquidation, self.claimant, begin
        )
        self.rules = RuleWatch(settings.rules, settings.ladders, board)
        self._placement = Placement(settings.ladders, board, self.book, self.store, self.teller, self.rules, self.adl)
        self.place = self._placement.place
        self.auditor = Auditor(board, self.book, self.store, self.teller, self.rules, settings.ladders, self.place)
        keeper = Bookkeeper(
            settings.limits, board, self.book, self.store, self.teller.memory, self.rules, self.adl, self._refresh
        )
        self._runs = AccountRuns(keeper, self._placement, self.book, self.store, self.teller, self.rules, self.claimant)
        self._settings, self._judging, self._is_amid = settings, True, False
        for name in board.usd_assets:
            self.store.set_asset(name, board.asset(name))

    def apply(self, inputs: Iterable[Taken], now_ms: int) -> Outcome:
        """Apply inputs one after the other, judging after each; return all they brought about."""
        assert not self._is_amid, "an input is judged whole before the next"
        outcome = Outcome()
        judged = self.store.judged
        for item in in_runs(inputs):
            if isinstance(item, list):
                self._runs.apply(item, now_ms, outcome, judging=self._judging)
            elif isinstance(item, StatedRun):
                self._runs.apply_stated(item, now_ms, outcome, judging=self._judging)
            elif about := self._apply(item, now_ms, outcome):
                self._decide(about.scopes, about.moment, outcome, about.moves)
                self._judge_rules(about, outcome)
        outcome.scopes_judged = self.store.judged - judged
        return self._closed(outcome)

    def in_turns(self, item: Input, now_ms: int) -> Iterator[Outcome]:
        """Apply an input that is no account's; yield what each turn of judging it has brought about, the worst first.

        All outcomes but the last `goes_on`; until that one the engine takes nothing else.
        """
        assert not self._is_amid, "an input is judged whole before the next"
        outcome, judged = Outcome(), self.store.judged
        about = self._apply(item, now_ms, outcome)
        outcome.scopes_judged = self.store.judged - judged
        if about is not None:
            self._is_amid = True
            for number, scopes in enumerate(turns(about.scopes, self._settings.limits.max_turn_scopes, self.store)):
                if number:
                    outcome.goes_on = True
                    yield self._closed(outcome)
                    outcome = Outcome()
                self._decide(scopes, about.moment, outcome, about.moves)
            self._judge_rules(about, outcome)
            self._is_amid = False
        yield self._closed(outcome)

    def absorb(self, inputs: Iterable[Taken], now_ms: int) -> Outcome:
        """Apply inputs without judging anybody: what was missed before this engine may judge again."""
        self._judging = False
        try:
            return self.apply(inputs, now_ms)
        finally:
            self._judging = True
            self.rules.outdate()

    def age(self, now_ms: int) -> None:
        """Count the ages of prices as of a time, judging nobody: for messages that are judged long after they came."""
        for change in self.board.refresh(now_ms):
            band_age(change.name, self.board, self.store, is_asset=change.is_asset)

    def restore(
        self, facts: Records, memory: Records, rules: Records = EMPTY, samples: Records = EMPTY, begin: Begin = at_once
    ) -> None:
        """Take over what another engine has remembered; the board must hold the accepted terms by then.

        `begin` may do part of it ahead, in another thread.
        """
        self.rules.restore(rules, samples)
        self.store.set_portfolio(self.board.portfolio)
        numbers = self.restoring().run(facts, memory, None if self.rules.are_for_everybody else rules.keys(), begin)
        for start in range(0, len(numbers), _PLACED_AT_ONCE):
            some = numbers[start : start + _PLACED_AT_ONCE]
            self.place([(number, self.book.account(number)) for number in some])

    def restoring(self) -> Restoring:
        """Return what takes accounts over that were never seen, many at once, while the terms stay as they are."""
        return Restoring(self.book, self.store, self.teller, self._settings.ladders.number(ScopeKind.CROSS))

    def refresh(self, touched: Mapping[str, tuple[int, int]], now_ms: int) -> None:
        """Have accounts shown anew whose facts, of these places and times, another engine may not have shown yet."""
        for account_id, (place, at_ms) in touched.items():
            number = self.book.number_of(account_id)
            if number is not None:
                self._refresh.owe(number, place, min(at_ms, now_ms))

    def shown_before(self, place: int) -> int:
        """Return before which place all facts have been shown; what comes next will stand at `place` or after it."""
        return self._refresh.shown_before(place)

    def is_behind(self, now_ms: int) -> bool:
        """Return whether there is more to show than one turn of the clock could: it should turn again at once."""
        return self._refresh.is_behind(now_ms)

    def census(self) -> Census:
        """Count the scopes for those who watch."""
        return census_of(self.store, self.board, self.teller.unknown)

    def _closed(self, outcome: Outcome) -> Outcome:
        self.teller.close(outcome)
        self.rules.close(outcome)
        return outcome

    def _apply(self, item: Input, now_ms: int, outcome: Outcome) -> Judgement | None:
        """Apply an input; return what is to be judged then."""
        match item:
            case Prices():
                return self._prices(item, now_ms, outcome)
            case InstrumentTerms():
                return self._instrument(item, now_ms, outcome)
            case AssetTerms():
                return self._asset(item, now_ms, outcome)
            case Clock():
                self._clock(item.now_ms, outcome)
            case FundTerms() | FundRecord():
                self.desk.take(item, now_ms, outcome.funds)
        return None

    def _decide(self, scopes: Scopes, moment: Moment, outcome: Outcome, moves: Moves | None = None) -> None:
        if self._judging and len(scopes):
            self.teller.decide(scopes, moment, outcome, moves)

    @exactly
    def _judge_rules(self, about: Judgement, outcome: Outcome) -> None:
        self.rules.judge(about.moment, outcome, symbols=about.symbols, assets=about.assets, moves=about.moves)

    @exactly
    def _prices(self, message: Prices, now_ms: int, outcome: Outcome) -> Judgement | None:
        """Apply all prices of a message; every holder is to be judged."""
        origin = message.origin
        at_ms, qualities = message.timestamp_ms, message.qualities
        taken = self.board.take_all(message.updates, origin.partition, origin.offset, at_ms, qualities)
        for symbol in self.board.freshen(taken.marks):
            self.store.set_band(symbol, None, None)
        self.store.set_marks(taken.marks)
        outcome.late_prices += taken.late
        outcome.prices_applied.append(len(taken.marks))
        moves = RelativeMoves(taken.before, taken.marks) if not taken.turned else self._turned(taken)
        if not moves:
            return None
        assets = self._move_assets(message, moves, (), outcome)
        if not self._judging:
            return None
        moment = Moment(Cause(CauseKind.MARK_PRICE, message.origin), now_ms)
        scopes = self.store.judge_symbols(moves.keys())
        if assets:
            scopes = np.union1d(scopes, self.store.judge_assets(assets))
        return Judgement(scopes, moment, moves, assets, moves)

    def _turned(self, taken: TakenPrices) -> RelativeMoves:
        """Widen or narrow what is believed of prices that are quarantined now, or not any more; return what has moved.

        A price that has just been quarantined has not moved, but whoever stands on it is to be judged.
        """
        for symbol in taken.turned:
            band_age(symbol, self.board, self.store, is_asset=False)
        standing = {symbol: mark for symbol in taken.turned if (mark := self.board.mark(symbol)) is not None}
        return RelativeMoves(standing | taken.before, standing | taken.marks)

    def _instrument(self, item: InstrumentTerms, now_ms: int, outcome: Outcome) -> Judgement | None:
        """Put terms in force; who had to be put anew is judged here, every other holder of the symbol is to be."""
        moment = Moment(Cause(CauseKind.INSTRUMENT, item.origin, item.symbol), now_ms)
        self.board.set_instrument(item.symbol, item.terms)
        again = self.store.set_instrument(item.symbol, item.terms)
        self._placement.outdate()
        numbers = sorted({*again.tolist(), *self._placement.waiting.take(item.symbol)})
        self.place([(number, self.book.account(number)) for number in numbers])
        self._judge_accounts(numbers, moment, outcome)
        return Judgement(self.store.judge_symbols([item.symbol]), moment, [item.symbol]) if self._judging else None

    def _move_assets(
        self, item: Prices | AssetTerms, symbols: Collection[str], names: Collection[str], outcome: Outcome
    ) -> list[str]:
        """Put assets that are worth something else now into the store; return them."""
        assets, pegs = self.board.moved_assets(symbols, names)
        for name in assets:
            band_age(name, self.board, self.store, is_asset=True)
        outcome.pegs += [PegChange(name, peg, item.origin, item.timestamp_ms) for name, peg in pegs.items()]
        return assets

    def _asset(self, item: AssetTerms, now_ms: int, outcome: Outcome) -> Judgement | None:
        self.board.set_asset(item.asset, item.terms, item.timestamp_ms)
        self._move_assets(item, (), [item.asset], outcome)
        if not self._judging:
            return None
        moment = Moment(Cause(CauseKind.ASSET, item.origin, item.asset), now_ms)
        return Judgement(self.store.judge_assets([item.asset]), moment, assets=[item.asset])

    def _judge_accounts(self, numbers: Collection[int], moment: Moment, outcome: Outcome) -> None:
        if not self._judging:
            return
        self.teller.tell_ends(moment, outcome)
        screened = self.store.judge_accounts(list(numbers))
        mine = np.array([scope for number in numbers for scope in self.store.scopes_of(number)], dtype=np.int64)
        self._decide(np.union1d(screened, self.store.unscreened(mine)), moment, outcome)
        self.rules.judge(moment, outcome, accounts=numbers)
        self.claimant.release_emptied([self.book.id_of(number) for number in numbers], outcome)

    def _clock(self, now_ms: int, outcome: Outcome) -> None:
        """Let ages and publishing intervals move on; of those who are not judged, ages alone."""
        moment = Moment(Cause(CauseKind.CLOCK), now_ms)
        aged = self.board.refresh(now_ms)
        for change in aged:
            band_age(change.name, self.board, self.store, is_asset=change.is_asset)
        if not self._judging:
            return
        self.desk.clock(now_ms, outcome.funds)
        if symbols := [change.name for change in aged if not change.is_asset]:
            self._decide(self.store.judge_symbols(symbols), moment, outcome)
        if assets := [change.name for change in aged if change.is_asset]:
            self._decide(self.store.judge_assets(assets), moment, outcome)
        self.teller.show(self._refresh.due(now_ms, self.store), outcome)
        self.teller.show(self.adl.lights_due(), outcome)
        self.rules.turn(moment, outcome)
        self.teller.show(self._refresh.moved(now_ms, self.store), outcome)
        if self.store.uses_numba:
            self.teller.herald.prepare()
