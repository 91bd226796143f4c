"""Pegs: collateral assets held against what they can be redeemed for.

An asset whose index has left its reference is quarantined as long as it has: the value of the reference stands in for
it, within the band of a quarantined price. There is no memory: the market as it stands says whether a peg holds, so a
restart or another owner comes to the same. Where the market comes from is the board's business.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, NamedTuple

from monitor.core.amounts import exactly, format_amount
from monitor.core.inputs import Origin
from monitor.core.instruments import Asset, with_index
from monitor.core.quotes import Quote

_ROUNDED = Context(prec=34, rounding=ROUND_HALF_EVEN)


class Reference(NamedTuple):
    """Hold what an asset can be redeemed for: `rate` times the index of `symbol`, or times a dollar without one.

    `limit`: how far its own index may be from that, a fraction of it.
    """

    rate: Decimal
    symbol: str | None = None
    limit: Decimal = Decimal("0.05")


class Peg(NamedTuple):
    """Hold an asset's index as it was stated, beside its reference: `price` of a symbol, 1 for a dollar."""

    index_price: Decimal
    price: Decimal
    reference: Reference

    @property
    def value(self) -> Decimal:
        """What the asset can be redeemed for."""
        return redeemed(self.reference.rate, self.price)

    @property
    def holds(self) -> bool:
        """Whether the index is as near to the reference as it may be."""
        return is_near(self.index_price, self.value, self.reference.limit)

    def body(self) -> dict[str, Any]:
        """Return the peg as evidence states it."""
        symbol = {} if self.reference.symbol is None else {"symbol": self.reference.symbol}
        return {
            "index_price": format_amount(self.index_price),
            "reference": format_amount(self.value),
            "price": format_amount(self.price),
            "rate": format_amount(self.reference.rate),
            **symbol,
            "limit": format_amount(self.reference.limit),
            "reasons": [] if self.holds else ["depeg"],
            "believed": self.holds,
        }


class PegChange(NamedTuple):
    """Tell that a peg holds no longer, or holds again, since a message."""

    asset: str
    peg: Peg
    origin: Origin
    timestamp_ms: int


class Pegs:
    """Hold the references of assets."""

    def __init__(self, references: Mapping[str, Reference]) -> None:
        self._references = references
        self.names = frozenset(references)
        self._by_symbol: dict[str, list[str]] = {}
        for name, reference in references.items():
            if reference.symbol is not None:
                self._by_symbol.setdefault(reference.symbol, []).append(name)

    def of(self, symbols: Collection[str]) -> list[str]:
        """Return the assets that are held against one of these symbols."""
        return [name for symbol in self._by_symbol if symbol in symbols for name in self._by_symbol[symbol]]

    def peg(self, name: str, terms: Asset[Decimal] | None, quotes: Mapping[str, Quote]) -> Peg | None:
        """Return an asset beside its reference; None where either is not known."""
        reference = self._references.get(name)
        if reference is None or terms is None or terms.index_price is None:
            return None
        if reference.symbol is None:
            return Peg(terms.index_price, Decimal(1), reference)
        quote = quotes.get(reference.symbol)
        if quote is None:
            return None
        price = quote.mark_price if quote.index_price is None else quote.index_price
        return Peg(terms.index_price, price, reference)

    def believed(self, name: str, terms: Asset[Decimal] | None, quotes: Mapping[str, Quote]) -> Asset[Decimal] | None:
        """Return the terms an asset is valued by: its own index, or its reference where the peg does not hold."""
        peg = self.peg(name, terms, quotes)
        return terms if terms is None or peg is None or peg.holds else with_index(terms, peg.value)


NO_PEGS = Pegs({})


def redeemed(rate: Decimal, price: Decimal) -> Decimal:
    """Return so many times a price, rounded half to even at 34 digits: a document states no more than 64."""
    return _ROUNDED.multiply(rate, price)


@exactly
def is_near(index_price: Decimal, value: Decimal, limit: Decimal) -> bool:
    """Return whether an index lies within a limit, a fraction of the reference, of its reference."""
    return abs(index_price - value) <= limit * value


@exactly
def peg_terms(place: str, body: Mapping[str, Any], index_price: str) -> list[tuple[str, Any, Any]]:
    """Return what a stated peg must agree with: itself, and the index the asset was valued at."""
    stated, value = Decimal(body["index_price"]), redeemed(Decimal(body["rate"]), Decimal(body["price"]))
    holds = is_near(stated, value, Decimal(body["limit"]))
    return [
        (f"{place}.reference", Decimal(body["reference"]), value),
        (f"{place}.believed", body["believed"], holds),
        (f"{place}.reasons", body["reasons"], [] if holds else ["depeg"]),
        (f"{place}.index_price", Decimal(index_price), stated if holds else value),
    ]
