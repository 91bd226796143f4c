"""Pairs: long and short of one contract, closed against each other before anything is sold.

Source: OKX, "Forced Partial or Full Liquidation": in cross margin, positions in both directions of one contract are
closed against each other first. No order is filled by that, so that no fee is charged here; the venue states none.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.core.amounts import N
from monitor.core.plan.holding import Holding


def pairs(holdings: Sequence[Holding[N]]) -> list[tuple[Holding[N], Holding[N]]]:
    """Return long and short of every contract of which a cross scope holds both, by symbol."""
    by_symbol: dict[str, list[Holding[N]]] = {}
    for holding in holdings:
        if holding.is_cross:
            by_symbol.setdefault(holding.symbol, []).append(holding)
    found = (tuple(legs) for _, legs in sorted(by_symbol.items()) if len(legs) > 1)
    return [(one, other) for one, other in found]
