"""Runs of account messages against the specification: each alone, by objects, rows made of unpacked facts.

`LIQMON_RUNS=2000 pytest tests/engine/test_runs.py` makes a longer campaign.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from monitor.adapters.wire import WireCodec
from monitor.core import account_runs
from monitor.core.accounts import Settings
from monitor.core.engine import EngineSettings
from monitor.core.inputs import AccountMessage, Clock, Input, RejectedMessage
from monitor.core.limits import Limits
from monitor.core.outcome import AccountOutcome, Outcome
from monitor.core.rules.settings import RuleSettings
from monitor.core.told import unpack_memory
from tests.engine import lives as drawing
from tests.engine.driving import Shard
from tests.engine.lives import FRESHNESS, LADDERS, USD_ASSETS, Lives
from tests.engine.test_restoring import described, ended
from tests.engine.twin import Twin
from tests.engine.twin_portfolio import PORTFOLIOS, RULES, terms_of
from tests.engine.wired import read_again, stated_together

CODEC = WireCodec(Limits())
RUNS = int(os.environ.get("LIQMON_RUNS", "12"))
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""To shrink a life takes minutes, and its messages stand in the assertion."""
IDS = tuple(f"account|{number}" for number in range(12))
OF_MARKET = ("tick", "settle", "terms", "asset", "clock", "pause")
OF_ACCOUNTS = ("aim", "partial", "partial", "partial", "snapshot", "mode", "again", "delete", "bad", "rejected")
RULED = (
    {"drawdown_stops": ["0.05", "0.2"]},
    {"account_limit": "0.4", "concentration_limit": "0.5"},
    {"drawdown_profile": "moderate", "distance_limit": "0.3", "funding_limit": True},
    {"adl_exempt": True},
)
"""Settings that bring rules, and what else is looked at when facts change."""
WRITTEN_AT_ONCE = RuleSettings(high_step=Decimal(0))
ALL_RULES = (
    WRITTEN_AT_ONCE,
    WRITTEN_AT_ONCE,
    replace(WRITTEN_AT_ONCE, drawdown_profile="moderate", account_limit=Decimal("0.5")),
)
"""Of two small rises in one call the first alone would be written, or both together: neither is wrong."""
UNMIXED = tuple(one for one in PORTFOLIOS if one is None or "ALL" not in one.get("groups", ()))
"""In a mixed group a portfolio's figures are known only while its exposure is exactly nothing."""
LIMITS = (
    Limits(),
    Limits(max_accounts=6, max_positions=3, max_balances=2),
    Limits(max_names=9, max_scopes=4, max_inverse_positions=1),
    Limits(max_names=16, max_settings_bytes=1024),
)

steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(OF_ACCOUNTS), st.integers(0, 2**32 - 1)), min_size=1, max_size=12),
        st.lists(st.tuples(st.sampled_from(OF_MARKET), st.integers(0, 2**32 - 1)), max_size=2),
    ),
    min_size=2,
    max_size=7,
)


