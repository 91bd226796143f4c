"""Accounts moved to another number of shards: chains go on, nothing is told, and nothing is guessed."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from monitor.app.changelog import ForeignState
from monitor.app.image import read_image
from monitor.app.ledger import Ledger, LedgerSettings
from monitor.app.migration.checks import OWN, Refused
from monitor.app.migration.moving import Migration
from monitor.app.migration.sides import Moved, Side
from monitor.app.observing import SilentObserver
from monitor.app.ports import OutputRecord
from monitor.app.records import RecordMaker
from monitor.app.topics import TopicSettings, create_topics
from monitor.cli.assembly import codec_of
from monitor.core.partitioning import partition_of
from tests.app.lab import World, new_world, virtual

SCOPE = "cross:USDT"


def moved_topics(world: World, shards: int) -> TopicSettings:
    """Return topic settings in which all that has a partition for each shard has another name."""
    names = {role: f"{getattr(world.settings.topics, role)}-{shards}" for role in OWN}
    return replace(world.settings.topics, partitions=shards, **names)


async def new_topics(world: World, shards: int) -> TopicSettings:
    """Make the topics to move to."""
    topics = moved_topics(world, shards)
    assert await create_topics(await world.log.admin(), topics) == []
    return topics


async def migrate(world: World, topics: TopicSettings, log: Any = None) -> Moved:
    """Move the accounts of a world."""
    group = world.settings.kafka.group_id
    migration = Migration(
        log or world.log,
        codec_of(world.settings),
        Side(group, world.topics),
        Side(group, topics.names()),
        now_ms=world.now_ms,
        most_records=5,
        watch=lambda numbers, what: iter(numbers),
    )
    return await migration.run()


def goes_on(world: World, topics: TopicSettings) -> World:
    """Return the same world on the new topics: the same log, clock and history."""
    after = World.__new__(World)
    after.__dict__.update(world.__dict__)
    after.settings = replace(world.settings, topics=topics)
    after.topics = topics.names()
    after.instances = []
    return after


async def lived_in(partitions: int = 2, accounts: int = 9) -> World:
    """Return a world in which some accounts have fallen and recovered, and nobody judges any more."""
    world = await new_world(partitions=partitions, limits__max_transaction_records=16)
    world.opening(accounts)
    world.fund(1000)
    world.start()
    await world.until_quiet()
    for mark in (85, 70, 95, 80):
        world.price(XUSDT=mark)
        await world.until_quiet()
    world.account("a1", deleted=True)
    await world.until_quiet()
    await world.instances[0].stop()
    return world


def all_events(*worlds: World) -> list[dict[str, Any]]:
    """Return the chain events of worlds that share a history."""
    return [event for world in worlds for event in world.events()]


def assert_unbroken(events: list[dict[str, Any]]) -> None:
    """Check that the events of every scope form a chain."""
    chains: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in events:
        chains.setdefault((event["account_id"], event["scope"]), []).append(event)
    for key, chain in chains.items():
        chain.sort(key=lambda event: event["sequence"])
        assert [event["sequence"] for event in chain] == list(range(1, len(chain) + 1)), key
        before = ["healthy", *(event["status"] for event in chain)]
        assert [event["previous_status"] for event in chain] == before[:-1], key


@pytest.mark.parametrize(("before", "after"), [(2, 5), (3, 2)])
@virtual
async def test_chains_go_on_in_the_new_shards(before: int, after: int) -> None:
    """No event is told by the move itself; afterwards every scope's sequence and previous status go on."""
    world = await lived_in(before)
    told, written = len(world.events()), {key: world.chain(key) for key in world.versions}
    topics = await new_topics(world, after)
    moved = await migrate(world, topics)
    assert (moved.shards_before, moved.shards_after, moved.accounts) == (before, after, len(world.versions))
    new = goes_on(world, topics)
    new.start()
    await new.until_quiet()
    assert new.events() == []
    for mark in (60, 100, 75, 110):
        new.price(XUSDT=mark)
        await new.until_quiet()
    assert len(world.events()) == told
    assert_unbroken(all_events(world, new))
    assert max(len(new.chain(key)) for key in written) >= 2
    for record in new.written("margin_calls") + new.written("account_status"):
        name = (record.key or b"").partition(b"|")[0]
        assert record.partition == partition_of(name, after)


@virtual
async def test_what_is_shown_moves_along() -> None:
    """Whoever reads the new status topic alone finds every scope that the old one showed last."""
    world = await lived_in(2)
    topics = await new_topics(world, 5)
    await migrate(world, topics)
    new = goes_on(world, topics)
    latest = {record.key: record.value for record in world.kept("account_status")}
    shown = {key: value for key, value in latest.items() if value is not None}
    assert {record.key: record.value for record in new.kept("account_status")} == shown
    assert shown


@virtual
async def test_deleted_accounts_come_back_to_their_chain() -> None:
    """An account that was deleted before the move and returns after it goes on with its old sequence."""
    world = await lived_in(2)
    before = world.chain("a1")
    assert before, "the account has to have been told of"
    topics = await new_topics(world, 3)
    await migrate(world, topics)
    new = goes_on(world, topics)
    new.start()
    await new.until_quiet()
    new.account("a1", 1, positions={"XUSDT": (10, 100)}, snapshot=True)
    await new.until_quiet()
    assert_unbroken(all_events(world, new))
    assert new.chain("a1")


