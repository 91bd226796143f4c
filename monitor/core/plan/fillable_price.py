"""The rule `fillable_price`: whole positions are closed by a limit order between the mark and the bankruptcy price.

Source: dYdX v4-chain, `protocol/x/clob/keeper/liquidations.go`, GetFillablePrice and GetLiquidationInsuranceFundDelta:
price = (PNNV − ABR·SMMR·PMMR) / PS with ABR = clamp(BA·(1 − TNC/TMMR), 0, 1); the fee is the maximum rate on the
notional, but not more than the equity the position's requirement stands for.
"""

from __future__ import annotations

from fractions import Fraction

from monitor.core.amounts import N, Number
from monitor.core.instruments import Contract
from monitor.core.plan.holding import Holding
from monitor.core.plan.rule import LiquidationRule


def fillable_price(holding: Holding[N], equity: Number, requirement: Number, rule: LiquidationRule) -> Fraction | None:
    """Return the limit price for what is left of a position; `equity` and `requirement` are the scope's.

    Linear: mark − ABR·SMMR·MM/(q·size); inverse, which the venue does not have: 1/(1/mark + ABR·SMMR·MM/(q·size)).
    None where that is not above 0.
    """
    mark = holding.leg.mark_price
    assert mark is not None, "asked of a known scope"
    spread = _adjustment(equity, requirement, rule) * Fraction(rule.spread_to_maintenance)
    size = Fraction(holding.signed_left) * Fraction(holding.terms.contract_size)
    part = spread * Fraction(holding.requirement(holding.left)) / size
    if holding.terms.contract is Contract.INVERSE:
        inverse = 1 / Fraction(mark) + part
        return 1 / inverse if inverse > 0 else None
    price = Fraction(mark) - part
    return price if price > 0 else None


def _adjustment(equity: Number, requirement: Number, rule: LiquidationRule) -> Fraction:
    """Return the adjusted bankruptcy rating: 0 at the maintenance line, 1 at bankruptcy."""
    if not requirement:
        return Fraction(0)
    rating = Fraction(rule.bankruptcy_adjustment) * (1 - Fraction(equity) / Fraction(requirement))
    return min(max(rating, Fraction(0)), Fraction(1))
