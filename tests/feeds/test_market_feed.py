"""Tests of the public streams from a socket to the outlet: what flows, and what happens when the venue misbehaves."""

from __future__ import annotations

import asyncio
import json
from itertools import cycle

import pytest

from tests.feeds.played_venue import Caller, PlayedVenue, Script, mark, now_ms
from tests.feeds.running import running
from tests.waiting import until

BOTH = ("BTCUSDT", "ETHUSDT")


async def flowing(caller: Caller) -> None:
    """Grant the subscription and send both marks again and again."""
    await caller.greet()
    await caller.repeat(lambda: [mark("BTCUSDT", "61000.1"), mark("ETHUSDT", "2681.62")])


async def silent(caller: Caller) -> None:
    """Grant the subscription and say nothing more, alive for pings: connected, but not receiving."""
    await caller.greet()
    await caller.connection.wait_closed()


async def half_open(caller: Caller) -> None:
    """Grant the subscription, send one frame and stop reading and writing: a socket whose other end is gone."""
    await caller.greet()
    await caller.say([mark("BTCUSDT", "1"), mark("ETHUSDT", "1")])
    caller.connection.transport.pause_reading()
    await caller.is_over.wait()
    caller.connection.transport.abort()


def closing(code: int) -> Script:
    """Return a script that sends one frame and closes with a code."""

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.say([mark("BTCUSDT", "1")])
        await caller.connection.close(code, "said the venue")

    return script


async def dropped(caller: Caller) -> None:
    """Send one frame and cut the line without a closing handshake."""
    await caller.greet()
    await caller.say([mark("BTCUSDT", "1")])
    caller.connection.transport.abort()


async def dripping(caller: Caller) -> None:
    """Begin one frame and send its bytes so slowly that it never becomes whole."""
    await caller.greet()

    async def bytes_of_it() -> None:
        text = json.dumps([mark("BTCUSDT", "1")])

        async def parts():  # type: ignore[no-untyped-def]  # noqa: ANN202
            for letter in text:
                yield letter
                await asyncio.sleep(0.2)

        await caller.connection.send(parts())

    await bytes_of_it()


async def test_an_array_is_one_message_with_the_fields_of_the_contract() -> None:
    """All marks of a frame become one message, under the native names, amounts to the last digit."""
    at = now_ms()
    frame = [
        mark("BTCUSDT", "61800.30000000", at, i="61799.1", r="0.00010000", T=1723190400000),
        mark("ETHUSDT_240927", "2681.62", at, i="2680", r="", T=0),
    ]

    async def once(caller: Caller) -> None:
        await caller.greet()
        await caller.say(frame)
        await caller.connection.wait_closed()

    async with PlayedVenue([once]).open() as venue, running(venue.address) as run:
        await until(lambda: bool(run.outlet.prices()))
    [message] = [one for one in run.outlet.written if one.topic == "mark-prices"]
    assert json.loads(message.value) == [
        {
            "symbol": "BTCUSDT",
            "mark_price": "61800.30000000",
            "index_price": "61799.1",
            "funding_rate": "0.00010000",
            "next_funding_time_ms": 1723190400000,
            "event_time_ms": at,
        },
        {"symbol": "ETHUSDT_240927", "mark_price": "2681.62", "index_price": "2680", "event_time_ms": at},
    ]
    assert venue.callers[0].path == "/ws"
    assert venue.callers[0].asked == [{"method": "SUBSCRIBE", "params": ["!markPrice@arr@1s"], "id": 1}]


