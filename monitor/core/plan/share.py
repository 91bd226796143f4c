"""The rule `share`: a part of a large position goes first; after that whatever is liquidated goes whole.

Source: Hyperliquid docs, "Liquidations": 20 % of positions above 100,000 USDC; for 30 s after a block with a partial
liquidation every liquidation order of that user is for the entire position.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.core.amounts import N
from monitor.core.plan.holding import Holding
from monitor.core.plan.rule import LiquidationRule


def stops(holding: Holding[N], rule: LiquidationRule, *, cooling: bool) -> list[Decimal]:
    """Return the quantities after which it is looked again: the share, then the whole; `cooling`: the whole alone."""
    share = holding.left * rule.share
    if cooling or share >= holding.left or not _is_large(holding, rule):
        return [holding.left]
    return [share, holding.left]


def _is_large(holding: Holding[N], rule: LiquidationRule) -> bool:
    """Return whether what is left of a position is liquidated in two steps: its notional in USD is above the line."""
    return holding.notional(holding.left) * holding.dollar > holding.number(rule.share_above)
