"""The rules `by_bracket`, `to_ratio` and `brackets_down`: a position goes down the brackets, then it is closed.

Binance reduces bracket by bracket until the scope is back, Bybit the same until MM/E is at most 90 % ("Trading Rules:
Liquidation Process (Unified Trading Account)": step by step along the risk limit tiers), OKX two tiers at a time from
tier 3 on and all of it below ("Forced Partial or Full Liquidation"). What differs is the step and the target.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.core.amounts import N
from monitor.core.plan.holding import Holding


def stops(holding: Holding[N], step: int) -> list[Decimal]:
    """Return the quantities after which it is looked again, rising.

    From bracket b on the notional goes down to the top of bracket b − step, which is the floor of the one above it,
    and so on; a position that has not so many brackets below it is closed.
    """
    found: list[Decimal] = []
    bracket = holding.bracket() - step
    while bracket >= 0:
        quantity = holding.down_to_floor(bracket + 1)
        if quantity:
            found.append(quantity)
        bracket -= step
    return [*found, holding.left]
