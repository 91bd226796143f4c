"""What the parts share: how large the populations are, how many rounds are timed, and how a book is loaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.equality import against_exact
from bench.facts import START_MS
from bench.loading import Book
from bench.population import draw
from bench.sizes import LINEAR, Mix, Sizes

PER_ACCOUNT: Final = 5
"""Positions of an account, on average."""
SYMBOLS: Final = 400
BASE_SHARE: Final = 10
"""Axes other than that of the accounts are gone along with so many times fewer accounts than the most."""
_SAMPLE: Final = 40


@dataclass(frozen=True)
class Setting:
    """Hold what was chosen: `most` is the largest population, `events` how many account events churn it."""

    most: int
    seed: int
    rounds: int
    events: int
    symbols: int
    say: Callable[[str], None]

    @property
    def base(self) -> int:
        """The accounts of the smaller populations."""
        return max(self.most // BASE_SHARE, 100)

    def sizes(self, accounts: int) -> Sizes:
        """Return a population as the standard one is, of so many accounts."""
        return Sizes(accounts, PER_ACCOUNT * accounts, self.symbols, self.seed)

    def load(self, sizes: Sizes, mix: Mix = LINEAR, *, told: bool = False) -> Book:
        """Return a new book, judged at its first prices; `told`: by its engine, as after a restart without memory."""
        start = time.process_time()
        book = Book(draw(sizes, mix), settles=not told)
        if told:
            book.engine.apply([book.prices(0)], START_MS)
        book.store.judge_symbols(book.names)
        counts, spent = book.store.counts(), time.process_time() - start
        self.say(f"  loaded {sizes.accounts:,} accounts, {counts['cells']:,} positions, {spent:.1f} s of processor")
        return book


def unlike_exact(book: Book, seed: int) -> list[str]:
    """Return where a sample of a book is not within its bounds of exact arithmetic."""
    return against_exact(book, min(_SAMPLE, book.population.sizes.accounts), seed)
