"""What comes in is acknowledged, digested or parked, each event once, through every fault and death of the sender."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.app.gateway.filters import Filter
from monitor.app.webhooks.quiet import QuietHours
from monitor.app.webhooks.targets import Pace, Target
from tests.webhooks.sender import RANKS, World, event

PACE = Pace(interval_ms=10, backoff_ms=100, max_backoff_ms=1_000, max_attempts=6, digest_after=2, digest_ms=2_000)
ALL_DAY = QuietHours(1, 0)
KINDS = sorted(RANKS)


def balance(world: World, name: str, expected: int) -> None:
    """Hold the tally of a target against what receivers and the parking topic have."""
    tally, ends = world.board.queues[name].tally, world.ends(name)
    assert tally.received == expected == tally.acknowledged + tally.digested + tally.parked
    assert sum(one.events for one in ends) == expected
    assert tally.parked == sum(one.message.events for one in world.parked if one.target == name)
    most = world.board.queues[name].target.pace.max_attempts
    assert all(tried <= most for tried in world.receivers[name].tried.values())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.booleans())
def test_every_event_ends_once(seed: int, count: int, crowded: bool) -> None:
    """Through refusals, lost answers and kills at every point, each event is in exactly one message that ended."""
    random = Random(seed)  # a test that can be repeated
    pace = PACE if not crowded else Pace(10, 100, 1_000, 6, 2, 2_000, max_accounts=4, max_waiting=3)
    events = [event(number, f"a{number}", random.choice(KINDS)) for number in range(count)]
    world = World([Target("desk", "https://x", pace=pace, quiet=ALL_DAY)], random, events)
    world.run(60)
    world.targets = {"desk": Target("desk", "https://x", pace=pace)}  # the night is over
    world.commit()
    world.die()
    world.finish()
    balance(world, "desk", count)
    told = Counter(account for one in world.ends("desk") for account in one.accounts)
    assert told == Counter({one.view.account_id: 1 for one in events})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_no_account_is_told_the_old_after_the_new(seed: int, count: int) -> None:
    """Held, digested, crowded and tried again: what a receiver sees first of an account is always its older event."""
    random = Random(seed)
    # every type is its own, so that a digest tells exactly which events it holds
    events = [
        event(number, f"a{random.randrange(5)}", f"k{number}", random.choice(tuple(RANKS.values())))
        for number in range(count)
    ]
    pace = Pace(10, 100, 1_000, 6, digest_after=2, digest_ms=2_000, max_waiting=random.choice((2, 5, 50)))
    world = World([Target("desk", "https://x", pace=pace, quiet=QuietHours(16, 18))], random, events)
    world.run(60)
    world.finish()
    account_of = {one.view.event_type: one.view.account_id for one in events}
    order = {one.view.event_type: number for number, one in enumerate(events)}
    newest: dict[str, int] = {}
    for message in world.receivers["desk"].taken.values():
        for account in message.accounts:
            numbers = [order[kind] for kind in message.kinds if account_of[kind] == account]
            assert min(numbers) > newest.get(account, -1)
            newest[account] = max(numbers)
    balance(world, "desk", count)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from(["never", "at once", "later"]))
def test_a_second_target_is_told_of_what_the_first_does_not_take(seed: int, count: int, gone: str) -> None:
    """Whatever is parked, or late, is told to the second target, each event at most once, and balances there too."""
    random = Random(seed)
    events = [event(number, f"a{number}", random.choice(KINDS)) for number in range(count)]
    first = Target("desk", "https://x", pace=PACE, escalate_to="duty", escalate_ms=500)
    world = World([first, Target("duty", "https://y", wanted=Filter(accounts=frozenset()), pace=PACE)], random, events)
    world.gone |= {"desk"} if gone == "at once" else set()
    world.run(30)
    world.gone |= {"desk"} if gone == "later" else set()
    world.run(30)
    world.finish()
    balance(world, "desk", count)
    told = Counter(account for one in world.ends("duty") for account in one.accounts)
    balance(world, "duty", sum(told.values()))
    assert set(told.values()) <= {1}
    given_up = {account for one in world.parked if one.target == "desk" for account in one.message.accounts}
    assert given_up <= told.keys()
    if gone == "at once":
        assert given_up == {one.view.account_id for one in events}


@pytest.mark.parametrize("seed", range(5))
def test_a_sender_that_comes_back_knows_what_it_knew(seed: int) -> None:
    """What waits, its attempts, its place and the tallies are the same after a start from the records alone."""
    random = Random(seed)
    events = [event(number, f"a{random.randrange(9)}", random.choice(KINDS)) for number in range(50)]
    world = World([Target("desk", "https://x", pace=PACE, quiet=ALL_DAY)], random, events)
    world.run(25)
    world.commit()
    before = world.board
    world.die()
    assert world.kills > 0
    assert world.board.positions == before.positions
    assert world.board.queues["desk"].waiting() == before.queues["desk"].waiting()
    assert world.board.queues["desk"].tally == before.queues["desk"].tally
