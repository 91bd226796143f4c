"""Deciding whether an account in portfolio mode is margined as multi_asset because it is not eligible.

It is decided when facts arrive and kept as a fact, so that no tick, clock or restart ever changes a scope's method.
What the rules are is in `eligibility`.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.core.accounts import Account, MarginMode
from monitor.core.margin import assess
from monitor.core.market import Market
from monitor.core.portfolio.eligibility import EQUITY, OnIneligible, ineligibilities
from monitor.core.scopes import PORTFOLIO


def decided(account: Account, market: Market, known: Account | None = None) -> Account:
    """Return an account with the reasons why it is margined as multi_asset; none where it is margined as it says.

    `known` is the account before: while the equity is not known, what was decided about it then stands.
    """
    terms = market.portfolio
    portfolio = replace(account, ineligible=()) if account.ineligible else account
    if terms is None or terms.rules.on_ineligible is not OnIneligible.MULTI_ASSET:
        return portfolio
    if account.deleted or account.margin_mode is not MarginMode.PORTFOLIO:
        return portfolio
    equity = assess(portfolio, PORTFOLIO, market).equity
    reasons = ineligibilities(terms.rules, portfolio, equity)
    if equity is None and known is not None:
        reasons = (*reasons, *(reason for reason in known.ineligible if reason.startswith(f"{EQUITY} ")))
    return replace(portfolio, ineligible=reasons) if reasons else portfolio
