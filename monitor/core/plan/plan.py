"""The plan of one scope: what would be done to bring it back above its line, and what that costs. It is advice.

The parts are put together here; what each is made of is in its own room, how it is written in `body`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from monitor.core.accounts import Account, Position
from monitor.core.amounts import Number, exactly
from monitor.core.bankruptcy import bankruptcy_prices
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.margin import Assessment
from monitor.core.market import Market
from monitor.core.plan.exchange import Exchange, exchanges_of
from monitor.core.plan.projection import in_decimals, in_fractions
from monitor.core.plan.reassessed import FiguresUnknown, Reassessed
from monitor.core.plan.rule import Line, LiquidationRule, line_of
from monitor.core.plan.way import WayBack, way_back
from monitor.core.scopes import ScopeKind

_ZERO = Decimal(0)


PLANNED = frozenset((MarginStatus.LIQUIDATION, MarginStatus.CRITICAL, MarginStatus.TAKEOVER, MarginStatus.BANKRUPT))
"""The statuses of a scope that is, or would be, liquidated."""


class Plan(NamedTuple):
    """Hold a plan. `freed` is the initial margin of cancelled orders, None where none are cancelled.

    `bankruptcy_prices` are those of the positions as they are, `shortfall` what is missing to 0 at the present marks.
    """

    rule: LiquidationRule
    line: Line
    freed: Decimal | None
    exchanges: tuple[Exchange, ...]
    way: WayBack
    equity: Number
    requirement: Number
    bankruptcy_prices: tuple[tuple[Position, Number | None], ...]
    shortfall: Number


@exactly
def plan_of(
    account: Account, assessment: Assessment, market: Market, ladder: Ladder, rule: LiquidationRule
) -> Plan | None:
    """Return the plan of a scope, None where its figures are not known, or would not be amid its reductions.

    Cancelling orders frees initial margin and changes neither equity nor requirement. Figures after a reduction assume
    that it fills at the mark; the automatic exchange changes none.
    """
    equity, requirement = assessment.equity, assessment.maintenance_margin
    if equity is None or requirement is None or assessment.unknown_because:
        return None
    line = line_of(rule, ladder)
    try:
        way = _way_back(account, assessment, market, rule, line)
    except FiguresUnknown:
        return None
    last = way.reductions[-1] if way.reductions else None
    positions = [leg.position for leg in assessment.legs]
    return Plan(
        rule=rule,
        line=line,
        freed=account.open_order_initial_margin.get(assessment.scope, _ZERO) if rule.cancel_orders else None,
        exchanges=exchanges_of(account, assessment),
        way=way,
        equity=equity if last is None else last.equity,
        requirement=requirement if last is None else last.requirement,
        bankruptcy_prices=tuple(zip(positions, bankruptcy_prices(assessment), strict=True)),
        shortfall=-equity if equity < 0 else _ZERO,
    )


def _way_back(account: Account, assessment: Assessment, market: Market, rule: LiquidationRule, line: Line) -> WayBack:
    if assessment.kind is ScopeKind.PORTFOLIO:
        return way_back(Reassessed(account, assessment, market, rule), rule, line)
    decimal = in_decimals(account, assessment, rule)
    if decimal is not None:
        return way_back(decimal, rule, line)
    return way_back(in_fractions(account, assessment, rule), rule, line)
