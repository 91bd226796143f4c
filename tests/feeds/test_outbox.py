"""Tests of the outbox: order, bounds, what is dropped first, and messages the log will never take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import FeedMetrics
from monitor.app.ports import OutputRecord, RecordTooLarge
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import NativeMessage
from tests.feeds.running import ListOutlet
from tests.waiting import until


def message(text: str, good_until_ms: int | None = 10_000) -> NativeMessage:
    """Return a message whose value is its name."""
    return NativeMessage("mark-prices" if good_until_ms else "account-events", b"k", text.encode(), good_until_ms)


@asynccontextmanager
async def at_work(outlet: ListOutlet, max_waiting: int = 100) -> AsyncIterator[tuple[Outbox, CollectorRegistry]]:
    """Run an outbox for the duration of the body; its clock stands at 0."""
    registry = CollectorRegistry()
    outbox = Outbox(outlet, FeedMetrics(registry), lambda: 0, max_waiting)
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox, registry
    finally:
        task.cancel()
        await asyncio.wait({task})


def values(outlet: ListOutlet) -> list[str]:
    """Return what was written, in order."""
    return [one.value.decode() for one in outlet.written]


async def test_messages_are_written_in_their_order() -> None:
    """More messages than go out at once come out complete and in order."""
    outlet = ListOutlet()
    async with at_work(outlet, 5000) as (outbox, _):
        outbox.put(message(str(n)) for n in range(1200))
        outbox.put([message("last", None)])
        assert await outbox.drain(5)
    assert values(outlet) == [*map(str, range(1200)), "last"]


async def test_too_many_drop_the_oldest_prices_first() -> None:
    """Beyond the bound the oldest prices go; what is told once only stays as long as anything else can go."""
    outlet = ListOutlet()
    outlet.is_away = True
    async with at_work(outlet, 3) as (outbox, registry):
        outbox.put([message("account", None), *(message(f"p{n}") for n in range(5))])
        assert (
            registry.get_sample_value("liqmon_feed_dropped_total", {"topic": "mark-prices", "reason": "overflow"}) == 3
        )
        outlet.is_away = False
        assert await outbox.drain(5)
    assert values(outlet) == ["account", "p3", "p4"]


async def test_a_message_the_log_never_takes_is_dropped_alone() -> None:
    """One message too large for its topic is counted and left out; those beside it are written."""

    class Narrow(ListOutlet):
        async def write(self, messages: Sequence[NativeMessage]) -> None:
            for one in messages:
                if one.value == b"large":
                    raise RecordTooLarge(OutputRecord(one.topic, 0, one.key, one.value), "too large")
            await super().write(messages)

    outlet = Narrow()
    async with at_work(outlet) as (outbox, registry):
        outbox.put([message("a"), message("large"), message("b")])
        assert await outbox.drain(5)
    assert values(outlet) == ["a", "b"]
    assert registry.get_sample_value("liqmon_feed_dropped_total", {"topic": "mark-prices", "reason": "too_large"}) == 1


async def test_what_was_old_before_it_could_be_written_is_dropped() -> None:
    """A price whose time is over is not written: the log would date it anew."""
    outlet = ListOutlet()
    async with at_work(outlet) as (outbox, _):
        outbox.put([message("old", -1), message("fresh", 1), message("fact", None)])
        await until(lambda: len(outlet.written) == 2)
    assert values(outlet) == ["fresh", "fact"]
