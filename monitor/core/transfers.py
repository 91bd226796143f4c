"""Transfers: what may be taken out of a scope, and what must be put in.

The two amounts live here; nothing is moved.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from monitor.core.accounts import Account
from monitor.core.amounts import Number, exactly, minus, plus, total
from monitor.core.collateral import ask_price
from monitor.core.ladder import Ladder
from monitor.core.margin import Assessment
from monitor.core.market import Market
from monitor.core.scopes import IN_USD, ScopeKind, asset_of_cross, symbol_of_isolated

_ZERO = Decimal(0)


@exactly
def deposit_to_clear(equity: Number, requirement: Number, ladder: Ladder) -> Number:
    """Return max(0, k·(1 + hysteresis)·MM − E) in the unit of the scope, k = margin_call's (or liquidation's).

    What must be paid in, at present prices, before a margin call is taken back.
    """
    line = ladder.clear
    short = minus(requirement * line.numerator, equity * line.denominator)
    if short <= 0:
        return _ZERO
    return short if line.denominator == 1 else Fraction(short) / line.denominator


@exactly
def max_transfer_out(account: Account, assessment: Assessment, market: Market) -> Number | None:
    """Return what may be taken out of a scope, in its unit; None where that is not known.

    Never more than the wallet above the requirement, nor than the equity above the initial margin:
    max(0, min(W − MM, W + uPnL − IM) − open orders). Of a cross scope also the margin of its account's isolated open
    orders in the same asset counts, which is paid from the cross wallet. In a scope in USD, W − MM is taken after
    haircuts: E − uPnL − MM. Source: Aster docs, "Calculating max transfers in Cross and Isolated margin".
    """
    wallet, equity, pnl = assessment.wallet_balance, assessment.equity, assessment.unrealized_pnl
    requirement, initial = assessment.maintenance_margin, assessment.initial_margin
    if wallet is None or equity is None or pnl is None or requirement is None or initial is None:
        return None
    without_pnl = minus(equity, pnl) if assessment.kind in IN_USD else wallet
    free = min(minus(without_pnl, requirement), minus(equity, initial))
    left = minus(free, _open_orders(account, assessment, market))
    return left if left > 0 else _ZERO


@exactly
def available_margin(account: Account, assessment: Assessment) -> Number | None:
    """Return max(0, E − IM − margin of the scope's open orders) in the unit of the scope (seed glossary: available)."""
    if assessment.equity is None or assessment.initial_margin is None:
        return None
    orders = account.open_order_initial_margin.get(assessment.scope, _ZERO)
    left = minus(assessment.equity, plus(assessment.initial_margin, orders))
    return left if left > 0 else _ZERO


def _open_orders(account: Account, assessment: Assessment, market: Market) -> Number:
    """Return the margin of open orders that a scope's wallet stands for, in the unit of the scope.

    An isolated order of a contract without terms could be settled in any asset: it counts for every one.
    """
    own = account.open_order_initial_margin.get(assessment.scope, _ZERO)
    if assessment.kind is ScopeKind.ISOLATED or len(account.open_order_initial_margin) == (1 if own else 0):
        return own
    amounts: list[Number] = [own]
    for scope, amount in account.open_order_initial_margin.items():
        symbol = symbol_of_isolated(scope)
        if symbol is None:
            continue
        instrument = market.instrument(symbol)
        if assessment.kind in IN_USD:
            terms = None if instrument is None else market.asset(instrument.settle_asset)
            priced = terms is not None and terms.index_price is not None
            amounts.append(amount * ask_price(terms) if terms is not None and priced else amount)
        elif instrument is None or instrument.settle_asset == asset_of_cross(assessment.scope):
            amounts.append(amount)
    return total(amounts)
