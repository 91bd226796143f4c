"""Words to ask for plans with: an account, a market and a rule give the body of a plan."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from monitor.core.accounts import Account
from monitor.core.instruments import Instrument
from monitor.core.ladder import Ladder
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.plan.body import plan_body
from monitor.core.plan.plan import plan_of
from monitor.core.plan.rule import LiquidationRule
from monitor.core.scopes import scope_names

LADDER = Ladder.build()


def charged(terms: Instrument[Decimal], rate: str) -> Instrument[Decimal]:
    """Return terms with a liquidation fee."""
    return replace(terms, liquidation_fee_rate=Decimal(rate))


def planned(
    who: Account, prices: FixedMarket, rule: LiquidationRule, scope: str | None = None, ladder: Ladder = LADDER
) -> dict[str, Any]:
    """Return the plan of a scope, the account's first by default."""
    name = scope or scope_names(who, prices)[0]
    plan = plan_of(who, assess(who, name, prices), prices, ladder, rule)
    assert plan is not None
    return plan_body(plan)


def steps(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return symbol, quantity and what is left of every reduction."""
    return [(each["symbol"], each["quantity"], each["remaining_quantity"]) for each in body["reductions"]]
