"""A sender that dies at every step it can die at: what was written is told once, in order, by one id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from monitor.adapters.embedded import EmbeddedLog
from monitor.app.ports import OutputRecord, TopicPartition
from monitor.app.webhooks.sender import Sender
from monitor.app.webhooks.targets import Pace, Target
from tests.webhooks.house import Receivers, Story, embedded, judge, produce, settled, tools_on

PACE = Pace(interval_ms=0, backoff_ms=1, max_backoff_ms=4, max_attempts=4, digest_after=100, digest_ms=50)
BRISK = Pace(interval_ms=0, backoff_ms=1, max_backoff_ms=4, max_attempts=4, digest_after=1, digest_ms=30)


class Killed(BaseException):
    """The process is gone; nothing of ours may catch it."""


class Clockwork:
    """Count the steps of a sender and kill it at one of them."""

    def __init__(self) -> None:
        self.steps = 0
        self.at: int | None = None

    def step(self) -> None:
        """Come to the next point at which a process may die."""
        self.steps += 1
        if self.at is not None and self.steps >= self.at:
            self.at = None
            raise Killed


class MortalLog:
    """A log whose writers come to such points before and after each commit."""

    def __init__(self, log: EmbeddedLog, clockwork: Clockwork) -> None:
        self._log = log
        self._clockwork = clockwork

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def writer(self, transactional_id: str) -> Any:
        """Return a writer that may die."""
        return MortalWriter(self._log.writer(transactional_id), self._clockwork)


class MortalWriter:
    """Write, and die around it."""

    def __init__(self, writer: Any, clockwork: Clockwork) -> None:
        self._writer = writer
        self._clockwork = clockwork

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    async def write(self, records: list[OutputRecord], consumed: dict[TopicPartition, int]) -> None:
        """Write one transaction."""
        self._clockwork.step()
        await self._writer.write(records, consumed)
        self._clockwork.step()


async def lived(
    log: EmbeddedLog, receivers: Receivers, clockwork: Clockwork, targets: list[Target], events: int
) -> int:
    """Run senders, one after another, until all has ended; return how many died."""
    deaths = 0
    while True:
        receivers.before = receivers.after = clockwork.step
        sender = Sender(tools_on(MortalLog(log, clockwork), receivers, targets))  # type: ignore[arg-type]
        task = asyncio.create_task(sender.run())
        done = asyncio.create_task(settled(log, targets[0].name, events))
        await asyncio.wait({task, done}, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            await done
            sender.stop()
            await asyncio.wait({task})
        done.cancel()
        await asyncio.wait({done})
        if task.done() and (fault := task.exception()) is not None:
            assert set(leaves(fault)) == {Killed}, fault
            deaths += 1
            continue
        return deaths


def leaves(fault: BaseException) -> Iterator[type[BaseException]]:
    """Yield the kinds of fault in a group."""
    if isinstance(fault, BaseExceptionGroup):
        for one in fault.exceptions:
            yield from leaves(one)
    else:
        yield type(fault)


@pytest.mark.parametrize("pace", [PACE, BRISK], ids=["one by one", "digests"])
async def test_it_may_die_at_every_step(pace: Pace) -> None:
    """Killed before and after each commit and each delivery: every event ends once, in order, by one id.

    And no attempt is made that the log does not know.
    """
    at, died = 1, 0
    while True:
        clockwork, story = Clockwork(), Story(Random(at), accounts=3)
        clockwork.at = at
        async with embedded() as log:
            for record in [story.next() for _ in range(6)]:
                produce(log, record)
            failing = Random(at)
            receivers = Receivers(lambda target, name, dice=failing: dice.choice(("taken", "taken", "lost", "failed")))
            receivers.log = log
            deaths = await lived(
                log, receivers, clockwork, [Target("desk", "https://x", pace=pace)], len(story.written)
            )
            await judge(log, "desk", receivers.desks["desk"], story.written)
        if not deaths:
            break
        died += deaths
        at += 1
    assert died >= 12
