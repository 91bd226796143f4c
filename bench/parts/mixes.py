"""Mixed populations: inverse contracts, multi-asset accounts, isolated positions, each beside linear contracts only.

All are drawn with the same seed and hold as many positions; what differs is in how many rows they lie. Nobody asks for
the holders of each contract first, which would weigh more here than among a million accounts.
"""

from __future__ import annotations

from bench import rounds as timing
from bench.equality import against_exact
from bench.loading import Book
from bench.measures import Goal, Measure, Result
from bench.parts.context import Context
from bench.parts.full import unlike
from bench.rounds import Case
from bench.sizes import LINEAR, MIXES
from bench.twins import TilesTwin, Values

_SAMPLE = 100


class MixedTicks:
    """Measure what a position costs in a mixed population, as a share of one in a linear one."""

    def __init__(self, context: Context) -> None:
        self._books = {mix.name: context.book(mix, context.mixed) for mix in (LINEAR, *MIXES)}
        self._twins: dict[str, TilesTwin] = {}
        if context.loops is not None:
            for name, book in self._books.items():
                self._twins[name] = TilesTwin(context.loops, book, Values(book))

    def check(self) -> list[str]:
        """Compare each population with its C twin to the last bit, and a sample with exact arithmetic."""
        faults: list[str] = []
        for name, book in self._books.items():
            sample = min(_SAMPLE, book.population.sizes.accounts)
            found = against_exact(book, sample, 3)
            found += unlike(book, self._twins[name]) if self._twins else []
            faults += [f"{name}: {fault}" for fault in found]
        return faults

    def measure(self, rounds: int) -> Result:
        """Time a tick of everybody in each population."""
        cases = [_case(name, book) for name, book in self._books.items()]
        for name, twin in self._twins.items():
            cases.append(Case(f"C, {name}", self._books[name].store.counts()["cells"], twin))
        timings = timing.run(cases, rounds)
        measures: list[Measure] = []
        for mix in MIXES:
            counts = self._books[mix.name].store.counts()
            share = timings.share(f"daemon, {mix.name}", "daemon, linear")
            rows = counts["rows"] / counts["cells"]
            note = f"30 % {mix.name}; {rows:.2f} rows a position, {self._rows_of_linear():.2f} without"
            measures.append(Measure("mixes", f"{mix.name} mix / linear-only", share, Goal(0.8), note=note))
            if self._twins:
                share = timings.share(f"C, {mix.name}", "C, linear")
                measures.append(Measure("mixes", f"{mix.name} mix / linear-only, both in C", share))
        return Result("mixes", tuple(measures), timings, "position")

    def _rows_of_linear(self) -> float:
        counts = self._books[LINEAR.name].store.counts()
        return counts["rows"] / counts["cells"]


def _case(name: str, book: Book) -> Case:
    store = book.store
    return Case(f"daemon, {name}", store.counts()["cells"], lambda _: store.judge_all(), book.turn)