async def _open_instance(world: World) -> None:
    world.start()
    await world.until_ready()


async def _more_account_events(world: World) -> None:
    world.account("a2", 5)


async def _more_prices(world: World) -> None:
    world.price(XUSDT=50)


async def _used_topics(world: World) -> None:
    world.log.produce(moved_topics(world, 5).names().margin_calls, b"k", b"v")


@pytest.mark.parametrize(
    ("disturb", "complaint"),
    [
        (_open_instance, "has 1 members: stop every instance first"),
        (_more_account_events, "1 records that were not used up"),
        (_more_prices, "mark-prices[0] holds 1 records that were not used up"),
        (_used_topics, "margin-calls-5 is not empty"),
    ],
)
@virtual
async def test_nothing_moves_while_anything_is_amiss(
    disturb: Callable[[World], Awaitable[None]], complaint: str
) -> None:
    """What is in the way is named, and neither side has been written to."""
    world = await lived_in(2)
    topics = await new_topics(world, 5)
    await disturb(world)
    before = len(world.history)
    with pytest.raises(Refused) as refused:
        await migrate(world, topics)
    assert complaint in str(refused.value)
    assert len(world.history) == before


@virtual
async def test_names_must_differ_and_global_inputs_must_not() -> None:
    """A topic with the same name on both sides, or a global input with another one, is refused."""
    world = await lived_in(1)
    topics = replace(await new_topics(world, 5), state=world.settings.topics.state, mark_prices="other")
    with pytest.raises(Refused) as refused:
        await migrate(world, topics)
    assert [text.split(":")[0] for text in refused.value.complaints] == ["topics.mark_prices", "topics.state"]


@virtual
async def test_topics_that_are_missing_are_named() -> None:
    """Topics are never made on the way: the command that makes them is named."""
    world = await lived_in(1)
    with pytest.raises(Refused, match="`liqmon topics create` makes them"):
        await migrate(world, moved_topics(world, 5))


@virtual
async def test_the_old_shards_are_closed_for_good() -> None:
    """An instance on the old configuration refuses to judge accounts that have moved."""
    world = await lived_in(1)
    await migrate(world, await new_topics(world, 2))
    old = world.start()
    with pytest.raises(ForeignState, match="its accounts move to liqmon-state-2, 2 shards"):
        await world.until(old.is_ready)


class Failing:
    """Stand for the log and fail the n-th transaction with what a broken connection gives."""

    def __init__(self, inner: Any, left: int) -> None:
        self.inner, self.left = inner, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def writer(self, transactional_id: str) -> Any:
        """Return a writer that counts down."""
        writer, failing = self.inner.writer(transactional_id), self

        class Counting:
            fence, close = writer.fence, writer.close

            async def write(self, records: list[OutputRecord], consumed: Any = None) -> None:
                failing.left -= 1
                if failing.left < 0:
                    raise CutOff
                await writer.write(records, consumed)

        return Counting()


class CutOff(Exception):
    """The process was killed here."""


@pytest.mark.parametrize("seed", range(3))
@virtual
async def test_a_migration_that_was_cut_off_is_finished_by_the_same_command(seed: int) -> None:
    """Wherever it dies, neither side can be run by mistake until it is repeated, and then the chains go on."""
    chance = random.Random(seed)
    world = await lived_in(2)
    topics = await new_topics(world, 3)
    new = goes_on(world, topics)
    written = 0
    while True:
        log = Failing(world.log, chance.randint(0, 6) + written // 2)
        before = len(world.history)
        try:
            await migrate(world, topics, log)
            break
        except CutOff:
            written += len(world.history) - before
    assert (await migrate(world, topics)).before
    new.start()
    await new.until_quiet()
    for mark in (60, 100, 75):
        new.price(XUSDT=mark)
        await new.until_quiet()
    assert_unbroken(all_events(world, new))
    assert len(new.events()) > 3


@virtual
async def test_half_moved_accounts_are_not_judged() -> None:
    """A new instance that is started before the migration has finished refuses the shards it finds."""
    world = await lived_in(2)
    topics = await new_topics(world, 3)
    with pytest.raises(CutOff):
        await migrate(world, topics, Failing(world.log, 4))
    new = goes_on(world, topics)
    early = new.start()
    with pytest.raises(ForeignState, match="has not finished"):
        await new.until(early.is_ready)


@virtual
async def test_counterparties_that_may_still_be_reduced_are_waited_for() -> None:
    """Promises of ADL name no fund, so they are waited for, not moved."""
    world = await lived_in(1)
    promised: Any = [["a1", SCOPE, "both", "1", "2", world.now_ms() + 60_000]]
    codec = codec_of(world.settings)
    settings = LedgerSettings("liqmon", 1, 0, world.topics.state)
    maker = RecordMaker(0, 1, world.topics, codec)
    ledger = Ledger(settings, world.log, codec, maker, "somebody", SilentObserver(), world.now_ms)
    await ledger.fence()
    reader = world.log.reader()
    await reader.start()
    image = await read_image(reader, settings.where, codec)
    image.count()
    ledger.begin(image)
    record = OutputRecord(world.topics.state, 0, b"x|XUSDT|long", codec.encode(promised))
    await ledger.commit([record], ledger.meta.inputs)
    topics = await new_topics(world, 2)
    with pytest.raises(Refused, match="may still be reduced"):
        await migrate(world, topics)
    world.skip(60)
    assert (await migrate(world, topics)).shards_after == 2
