"""Plain Python: a dict of accounts, each with a dict of positions; every account is computed on every tick."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np

from bench.loading import BANKRUPT, LINES
from bench.peers.peer import Figures, Slice
from bench.venue import F8

Bracket = tuple[float, float, float]


class PlainDicts:
    """Compute with dicts and floats."""

    name: ClassVar[str] = "plain dicts"
    goal: ClassVar[float | None] = 120.0
    most: ClassVar[int] = 20_000

    def __init__(self, given: Slice) -> None:
        ends, symbols, amounts = given.ends.tolist(), given.symbols.tolist(), given.amounts.tolist()
        self._bases = dict(enumerate(given.bases.tolist()))
        self._positions: dict[int, dict[int, float]] = {
            account: dict(zip(symbols[begin:end], amounts[begin:end], strict=True))
            for account, (begin, end) in enumerate(pairwise(ends))
        }
        self._brackets: list[list[Bracket]] = [
            [(floor, rate, deduction) for floor, rate, deduction in zip(*rows, strict=True) if floor != np.inf]
            for rows in zip(*(table.tolist() for table in vars(given.tables).values()), strict=True)
        ]
        self._figures: dict[int, tuple[float, float, int]] = {}

    def tick(self, prices: F8) -> object:
        """Compute every account."""
        marks, brackets, figures = prices.tolist(), self._brackets, self._figures
        for account, positions in self._positions.items():
            equity, requirement = self._bases[account], 0.0
            for symbol, amount in positions.items():
                value = amount * marks[symbol]
                equity += value
                notional = abs(value)
                for floor, rate, deduction in reversed(brackets[symbol]):
                    if notional >= floor:
                        requirement += notional * rate - deduction
                        break
            rank = 0
            for line in LINES:
                if equity >= line * requirement:
                    break
                rank += 1
            figures[account] = equity, requirement, BANKRUPT if equity <= 0.0 < requirement else rank
        return figures

    def figures(self) -> Figures:
        """Return what the last tick computed."""
        equity, requirement, ranks = zip(*(self._figures[account] for account in self._positions), strict=True)
        return Figures(np.array(equity), np.array(requirement), np.array(ranks))
