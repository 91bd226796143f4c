"""A hundred instances on paper: what each figure measured here comes to in a fleet, and what is full first.

Measured are bytes and processor time of a price message, a tick, and an account event with all it leaves in the log.
Assumed are one message of all prices a second and one event an account every 50 seconds: the load of the goals. Brokers
are not measured: what they would have to carry is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Final

from bench import facts
from bench import rounds as timing
from bench.growth.axes import Found
from bench.growth.market import Market
from bench.growth.setting import Setting
from bench.loading import Book
from bench.messages import Venue
from bench.parts.context import Context
from bench.parts.events import SHARD, AccountEvents
from bench.report import table
from bench.rounds import Case
from monitor.adapters.wire import WireCodec
from monitor.adapters.wire.accounts import decode_account_event
from monitor.app.records import RecordMaker
from monitor.app.topics import TopicNames
from monitor.core.inputs import AccountMessage, Clock, Origin
from monitor.core.limits import Limits
from monitor.core.outcome import Outcome

INSTANCES: Final = 100
ACCOUNTS: Final = 100_000_000
SHARDS: Final = 4
"""Of an instance."""
TICKS_A_SECOND: Final = 1
SECONDS_AN_EVENT: Final = 50
COMMITS_A_SECOND: Final = 5
"""Of a shard to which events come all the time: it commits once each 200 ms, as often as its clock turns."""
_BATCH: Final = 500
_INTERVAL_MS: Final = 60_000
"""After an event an account is shown anew once within this time."""
_OVERHEAD: Final = 70
"""Bytes of a record beside key and value, roughly: sizes, offset, times, headers."""


@dataclass(frozen=True)
class Measured:
    """Hold what one instance was measured to take: seconds of processor, bytes."""

    shard_seconds: float
    """Of a tick, by shard: what does not depend on the accounts."""
    account_seconds: float
    """Of a tick, by account."""
    event_seconds: float
    message_bytes: int
    event_bytes: float
    changelog_bytes: float
    status_bytes: float


def on_paper(setting: Setting) -> Found:
    """Measure what is needed, and multiply."""
    small, large = (setting.load(setting.sizes(accounts), told=True) for accounts in _sizes(setting))
    message, ticks = _ticks(setting, (small, large))
    counts = [book.population.sizes.accounts for book in (small, large)]
    each = max((ticks[1] - ticks[0]) / (counts[1] - counts[0]), 0.0)
    events = AccountEvents(_context(setting)).measure(setting.rounds).timings.least(SHARD)
    measured = Measured(max(ticks[0] - each * counts[0], 0.0), each, events.minima, message, *_records(setting, large))
    return Found(said=[_table(measured)])


def _sizes(setting: Setting) -> tuple[int, int]:
    large = max(setting.base, 2 * _BATCH)
    return large // 4, large


def _context(setting: Setting) -> Context:
    sizes = setting.sizes(max(setting.base // 5, _BATCH))
    return Context(sizes, sizes, sizes.accounts, None, "", setting.say)


def _ticks(setting: Setting, books: tuple[Book, Book]) -> tuple[int, list[float]]:
    """Return the bytes of a price message, and the seconds of a tick of each book."""
    market = Market(books[0].population.venue, setting.seed)
    waiting = market.message(1)

    def before(which: int) -> None:
        nonlocal waiting
        del which
        waiting = market.message(1)

    def case(book: Book) -> Case:
        def act(which: int) -> None:
            del which
            prices = market.read(waiting)
            book.engine.apply([prices], prices.timestamp_ms)

        return Case(f"{book.population.sizes.accounts}", 1, act, before)

    cases = [case(book) for book in books]
    timings = timing.run(cases, 3 * setting.rounds)
    return len(waiting), [timings.least(one.name).minima for one in cases]


def _records(setting: Setting, book: Book) -> tuple[float, float, float]:
    """Return the bytes of an account event, of what it leaves in the changelog, and of the status shown for it."""
    codec, topics, limits = WireCodec(Limits()), TopicNames(), Limits()
    maker, offsets, engine = RecordMaker(0, 1, topics, codec), count(), book.engine
    batch = Venue(book.population, setting.seed + 1).batch(min(_BATCH, book.population.sizes.accounts))
    decoded = [
        AccountMessage(decode_account_event(value, key, limits), Origin("account-events", 0, next(offsets)))
        for key, value in batch
    ]
    engine.apply([Clock(facts.START_MS)], facts.START_MS)
    first = engine.apply(decoded, facts.START_MS)
    later = facts.START_MS + 2 * _INTERVAL_MS
    shown = engine.apply([Clock(later)], later)
    came = sum(len(key) + len(value) + _OVERHEAD for key, value in batch)
    kept = _bytes(first, maker, topics.state) + _bytes(shown, maker, topics.state)
    statuses = _bytes(first, maker, topics.account_status) + _bytes(shown, maker, topics.account_status)
    return came / len(batch), kept / len(batch), statuses / len(batch)


def _bytes(outcome: Outcome, maker: RecordMaker, topic: str) -> int:
    records = [record for account in outcome.worst_first() for record in maker.account(account)]
    return sum(
        len(record.key or b"") + len(record.value or b"") + _OVERHEAD for record in records if record.topic == topic
    )


def _table(one: Measured) -> str:
    """Return what an instance and all of them take."""
    accounts, each = ACCOUNTS, ACCOUNTS // INSTANCES
    events = each / SECONDS_AN_EVENT
    ticking = TICKS_A_SECOND * (SHARDS * one.shard_seconds + each * one.account_seconds)
    taking, shown = events * one.event_seconds, min(events, each / (_INTERVAL_MS / 1_000))
    a_shard, an_account = f"{one.shard_seconds * 1e3:.2f} ms a shard", f"{one.account_seconds * 1e9:.1f} ns an account"
    rows = [
        ("accounts", f"{each:,}", f"{accounts:,}", f"{SHARDS} shards an instance"),
        _row("ticks, cores", ticking, 1, f"{a_shard}, {an_account}"),
        _row("account events, cores", taking, 1, f"{one.event_seconds * 1e6:.0f} µs each, without the log's client"),
        _row("account events /s", events, 1, f"one an account every {SECONDS_AN_EVENT} s"),
        _row("price fan-out, MB/s", TICKS_A_SECOND * one.message_bytes / 1e6, 1, f"{one.message_bytes:,} B a message"),
        _row("account events, MB/s", events * one.event_bytes / 1e6, 1, f"{one.event_bytes:,.0f} B each"),
        _row("changelog, MB/s", events * one.changelog_bytes / 1e6, 1, f"{one.changelog_bytes:,.0f} B an event"),
        _row("account-status, MB/s", shown * one.status_bytes / 1e6, 1, f"{one.status_bytes:,.0f} B, once a minute"),
        _row("transactions /s", SHARDS * COMMITS_A_SECOND, 1, f"{COMMITS_A_SECOND} a second and shard"),
    ]
    return table(("a fleet on paper", "an instance", f"{INSTANCES} instances", ""), rows)


def _row(name: str, value: float, times: float, note: str) -> tuple[str, str, str, str]:
    return name, f"{times * value:,.3g}", f"{INSTANCES * times * value:,.4g}", note
