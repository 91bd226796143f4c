"""The rule `large_order`: one order closes the least that suffices.

Source: Aster docs, "Liquidations": one large immediate-or-cancel order that closes part of the position ("smart
liquidation"), a second look after realised loss and fee, the rest at the bankruptcy price. The size of that order is
not published: this is the least with which the venue can stop.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.core.amounts import N
from monitor.core.plan.holding import Holding, rounded_up, to_digits
from monitor.core.plan.projection import Projection
from monitor.core.plan.rule import Line

_ZERO = Decimal(0)
_HALF = Decimal("0.5")
_PARTS = 16
_PART = Decimal(1) / _PARTS
_HALVINGS = 32
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
    is found by halving.
    """
    if not projection.is_piecewise_linear:
        return _halved(projection, holding, line, low, high)
    if high - low <= holding.grain:
        return high
    here, there = (_headroom(projection, holding, line, quantity) for quantity in (low, high))
    rise, number = there - here, holding.number
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


def _halved(projection: Projection[N], holding: Holding[N], line: Line, low: Decimal, high: Decimal) -> Decimal:
    for _ in range(_HALVINGS):
        middle = to_digits((low + high) * _HALF)
        after = projection.after(holding, middle)
        if line.is_met(after.equity, after.requirement):
            high = middle
        else:
            low = middle
    return high
