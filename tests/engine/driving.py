"""A shard as its owner drives it: the engine, and the records that survive it.

Comparing is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.app.feed import market_inputs
from monitor.app.topics import TopicNames
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import Clock, Input
from monitor.core.outcome import Outcome
from monitor.core.portfolio.terms import PortfolioTerms


class Shard:
    """Hold an engine and what its outcomes gave to remember."""

    def __init__(
        self,
        settings: EngineSettings,
        freshness: FreshnessSettings,
        usd_assets: tuple[str, ...],
        portfolio: PortfolioTerms | None = None,
        *,
        use_numba: bool,
    ) -> None:
        self._make = lambda: MarginEngine(settings, MarketBoard(freshness, usd_assets, portfolio), use_numba=use_numba)
        self.engine = self._make()
        self.facts: dict[str, bytes] = {}
        self.memory: dict[str, bytes] = {}
        self.rules: dict[str, bytes] = {}
        self.windows: dict[str, bytes] = {}

    def apply(self, inputs: Iterable[Input], now_ms: int) -> Outcome:
        """Apply inputs and keep what is to be remembered."""
        return self._kept(self.engine.apply(inputs, now_ms))

    def restart(self, now_ms: int) -> None:
        """Throw the engine away and build another from the records, prices as old as they were; nobody is judged."""
        market = list(market_inputs(self.engine.board, TopicNames()))
        self.engine = self._make()
        self.engine.absorb(market, now_ms)
        self.engine.restore(self.facts, self.memory, self.rules, self.windows)
        self.engine.absorb([Clock(now_ms)], now_ms)

    def catch_up(self, missed: Iterable[Input], now_ms: int) -> list[Outcome]:
        """Take account messages unjudged, then judge everybody."""
        outcomes = [self._kept(self.engine.absorb(missed, now_ms))]
        outcomes.append(self._kept(self.engine.apply([Clock(now_ms)], now_ms)))
        outcomes.append(self._kept(self.engine.judge_everybody(now_ms)))
        return outcomes

    def _kept(self, outcome: Outcome) -> Outcome:
        self.windows |= outcome.samples
        for account_id, account in outcome.accounts.items():
            if account.facts is not None:
                self.facts[account_id] = account.facts
            if account.memory is not None:
                self.memory[account_id] = account.memory
            if account.rules is not None:
                self.rules[account_id] = account.rules
        return outcome
