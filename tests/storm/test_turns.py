"""Tests of judging in turns: they tell what is told at once, each account in one of them, the worst first."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.core.inputs import AssetTerms, Clock, InstrumentTerms
from monitor.core.outcome import Outcome
from monitor.core.turns import turns
from tests.storm.market import Market
from tests.storm.shard import MOVES, NOW_MS, Shard

MOST = 4


def in_turns(shard: Shard, item: Any) -> list[Outcome]:
    """Apply an input; return the outcome of every turn."""
    found = list(shard.engine.in_turns(item, NOW_MS))
    assert [one.goes_on for one in found] == [True] * (len(found) - 1) + [False]
    return found


def by_account(shard: Shard, outcomes: list[Outcome]) -> list[tuple[Any, ...]]:
    """Return what was told in turns as it would have been written at once, by account."""
    whole = outcomes[0]
    for later in outcomes[1:]:
        whole.join(later)
    return sorted(shard.encoded(whole))


RULES = {"rules.drawdown_profile": "conservative", "rules.account_limit": "0.6"}


@pytest.mark.parametrize(("quick", "rules"), [(True, RULES), (False, {})])
def test_turns_tell_what_is_told_at_once(quick: bool, rules: dict[str, Any]) -> None:
    """Event for event and byte for byte, prices and terms alike, and no account is torn apart by its turns."""
    whole, parts = Shard(rules, quick=quick), Shard({"limits.max_turn_scopes": MOST, **rules}, quick=quick)
    books, most = (Market(1), Market(1)), 0
    for shard, market in zip((whole, parts), books, strict=True):
        shard.open(market, 1)
    for turn, move in enumerate(MOVES, 2):
        at_once = sorted(whole.apply(whole.prices(books[0], turn, move)))
        outcomes = in_turns(parts, parts.prices(books[1], turn, move))
        told = [account for one in outcomes for account, part in one.accounts.items() if part.statuses]
        assert len(told) == len(set(told))
        most = max(most, len(outcomes))
        assert by_account(parts, outcomes) == at_once
        for mine, same in zip(terms(parts, books[1]), terms(whole, books[0]), strict=True):
            assert by_account(parts, in_turns(parts, mine)) == sorted(whole.apply(same))
        assert whole.apply(Clock(NOW_MS + turn * 2_000)) == parts.apply(Clock(NOW_MS + turn * 2_000))
    assert most > 5


def terms(shard: Shard, market: Market) -> list[Any]:
    """Return new terms of a contract and of an asset."""
    symbol = market.rng.choice(market.symbols)
    contract = shard.codec.instrument(market.instrument(symbol), symbol.encode()).instrument
    asset = shard.codec.asset(market.asset("USDT"), b"USDT").asset
    return [InstrumentTerms(symbol, contract, shard.origin()), AssetTerms("USDT", asset, shard.origin(), NOW_MS)]


def test_nothing_else_is_applied_between_two_turns() -> None:
    """A message is judged whole before the next: an engine amid one refuses any other."""
    shard, market = Shard({"limits.max_turn_scopes": MOST}, quick=True), Market(1)
    shard.open(market, 1)
    judging = shard.engine.in_turns(shard.prices(market, 2, -0.3), NOW_MS)
    assert next(judging).goes_on
    with pytest.raises(AssertionError, match="whole before the next"):
        shard.apply(Clock(NOW_MS))
    with pytest.raises(AssertionError, match="whole before the next"):
        next(shard.engine.in_turns(shard.prices(market, 3, 0.1), NOW_MS))
    assert not list(judging)[-1].goes_on
    shard.apply(Clock(NOW_MS))


def test_the_worst_accounts_come_first_and_whole() -> None:
    """Turns are in the order of the worst E ÷ MM of each account; those of one account are in one turn."""
    shard, market = Shard({}, quick=True), Market(3)
    shard.open(market, 3)
    store = shard.engine.store
    list(shard.engine.in_turns(shard.prices(market, 2, -0.3), NOW_MS))
    scopes = store.is_live().nonzero()[0]
    equity, requirement = (part.tolist() for part in store.figures(scopes))
    worst: dict[int, float] = {}
    for scope, e, mm in zip(scopes.tolist(), equity, requirement, strict=True):
        ratio = e / mm if mm else float("-inf") if e < 0 else float("inf")
        worst[store.account_of(scope)] = min(worst.get(store.account_of(scope), float("inf")), ratio)
    found = list(turns(scopes, MOST, store))
    assert sorted(scope for some in found for scope in some.tolist()) == scopes.tolist()
    accounts = [[store.account_of(scope) for scope in some.tolist()] for some in found]
    order = list(dict.fromkeys(account for some in accounts for account in some))
    assert [worst[account] for account in order] == sorted(worst.values())
    assert sum(len(set(some)) for some in accounts) == len(worst)
    assert [some.tolist() for some in turns(scopes, len(scopes), store)] == [scopes.tolist()]
