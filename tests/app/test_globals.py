"""Tests of the inputs every instance reads: one dead letter each, one verdict on ahead of time, terms that survive."""

from __future__ import annotations

from collections import Counter

import pytest

from monitor.app.ports import OutputRecord, TopicPartition
from tests.app.judge import Judge, letter_of
from tests.app.lab import World, new_world, virtual


def junk(world: World, number: int) -> None:
    """Append one bad message to each global input."""
    world.put("mark_prices", "x", b"junk %d" % number)
    world.put("instruments", f"I{number}", b"{")
    world.put("assets", f"A{number}", b'{"asset": 1}')


@pytest.mark.parametrize("count", [1, 2, 3])
def test_bad_global_messages_are_dead_lettered_once_by_however_many_instances(count: int) -> None:
    """With one to three instances, and owners of shard 0 that come and go, every bad message has one dead letter."""

    @virtual
    async def run() -> None:
        world = await new_world(partitions=3)
        junk(world, 0)
        world.opening()
        for _ in range(count):
            world.start()
        await world.until_ready()
        junk(world, 1)
        await world.until_quiet()
        owner = next(one for one in world.living() if 0 in one.instance._shards)
        junk(world, 2)
        owner.kill()
        junk(world, 3)
        world.start()
        await world.until_quiet()
        await next(one for one in world.living() if 0 in one.instance._shards).stop()
        junk(world, 4)
        await world.pass_time(1)
        world.start()
        await world.until_quiet()
        assert len(world.written("dead_letters")) == 15
        assert {record.partition for record in world.written("dead_letters")} == {0}
        Judge(world).check()

    run()


@virtual
async def test_bad_messages_older_than_the_window_are_dead_lettered_too() -> None:
    """What came while nobody owned shard 0 is dead-lettered by the next owner, however long ago it was."""
    world = await new_world(partitions=1, prices__max_replay_ms=5_000)
    world.opening()
    one = world.start()
    await world.until_quiet()
    await one.stop()
    junk(world, 1)
    world.skip(3_000)
    junk(world, 2)
    world.skip(60)
    junk(world, 3)
    world.start()
    await world.until_quiet()
    Judge(world).check()
    assert len(world.written("dead_letters")) == 9


@virtual
async def test_one_element_of_an_array_is_refused_alone() -> None:
    """The bad elements of an array have a dead letter each with their place; the others take effect."""
    world = await new_world(partitions=1)
    world.opening()
    world.start()
    await world.until_quiet()
    now = world.now_ms()
    good = {"symbol": "XUSDT", "mark_price": "84", "event_time_ms": now}
    world.put(
        "mark_prices", "x", [{"symbol": "Y"}, good, good | {"mark_price": "0"}, good | {"event_time_ms": now * 2}]
    )
    await world.until_quiet()
    assert world.chain("a0") == ["takeover"]
    letters = Counter(letter_of(record)[3] for record in world.written("dead_letters"))
    assert letters == Counter(Judge(world).oracle.bad[index][3] for index in range(3))
    assert all(path for path in letters)
    Judge(world).check(exact=True)


@virtual
async def test_a_message_full_of_bad_elements_does_not_become_a_flood() -> None:
    """So many elements are refused each on its own, one more dead letter speaks for all the others."""
    world = await new_world(partitions=1)
    world.opening()
    world.start()
    await world.until_quiet()
    world.put("mark_prices", "x", [1] * 5_000)
    await world.until_quiet()
    letters = world.written("dead_letters")
    assert len(letters) == 101
    assert b"4899 more" in dict(letters[-1].headers)["error-message"]


@virtual
async def test_instances_with_other_clocks_agree_on_what_is_ahead_of_time() -> None:
    """Whether a price lies ahead of time is decided by the log's clock: no instance takes what another refuses."""
    world = await new_world(partitions=2)
    world.opening(8)
    world.start(skew_ms=-3_000)
    world.start(skew_ms=3_000)
    await world.until_quiet()
    world.price(ahead_ms=4_999, XUSDT=84)
    world.price(ahead_ms=5_001, XUSDT=50)
    await world.until_quiet()
    assert {tuple(world.chain(f"a{n}")) for n in range(8)} <= {("takeover",), ("critical",), ("liquidation",), ()} | {
        (status,) for status in ("margin_call", "warning", "watch")
    }
    assert len(world.written("dead_letters")) == 1
    Judge(world).check(exact=True)


@virtual
async def test_mark_prices_may_grow_partitions_while_running() -> None:
    """Partitions that come later are read from their beginning, by everybody, and survive a restart."""
    world = await new_world(partitions=2)
    world.opening()
    one = world.start()
    await world.until_quiet()
    partitions = world.log._store.topics[world.topics.mark_prices].partitions
    partitions.append(type(partitions[0])())
    world.price(partition=1, XUSDT=84)
    await world.until_quiet()
    assert world.chain("a0") == ["takeover"]
    one.kill()
    world.price(partition=1, XUSDT=100)
    world.price(partition=1, XUSDT=84)
    world.start()
    await world.until_quiet()
    assert world.chain("a0") == ["takeover", "healthy", "takeover"]
    Judge(world).check(exact=True)


