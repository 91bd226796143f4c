"""The body of a plan: how it stands in an event, a status and a report, every number as text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from monitor.core.amounts import exactly, format_amount, format_quotient, times, total
from monitor.core.plan.exchange import Exchange
from monitor.core.plan.plan import Plan
from monitor.core.plan.rule import RuleName
from monitor.core.plan.way import Reduction
from monitor.core.ratios import margin_ratio

ONE = Decimal(1)
AFTERWARDS = {
    RuleName.SHARE: ("backstop_takeover", "auto_deleveraging"),
    RuleName.FILLABLE_PRICE: ("fund_pays_loss", "auto_deleveraging"),
}
"""What a venue does with what the market does not take, where it is not the usual."""
USUALLY = ("fund_takeover", "auto_deleveraging")
"""The fund takes the rest over at the bankruptcy price (Aster, Binance, Bybit, OKX); what it cannot goes to ADL."""


@exactly
def plan_body(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain data."""
    rule, way = plan.rule, plan.way
    return {
        "rule": str(rule.rule),
        "line": format_amount(plan.line.k),
        "restores": way.restores,
        "cancel_orders": None if plan.freed is None else {"initial_margin_freed": format_amount(plan.freed)},
        "exchanges": [_exchange(exchange) for exchange in plan.exchanges],
        "reductions": [_reduction(reduction) for reduction in way.reductions],
        "fees": _fees(plan),
        "equity_after": format_amount(plan.equity),
        "maintenance_margin_after": format_amount(plan.requirement),
        "margin_ratio_after": margin_ratio(plan.equity, plan.requirement),
        "positions": [
            {
                "symbol": position.symbol,
                "side": str(position.side),
                "quantity": format_amount(position.quantity),
                "bankruptcy_price": None if price is None else format_quotient(price, ONE),
            }
            for position, price in plan.bankruptcy_prices
        ],
        "shortfall": format_amount(plan.shortfall),
        "afterwards": list(AFTERWARDS.get(rule.rule, USUALLY)),
    }


def _reduction(reduction: Reduction) -> dict[str, Any]:
    position = reduction.position
    out: dict[str, Any] = {
        "symbol": position.symbol,
        "side": str(position.side),
        "quantity": format_amount(reduction.quantity),
        "remaining_quantity": format_amount(reduction.left),
        "mark_price": format_amount(reduction.mark_price),
        "notional": format_amount(reduction.notional),
        "fee": format_amount(reduction.fee),
        "equity_after": format_amount(reduction.equity),
        "maintenance_margin_after": format_amount(reduction.requirement),
    }
    if reduction.against_other_leg:
        out["against_other_leg"] = True
    if reduction.limit_price is not None:
        out["limit_price"] = format_amount(reduction.limit_price)
    return out


def _fees(plan: Plan) -> list[dict[str, str]]:
    """Return the fees by the asset they are paid in, and what of them the fund is given."""
    by_asset: dict[str, list[Any]] = {}
    for reduction in plan.way.reductions:
        by_asset.setdefault(reduction.settle_asset, []).append(reduction.fee)
    sums = {asset: total(fees) for asset, fees in by_asset.items()}
    return [
        {"asset": asset, "fee": format_amount(fee), "to_fund": format_amount(times(fee, plan.rule.fund_share))}
        for asset, fee in sums.items()
        if fee
    ]


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "asset": exchange.asset,
        "owed": format_amount(exchange.owed),
        "value": format_amount(exchange.value),
        "sales": [
            {
                "asset": sale.asset,
                "quantity": format_amount(sale.quantity),
                "value": format_amount(sale.value),
                "raises": format_amount(sale.raises),
            }
            for sale in exchange.sales
        ],
        "uncovered": format_amount(exchange.uncovered),
    }
