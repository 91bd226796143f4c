"""A shard as its owner drives it: the engine, and the records that survive it; or a standby's engine beside it.

Comparing is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from monitor.app.feed import market_inputs
from monitor.app.topics import TopicNames
from monitor.core.account_runs import Taken
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.everybody import judged_in_turns
from monitor.core.following import Follower
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AssetTerms, Clock, Input, InstrumentTerms, Prices
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

    def apply(self, inputs: Iterable[Taken], now_ms: int) -> Outcome:
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
        outcomes += [self._kept(turn) for turn in judged_in_turns(self.engine, now_ms)]
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


class WatchedShard(Shard):
    """Hold a shard that a standby follows: a restart goes on with the standby's engine."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._warm = self._make()
        self._follower = Follower(self._warm)
        self._turns = 0
        self._judged: list[Input] = []
        self._changed: set[str] = set()

    def apply(self, inputs: Iterable[Taken], now_ms: int) -> Outcome:
        """Apply inputs; the standby follows in turns, the market sometimes before and sometimes after the accounts."""
        items = list(inputs)
        outcome = super().apply(items, now_ms)
        self._judged += [item for item in items if isinstance(item, Prices | InstrumentTerms | AssetTerms)]
        self._turns += 1
        if self._turns % 3 == 1:
            self._absorb(now_ms)
        if self._turns % 3 == 2:
            self._renew(sorted(self._changed)[:3])
        return outcome

    def restart(self, now_ms: int) -> None:
        """Lose the engine and go on with the standby's, once it has come as far; another standby begins."""
        self._absorb(now_ms)
        self._renew(sorted(self._changed))
        market = list(market_inputs(self.engine.board, TopicNames()))
        self.engine, self._warm = self._warm, self._make()
        self.engine.rules.restore({}, self.windows)
        self.engine.absorb([Clock(now_ms)], now_ms)
        self._follower = Follower(self._warm)
        self._follower.absorb(market, now_ms)
        self._renew(sorted(self.facts))

    def _absorb(self, now_ms: int) -> None:
        judged, self._judged = self._judged, []
        self._follower.absorb(judged, now_ms)

    def _renew(self, account_ids: Sequence[str]) -> None:
        """Take records over: new accounts one by one in every other turn, else many at once where that may be done."""
        records = self.facts, self.memory, self.rules
        new = [name for name in account_ids if self._turns % 2 and self._follower.can_fill(name, self.facts)]
        left = self._follower.fill(new, *records) if new else []
        self._follower.renew(sorted({*account_ids} - {*new} | {*left}), *records)
        self._changed.difference_update(account_ids)

    def _kept(self, outcome: Outcome) -> Outcome:
        self._changed.update(outcome.accounts)
        return super()._kept(outcome)
