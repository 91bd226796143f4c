"""Tests of Hyperliquid's format: contexts of coins through a socket, keep-alive, and terms from `meta`."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from monitor.adapters.venues import VENUES
from monitor.adapters.wire.terms import decode_instrument
from monitor.app.venue_feed.ports import Venue
from monitor.core.limits import Limits
from tests.feeds.played_rest import PlayedRest
from tests.feeds.played_venue import Caller, PlayedVenue, now_ms
from tests.feeds.running import running
from tests.feeds.test_terms import watching
from tests.waiting import until

CONTEXT = {
    "funding": "0.0000125",
    "openInterest": "688.11",
    "prevDayPx": "15.322",
    "dayNtlVlm": "1169046.29",
    "premium": None,
    "oraclePx": "14.32",
    "markPx": 14.3161,
    "midPx": None,
    "impactPxs": None,
    "dayBaseVlm": "1",
}
META: dict[str, Any] = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {"name": "OLD", "szDecimals": 1, "maxLeverage": 3, "marginTableId": 3, "isDelisted": True},
        {"name": "BAD", "szDecimals": 1, "maxLeverage": 3, "marginTableId": 99},
    ],
    "marginTables": [
        [
            56,
            {
                "description": "tiered 40x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 40},
                    {"lowerBound": "150000000.0", "maxLeverage": 20},
                ],
            },
        ]
    ],
}


def context(coin: str) -> dict[str, Any]:
    """Return one frame; the mark comes as a number, as the pages have it."""
    return {"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": CONTEXT}}


async def greeted(caller: Caller, coins: int) -> None:
    """Greet in plain text and grant subscriptions as the venue does."""
    await caller.say("Websocket connection established.")
    for _ in range(coins):
        request = json.loads(await caller.connection.recv())
        caller.asked.append(request)
        await caller.say({"channel": "subscriptionResponse", "data": request})


async def test_contexts_become_prices_dated_by_their_receipt() -> None:
    """The mark is `markPx`, the index the oracle's price, funding due at the full hour; no time is stated but ours."""

    async def script(caller: Caller) -> None:
        await greeted(caller, 2)
        await caller.repeat(lambda: context("BTC"), times=1)
        await caller.repeat(lambda: context("ETH"))

    coins = ("BTC", "ETH")
    async with PlayedVenue([script]).open() as venue, running(venue.address, "hyperliquid", symbols=coins) as run:
        await until(lambda: len(run.outlet.prices()) > 3)
    first = run.outlet.prices()[0]
    assert 0 <= now_ms() - first.pop("event_time_ms") < 10_000
    assert first.pop("next_funding_time_ms") % 3_600_000 == 0
    assert first == {"symbol": "BTC", "mark_price": "14.3161", "index_price": "14.32", "funding_rate": "0.0000125"}
    assert [one["subscription"] for one in venue.callers[0].asked] == [
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "activeAssetCtx", "coin": "ETH"},
    ]
    assert run.value("liqmon_feed_bad_frames_total") == 0


async def test_a_quiet_connection_is_kept_alive_by_the_venues_own_ping(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while without a frame the ping is sent that the venue asks for; its pong is no bad frame."""
    monkeypatch.setattr("monitor.adapters.venues.hyperliquid._PING_SECONDS", 0.05)

    async def script(caller: Caller) -> None:
        await greeted(caller, 1)
        while json.loads(await caller.connection.recv()) == {"method": "ping"}:
            caller.asked.append({"method": "ping"})
            await caller.say({"channel": "pong"})

    async with PlayedVenue([script]).open() as venue, running(venue.address, "hyperliquid", symbols=("BTC",)) as run:
        await until(lambda: len(venue.callers[0].asked) > 3 if venue.callers else False)
        assert run.value("liqmon_feed_bad_frames_total") == 0


async def test_a_refusal_is_surfaced() -> None:
    """The venue's error frame ends the connection and stands in the reasons."""

    async def script(caller: Caller) -> None:
        await caller.connection.recv()
        await caller.say({"channel": "error", "data": "Invalid subscription {coin: NOPE}"})
        await caller.connection.wait_closed()

    async with PlayedVenue([script]).open() as venue, running(venue.address, "hyperliquid", symbols=("NOPE",)) as run:
        await until(lambda: any("Invalid subscription" in reason for reason in run.feed.why_not_ready()))


async def test_contracts_and_tiers_come_from_meta() -> None:
    """Rates are half the inverse of a tier's leverage; a small table number is a leverage; delisted is closed."""
    with PlayedRest({"/info": META}).open() as played:
        async with watching(played, "hyperliquid", key=None) as run:
            await until(lambda: bool(run.written("instruments")))
    assert (played.asked[0].method, json.loads(played.asked[0].body)) == ("POST", {"type": "meta"})
    written = run.written("instruments")
    assert written.keys() == {"BTC", "OLD"}
    assert written["BTC"]["brackets"] == [
        {"floor": "0.0", "rate": "0.0125", "max_leverage": "40"},
        {"floor": "150000000.0", "rate": "0.025", "max_leverage": "20"},
    ]
    assert written["OLD"]["status"] == "closed"
    assert written["OLD"]["brackets"][0]["rate"] == "0.1666666666666666666666666666666666666667"
    instrument = decode_instrument(orjson.dumps(written["BTC"]), b"BTC", Limits()).instrument
    assert instrument is not None
    assert str(instrument.tiers[1].deduction.normalize()) == "1.875E+6"


def test_what_a_venue_does_not_have_is_said() -> None:
    """Where a stream of all contracts or of collateral is asked of a venue without one, the error says what to set."""
    hyperliquid: Venue = VENUES["hyperliquid"]
    for symbols, collateral, words in (((), False, "feed.symbols"), (("BTC",), True, "feed.collateral")):
        with pytest.raises(ValueError, match=words):
            hyperliquid.streams.streams(symbols, collateral=collateral)
    with pytest.raises(ValueError, match=r"feed\.symbols"):
        VENUES["binance-coinm"].streams.streams((), collateral=False)
    with pytest.raises(ValueError, match=r"feed\.collateral"):
        VENUES["aster"].streams.streams((), collateral=True)
