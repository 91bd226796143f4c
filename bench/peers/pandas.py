"""pandas: one frame of positions, brackets looked up with numpy, summed by account with groupby."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from bench.loading import ranks
from bench.peers.peer import Figures, Missing, Slice
from bench.venue import F8


class Pandas:
    """Compute with pandas."""

    name: ClassVar[str] = "pandas"
    goal: ClassVar[float | None] = 40.0
    most: ClassVar[int] = 1_000_000

    def __init__(self, given: Slice) -> None:
        try:
            pandas: Any = import_module("pandas")
        except ImportError as error:
            raise Missing("pandas is not installed") from error
        self._given = given
        self._symbols = given.symbols.astype(np.int64)
        self._frame = pandas.DataFrame({"account": given.owners, "value": 0.0, "needed": 0.0})
        self._figures = Figures(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))

    def tick(self, prices: F8) -> object:
        """Compute every account: most positions are in their first bracket, the others are looked up."""
        given, symbols, tables = self._given, self._symbols, self._given.tables
        value = given.amounts * prices[symbols]
        notional = np.abs(value)
        needed = tables.rates[symbols, 0] * notional
        large = np.nonzero(notional >= tables.floors[symbols, 1])[0]
        which = symbols[large]
        bracket = (notional[large, None] >= tables.floors[which]).sum(axis=1) - 1
        needed[large] = tables.rates[which, bracket] * notional[large] - tables.deductions[which, bracket]
        self._frame["value"], self._frame["needed"] = value, needed
        sums = self._frame.groupby("account", sort=False)[["value", "needed"]].sum()
        equity, requirement = given.bases.copy(), np.zeros(given.accounts)
        equity[sums.index] += sums["value"].to_numpy()
        requirement[sums.index] = sums["needed"].to_numpy()
        self._figures = Figures(equity, requirement, ranks(equity, requirement))
        return self._figures

    def figures(self) -> Figures:
        """Return what the last tick computed."""
        return self._figures
