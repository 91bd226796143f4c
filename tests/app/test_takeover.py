"""Tests of taking over: where a shard goes on, what it judges of what was missed, and what it says aloud."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from monitor.app.changelog import ForeignState
from monitor.app.ports import TopicPartition
from monitor.core.accounts import Account
from monitor.core.placement import Placement
from tests.app.gates import Fate
from tests.app.judge import Judge
from tests.app.lab import Running, World, new_world, virtual


async def opened(accounts: int = 4, **overrides: Any) -> tuple[World, Running]:
    """Return a world whose first instance has judged everything."""
    world = await new_world(**overrides)
    world.opening(accounts)
    one = world.start()
    await world.until_quiet()
    return world, one


@virtual
async def test_a_first_start_on_full_topics_tells_how_things_stand() -> None:
    """At a first start old prices are taken unjudged: only where a scope stands now is told."""
    world = await new_world()
    world.instrument("XUSDT")
    for mark in (100, 50, 100, 84):
        world.price(XUSDT=mark)
        await world.pass_time(1)
    world.account("a", 200, positions={"XUSDT": (10, 100)}, snapshot=True)
    world.start()
    await world.until_quiet()
    assert world.chain("a") == ["takeover"]
    Judge(world).check()


@virtual
async def test_a_restart_alone_tells_nothing() -> None:
    """Stopping and starting, cleanly or not, causes no event, no status and no dead letter."""
    world, one = await opened()
    world.price(XUSDT=88)
    world.put("mark_prices", "x", b"junk")
    await world.until_quiet()
    told, shown = len(world.events()), len(world.written("account_status"))
    await one.stop()
    two = world.start()
    await world.until_quiet()
    two.kill()
    world.start()
    await world.until_quiet()
    await world.pass_time(3)
    assert told == len(world.events())
    again = world.written("account_status")[shown:]
    distressed = {f"a{n}|cross:USDT".encode() for n in range(4) if world.chain(f"a{n}")}
    assert {record.key for record in again} <= distressed, "healthy scopes were shown again"
    Judge(world).check(exact=True)


@virtual
async def test_a_wick_during_an_outage_is_told() -> None:
    """Prices that fell and recovered while nobody judged are judged one by one, in their order."""
    world, one = await opened()
    one.kill()
    for mark in (95, 80, 101, 70, 100):
        world.price(XUSDT=mark)
        await world.pass_time(0.5)
    world.start()
    await world.until_quiet()
    assert world.chain("a0") == ["bankrupt", "healthy", "bankrupt", "healthy"]
    Judge(world).check(exact=True)


@virtual
async def test_what_lies_too_far_back_is_said_aloud_and_not_judged() -> None:
    """Of a long outage the last `max_replay_ms` are judged message by message; the stretch before is reported."""
    world, one = await opened(prices__max_replay_ms=10_000)
    one.kill()
    for mark in (70, 100):
        world.price(XUSDT=mark)
        await world.pass_time(1)
    await world.pass_time(20)
    for mark in (84, 100):
        world.price(XUSDT=mark)
        await world.pass_time(1)
    two = world.start()
    await world.until_quiet()
    assert world.chain("a0") == ["takeover", "healthy"], "the wick to 70 is too far back, that to 84 is not"
    reports = world.quality("prices_unjudged")
    assert sorted(report["shard"] for report in reports) == [0, 1]
    assert [report["offsets"] for report in reports] == [{"0": {"first": 1, "count": 2}}] * 2
    assert two.notes.unjudged_messages == 4


@virtual
async def test_nobody_is_judged_before_the_deposits_are_read() -> None:
    """Account events up to the end of the takeover count before any missed price is judged."""
    world, one = await opened()
    one.kill()
    world.price(XUSDT=84)
    for name in ("a0", "a1", "a2", "a3"):
        world.account(name, 5000)
    world.start()
    await world.until_quiet()
    assert world.events() == []
    Judge(world).check()


@virtual
async def test_the_end_of_account_events_is_taken_after_the_fence() -> None:
    """What the old owner's fence let in, and what came until then, is read before anything is judged."""
    world, one = await opened()
    one.kill()
    await world.pass_time(1)
    world.price(XUSDT=84)
    two = world.start()

    def deposit(number: int, name: str) -> Fate | None:
        if name == "fence" and not deposits:
            deposits.append(number)
            for account in ("a0", "a1", "a2", "a3"):
                world.account(account, 5000)
        return None

    deposits: list[int] = []
    two.gate.plan = deposit
    await world.until_quiet()
    calls = two.gate.calls
    assert calls.index("end_offsets account-events") > calls.index("fence")
    assert max(n for n, name in enumerate(calls) if name == "end_offsets account-events") < calls.index("write")
    assert world.events() == []


