"""What margin needs to know of the world outside an account: terms, marks and collateral prices.

The question and a plain answer over mappings live here; where prices come from, how old they are and whether they are
believed does not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from monitor.core.instruments import Asset, Instrument, usd_asset, with_index
from monitor.core.portfolio.terms import PortfolioTerms


class FundingBasis(StrEnum):
    """Name the price that funding is charged on."""

    MARK = "mark"
    INDEX = "index"


class Funding(NamedTuple):
    """Hold what is known of the next funding of a contract; `price` is the one it is charged on, None: not known."""

    rate: Decimal
    next_time_ms: int | None
    price: Decimal | None


class FundingRate(NamedTuple):
    """Hold a rate as a document states it."""

    rate: Decimal
    next_time_ms: int | None = None


class Market(Protocol):
    """Answer what is known now; None means it is not known."""

    def instrument(self, symbol: str) -> Instrument[Decimal] | None:
        """Return the terms of a contract."""

    def mark(self, symbol: str) -> Decimal | None:
        """Return the mark price of a contract, above 0."""

    def asset(self, name: str) -> Asset[Decimal] | None:
        """Return the terms of an asset with its index price filled in; 1 for one that counts as USD without terms."""

    @property
    def portfolio(self) -> PortfolioTerms | None:
        """What portfolio accounts are margined by, resolved over the contracts known; None without a method."""

    def funding(self, symbol: str) -> Funding | None:
        """Return what is known of the next funding of a contract, None where no rate is."""


@dataclass(frozen=True)
class FixedMarket:
    """Answer from mappings: a document's market, or the one an event was decided from."""

    instruments: Mapping[str, Instrument[Decimal]] = field(default_factory=dict)
    marks: Mapping[str, Decimal] = field(default_factory=dict)
    index_prices: Mapping[str, Decimal] = field(default_factory=dict)
    assets: Mapping[str, Asset[Decimal]] = field(default_factory=dict)
    usd_assets: Collection[str] = ("USD",)
    portfolio: PortfolioTerms | None = None
    funding_rates: Mapping[str, FundingRate] = field(default_factory=dict)
    funding_basis: FundingBasis = FundingBasis.MARK

    def instrument(self, symbol: str) -> Instrument[Decimal] | None:
        """Return the terms of a contract."""
        return self.instruments.get(symbol)

    def mark(self, symbol: str) -> Decimal | None:
        """Return the mark price of a contract."""
        return self.marks.get(symbol)

    def asset(self, name: str) -> Asset[Decimal] | None:
        """Return the terms of an asset with its index price filled in."""
        terms = self.assets.get(name)
        if terms is None:
            return usd_asset(name) if name in self.usd_assets else None
        if terms.index_symbol is None:
            return terms
        index_price = self.index_prices.get(terms.index_symbol)
        if index_price is None:
            return terms if terms.index_price is not None else None
        return with_index(terms, index_price)

    def funding(self, symbol: str) -> Funding | None:
        """Return what is known of the next funding of a contract."""
        stated = self.funding_rates.get(symbol)
        if stated is None:
            return None
        prices = self.marks if self.funding_basis is FundingBasis.MARK else self.index_prices
        return Funding(stated.rate, stated.next_time_ms, prices.get(symbol))