async def test_symbols_and_indexes_are_followed_one_by_one() -> None:
    """Where symbols are named each has its stream; index prices of assets go to `assets`, keyed by the asset."""
    at = now_ms()
    index = {"e": "assetIndexUpdate", "E": at, "s": "ADAUSD", "i": "0.27462452", "b": "0.10000000", "a": "0.1"}

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.say({"stream": "btcusdt@markPrice@1s", "data": mark("BTCUSDT", "61000", at)})
        await caller.say([{**index, "B": "0.24716207", "A": "0.30208698"}])
        await caller.connection.wait_closed()

    async with PlayedVenue([script]).open() as venue, running(venue.address, symbols=BOTH, collateral=True) as run:
        await until(lambda: bool(run.outlet.prices() and run.outlet.of("assets")))
    assert venue.callers[0].asked[0]["params"] == ["btcusdt@markPrice@1s", "ethusdt@markPrice@1s", "!assetIndex@arr"]
    assert {one.key for one in run.outlet.written if one.topic != "liqmon-heartbeats"} == {b"BTCUSDT", b"ADA"}
    assert run.outlet.of("assets") == [
        {
            "asset": "ADA",
            "index_price": "0.27462452",
            "bid_buffer": "0.10000000",
            "ask_buffer": "0.1",
            "event_time_ms": at,
        }
    ]


@pytest.mark.parametrize(
    ("script", "ending"),
    [
        (silent, "silent"),
        (half_open, "silent"),
        (dripping, "silent"),
        (dropped, "closed"),
        (closing(1001), "closed"),
        (closing(1008), "rate_limited"),
    ],
    ids=["silent", "half-open", "slow drip", "dropped", "going away", "rate limit"],
)
async def test_what_ends_a_connection_is_named_and_another_takes_its_place(script: Script, ending: str) -> None:
    """Whatever way a connection fails, the metric names the reason, and prices flow again by themselves."""
    async with PlayedVenue([script, flowing]).open() as venue, running(venue.address) as run:
        await until(lambda: run.value("liqmon_feed_connections_ended_total", ending=ending) >= 1)
        await until(lambda: any(price["mark_price"] == "61000.1" for price in run.outlet.prices()))
        await until(lambda: run.value("liqmon_feed_ready") == 1)
        assert len(venue.callers) >= 2


async def test_a_rate_limit_is_waited_out() -> None:
    """After a refusal for asking too much the next attempt waits as long as the venue wishes, not our own backoff."""
    async with PlayedVenue([flowing], refusals=[429, 418]).open() as venue, running(venue.address) as run:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await until(lambda: run.value("liqmon_feed_connections_ended_total", ending="rate_limited") == 1)
        assert "429" in run.feed.why_not_ready()[-1]
        await until(lambda: run.value("liqmon_feed_ready") == 1)
        assert loop.time() - begun >= 2.0  # a second each, says the venue
        assert venue.attempts == 3


async def test_a_refused_subscription_is_surfaced() -> None:
    """The venue's words for refusing a subscription stand in the reasons for not being ready."""

    async def refusing(caller: Caller) -> None:
        request = json.loads(await caller.connection.recv())
        await caller.say({"error": {"code": 2, "msg": "Invalid request: unknown stream"}, "id": request["id"]})
        await caller.connection.wait_closed()

    async with PlayedVenue([refusing]).open() as venue, running(venue.address) as run:
        await until(lambda: run.value("liqmon_feed_connections_ended_total", ending="refused") >= 2)
        assert any("unknown stream" in reason for reason in run.feed.why_not_ready())


async def test_garbage_is_counted_and_survived() -> None:
    """Frames that are no JSON, foreign or nested without end cost nothing but themselves; good elements stay."""

    async def script(caller: Caller) -> None:
        await caller.greet()
        for junk in ("not json", b"\x00\xff\xfe", "[" * 100_000, '{"e":"kline"}', "17", '[{"e":"kline"}]'):
            await caller.say(junk)
        await caller.say([mark("BTCUSDT", "NaN"), mark("ETHUSDT", "1e3"), {"e": "markPriceUpdate"}, 7])
        await flowing_on(caller)

    async def flowing_on(caller: Caller) -> None:
        await caller.repeat(lambda: [mark("BTCUSDT", "61000.1")])

    async with PlayedVenue([script]).open() as venue, running(venue.address) as run:
        await until(lambda: any(price["symbol"] == "BTCUSDT" for price in run.outlet.prices()))
        assert run.value("liqmon_feed_bad_frames_total") == 6
        assert run.fates()["malformed"] == 3
        assert run.outlet.prices()[0]["mark_price"] == "1000"
        assert len(venue.callers) == 1


