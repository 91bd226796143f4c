"""A market with some of its prices moved: for what would be if they stood elsewhere.

Which prices are moved, and whereto, is the caller's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from monitor.core.instruments import Asset, Instrument, with_index
from monitor.core.market import Funding, Market
from monitor.core.portfolio.terms import PortfolioTerms


class Shifted:
    """Answer as another market does, with some marks and collateral prices moved, or under other portfolio terms."""

    def __init__(
        self,
        base: Market,
        marks: Mapping[str, Decimal],
        index_prices: Mapping[str, Decimal],
        portfolio: PortfolioTerms | None = None,
    ) -> None:
        self._base = base
        self._marks = marks
        self._index_prices = index_prices
        self._portfolio = portfolio

    @property
    def portfolio(self) -> PortfolioTerms | None:
        """What portfolio accounts are margined by."""
        return self._portfolio or self._base.portfolio

    def instrument(self, symbol: str) -> Instrument[Decimal] | None:
        """Return the terms of a contract."""
        return self._base.instrument(symbol)

    def mark(self, symbol: str) -> Decimal | None:
        """Return the mark, moved where it is."""
        return self._marks.get(symbol) or self._base.mark(symbol)

    def asset(self, name: str) -> Asset[Decimal] | None:
        """Return the asset, its index moved where it is."""
        terms = self._base.asset(name)
        moved = self._index_prices.get(name)
        return terms if terms is None or moved is None else with_index(terms, moved)

    def funding(self, symbol: str) -> Funding | None:
        """Return the funding of the market that is moved, at its own price."""
        return self._base.funding(symbol)
