"""Hyperliquid's portfolio margin: cross requirements and what is borrowed, against balance and capped collateral.

Source: Hyperliquid documentation, "Portfolio margin". Formula and example leave room (what a cap is measured in, what
counts as balance); this is our reading: a balance is wallet plus profit settled in the token, below 0 it is borrowed;
`supply_cap` is in the token, `borrow_cap` in USD; a token without `ltv` is no collateral of others. The token whose
requirement is greatest against its value binds: its value is the scope's equity, and the liquidation line is 1/0.95.
There is no list of scenarios: the worst is the token that binds, `token_T`. The initial margin is the maintenance one.
A book of nothing at all requires nothing: the page's offset of 20 USD is not asked of an empty account.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from monitor.core.portfolio.exposure import Exposure
from monitor.core.portfolio.figures import Part, Requirement, components
from monitor.core.portfolio.scalars import Kind, M, added, zero_of
from monitor.core.portfolio.terms import HyperliquidTerms

LIQUIDATION_LINE = Fraction(100, 95)
"""The liquidation threshold in the health convention: liquidated above a ratio of 0.95 of requirement to value."""

_HALF = Fraction(1, 2)


def requirement(terms: HyperliquidTerms, exposure: Exposure[M], kind: Kind = Fraction) -> Requirement[M]:
    """Return the requirement of the token that binds, with its value as equity, in USD."""
    zero = zero_of(exposure.ungrouped)
    if not exposure.entries and all(not (token.held < zero or token.held > zero) for token in exposure.tokens):
        return Requirement(zero, zero, components(zero), (), None, (), (), zero)
    parts = [_part(terms, exposure, number, kind) for number, token in enumerate(terms.tokens) if token.borrowable]
    binding = parts[0]
    for part in parts[1:]:
        if _binds(part, binding, zero):
            binding = part
    offset = binding.minimum
    return Requirement(
        binding.requirement,
        binding.requirement,
        components(zero, ungrouped=exposure.ungrouped, borrowed=binding.worst_loss, borrow_offset=offset),
        (),
        f"token_{binding.name}",
        (),
        tuple(parts),
        binding.value,
    )


def _binds(one: Part[M], other: Part[M], zero: M) -> bool:
    """Return whether requirement ÷ value of one is above that of the other; a value of 0 is above all."""
    if not other.value > zero:
        return False
    return not one.value > zero or one.requirement * other.value > other.requirement * one.value


def _part(terms: HyperliquidTerms, exposure: Exposure[M], number: int, kind: Kind) -> Part[M]:
    """Return requirement and value of one borrowable token; `worst_loss` is what is borrowed, `minimum` the offset."""
    zero = zero_of(exposure.ungrouped)
    token, amount = terms.tokens[number], exposure.tokens[number]
    borrowed = max(zero, -amount.held) * amount.price
    offset = zero + kind(terms.borrow_offset)
    needed = offset + exposure.ungrouped + borrowed
    value = max(zero, amount.held) * amount.price + _capped(
        _collateral(terms, exposure, number, kind), token.borrow_cap, kind
    )
    return Part(token.asset, f"token_{token.asset}", borrowed, zero, zero, offset, needed, value)


def _collateral(terms: HyperliquidTerms, exposure: Exposure[M], apart: int, kind: Kind) -> M:
    """Return Σ min(balance, supply_cap)·price·(0.5 + 0.5·ltv) over the other tokens that are collateral."""
    zero = zero_of(exposure.ungrouped)
    return added(
        (
            _capped(max(zero, amount.held), token.supply_cap, kind)
            * amount.price
            * kind(_HALF + _HALF * Fraction(token.ltv))
            for number, (token, amount) in enumerate(zip(terms.tokens, exposure.tokens, strict=True))
            if number != apart and token.ltv is not None
        ),
        zero,
    )


def _capped(amount: M, cap: Decimal | None, kind: Kind) -> M:
    """Return an amount, or the cap where it is above that."""
    return amount if cap is None else min(amount, zero_of(amount) + kind(cap))
