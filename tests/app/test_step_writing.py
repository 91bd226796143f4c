"""Tests of writing steps: in their order, one at a time, while what comes next is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from monitor.app.ledger import Ledger, OwnershipLost
from monitor.app.observing import SilentObserver
from monitor.app.ports import OutputRecord, TopicPartition
from monitor.app.reading import FeedEntry
from monitor.app.results import Step, StepResult
from monitor.app.step_writing import Draft, StepWriter
from monitor.core.outcome import Outcome
from tests.app.gates import Fate
from tests.app.judge import Judge
from tests.app.lab import World, new_world, virtual

OWN = TopicPartition("account-events", 0)


class SlowLedger:
    """Stand for a ledger whose transactions last until they are let through."""

    def __init__(self) -> None:
        self.shown_before = 0
        self.begun: list[tuple[bytes, int]] = []
        self.done: list[dict[TopicPartition, int]] = []
        self.answers: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def commit_parts(
        self,
        parts: Sequence[Sequence[OutputRecord]],
        before: Mapping[TopicPartition, int],
        inputs: Mapping[TopicPartition, int],
        consumed: Mapping[TopicPartition, int] | None = None,
        *,
        goes_on: bool = False,
    ) -> None:
        """Note what is written and until where all was shown; end when told to."""
        del before, consumed, goes_on
        self.begun.append((parts[0][0].value or b"", self.shown_before))
        answer = await self.answers.get()
        if answer is not None:
            raise answer
        self.done.append(dict(inputs))


def step_of(number: int, *, goes_on: bool = False) -> Step:
    """Return a step of one record that ends before an offset."""
    result = StepResult(Outcome(goes_on=goes_on), inputs={OWN: number})
    result.groups = [[OutputRecord("t", 0, b"k", b"%d" % number)]]
    return Step([result])


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


def writer_on(ledger: SlowLedger) -> StepWriter:
    """Return a writer that stands before offset 1."""
    return StepWriter(cast(Ledger, ledger), SilentObserver(), 100, OWN, {OWN: 1}, lambda: None)


async def test_one_is_under_way_and_the_next_waits_for_it() -> None:
    """A second step is begun when the first has ended, and positions follow what is written, not what was judged."""
    ledger = SlowLedger()
    writer = writer_on(ledger)
    await writer.hand_over(Draft(step_of(2), shown_before=10))
    second = asyncio.ensure_future(writer.hand_over(Draft(step_of(3), shown_before=20)))
    await settled()
    assert [value for value, _ in ledger.begun] == [b"2"]
    assert writer.is_busy
    assert not second.done()
    assert (writer.positions, writer.reached) == ({OWN: 1}, {OWN: 2})
    ledger.answers.put_nowait(None)
    await second
    await settled()
    assert [value for value, _ in ledger.begun] == [b"2", b"3"]
    assert (writer.positions, writer.reached) == ({OWN: 2}, {OWN: 3})
    ledger.answers.put_nowait(None)
    await writer.settled()
    assert writer.positions == {OWN: 3}
    assert ledger.done == [{OWN: 2}, {OWN: 3}]


async def test_what_was_shown_is_claimed_only_once_it_is_written() -> None:
    """While a step is written, what a later judgement finds shown is not in the log yet, and not said to be."""
    ledger = SlowLedger()
    writer = writer_on(ledger)
    await writer.hand_over(Draft(step_of(2), shown_before=10))
    second = asyncio.ensure_future(writer.hand_over(Draft(step_of(3), shown_before=20)))
    await settled()
    assert ledger.shown_before == 10
    ledger.answers.put_nowait(None)
    await second
    await settled()
    assert ledger.begun == [(b"2", 10), (b"3", 20)]
    await writer.close()


async def test_a_turn_of_a_message_leaves_the_positions() -> None:
    """The positions behind a message are reached with its last turn."""
    ledger = SlowLedger()
    writer = writer_on(ledger)
    for step in (step_of(2, goes_on=True), step_of(2)):
        ledger.answers.put_nowait(None)
        await writer.hand_over(Draft(step))
        assert writer.reached == ({OWN: 1} if step.goes_on else {OWN: 2})
    await writer.settled()
    assert writer.positions == {OWN: 2}


async def test_whoever_hands_over_next_learns_what_went_wrong() -> None:
    """Nothing is written behind a step that was not."""
    ledger = SlowLedger()
    writer = writer_on(ledger)
    await writer.hand_over(Draft(step_of(2)))
    ledger.answers.put_nowait(OwnershipLost("another has it"))
    with pytest.raises(OwnershipLost):
        await writer.hand_over(Draft(step_of(3)))
    assert [value for value, _ in ledger.begun] == [b"2"]
    assert writer.positions == {OWN: 1}
    await writer.close()


async def test_closing_gives_up_what_is_under_way() -> None:
    """Nobody waits for a log that does not answer."""
    ledger = SlowLedger()
    writer = writer_on(ledger)
    await writer.hand_over(Draft(step_of(2)))
    await settled()
    await writer.close()
    assert not writer.is_busy
    assert ledger.done == []


def test_a_step_waits_for_more_unless_prices_are_in_it() -> None:
    """Messages of accounts may be gathered for a moment; what a price brought about is written as soon as it can be."""
    draft = Draft()
    assert draft.may_wait(0.05)
    assert not draft.may_wait(0.2)
    draft.add(Step(), [FeedEntry(TopicPartition("mark-prices", 0), 7, 1_000, None)], [])
    assert not draft.may_wait(0.05)
    draft.add(Step(), [], [])
    assert not draft.may_wait(0.05)
    assert draft.times_ms == {TopicPartition("mark-prices", 0): 1_000}


# ------------------------------------------------------------------------------------------ a shard that writes slowly


def slow_write(held: asyncio.Event, fate: Fate) -> Any:
    """Return a plan by which the next transaction is slow, or worse; `held` says that it has begun."""

    def plan(_number: int, name: str) -> Fate | None:
        if name != "write" or held.is_set():
            return None
        held.set()
        return fate

    return plan


async def opened() -> World:
    """Return a world with one shard whose accounts are all healthy."""
    world = await new_world(partitions=1)
    world.opening(6)
    world.start()
    await world.until_quiet()
    return world


@virtual
async def test_what_comes_while_a_step_is_written_is_judged_and_written_behind_it() -> None:
    """A slow transaction holds nothing up but what is to be written: the next is judged by the time it ends."""
    world = await opened()
    gate, shard = world.instances[0].gate, next(iter(world.instances[0].instance._shards.values()))
    held = asyncio.Event()
    gate.pause = lambda _: 0.3
    gate.plan = slow_write(held, Fate.SLOW)
    world.price(XUSDT=85)
    await held.wait()
    world.price(XUSDT=70)
    before = len(world.history)
    await world.pass_time(0.2)
    assert len(world.history) == before, "the first is still under way"
    assert shard._cursor.next == shard._shared.feed.end, "both prices are judged"
    await world.until_quiet()
    Judge(world).check()


@pytest.mark.parametrize(
    "fate", [Fate.AWAY_BEFORE, Fate.AWAY_AFTER, Fate.OPEN, Fate.FENCED, Fate.DIE_BEFORE, Fate.DIE_AFTER]
)
@virtual
async def test_a_step_judged_ahead_is_told_once_whatever_becomes_of_the_one_before(fate: Fate) -> None:
    """The next price is judged while a transaction fails, its answer is lost, or its writer is locked out or dies."""
    world = await opened()
    held = asyncio.Event()
    world.instances[0].gate.pause = lambda _: 0.3
    world.instances[0].gate.plan = slow_write(held, fate)
    world.price(XUSDT=85)
    await held.wait()
    world.price(XUSDT=70)
    world.account("a5", 100, positions={"XUSDT": (10, 100)})
    await world.pass_time(1)
    if not world.living():
        world.start()
    await world.until_quiet()
    Judge(world).check()
    assert world.chain("a0")[-1] == "bankrupt"
