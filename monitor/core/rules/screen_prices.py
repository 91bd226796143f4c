"""Prices of the screen: marks, terms and collateral prices as arrays of floats, by small numbers.

What they are used for is in `screen_judging`; NaN stands for what is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.audit.comparing import Column, differences
from monitor.core.audit.fault import Fault
from monitor.core.collateral import ask_price, bid_price
from monitor.core.instruments import MaintenanceBasis
from monitor.core.market import Market

F8 = NDArray[np.float64]
TIERS = 16
NAN = float("nan")
_OF_SYMBOL = ("mark", "rate", "pay_price", "funding_time", "floors", "caps", "rates", "deductions", "at_entry")
_OF_ASSET = ("index", "index_alone", "plus", "minus")


class Numbered:
    """Give names small numbers, in the order they come."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, name: str) -> int:
        """Return the number of a name."""
        return self.numbers.setdefault(name, len(self.numbers))


class ScreenPrices:
    """Hold what the screen needs of the market; `refresh` reads it anew."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self.symbols, self.assets = Numbered(), Numbered()
        self.mark = self.rate = self.pay_price = self.funding_time = np.zeros(0)
        self.floors = self.caps = self.rates = self.deductions = np.zeros((0, TIERS))
        self.at_entry = np.zeros(0, dtype=np.bool_)
        self.index = self.index_alone = self.plus = self.minus = np.zeros(0)

    def refresh_all(self) -> None:
        """Make room for every name there is, and read all of them."""
        symbols, assets = len(self.symbols.numbers), len(self.assets.numbers)
        self.mark, self.rate, self.pay_price, self.funding_time = (np.full(symbols, NAN) for _ in range(4))
        self.floors, self.caps = np.full((symbols, TIERS), np.inf), np.full((symbols, TIERS), np.inf)
        self.rates, self.deductions = np.zeros((symbols, TIERS)), np.zeros((symbols, TIERS))
        self.at_entry = np.zeros(symbols, dtype=np.bool_)
        self.index, self.index_alone, self.plus, self.minus = (np.full(assets, NAN) for _ in range(4))
        self.refresh(self.symbols.numbers, self.assets.numbers, terms=True)

    def refresh(self, symbols: Iterable[str], assets: Iterable[str], *, terms: bool) -> None:
        """Read some names anew, of symbols the terms as well; names the screen has no room for yet are left out."""
        for symbol in symbols:
            number = self.symbols.numbers.get(symbol, len(self.mark))
            if number < len(self.mark):
                self._read_symbol(symbol, number, terms=terms)
        for name in assets:
            number = self.assets.numbers.get(name, len(self.index))
            if number < len(self.index):
                self._read_asset(name, number)

    def audited_symbol(self, name: str) -> list[Fault]:
        """Read a symbol and its terms anew; return what was otherwise."""
        before = self._row(self.symbols, name, _OF_SYMBOL)
        self.refresh([name], (), terms=True)
        return differences(before, self._row(self.symbols, name, _OF_SYMBOL), symbol=name)

    def audited_asset(self, name: str) -> list[Fault]:
        """Read an asset anew; return what was otherwise."""
        before = self._row(self.assets, name, _OF_ASSET)
        self.refresh((), [name], terms=False)
        return differences(before, self._row(self.assets, name, _OF_ASSET), symbol=name)

    def _row(self, numbered: Numbered, name: str, columns: Sequence[str]) -> dict[str, Column]:
        """Return what is kept of a name, nothing where there is no room for it yet."""
        number, room = numbered.numbers.get(name), len(getattr(self, columns[0]))
        if number is None or number >= room:
            return {}
        return {f"rules_{column}": np.array(getattr(self, column)[number]) for column in columns}

    def _read_symbol(self, symbol: str, number: int, *, terms: bool) -> None:
        mark, funding = self._market.mark(symbol), self._market.funding(symbol)
        self.mark[number] = NAN if mark is None else float(mark)
        self.rate[number] = self.pay_price[number] = self.funding_time[number] = NAN
        if funding is not None and funding.price is not None:
            self.rate[number], self.pay_price[number] = float(funding.rate), float(funding.price)
            self.funding_time[number] = float(funding.next_time_ms or 0)
        instrument = self._market.instrument(symbol) if terms else None
        if instrument is None:
            return
        self.floors[number], self.caps[number] = np.inf, np.inf
        for place, tier in enumerate(instrument.tiers[:TIERS]):
            self.floors[number, place] = float(tier.floor)
            self.caps[number, place] = np.inf if tier.max_leverage is None else float(tier.max_leverage)
            self.rates[number, place] = float(tier.rate + instrument.closing_fee_rate)
            self.deductions[number, place] = float(tier.deduction)
        self.at_entry[number] = instrument.maintenance_basis is MaintenanceBasis.ENTRY

    def _read_asset(self, name: str, number: int) -> None:
        terms = self._market.asset(name)
        self.index[number] = self.plus[number] = self.minus[number] = NAN
        if terms is not None and terms.index_price is not None:
            self.index[number] = float(terms.index_price)
            self.plus[number], self.minus[number] = float(bid_price(terms)), float(ask_price(terms))
        self.index_alone[number] = 1.0 if terms is None else self.index[number]
