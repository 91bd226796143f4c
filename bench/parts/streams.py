"""The stream engines beside the daemon: the same tick of the same accounts, in processor time per position.

Each runs as a program of its own with a real Kafka in between, and has a slice of the standard population in its state.
"""

from __future__ import annotations

from typing import Final

from bench import rounds as timing
from bench.measures import Result
from bench.parts.context import Context
from bench.parts.peers import OURS, first_of, measure_of, unlike
from bench.peers.peer import Missing
from bench.rounds import Case
from bench.streams import broker
from bench.streams.engine import Engine, Running
from bench.streams.engines import ENGINES
from bench.venue import F8

_ROUNDS: Final = 7


class Streams:
    """Measure how much less the daemon takes than stream engines for the same work."""

    def __init__(self, context: Context, engines: tuple[Engine, ...] = ENGINES) -> None:
        self._book = context.standard
        self._prices = tuple(self._book.population.venue.prices(which) for which in (0, 1))
        self._running: list[Running] = []
        self.skipped: list[str] = []
        try:
            bootstrap = context.bootstrap or broker.start(context.stack)
        except Missing as missing:
            self.skipped = [f"{engine.name}: {missing}" for engine in engines]
            return
        for engine in engines:
            given = first_of(self._book, min(engine.most, context.slice))
            try:
                self._running.append(Running(engine, given, bootstrap, context.stack))
            except Missing as missing:
                self.skipped.append(f"{engine.name}: {missing}")

    def check(self) -> list[str]:
        """Compare the figures and statuses of every account of every slice, at both prices."""
        book, faults = self._book, []
        for which in (1, 0):
            book.turn(which)
            book.store.judge_symbols(book.names)
            for one in self._running:
                one.tick(self._prices[which])
                faults += unlike(book, one.engine.name, one.figures(), one.given, self._prices[which])
        return faults

    def measure(self, rounds: int) -> Result:
        """Time a tick by each; few rounds, as some take a second."""
        book, positions = self._book, self._book.store.counts()["cells"]
        cases = [Case(OURS, positions, lambda _: book.store.judge_symbols(book.names), book.turn)]
        cases += [_case(one, self._prices) for one in self._running]
        for one in self._running:
            one.warm_up(self._prices)
        timings = timing.run(cases, min(rounds, _ROUNDS))
        measures = tuple(
            measure_of("streams", one.engine.name, one.engine.goal, one.given, timings.share(OURS, one.engine.name))
            for one in self._running
        )
        return Result("streams", measures, timings, "position", tuple(self.skipped))


def _case(one: Running, prices: tuple[F8, ...]) -> Case:
    return Case(one.engine.name, len(one.given.symbols), lambda which: one.tick(prices[which]), clock=one.clock)