async def test_duplicates_and_times_that_go_back_are_no_news() -> None:
    """What was said before, or is older than what was said, is counted and not written; the same time anew is."""
    at = now_ms()

    async def script(caller: Caller) -> None:
        await caller.greet()
        for price, event_ms in (("10", at), ("10", at), ("9", at - 1000), ("11", at), ("12", at + 1000), ("8", at)):
            await caller.say([mark("BTCUSDT", price, event_ms)])
        await caller.connection.wait_closed()

    async with PlayedVenue([script]).open() as venue, running(venue.address) as run:
        await until(lambda: run.fates().total() == 6)
        assert run.fates() == {"kept": 3, "duplicate": 1, "out_of_order": 2}
        await until(lambda: len(run.outlet.prices()) == 3)
        assert [price["mark_price"] for price in run.outlet.prices()] == ["10", "11", "12"]


@pytest.mark.parametrize(("off_ms", "words"), [(60_000, "ahead of"), (-60_000, "behind")])
async def test_times_that_cannot_be_believed_are_withheld_aloud(off_ms: int, words: str) -> None:
    """Rows far ahead of our clock or far behind it are not written, and the reasons say so; they poison nothing."""

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.repeat(lambda: [mark("BTCUSDT", "10", now_ms() + off_ms)], times=3)
        await caller.repeat(lambda: [mark("BTCUSDT", "11")])

    async with PlayedVenue([script]).open() as venue, running(venue.address) as run:
        await until(lambda: any(words in reason for reason in run.feed.why_not_ready()))
        await until(lambda: bool(run.outlet.prices()))
        assert {price["mark_price"] for price in run.outlet.prices()} == {"11"}
        await until(lambda: run.value("liqmon_feed_ready") == 1)


async def test_a_gap_is_counted() -> None:
    """A stream of every second that leaves four of them out has a gap; the price after it is written all the same."""
    at = now_ms() - 6000

    async def script(caller: Caller) -> None:
        await caller.greet()
        for event_ms in (at, at + 1000, at + 6000):
            await caller.say([mark("BTCUSDT", "10", event_ms)])
        await caller.connection.wait_closed()

    async with PlayedVenue([script]).open() as venue, running(venue.address) as run:
        await until(lambda: len(run.outlet.prices()) == 3)
        assert run.value("liqmon_feed_gaps_total") == 1


async def test_a_frame_of_a_megabyte_is_written_in_pieces_the_daemon_takes() -> None:
    """Thousands of contracts in one frame become messages below the daemon's limit, none of them lost."""
    count = 8000
    frame = json.dumps([mark(f"S{number:05}USDT", "1.5") for number in range(count)])
    assert len(frame) > 1024 * 1024

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.say(frame)
        await caller.connection.wait_closed()

    async with PlayedVenue([script]).open() as venue, running(venue.address) as run:
        await until(lambda: len(run.outlet.prices()) == count)
        sizes = [len(one.value) for one in run.outlet.written if one.topic == "mark-prices"]
        assert max(sizes) <= 524_288
        assert len(sizes) == 3


async def test_a_frame_beyond_the_limit_ends_its_connection() -> None:
    """A frame larger than we take is not read: the connection ends, and the next one serves."""

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.say("x" * 5000)
        await caller.connection.wait_closed()

    async with PlayedVenue([script, flowing]).open() as venue, running(venue.address, max_frame_bytes=4096) as run:
        await until(lambda: run.value("liqmon_feed_ready") == 1)
        assert run.value("liqmon_feed_connections_ended_total", ending="closed") == 1


