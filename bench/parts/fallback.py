"""The daemon without numba: the same tick by the numpy twins of its kernels."""

from __future__ import annotations

from bench import rounds as timing
from bench.equality import same_bits, same_set
from bench.inside import columns_of, numpy_screen
from bench.measures import Goal, Measure, Result
from bench.parts.context import Context
from bench.rounds import Case

_COMPILED, _NUMPY = "daemon, numba", "daemon, numpy only"


class Fallback:
    """Measure how much slower the numpy twins are."""

    def __init__(self, context: Context) -> None:
        self._book = context.standard
        self._screen = numpy_screen(self._book.store)

    def check(self) -> list[str]:
        """Compare both to the last bit, at both prices."""
        faults: list[str] = []
        book = self._book
        for which in (1, 0):
            book.turn(which)
            ours = book.store.judge_symbols(book.names)
            figures = columns_of(book.store).figures.copy()
            theirs = self._screen.everybody()
            faults += same_set(f"numpy candidates at price {which}", ours, theirs)
            faults += same_bits(f"numpy figures at price {which}", figures, columns_of(book.store).figures)
        return faults

    def measure(self, rounds: int) -> Result:
        """Time a tick of everybody by each."""
        book, positions = self._book, self._book.store.counts()["cells"]
        cases = [
            Case(_COMPILED, positions, lambda _: book.store.judge_symbols(book.names), book.turn),
            Case(_NUMPY, positions, lambda _: self._screen.everybody(), book.turn),
        ]
        timings = timing.run(cases, rounds)
        slower = timings.share(_COMPILED, _NUMPY)
        measure = Measure("numpy", "numpy-only fallback: time / numba", slower, Goal(10, is_least=False))
        return Result("numpy", (measure,), timings, "position")
