"""Stating: the parameters of a method as they stand in a document, so that reading them gives the same terms.

Which terms a document needs is not decided here. Nothing is left out: a default may change, evidence may not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitor.core.amounts import format_amount
from monitor.core.portfolio.terms import (
    Bundle,
    Group,
    HyperliquidTerms,
    Method,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
)


def portfolio_object(terms: PortfolioTerms) -> dict[str, Any]:
    """Return the method in force and its parameters beside it."""
    return {"method": str(terms.method), **terms_object(terms.terms)}


def portfolio_tables(terms: PortfolioTerms) -> dict[str, Any]:
    """Return the method in force and a table for every method that has parameters."""
    tables: dict[str, Any] = {str(method): terms_object(terms.of[method]) for method in Method if method in terms.of}
    return {"method": str(terms.method), **tables}


def terms_object(terms: Terms) -> dict[str, Any]:
    """Return the parameters of one method."""
    if isinstance(terms, ScenarioTerms):
        return _scenario(terms)
    if isinstance(terms, SpanTerms):
        return _span(terms)
    if isinstance(terms, TimsTerms):
        return _tims(terms)
    return _hyperliquid(terms)


def _scenario(terms: ScenarioTerms) -> dict[str, Any]:
    return {
        "groups": {
            group.name: _holding(group)
            | {"move": format_amount(group.up)}
            | ({} if group.daily_volume is None else {"daily_volume": format_amount(group.daily_volume)})
            for group in terms.groups
        },
        "steps": [format_amount(step) for step in terms.steps],
        "volatility_spike": {
            "multiple": format_amount(terms.spike_multiple),
            "weight": format_amount(terms.spike_weight),
        },
        "liquidity": {
            "rate": format_amount(terms.liquidity_rate),
            "exponent": format_amount(terms.liquidity_exponent),
        },
        **_amounts(terms, ("correlation_break", "basis_rate", "minimum_rate", "buffer", "initial_factor")),
    }


def _span(terms: SpanTerms) -> dict[str, Any]:
    names = ("extreme_multiple", "extreme_cover", "basis_rate", "minimum_rate", "initial_factor")
    return {
        "groups": {group.name: _holding(group) | {"price_scan": format_amount(group.up)} for group in terms.groups},
        "credits": [
            {
                "legs": list(credit.legs),
                "ratio": [format_amount(ratio) for ratio in credit.ratio],
                "credit": format_amount(credit.credit),
            }
            for credit in terms.credits
        ],
        **_amounts(terms, names),
    }


def _tims(terms: TimsTerms) -> dict[str, Any]:
    return {
        "classes": {
            group.name: _holding(group) | {"down": format_amount(group.down), "up": format_amount(group.up)}
            for group in terms.groups
        },
        "product_groups": _bundles(terms.product_groups, "classes"),
        "portfolio_groups": _bundles(terms.portfolio_groups, "product_groups"),
        **_amounts(terms, ("basis_rate", "minimum_rate", "initial_factor")),
    }


def _hyperliquid(terms: HyperliquidTerms) -> dict[str, Any]:
    caps = ("ltv", "supply_cap", "borrow_cap")
    return {
        "tokens": {
            token.asset: {"borrowable": token.borrowable}
            | _amounts(token, tuple(name for name in caps if getattr(token, name) is not None))
            for token in terms.tokens
        },
        "borrow_offset": format_amount(terms.borrow_offset),
    }


def _holding(group: Group) -> dict[str, Any]:
    allowed = {"allow_mixed": True} if group.allow_mixed else {}
    return {"members": list(group.members), "assets": list(group.assets), **allowed}


def _bundles(bundles: Iterable[Bundle], key: str) -> dict[str, Any]:
    return {bundle.name: {key: list(bundle.parts), "offset": format_amount(bundle.offset)} for bundle in bundles}


def _amounts(holder: object, names: Iterable[str]) -> dict[str, str]:
    return {name: format_amount(getattr(holder, name)) for name in names}
