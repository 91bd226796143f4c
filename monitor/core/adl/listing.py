"""Listing: the candidates an account has in the queues, scored exactly.

Which scopes are worth scoring is decided in `ranks`; formulas, holdings and hedges have rooms of their own.
"""

from __future__ import annotations

from monitor.core.accounts import Account
from monitor.core.adl.candidates import Candidate, Key
from monitor.core.adl.hedges import hedge_of
from monitor.core.adl.holders import holdings_of, may_be_taken_from
from monitor.core.adl.scores import score_of
from monitor.core.adl.settings import AdlRanking
from monitor.core.amounts import exactly
from monitor.core.margin import assess
from monitor.core.market import Market


@exactly
def candidates_of(
    account: Account, scope: str, market: Market, ranking: AdlRanking, shard: int = 0
) -> dict[Key, Candidate]:
    """Return what a scope stands for in each queue it is in; nothing for an account that is never a counterparty.

    Whether the scope is told to be bankrupt or unknown is not looked at: its equity and what is missing are.
    """
    if not may_be_taken_from(account):
        return {}
    found: dict[Key, Candidate] = {}
    assessed = {scope: assess(account, scope, market)}
    for holding in holdings_of(assessed[scope]):
        score = score_of(ranking, holding.figures)
        if score is None:
            continue
        hedge = hedge_of(account, scope, holding, market, assessed)
        found[holding.symbol, holding.side] = Candidate(
            account.account_id,
            scope,
            str(holding.position_side),
            holding.quantity,
            score,
            shard,
            hedge.breaks,
            hedge.equity_at_risk,
        )
    return found
