"""The ladder of portfolio scopes: which liquidation line a method has where nobody states one.

Thresholds and their rules are those of every ladder.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.core.portfolio.hyperliquid import LIQUIDATION_LINE
from monitor.core.portfolio.terms import Method
from monitor.core.verdict import Ladders


def with_line_of_method(ladders: Ladders, method: Method | None) -> Ladders:
    """Return ladders with the liquidation line of a method for portfolio scopes; only hyperliquid has one, 1/0.95.

    Raises `BadLadder` where that line does not lie below the status before it.
    """
    if method is not Method.HYPERLIQUID:
        return ladders
    return replace(ladders, portfolio=ladders.portfolio.with_liquidation(LIQUIDATION_LINE))
