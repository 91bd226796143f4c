"""The watch over account rules: takes readings of the accounts a message has touched, has crossings told, remembers.

An unknown input (no snapshot, a missing price, one too old to be used) neither fires nor arms a level. What values are
is in `readings`, what crossing a level means in `crossing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import nan

from monitor.core.accounts import Account
from monitor.core.amounts import exactly
from monitor.core.audit.fault import Fault
from monitor.core.board import MarketBoard
from monitor.core.events import Moment, Moves, because
from monitor.core.outcome import Outcome
from monitor.core.rules.doubts import assets_in_use, doubts_of_account, doubts_of_scope, lacks_terms
from monitor.core.rules.equity import TotalEquity, total_equity
from monitor.core.rules.exposure import concentrations
from monitor.core.rules.highs import SavedHighs
from monitor.core.rules.memory import RuleMemory, pack_rules, unpack_rules
from monitor.core.rules.occasional import Occasional
from monitor.core.rules.parameters import Rule, RuleParameters, parameters_of, states_rules
from monitor.core.rules.readings import account_limits, drawdown, funding_limit
from monitor.core.rules.registry import Registry, Watched
from monitor.core.rules.screen import Screen
from monitor.core.rules.screen_columns import AccountLines
from monitor.core.rules.screen_lines import lines_of
from monitor.core.rules.screen_rows import AccountRows, rows_of
from monitor.core.rules.settings import RuleSettings
from monitor.core.rules.telling import Telling
from monitor.core.scopes import kind_of, scope_names
from monitor.core.verdict import Ladders


class RuleWatch:
    """Keep the rules of a shard's accounts; accounts without rules are not kept."""

    def __init__(self, settings: RuleSettings, ladders: Ladders, board: MarketBoard) -> None:
        self.memories: dict[str, RuleMemory] = {}
        self._settings = settings
        self._ladders = ladders
        self._board = board
        self._for_everybody = parameters_of({}, settings).exist
        self._registry = Registry()
        self._to_remember: set[str] = set()
        self._highs = SavedHighs(settings)
        self._occasional = Occasional(settings, ladders, board)
        self.screen = Screen(board, self._lines_of)

    @property
    def are_for_everybody(self) -> bool:
        """Whether the configuration gives rules to accounts that state none."""
        return self._for_everybody

    def watches(self, number: int) -> bool:
        """Return whether an account has rules."""
        return number in self._registry.watched

    def restore(self, records: Mapping[str, bytes], samples: Mapping[str, bytes]) -> None:
        """Take over what another watch has remembered, before the accounts are put."""
        self._occasional.restore(samples)
        for account_id, record in records.items():
            memory = self.memories[account_id] = unpack_rules(record)
            self._highs.saved(account_id, memory)

    def renew(self, account_id: str, record: bytes | None) -> None:
        """Take over what another watch has remembered of an account meanwhile, before the account is put again."""
        self._to_remember.discard(account_id)
        self.memories.pop(account_id, None)
        if record is not None:
            memory = self.memories[account_id] = unpack_rules(record)
            self._highs.saved(account_id, memory)

    def put(self, number: int, account: Account) -> None:
        """Watch an account as its facts and the terms in force have it, or no longer."""
        watched = self._watched_of(account)
        memory = self.memories.get(account.account_id)
        self._registry.put(number, watched)
        if watched is None:
            self.screen.drop(number)
            if memory is not None and memory.forget():
                self._to_remember.add(account.account_id)
            return
        self._put_rows(number)
        if memory is not None and _forget_ended(memory, watched.parameters):
            self._to_remember.add(account.account_id)

    def _watched_of(self, account: Account) -> Watched | None:
        raw = account.settings.raw
        if account.deleted or not (self._for_everybody or states_rules(raw)):
            return None
        parameters = parameters_of(raw, self._settings)
        if not parameters.exist:
            return None
        symbols = frozenset(symbol for symbol, _ in account.positions)
        return Watched(account, parameters, symbols, frozenset(assets_in_use(account, self._board)))

    def _put_rows(self, number: int) -> None:
        account, parameters, _, _ = self._registry.watched[number]
        if self._registry.watched[number].is_on_ticks:
            self.screen.put(number, rows_of(account, parameters, self._board))
        else:
            self.screen.drop(number)

    def _lines_of(self, number: int, rows: AccountRows) -> AccountLines:
        account, parameters, _, _ = self._registry.watched[number]
        memory = self.memories.setdefault(account.account_id, RuleMemory())
        ks = [float(self._ladders.of(kind_of(account, scope)).liquidation) for scope in rows.scopes]
        return lines_of(parameters, memory, rows, ks)

    def judge(
        self,
        moment: Moment,
        outcome: Outcome,
        *,
        accounts: Iterable[int] = (),
        symbols: Collection[str] = (),
        assets: Collection[str] = (),
        moves: Moves | None = None,
    ) -> None:
        """Take the readings of some accounts and of all holders of some symbols and assets.

        Of those a price message touches (`moves`) only the ones the screen returns; of all others everybody.
        """
        if self._registry.watched:
            numbers = self._registry.touched(accounts, symbols, assets)
            self.screen.refresh(symbols, assets, terms=moves is None)
            if moves is None:
                for number in numbers:
                    self._put_rows(number)
                self._look_at(numbers, moment, outcome)
            else:
                on_ticks = [number for number in numbers if self._registry.watched[number].is_on_ticks]
                exact, rising = self.screen.candidates(on_ticks)
                self._look_at(exact, moment, outcome, moves)
                self._raise_highs(rising, moment)
            self._occasional.touch(self._registry, numbers, changed=moves is None)
        else:
            self.screen.outdate()

    def audited(self, number: int, account: Account) -> list[Fault]:
        """Compare what is kept of an account with its facts; set right what differs, and return it."""
        watched = self._watched_of(account)
        if not self._registry.holds(number, watched):
            self.put(number, account)
            return [Fault("rules", nan, nan)]
        if watched is None or not watched.is_on_ticks:
            return []
        return self.screen.audited(number, rows_of(account, watched.parameters, self._board))

    def put_again(self, symbols: Collection[str], assets: Collection[str]) -> None:
        """Look at the terms of symbols and assets anew that were taken over without anybody being judged."""
        for number in self._registry.touched((), symbols, assets):
            self._put_rows(number)

    def outdate(self) -> None:
        """Note that prices were taken over without anybody being judged."""
        self.screen.outdate()

    def everybody(self) -> list[int]:
        """Return the accounts that have rules."""
        return sorted(self._registry.watched)

    def judge_anew(self, numbers: Collection[int], moment: Moment, outcome: Outcome) -> None:
        """Take the readings of some accounts that have rules, as after a restore."""
        self._look_at(numbers, moment, outcome)
        self._occasional.touch(self._registry, numbers, changed=True)

    @exactly
    def turn(self, moment: Moment, outcome: Outcome) -> None:
        """Let the clock move on: marks are sampled, the occasional rules looked at, risen highs remembered in time."""
        now_ms, watched = moment.decided_at_ms, self._registry.watched
        self._to_remember.update(self._highs.due(now_ms))
        self._occasional.sample(self._registry, now_ms, outcome)
        distances, correlations = self._occasional.due(now_ms)
        for numbers, look in (
            (distances, self._occasional.look_at_distance),
            (correlations, self._occasional.look_at_correlations),
        ):
            for number in numbers:
                if number in watched and watched[number].account.complete:
                    look(watched[number], self._telling(watched[number], moment, outcome))

    def close(self, outcome: Outcome) -> None:
        """Pack what is to be remembered."""
        for account_id in sorted(self._to_remember):
            memory = self.memories[account_id]
            outcome.of(account_id).rules = pack_rules(memory)
            self._highs.saved(account_id, memory)
        self._to_remember = set()

    @exactly
    def _look_at(self, numbers: Collection[int], moment: Moment, outcome: Outcome, moves: Moves | None = None) -> None:
        for number in numbers:
            watched = self._registry.watched[number]
            if watched.is_on_ticks:
                self._look(watched, because(moment, watched.account, moves), outcome)
                self.screen.relined(number)

    @exactly
    def _raise_highs(self, numbers: Collection[int], moment: Moment) -> None:
        """Raise the highs of accounts to which nothing else can have happened."""
        for number in numbers:
            watched = self._registry.watched[number]
            memory = self.memories.setdefault(watched.account.account_id, RuleMemory())
            if not doubts_of_account(watched.account, self._board).stale:
                equity = total_equity(watched.account, self._board)
                if equity is not None:
                    self._raise_high(watched, memory, equity, moment)
            self.screen.rebased(number, memory.high)

    def _raise_high(self, watched: Watched, memory: RuleMemory, equity: TotalEquity, moment: Moment) -> None:
        if memory.high is None or memory.unit != equity.unit or equity.amount > memory.high:
            memory.high, memory.unit = equity.amount, equity.unit
        if self._highs.is_due(watched.account.account_id, memory, moment.decided_at_ms):
            self._to_remember.add(watched.account.account_id)

    def _look(self, watched: Watched, moment: Moment, outcome: Outcome) -> None:
        account, parameters, board = watched.account, watched.parameters, self._board
        telling = self._telling(watched, moment, outcome)
        if parameters.drawdown:
            self._drawdown(watched, telling)
        if parameters.concentration or parameters.sectors:
            self._concentration(watched, telling)
        if parameters.account and not lacks_terms(account, board):
            readings = [(one, doubts_of_scope(account, one.target, board)) for one in account_limits(account, board)]
            telling.tell(Rule.ACCOUNT_LIMIT, parameters.account, readings)
        if parameters.funding and not lacks_terms(account, board):
            self._funding(account, telling)

    def _funding(self, account: Account, telling: Telling) -> None:
        """Hold every scope after its funding against the line of its own ladder."""
        scopes = scope_names(account, self._board)
        for scope in scopes:
            ladder = self._ladders.of(kind_of(account, scope))
            reading = funding_limit(account, scope, self._board)
            doubted = (reading, doubts_of_scope(account, scope, self._board))
            telling.tell_one(Rule.FUNDING_LIMIT, [ladder.liquidation], doubted, strict=not ladder.inclusive)
        telling.forget_others(Rule.FUNDING_LIMIT, scopes)

    def _telling(self, watched: Watched, moment: Moment, outcome: Outcome) -> Telling:
        memory = self.memories.setdefault(watched.account.account_id, RuleMemory())
        return Telling(watched, self._board, self._ladders, memory, moment, outcome, self._to_remember)

    def _drawdown(self, watched: Watched, telling: Telling) -> None:
        """Hold the fall of the total equity against the levels, having raised the high to the present equity."""
        account, parameters, memory = watched.account, watched.parameters, telling.memory
        doubts = doubts_of_account(account, self._board)
        equity = None if doubts.stale else total_equity(account, self._board)
        if equity is None:
            return
        remembered = {"unit": equity.unit}
        if parameters.reference_equity is None:
            self._raise_high(watched, memory, equity, telling.moment)
            remembered["high"] = str(memory.high)
        base = memory.high if parameters.reference_equity is None else parameters.reference_equity
        doubted = (drawdown(equity, base), doubts)
        telling.tell_one(Rule.DRAWDOWN_STOP, parameters.drawdown, doubted, remembered=remembered)

    def _concentration(self, watched: Watched, telling: Telling) -> None:
        """Hold the share of every sector against the level that the account has for it."""
        parameters = watched.parameters
        doubts = doubts_of_account(watched.account, self._board)
        readings = None if doubts.stale else concentrations(watched.account, self._board)
        if readings is None:
            return
        for reading in readings:
            levels = parameters.of_sector(reading.target)
            telling.tell_one(Rule.CONCENTRATION_LIMIT, levels, (reading, doubts))
        telling.forget_others(Rule.CONCENTRATION_LIMIT, [reading.target for reading in readings])


def _forget_ended(memory: RuleMemory, parameters: RuleParameters) -> bool:
    """Forget what was remembered of rules an account no longer has; return whether there was anything."""
    ended = [target for target in memory.disarmed if not parameters.has(Rule(target[0]))]
    changed = bool(ended)
    for target in ended:
        memory.set_levels(target, frozenset())
    if memory.high is not None and (not parameters.drawdown or parameters.reference_equity is not None):
        memory.high, memory.unit, changed = None, "", True
    return changed
