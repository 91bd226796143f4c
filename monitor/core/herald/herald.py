"""The herald: what the teller does, for many plain scopes at once and by compiled code.

Each scope it takes is decided, told, shown and remembered exactly as the teller would; of every other it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from monitor.core.adl.keeper import AdlKeeper, Lit
from monitor.core.ahead import Begin, at_once
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.events import Event, Moment, Moves, deserves_plan
from monitor.core.evidence import basis_object, ladder_object, rule_object
from monitor.core.fund.claimant import Claimant, bankrupt_by
from monitor.core.herald.batch import QUIET, Batch, Pieces, Question
from monitor.core.herald.outputs import Frame, Names, Outputs, ratio_of, status_of
from monitor.core.herald.shortfalls import Shortfalls
from monitor.core.herald.tables import as_json
from monitor.core.ladder import BY_RANK, Ladder, MarginStatus
from monitor.core.margin import assess
from monitor.core.outcome import Outcome
from monitor.core.plan.plan import PLANNED
from monitor.core.plan.rule import LiquidationRule
from monitor.core.scopes import positions_of, symbol_of_isolated
from monitor.core.store import MarginStore
from monitor.core.storm.telling import V_DONE, V_RAW, V_STATUS
from monitor.core.storm.wording import P_VERSION
from monitor.core.told import UNTOLD, Told
from monitor.core.verdict import Ladders, Verdict

AT_ONCE: Final = 256
"""Scopes of one batch: some milliseconds of compiled code."""
WORTH_IT: Final = 8
"""Fewer scopes go the plain way: a batch has costs of its own."""
PREPARED_AT_ONCE: Final = 32
"""Contracts whose terms are worded ahead in one turn of the clock: some milliseconds."""
_ALWAYS: Final = -1


@dataclass(frozen=True, slots=True)
class Memory:
    """Hold what teller and herald remember together: what was told, why scopes are unknown, who is to be packed."""

    told: dict[str, dict[str, Told]]
    unknown: dict[int, str]
    to_remember: set[str]


class Herald:
    """Tell and show many plain scopes at once."""

    def __init__(
        self,
        ladders: Ladders,
        board: MarketBoard,
        book: AccountBook,
        store: MarginStore,
        adl: AdlKeeper,
        rule: LiquidationRule,
        claimant: Claimant,
        memory: Memory,
        begin: Begin = at_once,
    ) -> None:
        """`begin`: a thread to look at scopes in, while others are told."""
        self._ladders, self._board, self._book, self._store = ladders, board, book, store
        self._adl, self._claimant, self._memory = adl, claimant, memory
        self._rule, self._begin = rule, begin
        self._batch = Batch(ladders, rule, book, board)
        self._tables = self._batch.tables
        self._shortfalls = Shortfalls(board, self._tables)
        self._frames: dict[int, Frame] = {}
        self._names: dict[str, bytes] = {}
        self._outputs: Outputs | None = None
        self._lights: dict[int, Lit | None] = {}

    def prepare(self) -> None:
        """Do, a little at a time, what else the first storm after new terms would wait for."""
        self._tables.prepare(PREPARED_AT_ONCE)

    def is_worth_it(self, scopes: Sequence[int]) -> bool:
        """Return whether some scopes are enough for the compiled code, where there is any."""
        return self._store.uses_numba and len(scopes) >= WORTH_IT

    def consider(self, batches: Sequence[Sequence[int]], moves: Moves | None = None) -> Iterator[list[Pieces | None]]:
        """Yield what is found about the scopes of each batch, which are to be decided before the next is asked for.

        None: one that must go the plain way. While a batch is decided, the next one is looked at.
        """
        self._outputs, coming = None, None
        for scopes in batches:
            begun = self._begun(scopes, moves, begin=self._begin if len(batches) > 1 else at_once)
            if coming is not None:
                yield self._lit(*coming)
            coming = scopes, begun
        if coming is not None:
            yield self._lit(*coming)

    def _begun(self, scopes: Sequence[int], moves: Moves | None, begin: Begin) -> Callable[[], list[Pieces | None]]:
        if not self.is_worth_it(scopes):
            return lambda: [None] * len(scopes)
        if self._outputs is None:
            self._tables.market()
            self._tables.rank_moves(moves or {})
            self._outputs = Outputs(self._tables, moves)
        return self._batch.begin([self._question(scope, always=False) for scope in scopes], begin)

    def look_at(self, scopes: Sequence[int]) -> list[Pieces | None]:
        """Return what is found about scopes that are to be shown again."""
        self._tables.market()
        self._tables.rank_moves({})
        return self._lit(scopes, self._batch.begin([self._question(scope, always=True) for scope in scopes], at_once))

    def _lit(self, scopes: Sequence[int], coming: Callable[[], list[Pieces | None]]) -> list[Pieces | None]:
        """Return what is found, and find the lights of what may be shown with it: one by one they cost much more."""
        found, name_of = coming(), self._tables.name_of
        shown = {scope: one.places for scope, one in zip(scopes, found, strict=True) if one is not None and one.words}
        held = [(scope, [name_of(place) for place in places]) for scope, places in shown.items()]
        self._lights = dict(zip(shown, self._adl.lights_of(held), strict=True))
        return found

    def decide(self, scope: int, pieces: Pieces, moment: Moment, outcome: Outcome) -> None:
        """Tell a scope if its status has changed, show it if it was not shown so."""
        account_id, name = self._book.id_of(self._store.account_of(scope)), self._store.name_of(scope)
        rank = pieces.verdict[V_STATUS]
        self._store.set_state(scope, rank)
        self._memory.unknown.pop(scope, None)
        if pieces.verdict[V_DONE] == QUIET:
            return
        told = self._told_of(account_id, name)
        if BY_RANK[rank] is not told.status:
            told = self._tell(account_id, name, pieces, told, moment, outcome)
        self._show(scope, account_id, name, pieces, told, outcome)

    def show(self, scope: int, pieces: Pieces, outcome: Outcome) -> None:
        """Show a scope again; one whose status has changed meanwhile is left to whoever decides it."""
        if pieces.verdict[V_STATUS] == self._store.told[scope]:
            account_id, name = self._book.id_of(self._store.account_of(scope)), self._store.name_of(scope)
            self._show(scope, account_id, name, pieces, self._told_of(account_id, name), outcome)

    def _question(self, scope: int, *, always: bool) -> Question:
        store = self._store
        account, name = store.account_of(scope), store.name_of(scope)
        told = self._told_of(self._book.id_of(account), name)
        ladder = 0 if symbol_of_isolated(name) is None else 1
        if always:
            return Question(account, name, ladder, told.last_status.rank, _ALWAYS, _ALWAYS)
        return Question(account, name, ladder, told.last_status.rank, told.status.rank, int(store.shown[scope]))

    def _told_of(self, account_id: str, name: str) -> Told:
        mine = self._memory.told.get(account_id)
        return UNTOLD if mine is None else mine.get(name, UNTOLD)

    def _tell(self, account_id: str, name: str, pieces: Pieces, before: Told, moment: Moment, outcome: Outcome) -> Told:
        assert self._outputs is not None, "scopes are considered before they are decided"
        ladder = self._ladder_of(name)
        after = before.after(BY_RANK[pieces.verdict[V_STATUS]])
        names = Names(account_id, name, self._named(name))
        planned = deserves_plan(before, after, suspect=False)
        outputs = self._outputs.at(moment)
        event = outputs.event(pieces, self._frame(ladder), ladder, names, before, after, planned=planned)
        events = outcome.of(account_id).events
        events.append(event)
        if after.status.rank >= ladder.adl_watch.rank:
            self._adl.alarm({self._tables.name_of(place) for place in pieces.places}, moment.decided_at_ms)
            if not after.adl_watched:
                after = after._replace(adl_watched=True)
                others = self._counterparties(account_id, name)
                events.append(outputs.adl_watch(pieces, names, after, others))
        self._claim(account_id, name, pieces, event, outcome)
        self._memory.told.setdefault(account_id, {})[name] = after
        self._memory.to_remember.add(account_id)
        return after

    def _counterparties(self, account_id: str, name: str) -> list[dict[str, Any]]:
        account = None if self._adl.queue is None else self._book.find(account_id)
        return [] if account is None else self._adl.first(account, positions_of(account, name, self._board))

    def _claim(self, account_id: str, name: str, pieces: Pieces, event: Event, outcome: Outcome) -> None:
        """Follow what was told with claims on insurance funds, where there may be any."""
        status = BY_RANK[pieces.verdict[V_STATUS]]
        if status is not MarginStatus.BANKRUPT and account_id not in self._claimant.open:
            return
        if status is MarginStatus.BANKRUPT and not self._claimant.has_claimed(account_id, name):
            shares = self._shortfalls.shares(pieces, is_cross=symbol_of_isolated(name) is None)
            if shares is not None:
                version = int(pieces.words[P_VERSION])
                bankrupt = bankrupt_by(event.body, account_id, name, version, suspect=False)
                self._claimant.claim(bankrupt, shares, outcome)
                return
        account = self._book.find(account_id)
        assert account is not None, "told of an account that is known"
        verdict = Verdict(assess(account, name, self._board), status, BY_RANK[pieces.verdict[V_RAW]])
        self._claimant.told(account, verdict, event.body, outcome)

    def _show(self, scope: int, account_id: str, name: str, pieces: Pieces, told: Told, outcome: Outcome) -> None:
        rank = pieces.verdict[V_STATUS]
        lit = self._lights[scope]
        lights = None if lit is None else self._adl.show_lit(scope, lit)
        planned = BY_RANK[rank] in PLANNED
        body = status_of(pieces, self._named(name), told, lights, planned=planned)
        outcome.of(account_id).statuses[name] = body
        if self._store.shown[scope] != rank:
            self._store.shown[scope] = rank
            self._memory.to_remember.add(account_id)
        self._store.shown_ratio[scope] = ratio_of(pieces)

    def _named(self, name: str) -> bytes:
        """Return the name of a scope as JSON without quotes; there are as many as contracts and assets, about."""
        found = self._names.get(name)
        return self._names.setdefault(name, as_json(name)[1:-1]) if found is None else found

    def _ladder_of(self, name: str) -> Ladder:
        return self._ladders.cross if symbol_of_isolated(name) is None else self._ladders.isolated

    def _frame(self, ladder: Ladder) -> Frame:
        found = self._frames.get(id(ladder))
        if found is None:
            stated, rule = ladder_object(ladder), rule_object(self._rule)
            basis = as_json(basis_object(self._board))[1:-1]
            usd_assets = b',"usd_assets":' + as_json(sorted(self._board.usd_assets))
            found = self._frames[id(ladder)] = Frame(
                b'"ladder":%s%s,' % (as_json(stated), usd_assets),
                b',"ladder":%s' % as_json(stated, is_sorted=True),
                usd_assets,
                b',"liquidation":%s' % as_json(rule),
                b',"liquidation":%s' % as_json(rule, is_sorted=True),
                b",%s" % basis if basis else b"",
            )
        return found
