"""Trading: account messages as a venue sends most of them, one position changed, closed or opened again."""

from __future__ import annotations

from typing import Final

import numpy as np

from bench.e2e.book import Book
from bench.e2e.clients import Message
from bench.venue import I8

_CLOSED_SHARE: Final = 0.2
_LEAST_PERCENT, _MOST_PERCENT = 50, 150
"""What a position becomes, of what it was at first."""


class Trading:
    """Draw trades of some of a book's accounts with a seed."""

    def __init__(self, book: Book, accounts: I8, seed: int) -> None:
        self._book = book
        self._accounts = accounts
        self._dice = np.random.default_rng([seed, 8])

    def messages(self, count: int, now_ms: int) -> list[tuple[int, Message]]:
        """Return messages of one moment, each with the number of its account."""
        population, dice = self._book.population, self._dice
        accounts = dice.choice(self._accounts, count)
        begins, ends = population.ends[accounts], population.ends[accounts + 1]
        places = begins + (dice.random(count) * (ends - begins)).astype(np.int64)
        changed = dice.integers(_LEAST_PERCENT, _MOST_PERCENT, count)
        percent = np.where(dice.random(count) < _CLOSED_SHARE, 0, changed)
        sizes = population.quantities[places] * percent // 100
        drawn = zip(accounts.tolist(), places.tolist(), sizes.tolist(), strict=True)
        return [(account, self._book.traded(account, place, size, now_ms)) for account, place, size in drawn]