@virtual
async def test_a_takeover_that_outlasts_the_replay_window_judges_all_it_was_there_for() -> None:
    """Messages that come while a shard catches up stay for it although they grow older than `max_replay_ms`."""
    world, one = await opened(partitions=1, prices__max_replay_ms=5_000)
    one.kill()
    await world.pass_time(1)
    two = world.start()
    release: list[bool] = []
    around = two.gate.around

    async def hold(name: str, call: Any, order: Any) -> Any:
        if name == "end_offsets account-events":
            await world.until(lambda: bool(release), 300)
        return await around(name, call, order)

    two.gate.around = hold  # type: ignore[method-assign]
    await world.pass_time(2)
    for mark in (84, 100, 79, 100):
        world.price(XUSDT=mark)
        await world.pass_time(3)
    release.append(True)
    await world.until_quiet()
    assert world.chain("a0") == ["takeover", "healthy", "bankrupt", "healthy"]
    assert world.quality("prices_unjudged") == []
    Judge(world).check(exact=True)


@virtual
async def test_retention_that_passed_the_stored_offset_is_said_aloud() -> None:
    """Lost account events give one gap dead letter; every account is suspect until its next snapshot."""
    world, one = await opened(partitions=1)
    await one.stop()
    world.account("a0", 900)
    world.account("a1", 900)
    where = TopicPartition(world.topics.account_events, 0)
    world.log.delete_before(where, world.log._store.partition(where).end - 1)  # type: ignore[union-attr]
    two = world.start()
    await world.until_quiet()
    codes = [dict(record.headers)["error-code"] for record in world.written("dead_letters")]
    assert codes == [b"gap"]
    assert len(world.quality("account_events_lost")) == 1
    world.price(XUSDT=84)
    world.account("a2", 200, positions={"XUSDT": (10, 100)}, snapshot=True)
    await world.until_quiet()
    world.price(XUSDT=100)
    await world.until_quiet()
    last = {event["account_id"]: event["suspect"] for event in world.events()}
    assert last == {name: name != "a2" for name in last}, "only a2 has had its snapshot"
    assert {"a0", "a2"} <= last.keys()
    await two.stop()
    world.start()
    await world.until_quiet()
    assert len(world.written("dead_letters")) == 1, "a restart repeats nothing"


@virtual
async def test_a_topic_that_was_made_anew_is_read_from_its_beginning() -> None:
    """A stored price position beyond the present end is forgotten, and what the new topic holds is judged."""
    world, one = await opened(partitions=1)
    for mark in (99, 98, 99, 100):
        world.price(XUSDT=mark)
    await world.until_quiet()
    await one.stop()
    spec = world.log._store.topics[world.topics.mark_prices].spec
    world.log.delete_topic(spec.name)
    world.log.create(spec)
    world.price(XUSDT=84)
    world.start()
    await world.until_quiet()
    assert world.chain("a0") == ["takeover"]
    assert world.committed(0)[TopicPartition(spec.name, 0)] == 1


@virtual
async def test_a_topic_that_is_made_anew_under_a_running_instance_is_read_on() -> None:
    """The feed finds its place again when its position is gone."""
    world, one = await opened(partitions=1)
    for mark in (99, 98, 99, 100):
        world.price(XUSDT=mark)
    await world.until_quiet()
    spec = world.log._store.topics[world.topics.mark_prices].spec
    world.log.delete_topic(spec.name)
    world.log.create(spec)
    await world.pass_time(3)
    world.price(XUSDT=84)
    await world.until(lambda: world.chain("a0") == ["takeover"])
    assert one.is_ready()


@pytest.mark.parametrize("change", [{"group": "other"}, {"shards": 9}, {"schema": 2}])
def test_a_foreign_changelog_is_fatal(change: dict[str, object]) -> None:
    """State of another group, shard count or schema ends the instance instead of being run on."""

    @virtual
    async def run() -> None:
        world, one = await opened(partitions=1)
        await one.stop()
        line = next(r for r in reversed(world.written("state")) if r.key == b"__meta__")
        body = json.loads(line.value or b"") | change
        world.log.produce(world.topics.state, b"__meta__", json.dumps(body).encode(), 0)
        two = world.start()
        await world.until(two.task.done)
        with pytest.raises(ForeignState):
            two.task.result()

    run()


