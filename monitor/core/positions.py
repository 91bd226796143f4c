"""Formulas of one position: notional, profit, requirement, initial margin.

Each function is one formula in the units it names; which positions share a wallet, and what a coin is worth, is not
known here. The formulas are generic in the kind of number; those of inverse contracts divide by a price, so they are
given fractions.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from monitor.core.amounts import EXACT, N, Number
from monitor.core.instruments import Contract, MarginTier

_INVERSE = Contract.INVERSE


def signed_size(quantity: N, contract_size: N) -> N:
    """Return q·size: base units of a linear contract, quote units of an inverse one; short negative."""
    return quantity * contract_size


def notional(contract: Contract, size: N, price: N) -> N:
    """Return the notional at a price: |q·size|·p in the quote asset, or |q·size|/p in the coin (inverse).

    Source: Binance support FAQ, liquidation price of USD-M and of COIN-M futures contracts.
    """
    return abs(size) / price if contract is _INVERSE else abs(size) * price


def unrealized_pnl(contract: Contract, size: N, entry_price: N, price: N) -> N:
    """Return the profit at a price in the settle asset: q·size·(p − e), or q·size·(1/e − 1/p) in the coin (inverse).

    Source: Binance support FAQ, liquidation price of USD-M and of COIN-M futures contracts.
    """
    if contract is _INVERSE:
        return size * (price - entry_price) / (price * entry_price)
    return size * (price - entry_price)


def maintenance_margin(notional: N, tier: MarginTier[N], closing_fee_rate: N, multiplier: N) -> N:
    """Return the requirement in units of the notional: N·(rate + closing fee) − deduction·multiplier, never below 0.

    `tier` is the bracket the notional lies in, `multiplier` the account's bracket multiplier. Source: Aster API,
    `GET leverageBracket` (rate and `cum`); the closing fee is Bybit's and OKX's addition.
    """
    requirement = notional * (tier.rate + closing_fee_rate) - tier.deduction * multiplier
    return requirement if requirement > 0 else requirement - requirement


def effective_leverage(named: Decimal | None, cap: Decimal | None) -> Decimal:
    """Return the leverage that counts: what is named, 1 where nothing is, never above the bracket's maximum."""
    leverage = _ONE if named is None else named
    return leverage if cap is None or leverage <= cap else cap


def initial_margin(notional: Number, leverage: Decimal) -> Number:
    """Return N ÷ leverage in units of the notional. Source: Aster docs, "Margin" (size·mark ÷ leverage).

    A Decimal stays one where 1/leverage ends in decimals; otherwise the quotient is a fraction.
    """
    if isinstance(notional, Decimal):
        inverse = _reciprocal(leverage)
        return Fraction(notional) * inverse if isinstance(inverse, Fraction) else notional * inverse
    return notional / Fraction(leverage)


_ONE = Decimal(1)


@lru_cache(maxsize=4096)
def _reciprocal(leverage: Decimal) -> Number:
    """Return 1/leverage, as a Decimal where it ends in decimals."""
    inverse = 1 / Fraction(leverage)
    rest, places = inverse.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1:
        return inverse
    return Decimal(inverse.numerator * 10**places // inverse.denominator).scaleb(-places, EXACT)
