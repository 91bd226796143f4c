"""Contributions: what each position, and each asset held as a hedge, has to do with a requirement.

The two measures live here: the share of the worst loss, and the requirement with and without.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from monitor.core.portfolio.exposure import ASSET_SIDE, Entry, without
from monitor.core.portfolio.methods import Margined, requirement
from monitor.core.portfolio.terms import HyperliquidTerms

_ZERO = Fraction(0)


class Contribution(NamedTuple):
    """Hold what one position (or held asset) contributes, in USD.

    `euler` is its share of the weighted loss at the worst scenario: all shares sum to it. `marginal` is the requirement
    with it minus the requirement without it, its profit gone with it; below 0 it is a hedge.
    """

    symbol: str
    side: str
    euler: Fraction
    marginal: Fraction
    ungrouped: bool


def contributions(book: Margined) -> tuple[Contribution, ...]:
    """Return the contribution of every position, then of every asset of a group that is held."""
    listed = (entry for entry in book.exposure.entries if entry.side != ASSET_SIDE or entry.delta)
    return tuple(_contribution(book, entry) for entry in listed)


def _contribution(book: Margined, entry: Entry[Fraction]) -> Contribution:
    tokens = [token.asset for token in book.terms.tokens] if isinstance(book.terms, HyperliquidTerms) else []
    left = requirement(book.terms, without(book.exposure, entry, tokens)).maintenance
    euler = _ZERO if entry.group is None else entry.delta * book.requirement.factors[entry.group]
    outside = entry.group is None and not isinstance(book.terms, HyperliquidTerms)
    return Contribution(entry.symbol, entry.side, euler, book.requirement.maintenance - left, outside)