@virtual
async def test_an_unknown_key_in_the_changelog_is_fatal() -> None:
    """A changelog of a later version is not half understood."""
    world, one = await opened(partitions=1)
    await one.stop()
    world.log.produce(world.topics.state, b"z|new", b"1", 0)
    two = world.start()
    await world.until(two.task.done)
    with pytest.raises(ForeignState):
        two.task.result()


@virtual
async def test_the_counter_rises_by_one_and_names_its_writer() -> None:
    """Every transaction of a shard carries the next counter and the writer that made it, over all owners."""
    world, one = await opened(partitions=1)
    world.price(XUSDT=84)
    await world.until_quiet()
    one.kill()
    world.price(XUSDT=100)
    two = world.start()
    await world.until_quiet()
    lines = [json.loads(r.value or b"") for r in world.written("state") if r.key == b"__meta__"]
    assert [line["counter"] for line in lines] == list(range(1, len(lines) + 1))
    writers = [line["writer"] for line in lines]
    assert list(dict.fromkeys(writers)) == [one.shared.writer_id, two.shared.writer_id]


@virtual
async def test_positions_come_from_the_changelog_never_from_the_group() -> None:
    """The offsets stated for lag tools may be lost or wrong: the next owner does not look at them."""
    world, one = await opened(partitions=1)
    world.account("a0", 250)
    await world.until_quiet()
    await one.stop()
    world.log._store.consumed.clear()
    world.start()
    await world.until_quiet()
    lines = [json.loads(r.value or b"") for r in world.written("state") if r.key == b"__meta__"]
    at = [line["inputs"]["account-events"]["0"] for line in lines if "account-events" in line["inputs"]]
    assert at == sorted(at), "no position ever goes back"
    Judge(world).check()


@virtual
async def test_stale_prices_stay_stale_over_a_restart() -> None:
    """A scope told unknown because of a silent price stays so while others' missed prices are judged."""
    world = await new_world(partitions=1, prices__max_age_ms=2_000, prices__unknown_after_ms=10_000)
    for symbol in ("XUSDT", "YUSDT"):
        world.instrument(symbol)
    world.price(XUSDT=100, YUSDT=100)
    world.account("a", 400, positions={"XUSDT": (10, 112), "YUSDT": (10, 112)}, snapshot=True)
    one = world.start()
    for _ in range(16):
        world.price(YUSDT=100)
        await world.pass_time(1)
    assert world.chain("a")[-1] == "unknown"
    told = world.chain("a")
    one.kill()
    for _ in range(8):
        world.price(YUSDT=100)
        await world.pass_time(1)
    world.start()
    await world.until_ready()
    for _ in range(4):
        world.price(YUSDT=100)
        await world.pass_time(1)
    assert world.chain("a") == told


@virtual
async def test_missed_prices_are_judged_with_the_ages_they_had() -> None:
    """Replaying a busy outage calls nothing stale that was fresh when its messages came."""
    world = await new_world(partitions=1, prices__max_age_ms=2_000, prices__unknown_after_ms=5_000)
    for symbol in ("XUSDT", "YUSDT"):
        world.instrument(symbol)
    world.price(XUSDT=100, YUSDT=100)
    world.account("a", 400, positions={"XUSDT": (10, 112), "YUSDT": (10, 112)}, snapshot=True)
    one = world.start()
    await world.until_quiet()
    one.kill()
    for _ in range(15):
        world.price(YUSDT=100)
        await world.pass_time(0.5)
        world.price(XUSDT=100)
        await world.pass_time(0.5)
    two = world.start()
    world.price(XUSDT=100, YUSDT=100)
    await world.until(two.is_ready)
    assert "unknown" not in world.chain("a")


