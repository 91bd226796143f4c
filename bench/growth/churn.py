"""What account events do to the ticks that come after them, and how long the store ever stops to make room.

Events go through the engine in batches, as a shard hands them over: positions changed, closed and opened, wallets with
them, and new accounts now and then. Afterwards the store is held against one that is made anew from the same facts:
equal figures, bit for bit, and what a tick takes in each, in turns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import count
from typing import Final

import numpy as np

from bench import facts, inside
from bench import rounds as timing
from bench.equality import same_bits
from bench.growth.axes import Found
from bench.growth.setting import Setting, unlike_exact
from bench.loading import Book
from bench.measures import Goal, Measure
from bench.messages import Message, Venue
from bench.report import table
from bench.rounds import Case, Ratio
from monitor.adapters.wire.accounts import decode_account_event
from monitor.core.inputs import AccountMessage, Origin
from monitor.core.limits import Limits
from monitor.core.store_columns import NONE

GOAL_TICK, GOAL_STALL_MS = 1.15, 5.0
BATCH: Final = 500
NEW_EACH: Final = 5
"""Of a batch so many are accounts that were never seen."""
OF_MOST: Final = 0.3
_LIMITS: Final = Limits()
_NOTHING: Final = 1e-4
"""A call that takes less has made no room."""
_OLD, _FRESH = "churned", "made anew"


def by_churn(setting: Setting) -> Found:
    """Apply the events, then compare and time."""
    book = setting.load(setting.sizes(max(int(OF_MOST * setting.most), 2 * BATCH)), told=True)
    stalls = Stalls(book)
    before, had = _ticks(setting, {_OLD: book}), book.store.counts()
    batches = _churn(setting, book)
    setting.say(
        f"  {setting.events:,} events applied, {len(book.engine.book):,} accounts; made anew from the same facts"
    )
    fresh, restored = _made_anew(book)
    if faults := [*_unlike(book, fresh), *unlike_exact(book, setting.seed)]:
        return Found(faults=faults)
    after = _ticks(setting, {_OLD: book, _FRESH: fresh})
    now = book.store.counts()
    each = [before.least(f"{_OLD} full").minima / had["cells"], after.least(f"{_OLD} full").minima / now["cells"]]
    size = f"{had['cells']:,} → {now['cells']:,} positions; {each[0] * 1e9:.2f} → {each[1] * 1e9:.2f} ns each"
    took = sorted(batches)
    usual, high, most = (took[int(share * (len(took) - 1))] * 1e3 for share in (0.5, 0.999, 1.0))
    said = [
        f"room made amid the events: {stalls.text()}",
        f"room made while as many were restored: {restored.text()}",
        f"a batch of {BATCH} took {usual:.1f} ms of processor, p99.9 {high:.1f}, the longest {most:.1f}",
        _sizes(book, fresh),
    ]
    longest = Ratio(stalls.longest_ms, stalls.longest_ms)
    measures = [
        _slower("full tick", after, "full", size),
        _slower("tick of the most popular contract", after, "popular", ""),
        _slower("tick of a rare contract", after, "rare", ""),
        Measure("churn", "longest stop to make room", longest, Goal(GOAL_STALL_MS, is_least=False), "ms"),
    ]
    return Found(measures=measures, said=said)


class Stalls:
    """Note how long the store of a book stops to make room, each time that it does."""

    def __init__(self, book: Book) -> None:
        self._calls: dict[str, list[float]] = {}
        inside.timed_growth(book.store, self._note)

    def _note(self, name: str, seconds: float) -> None:
        if seconds > _NOTHING:
            self._calls.setdefault(name, []).append(seconds * 1e3)

    @property
    def longest_ms(self) -> float:
        """The longest of them, by processor time of the thread."""
        return max((most for calls in self._calls.values() for most in calls), default=0.0)

    def text(self) -> str:
        """Return how often and how long at most, by what room was for."""
        told = (
            f"{name} {len(calls)} times, at most {max(calls):.2f} ms" for name, calls in sorted(self._calls.items())
        )
        return "; ".join(told) or "never"


def _made_anew(book: Book) -> tuple[Book, Stalls]:
    """Return a book restored from the facts of another, both judged at the first prices."""
    kept = book.engine.book
    fresh = Book(book.population, packed={}, settles=False)
    stalls = Stalls(fresh)
    fresh.restore({name: kept.record(number) for number, name in enumerate(kept.ids())})
    fresh.settle()
    book.turn(0)
    for one in (book, fresh):
        one.store.judge_all()
    return fresh, stalls


def _churn(setting: Setting, book: Book) -> list[float]:
    """Apply the events; return the processor time of each batch."""
    took, offsets = [], count()
    for raw in _batches(setting, book):
        decoded = [
            AccountMessage(decode_account_event(value, key, _LIMITS), Origin("account-events", 0, next(offsets)))
            for key, value in raw
        ]
        start = time.thread_time()
        outcome = book.engine.apply(decoded, facts.START_MS)
        took.append(time.thread_time() - start)
        assert outcome.account_events == len(decoded), "an event was refused"
    return took


def _batches(setting: Setting, book: Book) -> Iterator[list[Message]]:
    """Yield all events in batches."""
    venue, next_account = Venue(book.population, setting.seed + 1), book.population.sizes.accounts
    rng = np.random.default_rng(setting.seed + 2)
    for _ in range(-(-setting.events // BATCH)):
        new = [_first_of(book, next_account + place, rng) for place in range(NEW_EACH)]
        next_account += NEW_EACH
        yield venue.batch(BATCH - NEW_EACH) + new


def _first_of(book: Book, account: int, rng: np.random.Generator) -> Message:
    """Return the snapshot a new account begins with: three positions."""
    venue, name = book.population.venue, facts.account_id(account)
    ranks = rng.choice(len(venue.names), 3, replace=False).tolist()
    positions = [
        {"symbol": venue.names[rank], "quantity": f"{300 / price:.3f}", "entry_price": f"{price:.10f}"}
        for rank, price in ((rank, float(venue.prices(0)[rank])) for rank in ranks)
        if round(300 / price, 3)
    ]
    body = {
        "account_id": name,
        "version": 1,
        "event_time_ms": facts.START_MS,
        "snapshot": True,
        "balances": {"USDT": "1000"},
        "positions": positions,
    }
    return Message(name.encode(), json.dumps(body, separators=(",", ":")).encode())


def _unlike(book: Book, fresh: Book) -> list[str]:
    """Return where the figures of accounts differ in any bit; all have one scope each."""
    found = []
    for store in (book.store, fresh.store):
        first = inside.columns_of(store).first[: len(book.engine.book)]
        if (first == NONE).any():
            return [f"{int((first == NONE).sum())} accounts have no scope"]
        found.append(np.stack(store.figures(first), axis=1))
    return same_bits("figures after the events", *found)


def _ticks(setting: Setting, books: dict[str, Book]) -> timing.Timings:
    """Time ticks of some books in turns."""
    cases = []
    for name, book in books.items():
        cases += _cases(name, book)
    return timing.run(cases, setting.rounds)


def _cases(name: str, book: Book) -> list[Case]:
    store, names = book.store, book.names

    def of_one(what: str, rank: int) -> Case:
        one = [names[rank]]
        return Case(f"{name} {what}", 1, lambda _: store.judge_symbols(one), lambda which: book.turn_one(rank, which))

    return [
        Case(f"{name} full", 1, lambda _: store.judge_symbols(names), book.turn),
        of_one("popular", 0),
        of_one("rare", len(names) * 3 // 4),
    ]


def _slower(name: str, timings: timing.Timings, of: str, note: str) -> Measure:
    """Return how much longer a tick takes than in a store made anew."""
    ratio = timings.share(f"{_FRESH} {of}", f"{_OLD} {of}")
    return Measure("churn", f"{name} / made anew", ratio, Goal(GOAL_TICK, is_least=False), note=note)


def _sizes(book: Book, fresh: Book) -> str:
    """Return what both take in memory."""
    rows = [(name, f"{one.store.counts()['bytes'] / 1e6:,.1f}", "") for name, one in ((_OLD, book), (_FRESH, fresh))]
    return table(("store", "MB reserved", ""), rows)
