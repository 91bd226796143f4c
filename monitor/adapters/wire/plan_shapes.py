"""Shapes of a liquidation plan: a part of events, statuses and reports.

The body itself is built in the core; what a plan is, and how it is made, is there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from monitor.core.accounts import Side
from monitor.core.plan.rule import RuleName

Figure = Annotated[
    str,
    Meta(
        description="plain decimal; exact where the arithmetic is, quotients with at least 28 significant digits",
        extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    ),
]


class Reduction(Struct, kw_only=True):
    """State one reduction of a plan, filled at the mark; `quantity` has no sign, `fee` is in the settle asset."""

    symbol: str
    side: Side
    quantity: Figure
    remaining_quantity: Figure
    mark_price: Figure
    notional: Figure
    fee: Figure
    equity_after: Figure
    maintenance_margin_after: Figure
    against_other_leg: Annotated[
        Literal[True] | UnsetType, Meta(description="closed against the other leg of its contract, without an order")
    ] = UNSET
    limit_price: Figure | UnsetType = UNSET


class Sale(Struct, kw_only=True):
    """State what an automatic exchange would sell: worth `value` USD at the index, `raises` after the haircut."""

    asset: str
    quantity: Figure
    value: Figure
    raises: Figure


class Exchange(Struct, kw_only=True):
    """State an asset that is owed (`owed` of it, `value` in USD) and what would be sold for it."""

    asset: str
    owed: Figure
    value: Figure
    sales: list[Sale]
    uncovered: Figure


class PlanFee(Struct, kw_only=True):
    """State the liquidation fee in one asset and the insurance fund's part of it."""

    asset: str
    fee: Figure
    to_fund: Figure


class PlanPosition(Struct, kw_only=True):
    """State at which price a position would be taken over."""

    symbol: str
    side: Side
    quantity: Figure
    bankruptcy_price: Figure | None


class CancelledOrders(Struct, kw_only=True):
    """State what cancelling the open orders frees; it changes neither equity nor requirement."""

    initial_margin_freed: Figure


class Plan(Struct, kw_only=True):
    """State what a liquidation would do, as advice: the steps in their order, each only while it is still needed.

    `line` is the health E/MM to come back to, `restores` whether the reductions do; where they cannot, they close
    everything. `afterwards` names what happens with what the market does not take.
    """

    rule: RuleName
    line: Figure
    restores: bool
    cancel_orders: CancelledOrders | None
    exchanges: list[Exchange]
    reductions: list[Reduction]
    fees: list[PlanFee]
    equity_after: Figure
    maintenance_margin_after: Figure
    margin_ratio_after: Figure | None
    positions: list[PlanPosition]
    shortfall: Figure
    afterwards: list[Literal["fund_takeover", "backstop_takeover", "fund_pays_loss", "auto_deleveraging"]]
