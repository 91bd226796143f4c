"""What the parts share: sizes, books that are loaded once, and the C loops where there is a compiler."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from bench.compiler import Loops
from bench.loading import Book
from bench.measures import Result
from bench.population import draw
from bench.report import lines_about
from bench.sizes import LINEAR, Mix, Sizes
from bench.twins import TilesTwin, Values


class Part(Protocol):
    """Something that can be measured."""

    def check(self) -> list[str]:
        """Return what is unequal, in words."""

    def measure(self, rounds: int) -> Result:
        """Time the cases in turns; return what came out."""


@dataclass
class Context:
    """Hold what the parts share. `mixed` and `slice` are the sizes of the smaller populations."""

    sizes: Sizes
    mixed: Sizes
    slice: int
    loops: Loops | None
    no_loops: str
    """Why there are no C loops, empty where there are."""
    say: Callable[[str], None]
    bootstrap: str = ""
    """Where the Kafka of the stream engines listens; one of the bench's own is started where it is empty."""
    stack: ExitStack = field(default_factory=ExitStack)
    """Ends what parts have started."""
    books: dict[tuple[str, int, int], Book] = field(default_factory=dict)
    shapes: dict[str, dict[str, float]] = field(default_factory=dict)
    """What was loaded."""

    def load(self, mix: Mix, sizes: Sizes) -> Book:
        """Return a new book, judged at its first prices."""
        start = time.process_time()
        book = Book(draw(sizes, mix))
        book.store.judge_symbols(book.names)
        counts, spent = book.store.counts(), time.process_time() - start
        shape = {f"{mix.name}, seed {sizes.seed}, {sizes.accounts} accounts": book.population.shape()}
        self.shapes |= shape
        self.say(
            f"loaded {mix.name}: {sizes.accounts:,} accounts, {counts['cells']:,} positions, "
            f"{counts['scopes']:,} scopes, seed {sizes.seed}, {spent:.1f} s"
        )
        for line in lines_about(shape):
            self.say(line)
        return book

    def book(self, mix: Mix, sizes: Sizes) -> Book:
        """Return a book that several parts use, and none changes but for its prices."""
        key = mix.name, sizes.accounts, sizes.seed
        if key not in self.books:
            self.books[key] = self.load(mix, sizes)
        return self.books[key]

    @cached_property
    def standard(self) -> Book:
        """The standard population."""
        return self.book(LINEAR, self.sizes)

    @cached_property
    def values(self) -> Values:
        """The values of its lines at both prices."""
        return Values(self.standard)

    @cached_property
    def tiles_twin(self) -> TilesTwin | None:
        """Its C twin, None without a compiler."""
        return None if self.loops is None else TilesTwin(self.loops, self.standard, self.values)
