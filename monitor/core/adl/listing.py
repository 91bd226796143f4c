"""Listing: what a scope stands for in the queues it is in, scored exactly.

Which scopes are worth scoring is decided in `ranks`; formulas, holdings and hedges have rooms of their own.
"""

from __future__ import annotations

from monitor.core.accounts import Account
from monitor.core.adl.candidates import Candidate, Key
from monitor.core.adl.hedges import hedge_of
from monitor.core.adl.holders import holding_of, may_be_taken_from
from monitor.core.adl.scores import score_of
from monitor.core.adl.settings import AdlRanking
from monitor.core.amounts import exactly
from monitor.core.margin import Assessment, assess
from monitor.core.market import Market


class Contender:
    """Hold a scope of an account, assessed once at the present prices; each of its holdings is scored when asked for.

    Whether the scope is told to be bankrupt or unknown is not looked at: its equity and what is missing are.
    """

    @exactly
    def __init__(self, account: Account, scope: str, market: Market, ranking: AdlRanking, shard: int = 0) -> None:
        self._account = account
        self._scope = scope
        self._market = market
        self._ranking = ranking
        self._shard = shard
        self._assessed: dict[str, Assessment] = {}
        if may_be_taken_from(account):
            self._assessed[scope] = assess(account, scope, market)

    @exactly
    def candidate(self, key: Key) -> Candidate | None:
        """Return what the scope stands for in a queue, None where it is not in it.

        An account that is never a counterparty is in none.
        """
        symbol, side = key
        assessment = self._assessed.get(self._scope)
        holding = None if assessment is None else holding_of(assessment, symbol)
        if holding is None or holding.side != side:
            return None
        score = score_of(self._ranking, holding.figures)
        if score is None:
            return None
        hedge = hedge_of(self._account, self._scope, holding, self._market, self._assessed)
        return Candidate(
            self._account.account_id,
            self._scope,
            str(holding.position_side),
            holding.quantity,
            score,
            self._shard,
            hedge.breaks,
            hedge.equity_at_risk,
        )
