"""Collateral: what an amount of an asset counts in USD, after its haircut.

The valuation of one amount lives here; which amounts a scope holds, and where index prices come from, does not.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.core.amounts import Number, times
from monitor.core.instruments import Asset

_ONE = Decimal(1)
_ZERO = Decimal(0)


def coin_value(amount: Number, terms: Asset[Decimal], index_price: Number) -> Number:
    """Return what an amount of an asset counts in USD at an index price.

    Positive: index·(1 − bid buffer)·collateral ratio, or 0 where it is no margin; negative: index·(1 + ask buffer).
    """
    if amount < 0:
        return times(amount, times(index_price, ask_factor(terms)))
    if not terms.margin_available:
        return _ZERO
    return times(amount, times(index_price, bid_factor(terms)))


def bid_factor(terms: Asset[Decimal]) -> Decimal:
    """Return the share of its index price a positive amount counts."""
    factor = _ONE if terms.bid_buffer is None else _ONE - terms.bid_buffer
    return factor if terms.collateral_ratio is None else factor * terms.collateral_ratio


def ask_factor(terms: Asset[Decimal]) -> Decimal:
    """Return the multiple of its index price that a debt or a requirement counts."""
    return _ONE if terms.ask_buffer is None else _ONE + terms.ask_buffer


def ask_price(terms: Asset[Decimal]) -> Decimal:
    """Return what one unit of a requirement in an asset counts in USD: index·(1 + ask buffer)."""
    assert terms.index_price is not None, "an asset in use has an index price"
    return terms.index_price * ask_factor(terms)
