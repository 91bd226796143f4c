"""What a plan does to an account: fills at the mark, profit booked, fees paid. Written anew, in fractions.

Nothing of the plan's own arithmetic is used here but the quantities, and the fee where a rule caps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from monitor.core.accounts import Account, MarginType, Side
from monitor.core.amounts import exactly
from monitor.core.instruments import Contract
from monitor.core.margin import NoSuchScope, assess
from monitor.core.market import FixedMarket

Reduced = Mapping[str, Any]


@exactly
def applied(who: Account, prices: FixedMarket, reductions: Iterable[Reduced], *, stated_fees: bool = False) -> Account:
    """Return the account after reductions."""
    balances: dict[str, Any] = dict(who.balances)
    positions = dict(who.positions)
    for step in reductions:
        key = step["symbol"], Side(step["side"])
        position, terms, mark = positions[key], prices.instruments[key[0]], Fraction(prices.marks[key[0]])
        quantity = Decimal(step["quantity"])
        assert 0 < quantity <= abs(position.quantity), "a reduction takes some of a position and never more than all"
        sign = 1 if position.quantity > 0 else -1
        base, entry = Fraction(quantity) * Fraction(terms.contract_size), Fraction(position.entry_price)
        if terms.contract is Contract.LINEAR:
            profit, notional = sign * base * (mark - entry), base * mark
        else:
            profit, notional = sign * base * (1 / entry - 1 / mark), base / mark
        fee = notional * Fraction(terms.liquidation_fee_rate)
        if stated_fees:
            fee = Fraction(step["fee"])
        if step.get("against_other_leg"):
            fee = Fraction(0)
        left = position.quantity - sign * quantity
        wallet: Any = position.isolated_wallet
        if position.margin_type is MarginType.ISOLATED:
            wallet = Fraction(wallet) + profit - fee
        else:
            asset = terms.settle_asset
            balances[asset] = Fraction(balances.get(asset, 0)) + profit - fee
        positions[key] = replace(position, quantity=left, isolated_wallet=wallet)
    return replace(who, balances=balances, positions=positions)


@exactly
def figures(who: Account, scope: str, prices: FixedMarket) -> tuple[Fraction, Fraction]:
    """Return equity and requirement of a scope; of an isolated one whose position is gone, its wallet over nothing."""
    try:
        assessed = assess(who, scope, prices)
    except NoSuchScope:
        symbol, _, side = scope.removeprefix("isolated:").rpartition(":")
        return Fraction(who.positions[symbol, Side(side)].isolated_wallet or 0), Fraction(0)
    assert assessed.equity is not None
    assert assessed.maintenance_margin is not None
    return Fraction(assessed.equity), Fraction(assessed.maintenance_margin)
