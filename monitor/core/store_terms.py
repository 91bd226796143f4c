"""The float tables of terms and prices: contracts by line and bracket, assets, and the lines of the ladders.

A line is a symbol as one bracket multiplier sees it. Exact numbers come in and are rounded once; the rows that refer to
lines are not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import inf, nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.amounts import exactly
from monitor.core.instruments import Contract, Instrument, MaintenanceBasis
from monitor.core.kernels_proof import GUARD, UNIT
from monitor.core.store_columns import HIGHEST, TIERS
from monitor.core.store_space import longer

_ONE: Final = Decimal(1)
_MORE: Final = 1.000001
"""Rounds the float of an error bound upwards."""


class Symbol:
    """Hold what is known of one contract: its number, its terms, its price, and its lines by multiplier."""

    __slots__ = ("at_entry", "band", "group", "inverse", "line_of_one", "lines", "mark", "number", "size", "terms")

    def __init__(self, number: int, group: int) -> None:
        self.number = number
        self.group = group
        self.terms: Instrument[Decimal] | None = None
        self.inverse = False
        self.at_entry = False
        self.size: Decimal | None = None
        self.mark: Decimal | None = None
        self.band: tuple[Decimal, Decimal] | None = None
        self.lines: dict[Decimal, int] = {}
        self.line_of_one = -1

    def take(self, terms: Instrument[Decimal] | None) -> None:
        """Put terms in force."""
        self.terms = terms
        self.inverse = terms is not None and terms.contract is Contract.INVERSE
        self.at_entry = terms is not None and terms.maintenance_basis is MaintenanceBasis.ENTRY
        self.size = None if terms is None or terms.contract_size == 1 else terms.contract_size

    def keeps_rows(self, terms: Instrument[Decimal] | None) -> bool:
        """Return whether rows written under the present terms stay true under others."""
        if (
            terms is None
            or self.terms is None
            or MaintenanceBasis.ENTRY in (terms.maintenance_basis, self.terms.maintenance_basis)
        ):
            return terms == self.terms
        old = self.terms
        return (old.contract, old.settle_asset, old.contract_size) == (
            terms.contract,
            terms.settle_asset,
            terms.contract_size,
        )

    def value_at(self, price: Decimal | None) -> float:
        """Return v: the price, or −1/price of an inverse contract; NaN where price or terms are missing."""
        if price is None or self.terms is None:
            return nan
        rounded = float(price)
        if not self.inverse:
            return rounded
        return -1.0 / rounded if rounded > 0 else -inf


class Contracts:
    """Hold the lines of all symbols and their tables."""

    def __init__(self) -> None:
        self.symbols: dict[str, Symbol] = {}
        self.banded: set[str] = set()
        self.lines = 1
        """Line 0 is nobody's: free cells refer to it."""
        self.symbol_of_line = np.zeros(64, dtype=np.int64)
        self.group_of_line = np.full(64, -1, dtype=np.int64)
        """Of each line: its portfolio group twice, and 1 more for an inverse contract; -1 where it is in none."""
        self._groups: Mapping[str, int] = {}
        self.values = np.zeros(64)
        """The value v of each line; NaN where price or terms are missing."""
        self.ends = np.zeros((64, 2))
        """The values of each line at the ends of its band."""
        self.table = np.zeros((64 * TIERS, 4))
        self.edge = np.zeros((64 * TIERS, 3))
        self.table[:TIERS, HIGHEST] = inf

    @property
    def multipliers(self) -> int:
        """How many bracket multipliers have a line beside that of their symbol."""
        return self.lines - len(self.symbols)

    def symbol(self, name: str) -> Symbol:
        """Return a symbol, a new one where it was never named."""
        known = self.symbols.get(name)
        if known is None:
            known = self.symbols[name] = Symbol(len(self.symbols), self._groups.get(name, -1))
        return known

    def line(self, symbol: Symbol, multiplier: Decimal) -> int:
        """Return the line of a symbol for a bracket multiplier."""
        known = symbol.lines.get(multiplier)
        if known is not None:
            return known
        line = self.lines
        if line == len(self.symbol_of_line):
            self._grow(2 * line)
        self.lines += 1
        symbol.lines[multiplier] = line
        if multiplier == 1:
            symbol.line_of_one = line
        self.symbol_of_line[line] = symbol.number
        self.group_of_line[line] = _grouped(symbol)
        self._tabulate(symbol, multiplier, line)
        self._price(symbol)
        return line

    def set_groups(self, groups: Mapping[str, int]) -> None:
        """Set the portfolio group of every symbol that is in one."""
        self._groups = groups
        self.group_of_line[:] = -1
        for name, symbol in self.symbols.items():
            symbol.group = groups.get(name, -1)
            for line in symbol.lines.values():
                self.group_of_line[line] = _grouped(symbol)

    def set_terms(self, name: str, terms: Instrument[Decimal] | None) -> bool:
        """Put terms in force; return whether rows that hold the symbol must be written again.

        Until they are, they refer to lines without a price: their scopes are candidates, never proven.
        """
        symbol = self.symbol(name)
        keeps = symbol.keeps_rows(terms)
        if keeps:
            symbol.take(terms)
            for multiplier, line in symbol.lines.items():
                self._tabulate(symbol, multiplier, line)
            return False
        for line in symbol.lines.values():
            self.values[line] = self.ends[line] = nan
        symbol.lines.clear()
        symbol.line_of_one = -1
        symbol.take(terms)
        return True

    def tabulated(self, name: str) -> dict[str, NDArray[Any]]:
        """Return a copy of all that the tables hold of a symbol."""
        lines = list(self.symbols[name].lines.values())
        rows = [row for line in lines for row in range(line * TIERS, (line + 1) * TIERS)]
        return {
            "symbol_of_line": self.symbol_of_line[lines],
            "group_of_line": self.group_of_line[lines],
            "values": self.values[lines],
            "ends": self.ends[lines],
            "table": self.table[rows],
            "edge": self.edge[rows],
        }

    def renew(
        self, name: str, terms: Instrument[Decimal] | None, mark: Decimal | None, band: tuple[Decimal | None, ...]
    ) -> None:
        """Write all that the tables hold of a symbol again."""
        symbol = self.symbols[name]
        symbol.take(terms)
        symbol.mark = mark
        for multiplier, line in symbol.lines.items():
            self.symbol_of_line[line] = symbol.number
            self.group_of_line[line] = _grouped(symbol)
            self._tabulate(symbol, multiplier, line)
        self.set_band(name, *band)

    def set_mark(self, name: str, mark: Decimal | None) -> None:
        """Set the price of a symbol, None where it has none."""
        symbol = self.symbol(name)
        symbol.mark = mark
        self._price(symbol)

    def set_marks(self, marks: Mapping[str, Decimal]) -> None:
        """Set the prices of some symbols, those of plain ones with one write."""
        lines: list[int] = []
        values: list[float] = []
        for name, mark in marks.items():
            symbol = self.symbol(name)
            symbol.mark = mark
            if symbol.band is None and len(symbol.lines) == 1 and symbol.line_of_one >= 0:
                lines.append(symbol.line_of_one)
                values.append(symbol.value_at(mark))
            else:
                self._price(symbol)
        self.values[lines] = values
        self.ends[lines, 0] = self.ends[lines, 1] = values

    def set_band(self, name: str, low: Decimal | None, high: Decimal | None) -> None:
        """Set the ends between which a doubted price lies; None, None: it is exact."""
        symbol = self.symbol(name)
        if low is None or high is None:
            symbol.band = None
            self.banded.discard(name)
        else:
            symbol.band = (min(low, high), max(low, high))
            self.banded.add(name)
        self._price(symbol)

    def _price(self, symbol: Symbol) -> None:
        value = symbol.value_at(symbol.mark)
        low, high = (value, value) if symbol.band is None else map(symbol.value_at, symbol.band)
        for line in symbol.lines.values():
            self.values[line] = value
            self.ends[line] = low, high

    def _grow(self, lines: int) -> None:
        self.symbol_of_line = longer(self.symbol_of_line, lines)
        self.group_of_line = longer(self.group_of_line, lines, -1)
        self.values, self.ends = longer(self.values, lines), longer(self.ends, lines)
        self.table, self.edge = longer(self.table, lines * TIERS), longer(self.edge, lines * TIERS)

    @exactly
    def _tabulate(self, symbol: Symbol, multiplier: Decimal, line: int) -> None:
        """Write the brackets of a line; where the requirement is taken at entry, one bracket that requires nothing."""
        table = self.table[line * TIERS : (line + 1) * TIERS]
        edge = self.edge[line * TIERS : (line + 1) * TIERS]
        table[:] = (0.0, 0.0, inf, inf)
        edge[:] = (inf, 0.0, 0.0)
        terms = symbol.terms
        if terms is None or symbol.at_entry:
            table[0] = (0.0, 0.0, 0.0, inf)
            edge[0] = (0.0, 0.0, 0.0)
            return
        if len(terms.tiers) > TIERS:
            raise ValueError(f"{terms.symbol} has more than {TIERS} brackets")
        for number, tier in enumerate(terms.tiers):
            floor = tier.floor * multiplier
            before = terms.tiers[number - 1] if number else tier
            jump = abs((tier.rate - before.rate) * tier.floor - (tier.deduction - before.deduction)) * multiplier
            unruly = (
                64 * UNIT * float(abs(tier.deduction) * multiplier) if tier.deduction > tier.floor * tier.rate else 0.0
            )
            near = GUARD if jump else 0.0
            low = inf if unruly else float(floor) * (1.0 + near)
            table[number] = (float(tier.rate + terms.closing_fee_rate), float(tier.deduction * multiplier), low, inf)
            edge[number] = (float(floor), float(jump) * _MORE, unruly * _MORE)
            if number:
                table[number - 1, HIGHEST] = float(floor) * (1.0 - near)


def _grouped(symbol: Symbol) -> int:
    return 2 * symbol.group + symbol.inverse if symbol.group >= 0 else -1
