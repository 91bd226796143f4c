"""Hedges: whether what ADL would take from an account covers another of its positions, and what that puts at risk.

The rule and its figure live here; they inform whoever reads a selection and change nobody's place in the queue.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Account, Position
from monitor.core.adl.holders import Holding, side_of
from monitor.core.amounts import decimal_of, fraction_of
from monitor.core.margin import Assessment, assess
from monitor.core.market import Market
from monitor.core.portfolio.terms import HyperliquidTerms
from monitor.core.positions import notional
from monitor.core.scopes import IN_USD, PORTFOLIO, scope_of


class Hedge(NamedTuple):
    """Say whether a holding covers another position; `equity_at_risk` is in USD, None where it is not known."""

    breaks: bool = False
    equity_at_risk: Decimal | None = None


def hedge_of(account: Account, scope: str, holding: Holding, market: Market, assessed: dict[str, Assessment]) -> Hedge:
    """Return what taking a holding of a scope would uncover; `assessed` keeps the scopes looked at, by name.

    A holding covers positions of the same account on the other side of the same symbol or the same base asset, whatever
    scope they stand in, and inside a portfolio those of its group; legs netted inside the holding are no others.
    The equity at risk is the most that the part left without cover can cost: its notional (of the holding or of what it
    covers, whichever is less), in each scope no more than the equity that stands there. In USD; an asset without an
    index counts 1:1. Needs the exact context.
    """
    covered: dict[str, Fraction | None] = {}
    for position in account.positions.values():
        if not position.quantity or side_of(position.quantity) == holding.side:
            continue
        name = _covered_in(scope, holding, account, position, market)
        if name is None:
            continue
        value, before = _notional(position.symbol, position.quantity, market), covered.get(name, Fraction(0))
        covered[name] = None if value is None or before is None else before + value
    if not covered:
        return Hedge()
    risks = [_at_risk(account, name, value, market, assessed) for name, value in covered.items()]
    taken = _notional(holding.symbol, holding.quantity, market)
    known = [risk for risk in risks if risk is not None]
    if taken is None or len(known) < len(risks):
        return Hedge(breaks=True)
    return Hedge(breaks=True, equity_at_risk=decimal_of(min(taken, sum(known, Fraction(0)))))


def _covered_in(scope: str, holding: Holding, account: Account, position: Position, market: Market) -> str | None:
    """Return the scope of a position on the other side that a holding of a scope covers, None where it does not."""
    if position.symbol == holding.symbol:
        name = scope_of(account, position, market)
        return None if name == scope else name
    if _share_a_base(holding.symbol, position.symbol, market):
        return scope_of(account, position, market)
    if scope != PORTFOLIO or not _share_a_group(holding.symbol, position.symbol, market):
        return None
    name = scope_of(account, position, market)
    return name if name == scope else None


def _share_a_base(symbol: str, other: str, market: Market) -> bool:
    """Return whether the terms of two contracts name the same base asset."""
    one, two = market.instrument(symbol), market.instrument(other)
    return one is not None and two is not None and one.base_asset is not None and one.base_asset == two.base_asset


def _share_a_group(symbol: str, other: str, market: Market) -> bool:
    """Return whether the portfolio method in force moves two contracts together."""
    if market.portfolio is None or isinstance(market.portfolio.terms, HyperliquidTerms):
        return False
    return any(symbol in group.members and other in group.members for group in market.portfolio.terms.groups)


def _notional(symbol: str, quantity: Decimal, market: Market) -> Fraction | None:
    """Return the notional of contracts at mark, in USD; None where terms or mark are missing."""
    terms, mark = market.instrument(symbol), market.mark(symbol)
    if terms is None or mark is None:
        return None
    size = Fraction(quantity) * Fraction(terms.contract_size)
    return notional(terms.contract, size, Fraction(mark)) * _index(terms.settle_asset, market)


def _at_risk(
    account: Account, scope: str, value: Fraction | None, market: Market, assessed: dict[str, Assessment]
) -> Fraction | None:
    """Return what of the equity of a scope its positions of a value can cost."""
    figures = assessed.get(scope)
    if figures is None:
        figures = assessed[scope] = assess(account, scope, market)
    if value is None or figures.equity is None:
        return None
    worth = Fraction(1)
    if figures.kind not in IN_USD and figures.index_price is not None:
        worth = Fraction(figures.index_price)
    return min(value, max(Fraction(0), fraction_of(figures.equity) * worth))


def _index(asset: str, market: Market) -> Fraction:
    terms = market.asset(asset)
    return Fraction(1) if terms is None or terms.index_price is None else Fraction(terms.index_price)
