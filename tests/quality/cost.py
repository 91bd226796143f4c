"""What the gate costs: processor time of a message of 400 prices, in interleaved rounds, and ratios within rounds.

From bytes to the board, as the feed does it: read, judge, take over. What an engine makes of moved prices is not in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from typing import Any

from monitor.adapters.wire.codec import WireCodec
from monitor.app.gating import Gating
from monitor.app.observing import SilentObserver
from monitor.app.ports import Record
from monitor.app.reading import FeedEntry, FeedSettings, Reading
from monitor.app.topics import TopicNames
from monitor.core.board import MarketBoard
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import Prices
from monitor.core.limits import Limits
from monitor.core.quality.settings import QualitySettings

SYMBOLS = 400
BEGIN_MS = 1_700_000_000_000
SETTLING = 1_000
"""So many seconds are judged before anything is timed: every memory of the gate is full then."""


def records(count: int, seed: int) -> list[Record]:
    """Return a message a second of 400 marks with their indices."""
    rng = Random(seed)
    marks = [10 ** rng.uniform(-3, 5) for _ in range(SYMBOLS)]
    found = []
    for second in range(count):
        at_ms = BEGIN_MS + 1_000 * second
        marks = [mark * (1 + rng.gauss(0, 0.0004)) for mark in marks]
        body = [
            {
                "symbol": f"S{number}USDT",
                "mark_price": f"{mark:.8f}",
                "index_price": f"{mark * 1.0002:.8f}",
                "event_time_ms": at_ms,
            }
            for number, mark in enumerate(marks)
        ]
        found.append(Record("mark-prices", 0, second, at_ms, b"all", json.dumps(body).encode()))
    return found


class Chain:
    """Hold what a message goes through; each case its own, so that none finds another's work done."""

    def __init__(self, *, is_on: bool) -> None:
        self.reading = Reading(FeedSettings(TopicNames()), WireCodec(Limits()), lambda: BEGIN_MS + 10**9)
        self.gating = Gating(QualitySettings(), SilentObserver()) if is_on else None
        self.board = MarketBoard(FreshnessSettings())

    def read(self, record: Record) -> FeedEntry:
        """Return what a record says."""
        return self.reading.entry(record)

    def judge(self, entry: FeedEntry) -> FeedEntry:
        """Return it judged, as the feed does."""
        return entry if self.gating is None else self.gating.judged(entry)

    def take(self, entry: FeedEntry) -> None:
        """Have the board take the prices over."""
        prices = entry.input
        assert isinstance(prices, Prices)
        self.board.take_all(prices.updates, 0, entry.offset, prices.timestamp_ms, prices.qualities)

    def take_bare(self, entry: FeedEntry) -> None:
        """The same as it was before there was a gate."""
        prices = entry.input
        assert isinstance(prices, Prices)
        self.board._take_over(prices.updates, 0, entry.offset, prices.timestamp_ms)


def spent(work: Callable[[Any], Any], items: Sequence[Any]) -> tuple[float, list[Any]]:
    """Return the processor time of a piece of work on some items, and what came of each."""
    started = time.process_time()
    found = [work(item) for item in items]
    return time.process_time() - started, found


def measure(rounds: int, each: int, seed: int) -> int:
    """Time `rounds` times `each` messages in every case, print microseconds a price and ratios."""
    messages = records(SETTLING + rounds * each, seed)
    on, off, bare = Chain(is_on=True), Chain(is_on=False), Chain(is_on=False)
    for record in messages[:SETTLING]:
        on.take(on.judge(on.read(record)))
        off.take(off.read(record))
        bare.take_bare(bare.read(record))
    found: dict[str, list[float]] = {name: [] for name in ("read", "judge", "take, on", "take, off", "take, bare")}
    for number in range(rounds):
        part = messages[SETTLING + number * each :][:each]
        seconds: dict[str, float] = {}
        cases = [on, off, bare]
        for case in cases[number % 3 :] + cases[: number % 3]:
            seconds["read"], entries = spent(case.read, part)
            if case is on:
                seconds["judge"], entries = spent(case.judge, entries)
            name = "take, on" if case is on else "take, off" if case is off else "take, bare"
            seconds[name], _ = spent(case.take_bare if case is bare else case.take, entries)
        for name, value in seconds.items():
            found[name].append(value / each / SYMBOLS * 1e6)
    for name, values in found.items():
        print(f"{name:12}: {min(values):6.2f} µs a price at least, {median(values):6.2f} in the middle")
    columns = list(zip(*found.values(), strict=True))
    whole = [(read + judge + kept) / (read + plain) for read, judge, kept, plain, _ in columns]
    code = [(read + plain) / (read + was) for read, _, _, plain, was in columns]
    print(
        f"with the gate on a price costs {median(whole):.2f} times what it does with it off (median of {rounds} rounds)"
    )
    print(f"with it off {median(code):.3f} times what it would without the gate's code")
    return 0
