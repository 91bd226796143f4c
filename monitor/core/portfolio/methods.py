"""The methods behind one door: the requirement of a book by whatever terms it is margined by.

Which account is margined by which terms is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.amounts import Number
from monitor.core.instruments import Asset
from monitor.core.legs import Leg
from monitor.core.portfolio import hyperliquid, scenario, span, tims
from monitor.core.portfolio.exposure import Exposure, exposure_of
from monitor.core.portfolio.figures import Requirement
from monitor.core.portfolio.scalars import Kind, M
from monitor.core.portfolio.terms import HyperliquidTerms, Method, PortfolioTerms, ScenarioTerms, SpanTerms, Terms

PORTFOLIO_METHOD_MISSING = "portfolio_method_missing"


def requirement(terms: Terms, exposure: Exposure[M], kind: Kind = Fraction) -> Requirement[M]:
    """Return the requirement of a book by the method the terms belong to, in USD.

    `kind` is what parameters are made into: `float` where the book is in floats.
    """
    if isinstance(terms, ScenarioTerms):
        return scenario.requirement(terms, exposure, kind)
    if isinstance(terms, SpanTerms):
        return span.requirement(terms, exposure, kind)
    if isinstance(terms, HyperliquidTerms):
        return hyperliquid.requirement(terms, exposure, kind)
    return tims.requirement(terms, exposure, kind)


class Margined(NamedTuple):
    """Hold a book margined by a method: the terms, what they looked at, and what follows."""

    method: Method
    terms: Terms
    exposure: Exposure[Fraction]
    requirement: Requirement[Fraction]


def margined(
    method: Method,
    terms: Terms,
    legs: Sequence[Leg],
    held: Mapping[str, Number],
    assets: Mapping[str, Asset[Decimal]],
) -> Margined:
    """Return a book margined by a method; all its figures must be known.

    `held` names wallet plus profit per asset, `assets` the terms of every asset in use.
    """
    exposure = exposure_of(terms, legs, held, assets)
    return Margined(method, terms, exposure, requirement(terms, exposure))


def portfolio_doubts(terms: PortfolioTerms | None, legs: Sequence[Leg], held: Mapping[str, Number]) -> list[str]:
    """Return why a book has no requirement: no method is configured, or a group it uses mixes base assets."""
    if terms is None:
        return [PORTFOLIO_METHOD_MISSING]
    in_force = terms.terms
    if isinstance(in_force, HyperliquidTerms):
        return []
    symbols = {leg.position.symbol for leg in legs}
    coins = {name for name, amount in held.items() if amount}
    return [
        f"mixed_bases:{group.name}"
        for group in in_force.groups
        if group.mixed and not (symbols.isdisjoint(group.members) and coins.isdisjoint(group.assets))
    ]
