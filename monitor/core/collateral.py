"""Collateral: what an amount of an asset counts in USD, after its haircut.

The valuation of one amount lives here; which amounts a scope holds, and where index prices come from, does not.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.core.amounts import Number, times
from monitor.core.instruments import Asset

_ONE = Decimal(1)
_ZERO = Decimal(0)


def coin_value(amount: Number, terms: Asset[Decimal]) -> Number:
    """Return what an amount of an asset counts in USD, by its sign."""
    return times(amount, ask_price(terms) if amount < 0 else bid_price(terms))


def bid_price(terms: Asset[Decimal]) -> Decimal:
    """Return what one unit that is held counts in USD: index·(1 − bid buffer)·collateral ratio, 0 if it is no margin.

    Source: Binance FAQ "Multi-Assets Mode"; the ratio is Aster's name of the same haircut.
    """
    assert terms.index_price is not None, "an asset in use has an index price"
    if not terms.margin_available:
        return _ZERO
    price = terms.index_price if terms.bid_buffer is None else terms.index_price * (_ONE - terms.bid_buffer)
    return price if terms.collateral_ratio is None else price * terms.collateral_ratio


def ask_price(terms: Asset[Decimal]) -> Decimal:
    """Return what one unit that is owed, or required, counts in USD: index·(1 + ask buffer)."""
    assert terms.index_price is not None, "an asset in use has an index price"
    return terms.index_price if terms.ask_buffer is None else terms.index_price * (_ONE + terms.ask_buffer)
