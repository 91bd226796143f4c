"""The sender on the embedded log: what was written is told once, in order, wherever it dies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from monitor.adapters.embedded import EmbeddedLog, WriteFault
from monitor.app.gateway.filters import Filter
from monitor.app.ports import TopicPartition
from monitor.app.topics import TopicSettings, create_topics
from monitor.app.webhooks import sender as sending_room
from monitor.app.webhooks.delivering import Reply
from monitor.app.webhooks.sender import Sender, enable
from monitor.app.webhooks.settings import WebhookSettings
from monitor.app.webhooks.targets import Pace, Target
from tests.waiting import until
from tests.webhooks.house import (
    PARTITIONS,
    STATE,
    Notes,
    Receivers,
    Story,
    embedded,
    judge,
    kinds_of,
    produce,
    sending,
    settled,
    states_of,
    told_by,
    tools_on,
)

PACE = Pace(interval_ms=0, backoff_ms=1, max_backoff_ms=4, max_attempts=4, digest_after=100, digest_ms=50)
BRISK = Pace(interval_ms=0, backoff_ms=1, max_backoff_ms=4, max_attempts=4, digest_after=1, digest_ms=30)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_room, "RETRY_SECONDS", 0.01)


def desk(pace: Pace = PACE, **more: Any) -> Target:
    """Return a target."""
    return Target("desk", "https://x", pace=pace, **more)


async def test_faults_of_the_log_cost_nothing() -> None:
    """Transactions that may or may not be there, refusals and fences: the sender reads the log again and goes on."""
    story, dice = Story(Random(7)), Random(7)
    async with embedded() as log:
        receivers = Receivers(lambda target, name: dice.choice(("taken", "lost", "failed")))
        async with sending(tools_on(log, receivers, [desk()])):
            for _ in range(25):
                log.faults.next_write(dice.choice(list(WriteFault)), "hooks-0")
                for record in [story.next() for _ in range(dice.randrange(4))]:
                    produce(log, record)
                await asyncio.sleep(0.01)
            await settled(log, "desk", len(story.written))
        await judge(log, "desk", receivers.desks["desk"], story.written)


async def test_one_of_two_sends() -> None:
    """A second sender stands by, ready, and takes over when the first one goes."""
    story = Story(Random(1))
    async with embedded() as log:
        first, second, notes = Receivers(), Receivers(), Notes()
        async with sending(tools_on(log, second, [desk()], observer=notes)) as standing_by:
            async with sending(tools_on(log, first, [desk()], observer=notes)) as sending_now:
                produce(log, story.next())
                await settled(log, "desk", 1)
                assert sorted(map(len, (first.desks["desk"].copies, second.desks["desk"].copies))) == [0, 1]
                await until(lambda: not standing_by.why_not_ready() and not sending_now.why_not_ready())
                assert not notes.faults, "nobody was fenced"
            produce(log, story.next())
            await settled(log, "desk", 2)
        both = first.desks["desk"]
        both.copies += second.desks["desk"].copies
        both.acknowledged |= second.desks["desk"].acknowledged
        await judge(log, "desk", both, story.written)


async def test_who_takes_over_knows_what_was_committed_last() -> None:
    """What the one before commits until it is fenced is known to the next: nothing is sent twice."""
    story = Story(Random(6))
    async with embedded() as log:
        receivers = Receivers()

        async def one_more() -> None:
            produce(log, story.next())
            await settled(log, "desk", len(story.written))

        async with sending(tools_on(log, receivers, [desk()])):
            await one_more()
            late = tools_on(LateLog(log, one_more), receivers, [desk()])
            assert not await enable(late, "desk")
            next_life = Sender(late)
            task = asyncio.create_task(next_life._live_once())
            await until(lambda: next_life._life is not None or task.done())
            await one_more()
            task.cancel()
            await asyncio.wait({task})
        desk_of = receivers.desks["desk"]
        await judge(log, "desk", desk_of, story.written)
        assert len(desk_of.copies) == len(story.written)


class LateLog:
    """A log on which the one before is not idle: it commits once more just before it is fenced."""

    def __init__(self, log: EmbeddedLog, before: Callable[[], Awaitable[None]]) -> None:
        self._log = log
        self._before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def writer(self, transactional_id: str) -> Any:
        """Return a writer whose fence comes late."""
        writer, before = self._log.writer(transactional_id), self._before
        fence = writer.fence

        async def late() -> None:
            await before()
            await fence()

        writer.fence = late  # type: ignore[method-assign]
        return writer


async def test_a_target_that_is_gone_is_told_again_when_it_is_enabled() -> None:
    """After a 410 everything is parked; enabled beside the sender that runs, the next event is told."""
    story = Story(Random(2))
    async with embedded() as log:
        receivers = Receivers(lambda target, name: "gone")
        tools = tools_on(log, receivers, [desk()])
        async with sending(tools):
            for _ in range(3):
                produce(log, story.next())
            await settled(log, "desk", 3)
            receivers.fate = lambda target, name: "taken"
            assert await enable(tools, "desk")
            produce(log, story.next())
            await settled(log, "desk", 4)
        tally = await judge(log, "desk", receivers.desks["desk"], story.written)
        assert (tally["parked"], tally["acknowledged"]) == (3, 1)
        assert not await enable(tools, "desk")


async def test_what_happened_before_the_first_start_is_told_as_far_back_as_asked() -> None:
    """Nothing older than lookback_ms is told; from the first start on nothing is left out, told or not."""
    story = Story(Random(3))
    async with embedded() as log:
        old = story.next()
        log.produce(old.topic, old.key, old.value, old.partition, timestamp_ms=1_000)
        story.written.clear()
        receivers = Receivers()
        async with sending(tools_on(log, receivers, [desk()])):
            produce(log, story.next())
            await settled(log, "desk", 1)
        produce(log, story.next())  # while nobody is there
        async with sending(tools_on(log, receivers, [desk()])):
            await settled(log, "desk", 2)
        await judge(log, "desk", receivers.desks["desk"], story.written)


async def test_a_storm_becomes_digests_that_lose_nothing() -> None:
    """Of hundreds alike a few messages are made; together they name every event once, with its range."""
    story = Story(Random(4), accounts=50)
    async with embedded() as log:
        receivers = Receivers()
        async with sending(tools_on(log, receivers, [desk(BRISK)])):
            for _ in range(300):
                record = story.next("liquidation")
                body = json.loads(record.value or b"")
                produce(log, record._replace(value=json.dumps(body | {"event_type": "liquidation"}).encode()))
            await settled(log, "desk", 300)
        told = told_by(receivers.desks["desk"])
    assert len(told) < 20
    ranges = [one for data in told.values() for one in data["ranges"]]
    assert sum(one["events"] for one in ranges) == 300
    assert all(one["first"] <= one["last"] and one["events"] <= one["last"] - one["first"] + 1 for one in ranges)


async def test_others_are_not_named_to_a_target_of_some_accounts() -> None:
    """What an ADL event tells of other accounts is left out where a target is for some; evidence goes to nobody."""
    body = {"event_type": "adl_triggered", "account_id": "a", "counterparties": [{"account_id": "b"}], "evidence": {}}
    async with embedded() as log:
        receivers = Receivers()
        some = Target("some", "https://x", pace=PACE, wanted=Filter(accounts=frozenset("a")))
        async with sending(tools_on(log, receivers, [desk(), some])):
            log.produce("adl-events", b"a", json.dumps(body).encode(), 0)
            await settled(log, "desk", 1)
            await settled(log, "some", 1)
    [told], [guarded] = (list(told_by(receivers.desks[name]).values()) for name in ("desk", "some"))
    assert told["event"]["counterparties"] == [{"account_id": "b"}]
    assert "evidence" not in told["event"]
    assert "counterparties" not in guarded["event"]
    assert guarded["event"]["withheld"] == ["counterparties"]
    assert kinds_of(told) == ["adl_triggered"]


async def test_what_retention_took_away_is_counted_and_the_rest_goes_on() -> None:
    """Offsets that are gone before they are read are noted, with how many; a topic made anew is read from its start."""
    story, notes = Story(Random(8), accounts=1), Notes()
    async with embedded() as log:
        receivers = Receivers()
        async with sending(tools_on(log, receivers, [desk()], observer=notes)):
            produce(log, story.next("liquidation"))
            await settled(log, "desk", 1)
        where = TopicPartition("liquidations", story.next("liquidation").partition)
        for record in [story.next("liquidation") for _ in range(3)]:
            produce(log, record)
        log.delete_before(where, 3)
        async with sending(tools_on(log, receivers, [desk()], observer=notes)):
            await settled(log, "desk", 2)
        assert notes.gone_offsets == {"liquidations": 2}
        log.delete_topic("liquidations")
        await create_topics(await log.admin(), TopicSettings(partitions=PARTITIONS))
        produce(log, story.next("liquidation"))
        async with sending(tools_on(log, receivers, [desk()], observer=notes)):
            await settled(log, "desk", 3)
        assert len({name for name, _ in receivers.desks["desk"].copies}) == 3, "the same place, another event"


async def test_positions_of_another_configuration_are_let_be() -> None:
    """A state that knows of topics that are not read now, and of a target that is gone, is gone on from."""
    story, receivers = Story(Random(5)), Receivers()
    async with embedded() as log:
        log.produce(STATE.topic, b"position|former-calls|7", b"12", 0)
        async with sending(tools_on(log, receivers, [desk(), Target("former", "https://y", pace=PACE)])):
            produce(log, story.next())
            await settled(log, "former", 1)
            receivers.fate = lambda target, name: "failed" if target == "former" else "taken"
        async with sending(tools_on(log, receivers, [desk()])):
            produce(log, story.next())
            await settled(log, "desk", 2)
        await judge(log, "desk", receivers.desks["desk"], story.written)
        assert "position|former-calls|7" in await states_of(log)


async def test_a_stop_waits_for_what_is_under_way() -> None:
    """An answer that comes after the stop is committed: nothing is sent twice over a restart that was asked for."""
    story, answered, begun = Story(Random(9)), asyncio.Event(), asyncio.Event()

    class Slow(Receivers):
        async def deliver(self, target: Target, message_id: str, body: bytes) -> Reply:
            begun.set()
            await answered.wait()
            return await super().deliver(target, message_id, body)

    async with embedded() as log:
        receivers = Slow()
        async with sending(tools_on(log, receivers, [desk()], settings=WebhookSettings(drain_ms=5_000))) as sender:
            produce(log, story.next())
            await asyncio.wait_for(begun.wait(), 10)
            sender.stop()
            asyncio.get_running_loop().call_later(0.05, answered.set)
        await judge(log, "desk", receivers.desks["desk"], story.written)
        answered.clear()
        begun.clear()
        async with sending(tools_on(log, receivers, [desk()], settings=WebhookSettings(drain_ms=30))) as sender:
            produce(log, story.next())
            await asyncio.wait_for(begun.wait(), 10)  # and its time being up, nothing is waited for