@contextmanager
def specification() -> Iterator[None]:
    """Make the facts of every message from objects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.core.bookkeeping.amended", lambda *_: None)
        yield


def said(outcome: Outcome, *, in_order: bool) -> list[Any]:
    """Return all that an outcome holds but how often scopes were evaluated.

    What a message of the market has done stands in an order that follows from the numbers the store has given, and
    those that are stated go before others.
    """
    counts = outcome.duplicates, outcome.account_events, outcome.late_prices, outcome.prices_applied
    refusals = sorted(outcome.refusals, key=lambda refusal: refusal.origin)
    accounts = {name: told(one, in_order=in_order) for name, one in outcome.accounts.items()}
    return [list(accounts) if in_order else [], accounts, counts, refusals, outcome.samples]


def told(account: AccountOutcome, *, in_order: bool) -> list[Any]:
    """Return all that an outcome holds of an account."""
    events = [(str(event.channel), plain(event.body)) for event in account.events]
    requests = [(request.route, request.key, plain(request.body)) for request in account.requests]
    return [
        events if in_order else sorted(events, key=repr),
        {scope: None if body is None else plain(body) for scope, body in account.statuses.items()},
        [account.facts, scopes_of(account.memory), account.rules, account.claims],
        requests if in_order else sorted(requests, key=repr),
    ]


def scopes_of(memory: bytes | None) -> Any:
    """Return what is remembered of each scope; they stand in the order in which they were first told."""
    return None if memory is None else unpack_memory(memory)


def plain(body: Any) -> Any:
    """Return what a body says as it is written; the order of its fields does not count."""
    return orjson.loads(CODEC.encode(body))


def ruled(item: Input, number: int) -> Input:
    """Return an input, some account messages with settings that bring rules."""
    random = Random(number)
    if not isinstance(item, AccountMessage) or random.random() < 0.75:
        return item
    given = item.event.settings
    if given is None and not item.event.snapshot:
        return item
    kept = Settings() if given is None else given
    settings = replace(kept, raw={**kept.raw, **random.choice(RULED)})
    return item._replace(event=item.event._replace(settings=settings))


@pytest.mark.parametrize("is_stated", [True, False])
@pytest.mark.parametrize("use_numba", [True, False])
@settings(max_examples=RUNS, phases=PHASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    number=st.integers(0, 2**32 - 1),
    steps=steps,
    ladders=st.sampled_from(LADDERS),
    freshness=st.sampled_from(FRESHNESS),
    usd_assets=st.sampled_from(USD_ASSETS),
    portfolio=st.sampled_from(UNMIXED),
    eligibility=st.sampled_from(RULES),
    rules=st.sampled_from(ALL_RULES),
    limits=st.sampled_from(LIMITS),
    most=st.sampled_from((2, 5, 512)),
)
def test_a_run_is_what_its_messages_are_one_by_one(
    use_numba: bool,
    is_stated: bool,
    number: int,
    steps: Sequence[tuple[list[tuple[str, int]], list[tuple[str, int]]]],
    ladders: Any,
    freshness: Any,
    usd_assets: Any,
    portfolio: Any,
    eligibility: Any,
    rules: RuleSettings,
    limits: Limits,
    most: int,
) -> None:
    """The same events, statuses, records, requests, refusals and counts; and the store holds the same afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "IDS", IDS)
        patch.setattr(account_runs, "MOST", most)
        twin = Twin(ladders, freshness, usd_assets, portfolio, eligibility)
        lives = Lives(twin)
        made = (
            EngineSettings(ladders, limits=limits, rules=rules),
            freshness,
            usd_assets,
            terms_of(portfolio, eligibility),
        )
        fast, slow = Shard(*made, use_numba=use_numba), Shard(*made, use_numba=False)
        both = Both(fast, slow, lives, is_stated=is_stated)
        both.apply([ruled(item, number) for item in lives.beginning(number)])
        for of_accounts, of_market in steps:
            both.apply([ruled(lives.draw(kind, drawn), drawn) for kind, drawn in of_accounts])
            for kind, drawn in of_market:
                both.apply([lives.draw(kind, drawn)])
        both.apply([Clock(lives.now_ms + 61_000)])


class Both:
    """Hold a shard that is given runs, and one that is given one message after the other."""

    def __init__(self, fast: Shard, slow: Shard, lives: Lives, *, is_stated: bool) -> None:
        self.fast, self.slow, self.lives, self._is_stated = fast, slow, lives, is_stated

    def apply(self, items: Sequence[Input]) -> None:
        """Give both the same; compare what comes of it."""
        now_ms, expected = self.lives.now_ms, Outcome()
        for item in items:
            self.lives.twin.step(item, now_ms)
        if self._is_stated:
            items = [read_again(item) for item in items]
        alike = self.fast.apply(stated_together(items) if self._is_stated else items, now_ms)
        with specification():
            for item in items:
                expected.join(self.slow.apply([item], now_ms))
        in_order = all(isinstance(item, AccountMessage | RejectedMessage) for item in items) and not self._is_stated
        assert said(alike, in_order=in_order) == said(expected, in_order=in_order)
        assert described(self.fast.engine) == described(self.slow.engine)
        assert self.fast.engine.teller.memory == self.slow.engine.teller.memory
        assert ended(self.fast.engine) == ended(self.slow.engine)
        assert vars(self.fast.engine._placement.waiting) == vars(self.slow.engine._placement.waiting)
        exempt = [shard.engine.store.adl._exempt.nonzero()[0].tolist() for shard in (self.fast, self.slow)]
        assert exempt[0] == exempt[1]
