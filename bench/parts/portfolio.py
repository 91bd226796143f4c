"""Portfolio accounts: everybody in a population that is margined by sixteen scenarios is judged."""

from __future__ import annotations

from typing import Final

from bench import rounds as timing
from bench.equality import against_exact, same_bits, same_set
from bench.inside import columns_of
from bench.measures import Goal, Measure, Result
from bench.parts.context import Context
from bench.rounds import Case
from bench.sizes import PORTFOLIOS
from bench.twins import PortfolioTwin, Values
from monitor.core.portfolio.scenario import shocks
from monitor.core.portfolio.terms import ScenarioTerms

SCENARIOS: Final = 16
_SAMPLE: Final = 60


class PortfolioTick:
    """Measure the tick of portfolios against the same method in C."""

    def __init__(self, context: Context) -> None:
        self._book, self._why = context.book(PORTFOLIOS, context.mixed), context.no_loops
        terms = self._book.population.venue.portfolio().terms
        assert isinstance(terms, ScenarioTerms)
        assert len(list(shocks(terms))) == SCENARIOS
        values = Values(self._book)
        self._twin = None if context.loops is None else PortfolioTwin(context.loops, self._book, values)

    def check(self) -> list[str]:
        """Compare with the C twin to the last bit, and a sample with exact arithmetic."""
        book, faults = self._book, against_exact(self._book, min(_SAMPLE, self._book.population.sizes.accounts), 2)
        for which in (1, 0) if self._twin is not None else ():
            assert self._twin is not None
            book.turn(which)
            ours, theirs = book.store.judge_symbols(book.names), self._twin(which)
            faults += same_set(f"portfolio candidates at price {which}", ours, theirs)
            figures = columns_of(book.store).figures
            faults += same_bits(f"portfolio figures at price {which}", figures, self._twin.figures)
        return faults

    def measure(self, rounds: int) -> Result:
        """Time a tick of everybody."""
        book, store = self._book, self._book.store
        positions = store.counts()["cells"]
        cases = [Case("daemon, portfolios", positions, lambda _: store.judge_all(), book.turn)]
        if self._twin is None:
            return Result("portfolio", (), timing.run(cases, rounds), "position", (f"C: {self._why}",))
        timings = timing.run([*cases, Case("C from scratch, portfolios", positions, self._twin)], rounds)
        share = timings.share("daemon, portfolios", "C from scratch, portfolios")
        name = f"portfolio accounts, K = {SCENARIOS} / C from scratch"
        note = f"{book.population.sizes.accounts:,} accounts"
        return Result("portfolio", (Measure("portfolio", name, share, Goal(0.75), note=note),), timings, "position")
