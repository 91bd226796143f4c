"""Tests of insurance funds in running instances: claims across shards, releases, restarts, and bad figures."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from monitor.app.ports import TopicPartition
from monitor.core.partitioning import partition_of
from tests.app.fund_judge import FundJudge
from tests.app.lab import World, new_world, virtual

SHARDS = 3


def name_in(shard: int, prefix: str = "a", shards: int = SHARDS) -> str:
    """Return an account id that belongs to a shard."""
    return next(name for n in range(1000) if partition_of((name := f"{prefix}{n}").encode(), shards) == shard)


def stages(world: World) -> dict[str, str]:
    """Return what became of the claims that are kept, by account."""
    latest = {record.key: record.value for record in world.written("state") if (record.key or b"")[:2] == b"o|"}
    bodies = [json.loads(value) for value in latest.values() if value is not None]
    return {body["claim"]["bankrupt"]["account_id"]: body["stage"] for body in bodies}


def told(world: World, event_type: str) -> list[dict[str, Any]]:
    """Return the events of one type, in order of time."""
    bodies = [json.loads(record.value or b"") for record in world.written("adl_events")]
    return [body for body in bodies if body["event_type"] == event_type]


async def fallen(world: World, balance: Any = 100) -> list[str]:
    """Have an account of every shard lose 80 more than it has, against one fund; return the accounts."""
    world.instrument("XUSDT")
    world.price(XUSDT=100)
    if balance is not None:
        world.fund(balance)
    accounts = [name_in(shard) for shard in range(SHARDS)]
    for account in accounts:
        world.account(account, 20, positions={"XUSDT": (10, 100)}, snapshot=True)
    await world.until_quiet()
    world.price(XUSDT=90)
    await world.until(lambda: all(world.chain(account)[-1:] == ["bankrupt"] for account in accounts))
    return accounts


@pytest.mark.parametrize("instances", [1, 3])
def test_one_fund_covers_one_of_many_shards(instances: int) -> None:
    """Shortfalls of 80 in three shards against a fund of 100, whoever owns what: exactly one is covered."""

    @virtual
    async def run() -> None:
        world = await new_world(partitions=SHARDS)
        for _ in range(instances):
            world.start()
        accounts = await fallen(world)
        await world.until_quiet()
        await world.until(lambda: len(told(world, "adl_triggered")) == 2)
        refused = [event["account_id"] for event in told(world, "adl_triggered")]
        assert [*stages(world).values()] == ["covered"]
        assert sorted([*stages(world), *refused]) == sorted(accounts)
        assert {record.partition for record in world.written("fund")} == {partition_of(b"main", SHARDS)}

    run()


@virtual
async def test_a_claim_stands_with_its_event() -> None:
    """The claim, the `bankrupt` event and the memory of both are of one transaction."""
    world = await new_world(partitions=SHARDS)
    world.start()
    await fallen(world)
    names = (world.topics.fund, world.topics.adl_events, world.topics.state)
    for records in world.history:
        claims = [json.loads(record.value or b"") for record in records if record.topic == names[0]]
        for claim in claims:
            account = claim["bankrupt"]["account_id"].encode()
            events = [json.loads(r.value or b"")["event_id"] for r in records if r.topic == names[1]]
            assert claim["bankrupt"]["event_id"] in events
            assert {b"s|" + account, b"c|" + account} <= {r.key for r in records if r.topic == names[2]}


@virtual
async def test_releases_free_the_fund_for_the_next() -> None:
    """Closed and shown by the fund's figure, a claim counts no more: the next shortfall is covered."""
    world = await new_world(partitions=SHARDS)
    one = world.start()
    accounts = await fallen(world)
    for account in accounts:
        world.account(account, 0, positions={"XUSDT": (0, 100)})
    await world.pass_time(1)
    world.fund(90)
    await world.until_quiet()
    await one.stop()
    world.start()
    await world.until_quiet()
    await world.until(lambda: not stages(world))
    late = name_in(1, "late")
    world.account(late, 20, positions={"XUSDT": (10, 100)}, snapshot=True)
    await world.until(lambda: stages(world).get(late) == "covered")


