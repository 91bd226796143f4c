"""What ticks cost by how many there are a second, and by how many shards of one process share the accounts.

A tick is a message of all prices, decoded, applied by the engine, everybody judged and whoever changes status told: all
that a shard does with it but for writing records. Funds, rules and plans have nothing to do here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bench import rounds as timing
from bench.growth.axes import Axis, Found
from bench.growth.market import Market
from bench.growth.setting import Setting, unlike_exact
from bench.loading import Book
from bench.rounds import Case

PACES: Final = (1, 2, 5, 10, 20, 50)
SHARDS: Final = (1, 2, 4, 8, 16, 32)
_SECONDS: Final = 1


def by_pace(setting: Setting) -> Found:
    """Measure what share of a core so many ticks a second take, with the most accounts."""
    book = setting.load(setting.sizes(setting.most), told=True)
    faults = unlike_exact(book, setting.seed)
    if faults:
        return Found(faults=faults)
    market, told = Market(book.population.venue, setting.seed), dict.fromkeys(PACES, 0)
    waiting: list[bytes] = []

    def case(pace: int) -> Case:
        def before(which: int) -> None:
            del which
            waiting[:] = [market.message(pace) for _ in range(pace * _SECONDS)]

        def act(which: int) -> None:
            del which
            for value in waiting:
                told[pace] += _tick(book, market, value)

        return Case(f"{pace}", _SECONDS, act, before)

    rounds = max(setting.rounds // 2, 2)
    timings = timing.run([case(pace) for pace in PACES], rounds, warm=1)
    taken = {float(pace): timings.least(f"{pace}") for pace in PACES}
    ticks = {float(pace): f"{taken[pace].minima * 1e3 / pace:.2f}" for pace in PACES}
    events = {float(pace): f"{told[pace] / (rounds + 1) / pace:.1f}" for pace in PACES}
    title = f"Share of a core by ticks a second, {setting.most:,} accounts, {setting.symbols} contracts a message"
    beside = {"ms a tick": ticks, "events a tick": events}
    return Found([Axis("pace", title, "ticks a second", "cores", 1.0, {"share of a core": taken}, beside)])


def by_shards(setting: Setting) -> Found:
    """Measure a tick of the same number of accounts in one shard, and in more of one process."""
    market: dict[int, Market] = {}
    shards: dict[int, list[Book]] = {}
    for count in SHARDS:
        each = setting.sizes(setting.base // count)
        shards[count] = [setting.load(replace(each, seed=setting.seed + shard), told=True) for shard in range(count)]
        market[count] = Market(shards[count][0].population.venue, setting.seed)
    faults = [fault for books in shards.values() for fault in unlike_exact(books[0], setting.seed)]
    if faults:
        return Found(faults=faults)
    waiting: dict[int, bytes] = {}

    def case(count: int) -> Case:
        def before(which: int) -> None:
            del which
            waiting[count] = market[count].message(1)

        def act(which: int) -> None:
            del which
            prices = market[count].read(waiting[count])
            for book in shards[count]:
                book.engine.apply([prices], prices.timestamp_ms)

        return Case(f"{count}", 1, act, before)

    timings = timing.run([case(count) for count in SHARDS], setting.rounds)
    line = {float(count): timings.least(f"{count}") for count in SHARDS}
    more = (line[SHARDS[-1]].minima - line[1.0].minima) / (SHARDS[-1] - 1)
    title = f"Tick by shards of one process, {setting.base:,} accounts in all"
    said = f"a shard more in the process costs {more * 1e3:.2f} ms a tick of {setting.symbols} contracts"
    return Found([Axis("shards", title, "shards", "ms", 1e3, {"tick of all of them": line})], said=[said])


def _tick(book: Book, market: Market, value: bytes) -> int:
    """Decode and apply a message; return how many events that made."""
    prices = market.read(value)
    outcome = book.engine.apply([prices], prices.timestamp_ms)
    return sum(len(account.events) for account in outcome.worst_first())
