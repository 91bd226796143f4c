"""Nearest: how far the marks are from the closest liquidation price of an account.

Liquidation prices are found in `liquidation`; only the choice among them lives here.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from monitor.core.accounts import Account
from monitor.core.amounts import Number, format_amount, format_quotient, minus, quotient
from monitor.core.liquidation import liquidation_prices
from monitor.core.margin import assess
from monitor.core.market import Market
from monitor.core.rules.measures import Ratio
from monitor.core.rules.readings import NOTHING, Reading
from monitor.core.scopes import kind_of, scope_names
from monitor.core.verdict import Ladders

_ONE = Decimal(1)


def nearest_distance(account: Account, market: Market, ladders: Ladders) -> Reading | None:
    """Return |liquidation price ÷ mark − 1| of the position that is nearest; None where no position has such a price.

    A scope that is already below its line counts as 0. Where any scope is unknown, so is the nearest.
    """
    best: tuple[Number, Reading] | None = None
    for scope in scope_names(account, market):
        assessment = assess(account, scope, market)
        if assessment.unknown_because:
            return NOTHING
        k: Fraction = ladders.of(kind_of(account, scope)).liquidation
        marks = {leg.position.symbol: leg.mark_price for leg in assessment.legs}
        for symbol, found in liquidation_prices(account, assessment, k).items():
            mark = marks[symbol]
            if found.price is None or mark is None:
                continue
            gap: Number = minus(found.price, mark) if not found.recovery else Decimal(0)
            gap = gap if gap >= 0 else -gap
            away = quotient(gap, mark)
            if best is None or away < best[0]:
                figures = {"liquidation_price": format_quotient(found.price, _ONE), "mark_price": format_amount(mark)}
                best = away, Reading("", Ratio(gap, mark), {"scope": scope, "symbol": symbol}, figures)
    return None if best is None else best[1]