@virtual
async def test_a_bankruptcy_seen_again_after_unknown_is_not_claimed_twice() -> None:
    """Terms that are gone for a while make it `unknown`; told `bankrupt` again, it still has the claim it made."""
    world = await new_world(partitions=SHARDS)
    world.start()
    accounts = await fallen(world, 300)
    await world.until_quiet()
    world.put("instruments", "XUSDT", None)
    await world.until(lambda: all(world.chain(account)[-1] == "unknown" for account in accounts))
    world.instrument("XUSDT")
    await world.until(lambda: all(world.chain(account)[-1] == "bankrupt" for account in accounts))
    await world.until_quiet()
    judge = FundJudge(world)
    assert len(told(world, "bankrupt")) == 6
    assert len(judge.claims) == 3
    judge.check(300)
    judge.claims.pop()
    with pytest.raises(AssertionError, match="asked for"):
        judge.check(300)


@virtual
async def test_without_a_fund_there_are_candidates() -> None:
    """No fund is known: each bankruptcy tells `adl_candidate` by itself, in its own transaction, and claims nothing."""
    world = await new_world(partitions=SHARDS)
    world.start()
    accounts = await fallen(world, balance=None)
    await world.until_quiet()
    events = told(world, "adl_candidate")
    assert sorted(event["account_id"] for event in events) == sorted(accounts)
    assert {event["because"] for event in events} == {"fund_unknown"}
    assert {event["shortfall"] for event in events} == {"80"}
    assert not world.written("fund")


@virtual
async def test_a_debt_without_positions_claims_nothing() -> None:
    """The event says that it is a debt; no fund is asked and nobody is a candidate."""
    world = await new_world(partitions=1)
    world.start()
    world.fund(100)
    world.account("a0", -50, snapshot=True)
    await world.until(lambda: world.chain("a0") == ["bankrupt"])
    await world.until_quiet()
    (event,) = world.events()
    assert event["debt"] is True
    assert not world.written("fund")
    assert not told(world, "adl_candidate")


@virtual
async def test_a_scope_that_loses_its_positions_releases_its_claim() -> None:
    """What remains of a takeover is a debt: the scope stays bankrupt, its claim is closed all the same."""
    world = await new_world(partitions=SHARDS)
    world.start()
    accounts = await fallen(world)
    world.account(accounts[0], -80, positions={"XUSDT": (0, 100)})
    await world.until_quiet()
    releases = [body for r in world.written("fund") if (body := json.loads(r.value or b""))["kind"] == "release"]
    assert len(releases) == 1
    assert world.chain(accounts[0])[-1] == "bankrupt"


@virtual
async def test_bad_figures_of_funds_are_dead_letters_once() -> None:
    """However many instances read them: malformed, under a wrong key, or ahead of the clock; the good one counts."""
    world = await new_world(partitions=SHARDS)
    for _ in range(3):
        world.start()
    world.fund(100)
    world.put("insurance_funds", "main", b"{")
    world.put("insurance_funds", "other", {"fund": "main", "asset": "USDT", "balance": "1", "event_time_ms": 1})
    world.fund(1, ahead_ms=60_000)
    accounts = await fallen(world, balance=None)
    await world.until(lambda: len(told(world, "adl_triggered")) == 2)
    await world.until_quiet()
    codes = [dict(record.headers)["error-code"].decode() for record in world.written("dead_letters")]
    assert sorted(codes) == ["malformed_json", "time_ahead", "wrong_key"]
    assert [*stages(world).values()] == ["covered"]
    assert {event["account_id"] for event in told(world, "adl_triggered")} < set(accounts)


@virtual
async def test_foreign_records_on_internal_topics_are_set_aside() -> None:
    """What is no message of ours becomes a dead letter; the claims behind it are decided."""
    world = await new_world(partitions=SHARDS)
    world.start()
    where = partition_of(b"main", SHARDS)
    for topic in ("fund", "adl"):
        world.put(topic, "x", b"nothing", where)
        world.put(topic, "x", {"kind": "claim"}, where)
    await fallen(world)
    await world.until_quiet()
    await world.until(lambda: len(told(world, "adl_triggered")) == SHARDS - 1)
    assert len(world.written("dead_letters")) == 4


