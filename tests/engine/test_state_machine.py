"""The engine against the naive exact twin, through random lives, takeovers included: a million comparisons and more.

`LIQMON_ENGINE_LIVES=5000 LIQMON_ENGINE_SEED=7 pytest tests/engine/test_state_machine.py` makes a longer campaign.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from monitor.core.engine import EngineSettings
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import Clock, Input
from monitor.core.outcome import Outcome
from monitor.core.showing import StatusSettings
from monitor.core.verdict import Ladders
from tests.engine import comparing
from tests.engine.driving import Shard, WatchedShard
from tests.engine.lives import FRESHNESS, KINDS, LADDERS, OF_ACCOUNTS, USD_ASSETS, Lives
from tests.engine.proving import difference
from tests.engine.twin import Expected, Twin
from tests.engine.twin_portfolio import PORTFOLIOS, RULES, terms_of

LIVES = int(os.environ.get("LIQMON_ENGINE_LIVES", "0"))
CAMPAIGN = LIVES > 0
STEPS = int(os.environ.get("LIQMON_ENGINE_STEPS", "40"))
SEED = os.environ.get("LIQMON_ENGINE_SEED")
AT_ONCE = 10
ENOUGH = 0 if CAMPAIGN else 1_000_000
"""Comparisons of the normal run."""

SHOW_ALL = StatusSettings(publish_interval_ms=100, healthy_interval_ms=100, min_change=Decimal(0))
"""Every turn of the clock shows what has moved, so that the figures of many scopes are compared."""

kinds = st.sampled_from([kind for kind, often in KINDS.items() for _ in range(often)])
kinds_of_accounts = st.sampled_from([kind for kind in OF_ACCOUNTS for _ in range(KINDS[kind])])
kinds_of_markets = st.sampled_from([kind for kind in ("tick", "settle", "terms", "asset") for _ in range(KINDS[kind])])
numbers = st.integers(0, 2**32 - 1)


class EngineLives(RuleBasedStateMachine):
    """Lead shards, one on compiled kernels, one on numpy, one with a standby, and the twin through one life."""

    @initialize(
        ladders=st.sampled_from(LADDERS),
        freshness=st.sampled_from(FRESHNESS),
        usd_assets=st.sampled_from(USD_ASSETS),
        portfolio=st.sampled_from(PORTFOLIOS),
        eligibility=st.sampled_from(RULES),
        number=numbers,
    )
    def begin(
        self,
        ladders: Ladders,
        freshness: FreshnessSettings,
        usd_assets: tuple[str, ...],
        portfolio: Mapping[str, Any] | None,
        eligibility: Mapping[str, Any],
        number: int,
    ) -> None:
        """Open a market and fill it."""
        self.twin = Twin(ladders, freshness, usd_assets, portfolio, eligibility)
        self.lives = Lives(self.twin)
        rules, terms = EngineSettings(ladders, SHOW_ALL), terms_of(portfolio, eligibility)
        self.shards = [
            Shard(rules, freshness, usd_assets, terms, use_numba=True),
            Shard(rules, freshness, usd_assets, terms, use_numba=False),
            WatchedShard(rules, freshness, usd_assets, terms, use_numba=True),
        ]
        self._apply(self.lives.beginning(number))

    @rule(inputs=st.lists(st.tuples(kinds, numbers), min_size=1, max_size=5))
    def live(self, inputs: list[tuple[str, int]]) -> None:
        """Apply inputs one by one."""
        for kind, number in inputs:
            self._apply([self.lives.draw(kind, number)])

    @rule(inputs=st.lists(st.tuples(kinds, numbers), min_size=2, max_size=3))
    def live_fast(self, inputs: list[tuple[str, int]]) -> None:
        """Apply several inputs in one step: each is judged before the next all the same."""
        start_ms, items, expected = self.lives.now_ms, [], Expected()
        for kind, number in inputs:
            self.lives.now_ms = start_ms
            items.append(self.lives.draw(kind, number))
            expected.add(self.twin.step(items[-1], start_ms))
        outcomes = [shard.apply(items, start_ms) for shard in self.shards]
        self._compare(outcomes, expected, alone=False)

    @rule(missed=st.lists(st.tuples(kinds_of_accounts, numbers), max_size=2))
    def be_taken_over(self, missed: list[tuple[str, int]]) -> None:
        """Lose the engine: what it was told goes on; only what was missed meanwhile makes events, no start does."""
        self._restart()
        items, expected = [], Expected()
        for kind, number in missed:
            items.append(self.lives.draw(kind, number))
            expected.add(self.twin.step(items[-1], self.lives.now_ms, judging=False))
        expected.add(self.twin.step(Clock(self.lives.now_ms), self.lives.now_ms))
        outcomes = [joined(shard.catch_up(items, self.lives.now_ms)) for shard in self.shards]
        self._compare(outcomes, expected, cause=False)

    @rule(missed=st.lists(st.tuples(kinds_of_markets, numbers), min_size=1, max_size=3))
    def be_taken_over_late(self, missed: list[tuple[str, int]]) -> None:
        """Lose the engine and judge missed messages of the market one by one, as if it had been there all the time."""
        self._restart()
        for kind, number in missed:
            self._apply([self.lives.draw(kind, number)], everybody=False)
        expected = self.twin.step(Clock(self.lives.now_ms), self.lives.now_ms)
        outcomes = [joined(shard.catch_up([], self.lives.now_ms)) for shard in self.shards]
        self._compare(outcomes, expected, cause=False)

    def _restart(self) -> None:
        self._apply([Clock(self.lives.now_ms)])
        for shard in self.shards:
            shard.restart(self.lives.now_ms)
            comparing.compare_memories(shard.engine, self.twin)

    def _apply(self, items: list[Input], *, everybody: bool = True) -> None:
        expected = Expected()
        for item in items:
            expected.add(self.twin.step(item, self.lives.now_ms))
        outcomes = [shard.apply(items, self.lives.now_ms) for shard in self.shards]
        self._compare(outcomes, expected, alone=len(items) == 1, everybody=everybody)

    def _compare(
        self,
        outcomes: list[Outcome],
        expected: Expected,
        *,
        alone: bool = True,
        cause: bool = True,
        everybody: bool = True,
    ) -> None:
        for outcome in outcomes:
            comparing.compare_events(outcome, expected, cause=cause)
            comparing.compare_counts(outcome, expected)
            comparing.compare_statuses(outcome, expected, self.twin, alone=alone)
        for shard in self.shards:
            comparing.compare_states(shard.engine, self.twin, figures=everybody)
        for account in outcomes[0].accounts.values():
            for event in account.events:
                comparing.same("verified events", event.body["event_id"], difference(event.body), None)

    def teardown(self) -> None:
        """Count lives."""
        comparing.COUNT["lives"] += 1


def joined(outcomes: list[Outcome]) -> Outcome:
    """Return outcomes of one takeover as one."""
    whole = Outcome()
    for outcome in outcomes:
        whole.duplicates += outcome.duplicates
        whole.late_prices += outcome.late_prices
        whole.refusals += outcome.refusals
        for account_id, account in outcome.accounts.items():
            whole.of(account_id).events += account.events
            whole.of(account_id).statuses |= account.statuses
    return whole


@pytest.mark.timeout(0 if CAMPAIGN else 900)
def test_the_engine_is_the_twin() -> None:
    """Every status, figure, event, count and memory of every scope is the twin's after every input.

    On both kernels, and with the engine of a standby as with a restored one after each takeover.
    """
    rules = settings(
        max_examples=AT_ONCE,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    seed = int(SEED) if SEED else 0 if settings().derandomize else Random().getrandbits(32)
    while comparing.COUNT["lives"] < LIVES or comparing.total() < ENOUGH:
        run_state_machine_as_test(hypothesis.seed(seed)(EngineLives), settings=rules)
        seed += 1