@virtual
async def deaths_in_takeovers(writes: tuple[int, ...]) -> None:
    """Have owners die one after the other while taking over, each after so many of its writes; then judge the last."""
    world = await new_world(partitions=1, status__healthy_interval_ms=1000)
    world.opening(1)
    world.account("b", 190, balances={"USDT": "190", "BTC": "-5"}, positions={"XUSDT": (10, 100)}, snapshot=True)
    world.account("c", 900, snapshot=True)
    one = world.start()
    await world.until_quiet()
    assert world.chain("b", "cross:BTC") == ["bankrupt"]
    one.kill()
    world.account("b", balances={"USDT": "190"}, positions={"XUSDT": (10, 100)}, snapshot=True)
    world.account("c", deleted=True)
    world.account("c", 800, snapshot=True)
    world.price(XUSDT=92)
    for count in writes:
        dying = world.start()
        written: list[int] = []

        def plan(number: int, name: str, count: int = count, written: list[int] = written) -> Fate | None:
            written += [number] if name == "write" else []
            return Fate.DIE_AFTER if name == "write" and len(written) == count else None

        dying.gate.plan = plan
        await world.until(lambda dying=dying: dying.gate.dead)  # type: ignore[misc]
        world.price(XUSDT=91)
        await world.pass_time(3)
    world.start()
    await world.until_quiet()
    await world.pass_time(3)
    assert world.chain("b", "cross:BTC") == ["bankrupt", "healthy"]
    shown = {record.key: record for record in world.written("account_status")}
    assert shown[b"b|cross:BTC"].value is None
    assert json.loads(shown[b"c|cross:USDT"].value or b"")["account_version"] == world.versions["c"]
    Judge(world).check()


@pytest.mark.parametrize("writes", [(1,), (2,), (3,), (4,), (1, 1), (2, 1), (4, 1), (1, 1, 1)])
def test_what_owners_leave_that_die_while_taking_over_is_done_by_the_next(writes: tuple[int, ...]) -> None:
    """A scope that ended unjudged is closed, and a changed account shown, however many owners die before doing it."""
    deaths_in_takeovers(writes)


@virtual
async def test_missed_prices_are_not_taken_for_silence() -> None:
    """Terms that are read before older prices of the time in which nobody judged make none of these prices stale."""
    ages = {"prices__max_age_ms": 10_000, "prices__unknown_after_ms": 60_000, "prices__max_replay_ms": 300_000}
    world, one = await opened(**ages)
    world.price(XUSDT=92)
    await world.until_quiet()
    one.kill()
    for _ in range(18):
        await world.pass_time(5)
        world.price(XUSDT=92)
    world.instrument("XUSDT", rate="0.11")
    await world.pass_time(1)
    world.start()
    await world.until_quiet()
    assert all(event["status"] != "unknown" for event in world.events())
    assert world.chain("a0") == ["watch", "warning"]


@pytest.mark.parametrize("heirs", [1, 2])
@pytest.mark.parametrize("limits", [{"limits__max_transaction_records": 16}, {"limits__max_turn_scopes": 4}])
@virtual
async def test_a_message_told_in_part_is_judged_to_its_end_before_any_other(heirs: int, limits: dict[str, int]) -> None:
    """Whoever goes on amid a price of several transactions, or turns, judges no newer terms first at older prices."""
    world, one = await opened(14, partitions=1, **limits)
    fates = [Fate.DIE_AFTER]
    one.gate.plan = lambda _number, name: fates.pop() if fates and name == "write" else None
    world.price(XUSDT=40)
    await world.until(lambda: one.gate.dead)
    told = {event["account_id"] for event in world.events()}
    assert 0 < len(told) < 14, "the price is told in part"
    world.instrument("XUSDT", rate="0.11", confirm=True)
    for _ in range(heirs - 1):  # one who dies before he has judged anything leaves it as it was
        heir = world.start()
        fates.append(Fate.DIE_AFTER)
        heir.gate.plan = one.gate.plan
        world.account("a0", 201)
        await world.until(lambda: heir.gate.dead)  # noqa: B023 - awaited here
        assert len(world.events()) == len(told)
    world.start()
    await world.until_quiet()
    assert {tuple(world.chain(f"a{number}")) for number in range(14)} == {("bankrupt",)}
    Judge(world).check()


@virtual
async def test_a_first_start_takes_terms_before_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contracts there are, a first start puts each account once: terms that come later put it anew."""
    put: list[int] = []
    place = Placement.place

    def noted(placement: Placement, accounts: Sequence[tuple[int, Account]]) -> None:
        put.extend(number for number, _ in accounts)
        place(placement, accounts)

    monkeypatch.setattr(Placement, "place", noted)
    world = await new_world()
    for number in range(20):
        world.instrument(f"S{number}USDT")
    world.price(**{f"S{number}USDT": 100 for number in range(20)})
    for number in range(10):
        world.account(f"a{number}", 5000, positions={f"S{n}USDT": (1, 100) for n in range(20)}, snapshot=True)
    world.start()
    await world.until_quiet()
    assert len(world.written("account_status")) == 10
    assert len(put) <= 10
    Judge(world).check()
