"""Tests of how many scopes one turn of the clock may show: records that cost more to make count for more."""

from __future__ import annotations

from monitor.core.ladder import Ladder
from monitor.core.showing import (
    MOVED_AT_MOST,
    PORTFOLIO_WEIGHT,
    REFRESHED_AT_ONCE,
    RefreshQueue,
    StatusSettings,
    affordable,
)
from monitor.core.store import MarginStore, ScopeFacts
from monitor.core.verdict import Ladders

ACCOUNTS = 12 * REFRESHED_AT_ONCE + 100


def store_of(name: str) -> MarginStore:
    """Return a store in which every account has one scope of a name."""
    store = MarginStore(Ladders.same(Ladder.build()).all())
    scope = ScopeFacts(name, 0, in_usd=False, blocked=True, parts=())
    store.put_many([(number, (scope,)) for number in range(ACCOUNTS)])
    return store


def shown_in_turns(name: str) -> list[int]:
    """Return how many scopes each turn shows until nobody waits."""
    store, queue = store_of(name), RefreshQueue(StatusSettings(healthy_interval_ms=100))
    for number in range(ACCOUNTS):
        queue.add(number, 0)
    turns = []
    while queue.is_behind(100):
        turns.append(len(queue.due(100, store)))
    return turns


def test_a_turn_shows_a_bounded_number_of_scopes() -> None:
    """Everybody is shown, in as few turns as the bound allows."""
    assert shown_in_turns("cross:USDT") == [REFRESHED_AT_ONCE] * 12 + [100]


def test_portfolio_scopes_count_for_what_they_cost() -> None:
    """A portfolio scope, whose liquidation prices are searched, fills a turn sooner."""
    turns = shown_in_turns("portfolio")
    assert set(turns[:-1]) == {REFRESHED_AT_ONCE // PORTFOLIO_WEIGHT}
    assert sum(turns) == ACCOUNTS


def test_nobody_is_shown_before_the_time_has_come() -> None:
    """An account waits for its interval and keeps its turn when it is touched again."""
    store, queue = store_of("cross:USDT"), RefreshQueue(StatusSettings(healthy_interval_ms=100))
    queue.add(7, 1_000)
    queue.add(7, 1_050)
    assert not queue.is_behind(1_099)
    assert queue.due(1_099, store).tolist() == []
    assert queue.is_behind(1_100)
    assert queue.due(1_100, store).tolist() == store.scopes_of(7)


def test_a_clock_that_goes_back_makes_nobody_wait_longer() -> None:
    """Who would have to wait for longer than the interval is shown at once: the clock was set back meanwhile."""
    store, queue = store_of("cross:USDT"), RefreshQueue(StatusSettings(healthy_interval_ms=100))
    queue.add(7, 9_000_000)
    assert queue.due(5_000, store).tolist() == store.scopes_of(7)
    queue.add(7, 5_000)
    assert queue.due(5_000, store).tolist() == []


def test_the_queue_says_before_which_place_nobody_waits() -> None:
    """Whoever waits longest holds the place he was added at; who is owed a record is shown at the next turn."""
    store, queue = store_of("cross:USDT"), RefreshQueue(StatusSettings(healthy_interval_ms=100))
    queue.owe(1, 20, 950)
    assert queue.shown_before(40) == 20
    queue.add(2, 1_000)
    assert queue.shown_before(50) == 20
    queue.add(2, 1_050)
    queue.add(3, 1_050)
    assert queue.due(1_050, store).tolist() == store.scopes_of(1)
    assert queue.shown_before(60) == 40
    assert queue.due(1_100, store).tolist() == store.scopes_of(2)
    assert queue.shown_before(70) == 50
    assert queue.due(1_150, store).tolist() == store.scopes_of(3)
    assert queue.shown_before(80) == 80


def moved_in_turns(queue: RefreshQueue, store: MarginStore, now_ms: int) -> list[int]:
    """Return how many moved scopes each turn shows until nothing waits."""
    turns = [len(queue.moved(now_ms, store))]
    while queue.is_behind(now_ms):
        turns.append(len(queue.moved(now_ms, store)))
    return turns


def distressed(name: str) -> MarginStore:
    """Return a store of scopes in distress that have all moved since they were shown."""
    store = store_of(name)
    for scope in range(ACCOUNTS):
        store.set_state(scope, 3)
        store.shown_ratio[scope] = 1.0
    return store


def test_of_those_that_moved_an_interval_shows_as_many_as_its_bound_in_turns() -> None:
    """Nobody waits for more than one turn's work, and an interval still shows as many as it may."""
    store, queue = distressed("cross:USDT"), RefreshQueue(StatusSettings())
    assert moved_in_turns(queue, store, 1_000) == [REFRESHED_AT_ONCE] * (MOVED_AT_MOST // REFRESHED_AT_ONCE)
    assert len(queue.moved(1_999, store)) == 0
    assert len(queue.moved(2_000, store)) == REFRESHED_AT_ONCE


def test_portfolio_scopes_that_moved_are_shown_within_the_bounds() -> None:
    """Of portfolio scopes in distress a turn and an interval take what they can afford."""
    store, queue = distressed("portfolio"), RefreshQueue(StatusSettings())
    assert moved_in_turns(queue, store, 1_000) == [1] * (MOVED_AT_MOST // PORTFOLIO_WEIGHT)


def test_lights_are_shown_as_far_as_they_can_be_afforded() -> None:
    """Of scopes with another light one turn shows fifty, or the one portfolio scope that costs as much."""
    assert affordable(range(ACCOUNTS), 50, store_of("cross:USDT")) == list(range(50))
    assert affordable(range(ACCOUNTS), 50, store_of("portfolio")) == [0]
    assert affordable([], 50, store_of("portfolio")) == []
