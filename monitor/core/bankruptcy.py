"""Bankruptcy price: the mark at which a position's share of its scope's equity is used up.

How a scope's equity is shared out lives here; the price at which it is liquidated does not.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from monitor.core.amounts import Number, exactly, fraction_of, minus, quotient, times, total
from monitor.core.collateral import ask_price
from monitor.core.instruments import Contract
from monitor.core.legs import Leg
from monitor.core.margin import Assessment
from monitor.core.scopes import IN_USD, ScopeKind
from monitor.core.shortening import in_short


@exactly
def bankruptcy_prices(assessment: Assessment) -> tuple[Number | None, ...]:
    """Return of each position the mark at which its share of the equity is gone; None where there is no positive one.

    Isolated: where E = 0. Cross: the equity is shared pro rata to the requirements, the share in settle-asset units.
    Linear: mark − share/(q·size); inverse: 1/(1/mark + share/(q·size)). Source: dYdX v4, quote at bankruptcy.
    """
    figures = in_short(assessment)
    whole = _whole(figures)
    return tuple(_price(figures, leg, whole) for leg in figures.legs)


def _price(assessment: Assessment, leg: Leg, all_required: Number | None) -> Number | None:
    if leg.instrument is None or leg.mark_price is None or assessment.equity is None:
        return None
    shared = _share(assessment, leg, all_required)
    if shared is None:
        return None
    part, whole = shared
    size = times(leg.position.quantity, leg.instrument.contract_size)
    if leg.instrument.contract is Contract.INVERSE:
        mark = Fraction(leg.mark_price)
        inverse = 1 / mark + fraction_of(part) / fraction_of(times(whole, size))
        return 1 / inverse if inverse > 0 else None
    bottom = times(whole, size)
    price = quotient(minus(times(leg.mark_price, bottom), part), bottom)
    return price if price > 0 else None


def _whole(assessment: Assessment) -> Number | None:
    """Return what the equity is shared by: all requirements; None where it is not shared, or one is not known."""
    if assessment.kind is ScopeKind.ISOLATED:
        return None
    weights = [_weight(assessment, each) for each in assessment.legs]
    known = [weight for weight in weights if weight is not None]
    return total(known) if len(known) == len(weights) else None


def _share(assessment: Assessment, leg: Leg, whole: Number | None) -> tuple[Number, Number] | None:
    """Return the share of the equity in settle-asset units as dividend and divisor (above 0)."""
    assert assessment.equity is not None, "asked only where the equity is known"
    if assessment.kind is ScopeKind.ISOLATED:
        return assessment.equity, Decimal(1)
    mine = _weight(assessment, leg)
    if mine is None or not whole:
        return None
    part = times(assessment.equity, mine)
    if assessment.kind in IN_USD:
        index_price = assessment.assets[leg.instrument.settle_asset].index_price if leg.instrument else None
        assert index_price is not None, "a settle asset in use has an index price"
        whole = times(whole, index_price)
    return part, whole


def _weight(assessment: Assessment, leg: Leg) -> Number | None:
    """Return the requirement of a position in the unit of its scope: in USD at the ask, of a portfolio at the index."""
    if assessment.kind not in IN_USD or leg.maintenance_margin is None:
        return leg.maintenance_margin
    terms = assessment.assets.get(leg.instrument.settle_asset) if leg.instrument else None
    if terms is None or terms.index_price is None:
        return None
    price = terms.index_price if assessment.kind is ScopeKind.PORTFOLIO else ask_price(terms)
    return times(leg.maintenance_margin, price)
