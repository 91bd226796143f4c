"""The rules that are looked at now and then, on the turn of the clock: the nearest liquidation price, and correlations.

A distance is looked at after its account was touched, a correlation after a new sample or a change of the account; both
at most once an interval and so many accounts a turn. A dip between two looks may be missed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.core.amounts import format_amount
from monitor.core.board import MarketBoard
from monitor.core.freshness import Age
from monitor.core.outcome import Outcome
from monitor.core.rules.correlation import decorrelation, hedge_parts, same_direction, sector_parts, spike
from monitor.core.rules.doubts import doubts_of_account
from monitor.core.rules.exposure import exposures
from monitor.core.rules.nearest import nearest_distance
from monitor.core.rules.pace import Pace
from monitor.core.rules.parameters import Rule
from monitor.core.rules.registry import Registry, Watched
from monitor.core.rules.settings import RuleSettings
from monitor.core.rules.telling import Telling
from monitor.core.rules.windows import Windows
from monitor.core.verdict import Ladders

AT_ONCE = 50
"""Accounts a turn of the clock looks at, of each kind of rule: a storm must not hold up verdicts."""


class Recent(NamedTuple):
    """Hold the returns of some contracts, what evidence states of them, and how many the window could hold."""

    returns: Mapping[str, list[Decimal]]
    stated: dict[str, Any]
    steps: int


class Occasional:
    """Know whose turn it is, keep the windows of returns, and look."""

    def __init__(self, settings: RuleSettings, ladders: Ladders, board: MarketBoard) -> None:
        self._settings = settings
        self._ladders = ladders
        self._board = board
        self._windows = Windows(settings.sample_ms, settings.window_samples)
        self._distances = Pace(settings.interval_ms, AT_ONCE)
        self._correlations = Pace(settings.interval_ms, AT_ONCE)

    def restore(self, samples: Mapping[str, bytes]) -> None:
        """Take over the samples of another owner."""
        self._windows.restore(samples.values())

    def touch(self, registry: Registry, numbers: Collection[int], *, changed: bool) -> None:
        """Have accounts looked at; `changed`: not only a price of theirs is another."""
        watched = registry.watched
        self._distances.touch(number for number in numbers if watched[number].parameters.distance)
        if changed:
            self._correlations.touch(number for number in numbers if watched[number].parameters.correlates)

    def sample(self, registry: Registry, now_ms: int, outcome: Outcome) -> None:
        """Sample the marks of every contract that a correlation is asked of, once a slot; none that is too old."""
        if not registry.correlating or not self._windows.is_due(now_ms):
            return
        symbols = sorted({symbol for number in registry.correlating for symbol in registry.watched[number].symbols})
        marks = {
            symbol: mark
            for symbol in symbols
            if (mark := self._board.mark(symbol)) is not None and self._board.symbol_age(symbol) is not Age.STALE
        }
        place, record = self._windows.sample(marks, now_ms)
        outcome.samples[place] = record
        self._correlations.touch(sorted(registry.correlating))

    def due(self, now_ms: int) -> tuple[list[int], list[int]]:
        """Return the accounts whose distance, and whose correlations, are to be looked at."""
        return self._distances.due(now_ms), self._correlations.due(now_ms)

    def look_at_distance(self, watched: Watched, telling: Telling) -> None:
        """Hold the nearest liquidation price of an account against its levels."""
        doubts = doubts_of_account(watched.account, self._board)
        reading = nearest_distance(watched.account, self._board, self._ladders)
        telling.tell(Rule.DISTANCE_LIMIT, watched.parameters.distance, [] if reading is None else [(reading, doubts)])

    def look_at_correlations(self, watched: Watched, telling: Telling) -> None:
        """Hold the correlations of an account's sectors, and of the two sides of its book, against its levels."""
        doubts = doubts_of_account(watched.account, self._board)
        found = exposures(watched.account, self._board)
        if found is None or doubts.stale:
            return
        parameters = watched.parameters
        if parameters.spike:
            parts = sector_parts(found)
            pairs = same_direction(parts)
            for pair in pairs:
                recent = self._recent(watched, Rule.CORRELATION_SPIKE, {**parts[pair[0]], **parts[pair[1]]})
                reading = spike(pair, parts, recent.returns, recent.steps)
                telling.tell_one(Rule.CORRELATION_SPIKE, parameters.spike, (reading, doubts), remembered=recent.stated)
            telling.forget_others(Rule.CORRELATION_SPIKE, ["|".join(pair) for pair in pairs])
        if parameters.decorrelation:
            share = self._settings.hedge_share
            sides = hedge_parts(found, share)
            if sides is not None:
                recent = self._recent(watched, Rule.HEDGE_DECORRELATION, {**sides[0], **sides[1]})
                reading = decorrelation(sides, recent.returns, recent.steps)
                stated = recent.stated | {"hedge_share": str(share)}
                telling.tell_one(
                    Rule.HEDGE_DECORRELATION, parameters.decorrelation, (reading, doubts), remembered=stated
                )
            telling.forget_others(Rule.HEDGE_DECORRELATION, [] if sides is None else [""])

    def _recent(self, watched: Watched, rule: Rule, symbols: Collection[str]) -> Recent:
        window_ms = watched.parameters.window_ms[rule]
        steps = self._windows.steps(window_ms)
        returns = self._windows.returns(sorted(symbols), window_ms)
        series = {symbol: [format_amount(step) for step in steps] for symbol, steps in returns.items()}
        stated = {"returns": series, "steps": steps, "sample_ms": self._settings.sample_ms, "window_ms": window_ms}
        return Recent(returns, stated, steps)