@virtual
async def test_how_a_bankruptcy_ends_says_what_is_owed() -> None:
    """Cured by prices: nothing is owed; closed or deleted: the time of the account event counts; unknown: not yet."""
    world = await new_world(partitions=SHARDS)
    world.start()
    cured, closed, deleted = await fallen(world, balance=1_000)
    await world.pass_time(1)
    world.put("instruments", "XUSDT", None)
    await world.until(lambda: world.chain(cured)[-1] == "unknown")
    assert len(world.written("fund")) == SHARDS
    world.instrument("XUSDT")
    await world.until(lambda: world.chain(cured)[-1] == "bankrupt")
    world.account(closed, 0, positions={"XUSDT": (0, 100)})
    world.account(deleted, deleted=True)
    await world.pass_time(1)
    world.price(XUSDT=100)
    await world.until(lambda: len(world.written("fund")) == 2 * SHARDS)
    messages = [json.loads(record.value or b"") for record in world.written("fund")]
    owner = {body["claim_id"]: body["bankrupt"]["account_id"] for body in messages if body["kind"] == "claim"}
    times = {owner[body["claim_id"]]: body["event_time_ms"] for body in messages if body["kind"] == "release"}
    assert times[cured] is None
    assert times[closed] == times[deleted] > 1_000_000
    await world.until(lambda: list(stages(world)) == [closed, deleted] or list(stages(world)) == [deleted, closed])


@virtual
async def test_a_suspect_account_is_covered_but_deleverages_nobody() -> None:
    """Its claim binds the fund where it can pay; where it cannot there is a candidate and no `adl_triggered`."""
    world = await new_world(partitions=1)
    world.start()
    world.instrument("XUSDT")
    world.price(XUSDT=100)
    world.fund(100)
    for account in ("a0", "a1"):
        world.account(account, 20, positions={"XUSDT": (10, 100)}, snapshot=True)
        world.put("account_events", account, b"[]", 0)
    await world.until_quiet()
    world.price(XUSDT=90)
    await world.until(lambda: len(told(world, "adl_candidate")) == 1)
    await world.pass_time(15)
    assert [event["because"] for event in told(world, "adl_candidate")] == ["suspect"]
    assert not told(world, "adl_triggered")
    assert [*stages(world).values()] == ["covered"]


def lost(world: World) -> dict[str, str]:
    """Return how many contracts each counterparty loses in all."""
    total: dict[str, Decimal] = {}
    for event in told(world, "adl_selected"):
        total[event["account_id"]] = total.get(event["account_id"], Decimal(0)) + Decimal(event["quantity"])
    return {account: str(quantity) for account, quantity in sorted(total.items())}


@pytest.mark.parametrize("instances", [1, 3])
def test_the_same_counterparties_however_many_instances(instances: int) -> None:
    """Shorts of rising entries in all shards: the best ranked lose what two refused claims need, once each."""

    @virtual
    async def run() -> None:
        world = await new_world(partitions=SHARDS)
        for _ in range(instances):
            world.start()
        for n in range(6):
            world.account(f"w{n}", 40 + 17 * n, positions={"XUSDT": (-4, 100 + n)}, snapshot=True)
        await fallen(world)
        await world.until(lambda: len(told(world, "adl_triggered")) == 2)
        await world.until_quiet()
        FundJudge(world).check(100)
        assert lost(world) == {"w0": "4", "w1": "4", "w2": "4", "w3": "4", "w4": "4"}
        assert all(event["queue_covers_prices"] for event in told(world, "adl_triggered"))

    run()


@virtual
async def test_requests_that_are_gone_are_passed_over() -> None:
    """Retention has taken claims nobody had decided: that is noted, and the next claim is decided."""
    world = await new_world(partitions=SHARDS)
    one = world.start()
    await fallen(world)
    await world.until_quiet()
    await one.stop()
    where = TopicPartition(world.topics.fund, partition_of(b"main", SHARDS))
    for _ in range(3):
        world.put("fund", "main", b"never read", where.partition)
    world.log.delete_before(where, world.log._store.partition(where).end)  # type: ignore[union-attr]
    two = world.start()
    await world.until_ready()
    late = name_in(1, "late")
    world.fund(1_000)
    world.account(late, 20, positions={"XUSDT": (10, 100)}, snapshot=True)
    await world.until(lambda: stages(world).get(late) == "covered")
    assert "PositionLost" in two.notes.faults
    assert not world.written("dead_letters")
