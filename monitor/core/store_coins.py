"""The float tables of assets and ladders: what an amount counts in USD, debt floors, and the lines of each status.

Exact numbers come in and are rounded once; contracts are in `store_terms`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.amounts import exactly
from monitor.core.instruments import Asset
from monitor.core.ladder import Ladder
from monitor.core.store_columns import COIN_COLUMNS, ENTER, F8, LEAVE, STATES, WEIGHT
from monitor.core.store_space import longer

_WIDER: Final = 1e-15
"""More than a debt floor can be off by being rounded, as a share of it."""
_BEYOND: Final = 1e300
_BANKRUPT: Final = 7


class _Index(NamedTuple):
    """Hold the index price of an asset and the ends between which it lies."""

    price: Decimal
    low: Decimal
    high: Decimal


class Assets:
    """Hold the assets by number; number 0 stands for USD itself, and for no asset."""

    def __init__(self, ladders: Sequence[Ladder]) -> None:
        self.numbers: dict[str, int] = {}
        self.banded: set[str] = set()
        self._floors = [ladder.debt_floor for ladder in ladders]
        self.coins = np.zeros((16, COIN_COLUMNS))
        self.group_of = np.full(16, -1, dtype=np.int64)
        """The portfolio group an asset is held in (or the number of the token it is); -1 where it is in none."""
        self._groups: Mapping[str, int] = {}
        self.floors = np.zeros((len(ladders), 16, 2))
        """By ladder and asset: the least and the greatest the debt floor can be, in the asset."""
        self._write_floors(0, None)

    def number(self, name: str) -> int:
        """Return the number of an asset, a new one where it was never named."""
        known = self.numbers.get(name)
        if known is not None:
            return known
        number = self.numbers[name] = len(self.numbers) + 1
        if number == len(self.coins):
            self.coins = longer(self.coins, 2 * number)
            self.group_of = longer(self.group_of, 2 * number, -1)
            floors = np.zeros((len(self._floors), 2 * number, 2))
            floors[:, :number] = self.floors
            self.floors = floors
        self.group_of[number] = self._groups.get(name, -1)
        self._forget(number)
        return number

    def set_groups(self, groups: Mapping[str, int]) -> None:
        """Set the portfolio group of every asset that is held in one."""
        self._groups = groups
        self.group_of[:] = -1
        for name, number in self.numbers.items():
            self.group_of[number] = groups.get(name, -1)

    @exactly
    def set_terms(self, name: str, terms: Asset[Decimal] | None, low: Decimal | None, high: Decimal | None) -> bool:
        """Set what an asset counts, None where that is not known; return whether anything changed."""
        number = self.number(name)
        coins, floors = self.coins[number].copy(), self.floors[:, number].copy()
        banded = low is not None and high is not None
        if terms is None or terms.index_price is None:
            self._forget(number)
            banded = False
        else:
            price = terms.index_price
            index = _Index(price, *((low, high) if low is not None and high is not None else (price, price)))
            self._write(number, terms, index)
            self._write_floors(number, index)
        (self.banded.add if banded else self.banded.discard)(name)
        is_same = np.array_equal(coins, self.coins[number], equal_nan=True)
        return not (is_same and np.array_equal(floors, self.floors[:, number]))

    def tabulated(self, number: int) -> dict[str, NDArray[Any]]:
        """Return a copy of all that the tables hold of an asset, by its number."""
        group = self.group_of[number : number + 1].copy()
        return {"coins": self.coins[number].copy(), "floors": self.floors[:, number].copy(), "group_of": group}

    def renew(self, name: str, terms: Asset[Decimal] | None, low: Decimal | None, high: Decimal | None) -> None:
        """Write all that the tables hold of an asset again."""
        self.group_of[self.numbers[name]] = self._groups.get(name, -1)
        self.set_terms(name, terms, low, high)

    def _forget(self, number: int) -> None:
        """Write an asset without terms: of unknown value, 1:1 where debts are compared with the floor."""
        self.coins[number] = nan
        self._write_floors(number, None)

    def _write(self, number: int, terms: Asset[Decimal], index: _Index) -> None:
        plus = Decimal(0)
        if terms.margin_available:
            plus = (1 - (terms.bid_buffer or 0)) * (
                Decimal(1) if terms.collateral_ratio is None else terms.collateral_ratio
            )
        minus = Decimal(1) + (terms.ask_buffer or 0)
        ends = [(float(price * plus), float(price * minus)) for price in index]
        prices = map(float, index)
        self.coins[number] = (*ends[0], ends[1][0], ends[2][0], ends[1][1], ends[2][1], *prices)

    def _write_floors(self, number: int, index: _Index | None) -> None:
        for ladder, floor in enumerate(self._floors):
            ends = [floor] if index is None else [floor / Fraction(price) if price > 0 else inf for price in index]
            self.floors[ladder, number] = float(min(ends)) * (1.0 - _WIDER), float(max(ends)) * (1.0 + _WIDER)


def law_of(ladders: Sequence[Ladder]) -> F8:
    """Return the lines of every ladder and state.

    A known state is left downwards at k of the next worse status that exists (0: bankrupt), upwards at k·(1 + h) of the
    mildest that is not milder than itself. NaN where lines decide nothing (bankrupt, unknown, blocked).
    """
    return _law_of(tuple(ladders)).copy()


@functools.lru_cache(maxsize=64)
def _law_of(ladders: tuple[Ladder, ...]) -> F8:
    """Work the law out once for all engines of a process that have the same ladders."""
    law = np.full((len(ladders) * STATES, 3), nan)
    for number, ladder in enumerate(ladders):
        widened = 1 + ladder.hysteresis
        steepest = max([Fraction(1), *(k * widened for _, k in ladder.thresholds)])
        first = number * STATES
        law[first : first + STATES, WEIGHT] = float(1 + steepest)
        for state in range(_BANKRUPT):
            worse = [k for status, k in ladder.thresholds if status.rank > state]
            own = [k * widened for status, k in ladder.thresholds if status.rank >= state]
            law[first + state, ENTER] = float(max(worse, default=Fraction(0)))
            law[first + state, LEAVE] = float(max(own, default=Fraction(0))) if state else _BEYOND
    return law
