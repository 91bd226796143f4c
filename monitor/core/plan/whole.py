"""The rule `whole`: position after position is closed, each all at once; so are those of `fillable_price`.

It is that of a venue that says nothing special.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.core.amounts import N
from monitor.core.plan.holding import Holding


def stops(holding: Holding[N]) -> list[Decimal]:
    """Return the quantities after which it is looked again whether the scope is back: all of it."""
    return [holding.left]
