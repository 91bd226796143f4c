"""Tests of prices missed in an outage, on the embedded log: judged in order up to the limit, and reported beyond it."""

from __future__ import annotations

import pytest

from tests.app.lab import new_world, virtual
from tests.app.missed import chain_of, check, marks, status_of

LIMIT_MS = 10_000


@virtual
async def test_an_outage_of_twice_the_limit_is_half_judged_and_half_reported() -> None:
    """Every missed price is either judged in its place or in the reported stretch: record, metric and log agree."""
    world = await new_world(partitions=1, prices__max_replay_ms=LIMIT_MS)
    world.opening(1)
    one = world.start()
    await world.until_quiet()
    first = len(world.kept("mark_prices"))
    one.kill()
    for mark in marks(40):
        world.price(XUSDT=mark)
        await world.pass_time(0.5)
    returned_ms = world.now_ms()
    two = world.start()
    await world.until_quiet()
    (report,) = world.quality("prices_unjudged")
    judged, lost = check(world.kept("mark_prices")[first:], report, world.chain("a0"), returned_ms, LIMIT_MS, 1_000)
    assert (judged + lost, two.notes.unjudged_messages) == (40, lost)
    assert judged >= 18 <= lost
    assert {"bankrupt", "takeover", "critical", "liquidation", "margin_call"} <= set(world.chain("a0"))
    two.kill()
    world.start()
    await world.until_quiet()
    assert len(world.quality("prices_unjudged")) == 1, "a restart reports nothing again"


@pytest.mark.parametrize(
    ("judged", "chain"),
    [
        (["100", "79", "100"], ["bankrupt", "healthy"]),
        (["93", "91", "91"], ["watch", "warning"]),
        (["87", "88.5", "100"], ["critical", "liquidation", "healthy"]),
    ],
)
def test_the_story_itself_is_told_right(judged: list[str], chain: list[str]) -> None:
    """What the judge of this story expects is worked out by hand for a few marks: E/MM = (10·p - 800)/p."""
    assert [status_of(mark) for mark in ("79", "84", "87", "88.5", "89.5", "91", "93", "100")] == [
        "bankrupt",
        "takeover",
        "critical",
        "liquidation",
        "margin_call",
        "warning",
        "watch",
        "healthy",
    ]
    assert chain_of(judged) == chain
