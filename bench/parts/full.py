"""The full tick: equity, requirement and status of everybody after all prices have moved."""

from __future__ import annotations

from bench import rounds as timing
from bench.equality import against_exact, same_bits, same_set
from bench.inside import columns_of, kernel_of, tables_of
from bench.loading import Book
from bench.measures import Goal, Measure, Result
from bench.parts.context import Context
from bench.rounds import Case
from bench.twins import Reader, TilesTwin

OURS, KERNEL, THEIRS, READING = "daemon", "its kernel alone", "C loop", "reading the bytes"
SPINNING, ADDITIONS = "one addition after the other", 4_000_000
_SAMPLE = 200


class FullTick:
    """Measure the tick of everybody against the same loop in C, and against reading what it touches."""

    def __init__(self, context: Context) -> None:
        self._book, self._twin, self._why = context.standard, context.tiles_twin, context.no_loops
        self._reader = None if context.loops is None else Reader(context.loops, self._book)
        self._spin = None if context.loops is None else context.loops.bind("spin", ADDITIONS)

    def check(self) -> list[str]:
        """Compare with the C twin to the last bit, and a sample with exact arithmetic."""
        faults = against_exact(self._book, min(_SAMPLE, self._book.population.sizes.accounts), 1)
        return faults + ([] if self._twin is None else unlike(self._book, self._twin))

    def measure(self, rounds: int) -> Result:
        """Time a tick of everybody, as the engine asks for it."""
        book, store = self._book, self._book.store
        positions = store.counts()["cells"]
        cases = [Case(OURS, positions, lambda _: store.judge_symbols(book.names), book.turn)]
        if self._twin is None or self._reader is None or self._spin is None:
            timings = timing.run(cases, rounds)
            return Result("full", (), timings, "position", (f"C loop, reading the bytes: {self._why}",))
        reader, kernel, spin = self._reader, kernel_of(store), self._spin
        cases += [
            Case(THEIRS, positions, self._twin),
            Case(KERNEL, positions, lambda _: kernel(), book.turn),
            Case(READING, positions, lambda _: reader()),
            Case(SPINNING, ADDITIONS, lambda _: spin()),
        ]
        timings = timing.run(cases, rounds)
        clock = timings.least(SPINNING)
        del timings.seconds[SPINNING]
        ghz = f"{1e-9 / clock.minima:.2f} GHz at best, median {1e-9 / clock.median:.2f}"
        note = f"{reader.bytes / positions:.1f} B a position; clock {ghz}"
        shares = timings.share(OURS, THEIRS), timings.share(OURS, READING)
        measures = (
            Measure("full", "full tick / identical C loop", shares[0], Goal(0.90)),
            Measure("full", "full tick / reading the same bytes", shares[1], Goal(0.6), note=note),
            Measure("full", "its kernel alone / identical C loop", timings.share(KERNEL, THEIRS)),
            Measure("full", "identical C loop / reading the same bytes", timings.share(THEIRS, READING)),
        )
        return Result("full", measures, timings, "position")


def unlike(book: Book, twin: TilesTwin) -> list[str]:
    """Return where the daemon's full tick and its C twin differ, at both prices; the book is left at the first."""
    faults: list[str] = []
    for which in (1, 0):
        book.turn(which)
        ours = book.store.judge_symbols(book.names)
        theirs, columns = twin(which), columns_of(book.store)
        faults += same_set(f"candidates at price {which}", ours, theirs)
        faults += same_bits(f"figures at price {which}", columns.figures, twin.figures)
        faults += same_bits(f"brackets at price {which}", columns.codes, twin.codes)
        faults += same_bits(f"bounds at price {which}", tables_of(book.store)[0], twin.scales)
    return faults
