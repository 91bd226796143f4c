"""The selector: finds counterparties for the positions of a claim its fund has refused.

It waits until the queue stands for the prices the claim was judged at, or not longer than a moment, then takes the
first in the queue, position by position. The order of the queue is the queue's own business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from monitor.core.adl.candidates import name_of
from monitor.core.adl.holders import opposite, side_of
from monitor.core.adl.queue import AdlQueue, Selection
from monitor.core.adl.settings import AdlPrice, AdlSettings
from monitor.core.amounts import exactly
from monitor.core.fund.claims import ClaimedPosition
from monitor.core.fund.entries import Entry
from monitor.core.fund.promises import Promises
from monitor.core.fund.shortfall import price_positions
from monitor.core.outcome import FundOutcome

Alarm = Callable[[Iterable[str], int], None]
LONGEST_WAIT_MS = 10_000
"""A shard that does not answer for so long has nobody of its own chosen: the selection says what it stands on."""


class Found(NamedTuple):
    """Hold the counterparties of one position and the price they take it over at."""

    position: ClaimedPosition
    price: Decimal
    selection: Selection


class Selector:
    """Choose counterparties for one shard's funds, and remember what they have promised."""

    def __init__(self, adl: AdlSettings, settle_ms: int) -> None:
        self._adl = adl
        self._settle_ms = settle_ms
        self._queue: AdlQueue | None = None
        self._shards = 1
        self._alarm: Alarm | None = None
        self.promises = Promises()

    def join(self, queue: AdlQueue, shards: int, alarm: Alarm | None = None) -> None:
        """Choose from a queue of so many shards; `alarm` has symbols ranked anew, by all of them, within a second."""
        self._queue, self._shards, self._alarm = queue, shards, alarm

    def covers(self, entry: Entry) -> bool:
        """Return whether the queue stands for the prices a claim was judged at."""
        if self._queue is None:
            return False
        queue, positions = self._queue, entry.claim.positions
        return all(queue.covers(self._shards, price_positions([each]), each.symbol) for each in positions)

    def is_ready(self, entry: Entry, now_ms: int) -> bool:
        """Return whether to choose now; if not, have the queue catch up."""
        if self.covers(entry) or now_ms >= entry.since_ms + LONGEST_WAIT_MS:
            return True
        if self._alarm is not None:
            self._alarm({position.symbol for position in entry.claim.positions}, now_ms)
        return False

    @exactly
    def select(self, entry: Entry, now_ms: int, outcome: FundOutcome) -> list[Found]:
        """Return the counterparties of every position of a claim, and remember them as promised."""
        return [self._found(entry, position, now_ms, outcome) for position in entry.claim.positions]

    def _found(self, entry: Entry, position: ClaimedPosition, now_ms: int, outcome: FundOutcome) -> Found:
        key = (position.symbol, opposite(side_of(position.quantity)))
        price, quantity = price_of(position, self._adl.price), abs(position.quantity)
        if self._queue is None:
            return Found(position, price, Selection((), quantity))
        taken = self.promises.taken(key, self._queue.candidates(*key), now_ms)
        selection = self._queue.select(*key, quantity, {entry.claim.bankrupt.account_id}, taken)
        for chosen in selection.chosen:
            self.promises.add(key, chosen.candidate, chosen.quantity, now_ms + self._settle_ms)
        if selection.chosen:
            outcome.promises[name_of(key)] = self.promises.body(key)
        return Found(position, price, selection)

    def expire(self, now_ms: int, outcome: FundOutcome) -> None:
        """Forget promises that are believed no more."""
        for key in self.promises.expire(now_ms):
            outcome.promises[name_of(key)] = None


def price_of(position: ClaimedPosition, rule: AdlPrice) -> Decimal:
    """Return the price a position changes hands at; the mark where the one asked for does not exist."""
    if rule is AdlPrice.BANKRUPTCY:
        return position.mark_price if position.bankruptcy_price is None else position.bankruptcy_price
    if rule is AdlPrice.PREVIOUS_MARK and position.previous_mark is not None:
        return position.previous_mark
    return position.mark_price