async def test_the_new_connection_serves_before_the_old_one_goes() -> None:
    """At the end of its life a connection is replaced with overlap: no price is missed and none is written twice."""
    counter = iter(range(1_000_000))
    latest = [(0, 0)]

    def tick() -> list[dict[str, object]]:
        """Say the same to everybody at one time, as venues do."""
        if now_ms() - latest[0][1] >= 20:
            latest[0] = next(counter), now_ms()
        number, at = latest[0]
        return [mark("BTCUSDT", str(1000 + number), at)]

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.repeat(tick, every=0.005)

    async with PlayedVenue([script]).open() as venue, running(venue.address, life_ms=300, silence_ms=5000) as run:
        await until(lambda: run.value("liqmon_feed_connections_ended_total", ending="replaced") >= 3)
        prices = [int(price["mark_price"]) for price in run.outlet.prices()]
    assert prices == list(range(prices[0], prices[-1] + 1))
    assert run.fates()["duplicate"] > 0
    assert run.value("liqmon_feed_connections_ended_total", ending="silent") == 0
    assert run.value("liqmon_feed_connections_ended_total", ending="closed") == 0


async def test_one_silent_stream_does_not_silence_the_others() -> None:
    """While one of two streams is silent the other flows on; the feed says which one, and tries a new connection."""

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.repeat(lambda: mark("BTCUSDT", "61000.1"))

    async with PlayedVenue([script]).open() as venue, running(venue.address, symbols=BOTH) as run:
        await until(lambda: run.value("liqmon_feed_connections_ended_total", ending="silent") >= 1)
        assert run.feed.why_not_ready()[0] == "ethusdt@markPrice@1s: nothing heard"
        before = len(run.outlet.prices())
        await until(lambda: len(run.outlet.prices()) > before + 5)
        assert venue.callers[0].connection.close_code is None


async def test_the_heartbeat_says_what_flows() -> None:
    """A feed is never silent: its heartbeat names its streams, how new they are, and what is missing."""
    async with PlayedVenue([flowing]).open() as venue, running(venue.address) as run:
        await until(lambda: any(beat["state"] == "steady" for beat in run.outlet.of("liqmon-heartbeats")))
        first, last = run.outlet.of("liqmon-heartbeats")[0], run.outlet.of("liqmon-heartbeats")[-1]
    assert first["state"] == "waiting"
    assert first["reasons"]
    assert last["feed"] == "binance-usdm"
    assert last["streams"]["!markPrice@arr@1s"]["frames"] > 0
    assert last["turn"] > first["turn"]


async def test_a_log_that_is_away_costs_only_what_grows_old() -> None:
    """While the log is away prices wait; those that grow old are dropped and counted, the rest is written in order."""
    async with PlayedVenue([flowing]).open() as venue, running(venue.address, max_behind_ms=700) as run:
        await until(lambda: len(run.outlet.prices()) > 2)
        run.outlet.is_away = True
        await until(lambda: run.value("liqmon_feed_dropped_total", topic="mark-prices", reason="old") > 0)
        assert any("the log: away" in reason for reason in run.feed.why_not_ready())
        run.outlet.is_away = False
        before = len(run.outlet.prices())
        await until(lambda: len(run.outlet.prices()) > before + 10)
        await until(lambda: run.value("liqmon_feed_ready") == 1)
    times = [price["event_time_ms"] for price in run.outlet.prices() if price["symbol"] == "BTCUSDT"]
    assert times == sorted(times)


async def test_assets_wait_until_it_is_known_whether_they_count() -> None:
    """Of assets that the terms have not named nothing is written, but their stream flows; named, they say it."""
    index = {"e": "assetIndexUpdate", "s": "ADAUSD", "i": "0.27", "b": "0.1", "a": "0.1"}

    async def script(caller: Caller) -> None:
        await caller.greet()
        turns = cycle(("mark", "index"))
        await caller.repeat(
            lambda: [mark("BTCUSDT", "1")] if next(turns) == "mark" else [{**index, "E": now_ms()}], every=0.01
        )

    counted: dict[str, bool] = {}
    both = {"collateral": True, "margin_available": counted.get}
    async with PlayedVenue([script]).open() as venue, running(venue.address, **both) as run:
        await until(lambda: run.fates()["unlisted"] > 30)
        assert run.outlet.of("assets") == []
        assert len(venue.callers) == 1
        assert run.feed.why_not_ready() == []
        counted["ADA"] = False
        await until(lambda: bool(run.outlet.of("assets")))
    assert run.outlet.of("assets")[0]["margin_available"] is False
