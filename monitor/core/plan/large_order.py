"""The rule `large_order`: one order closes the least that suffices.

Source: Aster docs, "Liquidations": one large immediate-or-cancel order that closes part of the position ("smart
liquidation"), a second look after realised loss and fee, the rest at the bankruptcy price. The size of that order is
not published: this is the least with which the venue can stop.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from monitor.core.amounts import N, decimal_of
from monitor.core.plan.holding import Holding, rounded_up, to_digits
from monitor.core.plan.projection import Projection
from monitor.core.plan.rule import Line

_ZERO = Decimal(0)
_PARTS = 4
_PART = Decimal(1) / _PARTS
_GUESSES = 12
_CLOSE = Fraction(1, 10**12)
_NUDGES = 4


def stops(projection: Projection[N], holding: Holding[N]) -> list[Decimal]:
    """Return reductions of which one relieves the scope the most, rising.

    Where the figures are linear in between, every corner; else equal parts of the position, which is a search.
    """
    if projection.is_piecewise_linear:
        return [quantity for quantity in projection.corners(holding) if quantity]
    return [holding.left * number * _PART for number in range(1, _PARTS + 1)]


def least(projection: Projection[N], holding: Holding[N], line: Line, low: Decimal, high: Decimal) -> Decimal:
    """Return the least reduction between two neighbouring stops, of which the upper one brings the scope back.

    It is exact where the figures are linear in between, rounded up to 40 digits where it does not end sooner; else it
    is searched for.
    """
    if not projection.is_piecewise_linear:
        return _searched(projection, holding, line, low, high)
    here, there = (_headroom(projection, holding, line, quantity) for quantity in (low, high))
    rise, number = there - here, holding.number
    if high - low <= holding.grain or not rise:
        return high
    quantity = rounded_up(number(low) * rise - number(high - low) * here, rise)
    for _ in range(_NUDGES):
        if quantity >= high:
            break
        after = projection.after(holding, quantity)
        if line.is_met(after.equity, after.requirement):
            return quantity
        quantity += holding.grain
    return high


def _headroom(projection: Projection[N], holding: Holding[N], line: Line, quantity: Decimal) -> N:
    after = projection.after(holding, quantity)
    return line.headroom(after.equity, after.requirement)


def _searched(projection: Projection[N], holding: Holding[N], line: Line, low: Decimal, high: Decimal) -> Decimal:
    """Return a reduction within [low, high] that brings the scope back, close to the least, in a few looks.

    The Illinois variant of false position: exact at once where the figures are linear, quick where they bend.
    """
    below, above = (Fraction(_headroom(projection, holding, line, quantity)) for quantity in (low, high))
    for _ in range(_GUESSES):
        if above == below:
            break
        ratio = -below / (above - below)
        guess = to_digits(low + (high - low) * decimal_of(ratio))
        if not low < guess < high:
            break
        after = projection.after(holding, guess)
        headroom = Fraction(line.headroom(after.equity, after.requirement))
        if line.is_met(after.equity, after.requirement):
            high, above, below = guess, headroom, below / 2
            if headroom <= Fraction(after.requirement) * _CLOSE:
                break
        else:
            low, below, above = guess, headroom, above / 2
    return high
