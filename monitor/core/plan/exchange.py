"""The automatic exchange of a multi-asset account: collateral is sold where an asset is owed, before positions go.

What it would sell lives here. It changes no equity: what is sold raises what it counted for, what is owed is paid at
what it counted against.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Account
from monitor.core.amounts import Number
from monitor.core.collateral import ask_price, bid_price
from monitor.core.margin import Assessment, held_amounts
from monitor.core.scopes import ScopeKind


class Sale(NamedTuple):
    """Hold what would be sold of one asset: `value` at the index before the haircut, `raises` after it, both in USD."""

    asset: str
    quantity: Fraction
    value: Fraction
    raises: Fraction


class Exchange(NamedTuple):
    """Hold what is owed of one asset (`owed` in the asset, `value` in USD), what would be sold, and what stays owed."""

    asset: str
    owed: Fraction
    value: Fraction
    sales: tuple[Sale, ...]
    uncovered: Fraction


def exchanges_of(account: Account, assessment: Assessment) -> tuple[Exchange, ...]:
    """Return the exchanges a forced liquidation begins with, by the asset owed; only a multi-asset scope has any.

    An asset is owed where its balance with the profit settled in it is below 0; assets with the smallest haircut are
    sold first, ties by name, of each not more than the wallet holds. To raise an amount, amount ÷ (1 − haircut) worth
    is sold. Source: Aster docs, "Multi-asset mode" (10,000 ÷ 0.975 = 10,256.41); Binance, "Multi-Assets Mode".
    """
    if assessment.kind is not ScopeKind.MULTI_ASSET:
        return ()
    held = held_amounts(account, assessment)
    owed = sorted(asset for asset, amount in held.items() if amount < 0)
    if not owed:
        return ()
    stock = _stock(account, assessment, held)
    return tuple(_exchange(asset, -Fraction(held[asset]), stock, assessment) for asset in owed)


def _stock(account: Account, assessment: Assessment, held: Mapping[str, Number]) -> dict[str, Fraction]:
    """Return what can be sold of each asset, those with the smallest haircut first."""
    can = {
        asset: min(Fraction(amount), Fraction(held[asset]))
        for asset, amount in account.balances.items()
        if amount > 0 and held[asset] > 0 and bid_price(assessment.assets[asset]) > 0
    }
    return dict(sorted(can.items(), key=lambda item: (-_ratio(assessment, item[0]), item[0])))


def _ratio(assessment: Assessment, asset: str) -> Fraction:
    terms = assessment.assets[asset]
    assert terms.index_price is not None, "an asset in use has an index price"
    return Fraction(bid_price(terms)) / Fraction(terms.index_price)


def _exchange(asset: str, owed: Fraction, stock: dict[str, Fraction], assessment: Assessment) -> Exchange:
    """Return the sales that pay what is owed, and take them out of the stock."""
    value = missing = owed * Fraction(ask_price(assessment.assets[asset]))
    sales: list[Sale] = []
    for name, amount in stock.items():
        if not missing:
            break
        if not amount:
            continue
        bid = Fraction(bid_price(assessment.assets[name]))
        raised = min(missing, amount * bid)
        quantity = raised / bid
        sales.append(Sale(name, quantity, raised / _ratio(assessment, name), raised))
        stock[name] = amount - quantity
        missing -= raised
    return Exchange(asset, owed, value, tuple(sales), missing)
