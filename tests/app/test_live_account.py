"""Tests of looking at one account of a running monitor: it is as the monitor knows it, and nothing is disturbed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.app.live_account import NoSuchAccount, live_account
from monitor.app.observing import SilentObserver
from monitor.cli.assembly import codec_of, new_engine, new_feed
from monitor.core.accounts import Account, Side
from monitor.core.board import MarketBoard
from monitor.core.margin import assess
from tests.app.lab import World, new_world, virtual


async def look(world: World, account_id: str) -> tuple[Account, MarketBoard]:
    """Return what a bystander sees."""
    feed = new_feed(world.settings, world.settings.topics.names(), world.log, SilentObserver(), world.now_ms)
    return await live_account(account_id, world.log, feed, new_engine(world.settings), codec_of(world.settings))


@virtual
async def test_an_account_is_seen_as_the_monitor_knows_it() -> None:
    """Facts and market are the latest, and give the figures the monitor has shown."""
    world = await new_world(partitions=2)
    world.opening(4)
    world.start()
    await world.until_quiet()
    world.account("b", 500, positions={"XUSDT": (10, 100)}, snapshot=True)
    world.price(XUSDT=95)
    await world.until_quiet()
    written = len(world.history)
    account, market = await look(world, "b")
    assert account.positions["XUSDT", Side.BOTH].quantity == 10
    assert assess(account, "cross:USDT", market).equity == Decimal(500 - 50)
    assert len(world.history) == written


@virtual
async def test_an_account_nobody_knows_is_named() -> None:
    """An id that never appeared, and one that was deleted, are no accounts."""
    world = await new_world(partitions=2)
    world.opening(2)
    world.start()
    await world.until_quiet()
    with pytest.raises(NoSuchAccount, match="nobody"):
        await look(world, "nobody")
