"""Readings: the value of every rule of an account at the present market, on each target it is measured on.

This is the exact definition of every value but those of correlations. Which levels are crossed is in `crossing`, when
readings are taken in `watch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from monitor.core.accounts import Account
from monitor.core.amounts import Number, format_amount, minus
from monitor.core.funding import funding_due
from monitor.core.margin import assess
from monitor.core.market import Market
from monitor.core.rules.equity import TotalEquity
from monitor.core.rules.measures import Measure, Ratio
from monitor.core.scopes import scope_names


class Reading(NamedTuple):
    """Hold what was measured on one target; `measure` None: it is not known now.

    `names` says in the event what the target is, `figures` what the value was made from.
    """

    target: str
    measure: Measure | None
    names: Mapping[str, Any]
    figures: Mapping[str, Any]


NOTHING = Reading("", None, {}, {})
"""What is measured where an input of the whole account is not known."""


def drawdown(equity: TotalEquity | None, base: Number | None) -> Reading:
    """Return the fall of the total equity from a base, as a fraction of it; not known of a base that is not above 0."""
    if equity is None or base is None or base <= 0:
        return NOTHING
    figures = {"total_equity": format_amount(equity.amount), "fallen_from": format_amount(base)}
    return Reading("", Ratio(minus(base, equity.amount), base), {}, figures)


def account_limits(account: Account, market: Market) -> list[Reading]:
    """Return initial margin ÷ equity of every scope of an account."""
    return [account_limit(account, scope, market) for scope in scope_names(account, market)]


def account_limit(account: Account, scope: str, market: Market) -> Reading:
    """Return initial margin ÷ equity of a scope, each as the contract defines it; no equity is above every level."""
    assessment = assess(account, scope, market)
    equity, initial = assessment.equity, assessment.initial_margin
    names = {"scope": scope}
    if assessment.unknown_because or equity is None or initial is None:
        return Reading(scope, None, names, {})
    figures = {"equity": format_amount(equity), "initial_margin": format_amount(initial)}
    return Reading(scope, Ratio(initial, equity), names, figures)


def funding_limit(account: Account, scope: str, market: Market) -> Reading:
    """Return equity after the funding due at the next time ÷ maintenance margin of a scope.

    Not known without funding data, nor where nothing is required.
    """
    assessment = assess(account, scope, market)
    names = {"scope": scope}
    found = funding_due(account, assessment, market)
    requirement = assessment.maintenance_margin
    if found is None or not requirement or assessment.equity is None:
        return Reading(scope, None, names, {})
    figures = {"equity": format_amount(assessment.equity), "maintenance_margin": format_amount(requirement)}
    figures |= found.figures()
    return Reading(scope, Ratio(found.equity_after, requirement), names, figures)
