"""The oracle: replays the inputs slowly, message by message, over the exact margin, and says how every scope stands.

It knows the inputs as they stand in the topics and nothing of the outputs; how the product got its answer it does not
ask. What the product told is the judge's business.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from monitor.app.codec import BadMessage
from monitor.app.ports import Record
from monitor.cli.assembly import codec_of, new_board
from monitor.core.accounts import Account, BadFacts, MarginMode, after, check_event, is_news
from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.doubt import why_doubtful
from monitor.core.inputs import Origin
from monitor.core.instruments import Instrument
from monitor.core.ladder import Ladder, MarginStatus, is_breach
from monitor.core.margin import assess
from monitor.core.partitioning import partition_of
from monitor.core.prices import PriceUpdate
from monitor.core.quality.gate import PartitionGate
from monitor.core.quotes import Quote
from monitor.core.rows import scopes_to_judge
from tests.app.lab import World

Scope = tuple[str, str]
Letter = tuple[str, int, int, str]
"""Topic, partition and offset of a bad message, and the place inside an array."""


class NaiveBoard(MarketBoard):
    """A market that decides by itself which price of a symbol counts: the greatest (event time, partition, offset)."""

    def take(self, update: PriceUpdate, partition: int, offset: int, timestamp_ms: int) -> bool:
        """Take a price over if it counts."""
        last = self.quotes.get(update.symbol)
        if last is not None:
            if update.event_time_ms < last.event_time_ms:
                return False
            if update.event_time_ms == last.event_time_ms and (partition, offset) <= (last.partition, last.offset):
                return False
        index = update.index_price or (last.index_price if last else None)
        when = (update.event_time_ms, partition, offset, timestamp_ms)
        self.quotes[update.symbol] = Quote(update.mark_price, index, None, None, *when)
        return True


class Oracle:
    """Replay inputs in the order they were produced; statuses without ages and without memory of doubt."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._settings = world.settings
        self._gates: dict[int, PartitionGate] = {}
        self.doubts: Counter[tuple[int, int, str]] = Counter()
        """The prices of which a change of their quality must be told."""
        self._codec = codec_of(world.settings)
        given = new_board(world.settings)
        self.board = NaiveBoard(given.settings, given.usd_assets, given._portfolio)
        self.accepted: dict[str, Instrument[Decimal]] = {}
        self.accounts: dict[str, Account] = {}
        self.states: dict[str, list[Account]] = defaultdict(list)
        """Every state an account has been in, in order, suspicion included."""
        self.prices: dict[str, dict[tuple[int, int], tuple[int, Decimal]]] = defaultdict(dict)
        """Where every price of a symbol stands that may ever have counted, with its event time."""
        self._peaks: dict[tuple[str, int], int] = {}
        self.terms: dict[str, list[Instrument[Decimal]]] = defaultdict(list)
        """Every accepted table of a symbol."""
        self.bad: list[Letter] = []
        self.held: list[int] = []
        self.last: dict[Scope, MarginStatus] = {}
        self.chains: dict[Scope, list[str]] = defaultdict(list)
        self.status: dict[Scope, MarginStatus] = {}
        self.allowed: dict[Scope, tuple[MarginStatus, MarginStatus]] = {}
        """The status by k and the one by k·(1+h): what was told before decides where between them a scope stands."""
        self.raw: dict[Scope, MarginStatus] = {}
        self.done = 0
        topics = world.topics
        self._takers: dict[str, Any] = {
            topics.mark_prices: self._prices,
            topics.instruments: self._instrument,
            topics.assets: self._asset,
            topics.account_events: self._account,
            topics.insurance_funds: self._fund,
        }

    def replay(self, upto: int | None = None, *, step_by_step: bool = True) -> Oracle:
        """Take every input of the world's history since the last time (up to a place in it); return itself.

        Not step by step only the end counts: nobody is looked at before all has been taken.
        """
        history = self._world.history[:upto]
        touched: dict[str, None] = {}
        for records in history[self.done :]:
            for record in records:
                taker = self._takers.get(record.topic)
                if taker is not None:
                    try:
                        names = taker(record)
                        touched |= dict.fromkeys(names)
                        if step_by_step:
                            self._evaluate(names)
                    except (BadMessage, BadFacts):
                        self._refuse(record)
        if not step_by_step:
            self._evaluate(touched)
        self.done = len(history)
        return self

    def _refuse(self, record: Record, path: str = "") -> None:
        self.bad.append((record.topic, record.partition, record.offset, path))
        if record.topic == self._world.topics.account_events:
            self._suspect(record)

    def _suspect(self, record: Record) -> None:
        """Mark the account a bad message names suspect, if its shard knows it."""
        try:
            name = (record.key or b"").decode()
        except UnicodeDecodeError:
            return
        known = self.accounts.get(name)
        here = partition_of(name.encode(), self._settings.topics.partitions) == record.partition
        if known is not None and here and not known.deleted:
            self._keep(replace(known, suspect=True))

    def _keep(self, account: Account) -> None:
        self.accounts[account.account_id] = account
        self.states[account.account_id].append(account)

    def _prices(self, record: Record) -> Collection[str]:
        message = self._codec.prices(record.value)
        for element in message.rejected:
            self._refuse(record, element.path)
        moved: set[str] = set()
        good: list[PriceUpdate] = []
        for update in message.prices:
            if update.event_time_ms > record.timestamp_ms + self._settings.prices.max_ahead_ms:
                self._refuse(record, update.symbol)
            else:
                good.append(update)
                self._note(update, record)
                if self.board.take(update, record.partition, record.offset, record.timestamp_ms):
                    moved.add(update.symbol)
        if good and self._settings.quality.enabled:
            gate = self._gates.setdefault(record.partition, PartitionGate(self._settings.quality))
            _, changes = gate.judge(good, Origin(record.topic, record.partition, record.offset), record.timestamp_ms)
            self.doubts.update((record.partition, record.offset, change.symbol) for change in changes)
        return self._holders(moved)

    def _note(self, update: PriceUpdate, record: Record) -> None:
        """Keep a price that was the latest of its partition when it came: no other may ever count."""
        where = update.symbol, record.partition
        if update.event_time_ms >= self._peaks.get(where, update.event_time_ms):
            self._peaks[where] = update.event_time_ms
            self.prices[update.symbol][record.partition, record.offset] = update.event_time_ms, update.mark_price

    def _instrument(self, record: Record) -> Collection[str]:
        message = self._codec.instrument(record.value, record.key)
        old, new = self.accepted.get(message.symbol), message.instrument
        if new is None:
            self.accepted.pop(message.symbol, None)
        elif old and not message.confirm and why_doubtful(old, new, self._settings.instruments.max_step):
            self.held.append(record.offset)
            return ()
        else:
            self.accepted[message.symbol] = new
            self.terms[message.symbol].append(new)
        self.board.set_instrument(message.symbol, new)
        return self._holders({message.symbol})

    def _asset(self, record: Record) -> Collection[str]:
        message = self._codec.asset(record.value, record.key)
        self.board.set_asset(message.name, message.asset, record.timestamp_ms)
        return list(self.accounts)

    def _fund(self, record: Record) -> Collection[str]:
        fund = self._codec.insurance_fund(record.value, record.key).fund
        if fund is not None and fund.event_time_ms > record.timestamp_ms + self._settings.prices.max_ahead_ms:
            self._refuse(record)
        return ()

    def _account(self, record: Record) -> Collection[str]:
        event = self._codec.account_event(record.value, record.key)
        if partition_of(event.account_id.encode(), self._settings.topics.partitions) != record.partition:
            self._refuse(record)
            return ()
        known = self.accounts.get(event.account_id)
        check_event(event)
        if not is_news(event, known):
            return ()
        self._keep(after(event, known))
        return (event.account_id,)

    def _holders(self, symbols: set[str]) -> Collection[str]:
        """Return the accounts a change of these symbols may touch."""
        if not symbols:
            return ()
        follows = any(terms.index_symbol in symbols for terms, _ in self.board.asset_terms().values())
        return [
            name
            for name, account in self.accounts.items()
            if follows
            or account.margin_mode is MarginMode.PORTFOLIO
            or any(symbol in symbols for symbol, _ in account.positions)
        ]

    @exactly
    def _evaluate(self, names: Iterable[str]) -> None:
        for name in names:
            account = self.accounts[name]
            mine = [scope for (owner, scope) in self.status if owner == name]
            told = [s for s in {*mine, *self._told_of(name)} if self.now((name, s)) != "healthy"]
            seen = scopes_to_judge(account, self.board, told)
            for scope in seen:
                self._decide((name, scope), self._status(account, scope))
            for scope in mine:
                if scope not in seen:
                    self._close((name, scope))

    def now(self, key: Scope) -> str:
        """Return where the chain of a scope stands."""
        return (self.chains.get(key) or ["healthy"])[-1]

    def _told_of(self, name: str) -> list[str]:
        return [scope for (owner, scope) in self.chains if owner == name]

    def _close(self, key: Scope) -> None:
        del self.status[key]
        self.allowed.pop(key, None)
        self.raw.pop(key, None)
        if self.now(key) != "healthy":
            self.chains[key].append("healthy")
        self.last[key] = MarginStatus.HEALTHY

    def _status(self, account: Account, scope: str) -> MarginStatus:
        key = account.account_id, scope
        figures = assess(account, scope, self.board)
        if figures.unknown_because:
            self.allowed[key] = (MarginStatus.UNKNOWN, MarginStatus.UNKNOWN)
            self.raw[key] = MarginStatus.UNKNOWN
            return MarginStatus.UNKNOWN
        assert figures.equity is not None
        assert figures.maintenance_margin is not None
        ladder = self._settings.ladder.of(figures.kind)
        worth = Fraction(1) if figures.index_price is None else Fraction(figures.index_price)
        equity, requirement = Fraction(figures.equity), Fraction(figures.maintenance_margin)
        by_line = status_by(ladder, Fraction(1), equity, requirement, worth)
        widened = status_by(ladder, 1 + ladder.hysteresis, equity, requirement, worth)
        self.allowed[key] = by_line, widened
        self.raw[key] = by_line
        last = self.last.get(key, MarginStatus.HEALTHY)
        return by_line if by_line.rank > last.rank else widened if widened.rank < last.rank else last

    def _decide(self, key: Scope, status: MarginStatus) -> None:
        self.status[key] = status
        told = MarginStatus(self.now(key))
        if status is MarginStatus.UNKNOWN:
            if is_breach(told):
                self.chains[key].append("unknown")
            return
        self.last[key] = status
        if status is not told:
            self.chains[key].append(str(status))


def status_by(
    ladder: Ladder, widened: Fraction, equity: Fraction, requirement: Fraction, worth: Fraction
) -> MarginStatus:
    """Return the status by the lines k·widened; `worth` is the USD price of the unit of the figures."""
    if (equity <= 0 and requirement > 0) or (equity < 0 and -equity * worth >= ladder.debt_floor):
        return MarginStatus.BANKRUPT
    if requirement == 0:  # a debt below the floor is no status
        return MarginStatus.HEALTHY
    left, right = equity.numerator * requirement.denominator, requirement.numerator * equity.denominator
    for status, numerator, denominator in _lines(ladder.thresholds, widened):
        if left * denominator < right * numerator:
            return status
        if ladder.inclusive and requirement > 0 and left * denominator == right * numerator:
            return status
    return MarginStatus.HEALTHY


@functools.cache
def _lines(
    thresholds: tuple[tuple[MarginStatus, Fraction], ...], widened: Fraction
) -> tuple[tuple[MarginStatus, int, int], ...]:
    """Return the lines as whole numbers, the worst first."""
    lines = ((status, k * widened) for status, k in reversed(thresholds))
    return tuple((status, line.numerator, line.denominator) for status, line in lines)