@virtual
async def test_a_new_owner_knows_partitions_the_last_one_judged() -> None:
    """Whoever takes over before it has seen that `mark-prices` grew judges nobody without the prices of the new one."""
    world = await new_world(partitions=1)
    world.opening()
    first = world.start()
    await world.until_ready()
    await world.pass_time(8)
    world.start()  # looks at the number of partitions some seconds later than the first
    await world.pass_time(1)
    partitions = world.log._store.topics[world.topics.mark_prices].partitions
    partitions.append(type(partitions[0])())
    world.price(partition=1, XUSDT=84)
    await world.until(lambda: world.chain("a0") == ["bankrupt"] or len(world.chain("a0")) > 0, 8)
    told = world.chain("a0")
    first.kill()
    await world.pass_time(3)
    assert world.chain("a0") == told
    world.price(partition=1, XUSDT=100)
    await world.until_quiet()
    Judge(world).check(exact=True)


@virtual
async def test_a_held_instrument_is_told_once_and_its_confirmation_takes_effect() -> None:
    """Doubtful terms give one data-quality record, over restarts too, and stand once they are confirmed."""
    world = await new_world(partitions=1)
    world.opening()
    one = world.start()
    await world.until_quiet()
    world.instrument("XUSDT", "0.9")
    await world.until_quiet()
    assert world.events() == []
    one.kill()
    two = world.start()
    await world.until_quiet()
    assert len(world.quality("instrument_held")) == 1
    assert two.notes.held == 1
    world.instrument("XUSDT", "0.9", confirm=True)
    await world.until_quiet()
    assert world.chain("a0") == ["takeover"]
    assert two.notes.held == 0
    Judge(world).check(exact=True)


@virtual
async def test_an_instrument_held_while_nobody_ran_is_told_by_the_next_owner() -> None:
    """The data-quality record of doubtful terms that came during a long outage is not forgotten."""
    world = await new_world(partitions=1)
    world.opening()
    one = world.start()
    await world.until_quiet()
    await one.stop()
    world.instrument("XUSDT", "0.9")
    world.skip(600)
    world.start()
    await world.until_quiet()
    assert len(world.quality("instrument_held")) == 1
    assert world.events() == []


@pytest.mark.parametrize("age_seconds", [1, 600])
def test_accepted_terms_survive_compaction_while_held_ones_stand_in_the_topic(age_seconds: int) -> None:
    """The terms in force are kept in the changelog, also those that were there before the very first start."""

    @virtual
    async def run() -> None:
        world = await new_world(partitions=1)
        world.opening()
        world.skip(age_seconds)
        one = world.start()
        await world.until_quiet()
        world.instrument("XUSDT", "0.9")
        await world.until_quiet()
        await one.stop()
        world.log.compact(TopicPartition(world.topics.instruments, 0))
        assert len(world.kept("instruments")) == 1
        world.log.compact(TopicPartition(world.topics.state, 0))
        two = world.start()
        await world.until_quiet()
        assert world.events() == []
        assert two.notes.held == 1
        assert len(world.quality("instrument_held")) == 1

    run()


@virtual
async def test_the_price_of_a_quiet_market_survives_retention() -> None:
    """A price older than half the retention is kept in the changelog of shard 0, with its place in the order."""
    world = await new_world(partitions=2)
    world.opening()
    world.price(XUSDT=84)
    one = world.start()
    await world.until_quiet()
    told = len(world.events())
    world.skip(3_000)
    await world.pass_time(1)
    await one.stop()
    world.skip(3_000)
    world.log.clean()
    assert world.kept("mark_prices") == []
    world.start()
    await world.until_ready()
    await world.pass_time(1)
    assert len(world.events()) == told
    world.account("a5", 100)
    await world.until(lambda: world.chain("a5") == ["bankrupt"])


@virtual
async def test_a_message_without_key_and_value_stops_nobody() -> None:
    """The emptiest of bad messages has its dead letter like any other."""
    world = await new_world(partitions=1)
    world.opening()
    world.start()
    await world.until_quiet()
    store = world.log._store
    for topic in (world.topics.account_events, world.topics.mark_prices):
        store.commit([OutputRecord(topic, 0, None, None)], markers=False)
    world.price(XUSDT=84)
    await world.until_quiet()
    assert world.chain("a0") == ["takeover"]
    Judge(world).check(exact=True)


@virtual
async def test_a_lagging_shard_holds_the_feed_up_and_no_price_is_conflated() -> None:
    """More messages than the window holds wait in the log until every shard has judged those before them."""
    world = await new_world(partitions=1, limits__max_window_messages=100, limits__max_poll_records=50)
    world.opening()
    one = world.start()
    await world.until_quiet()
    for number in range(400):
        world.price(XUSDT=100 if number % 2 else 84)
    most = 0
    while world.behind():
        most = max(most, len(one.shared.feed._window))
        await world.pass_time(0.01)
    assert most <= 150
    assert len(world.chain("a0")) == 400
    assert world.quality("prices_unjudged") == []
