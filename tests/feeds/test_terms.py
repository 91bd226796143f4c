"""Tests of terms: what venues state becomes what the daemon takes, and only changes of it are written."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import FeedMetrics
from monitor.adapters.rest import RestClient
from monitor.adapters.venues import VENUES
from monitor.adapters.websocket import WebsocketConnector
from monitor.adapters.wire.terms import decode_asset, decode_instrument
from monitor.app.topics import TopicNames
from monitor.app.venue_feed.line_group import Tools
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import ApiKey
from monitor.app.venue_feed.settings import VenueFeedSettings
from monitor.app.venue_feed.terms import TermsBook
from monitor.app.venue_feed.terms_watch import TermsWatch
from monitor.core.limits import Limits
from tests.feeds.played_rest import KEY, SECRET, PlayedRest, brackets, symbol
from tests.feeds.played_venue import now_ms
from tests.feeds.running import ListOutlet, at_work
from tests.waiting import until

ASSETS = [
    {"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"},
    {"asset": "BTC", "marginAvailable": "false", "autoAssetExchange": None},
]
INDEX = {"symbol": "BTCUSD", "time": 1635740268004, "index": "1.92957370", "bidBuffer": "0.1", "askBuffer": "0.2"}


def usdm(*contracts: dict[str, Any], tables: object = ()) -> dict[str, Any]:
    """Return the answers of a venue with these contracts."""
    return {
        "/fapi/v1/exchangeInfo": {"serverTime": 1, "assets": ASSETS, "symbols": list(contracts)},
        "/fapi/v1/assetIndex": [INDEX],
        "/fapi/v1/leverageBracket": tables or [brackets(one["symbol"]) for one in contracts],
    }


class Watched:
    """Hold a watch that runs, and what it writes."""

    def __init__(self, venue: str, rest: RestClient, key: ApiKey | None, profile: frozenset[str]) -> None:
        self.outlet = ListOutlet()
        self.registry = CollectorRegistry()
        metrics = FeedMetrics(self.registry)
        settings = VenueFeedSettings(terms_interval_ms=30, backoff_ms=10, max_backoff_ms=20, rate_limit_ms=100)
        found = VENUES[venue]
        tools = Tools(WebsocketConnector(settings), settings, metrics, time.monotonic, now_ms, lambda: 0.5)
        self.outbox = Outbox(self.outlet, metrics, now_ms, 100)
        self.watch = TermsWatch(
            found.terms,
            rest,
            key,
            TermsBook(profile),
            tools,
            self.outbox,
            TopicNames(),
            orjson.dumps,
            writes_assets=True,
        )

    def written(self, topic: str) -> dict[str, Any]:
        """Return the newest document of each key."""
        return {one.key.decode(): json.loads(one.value) for one in self.outlet.written if one.topic == topic}


@asynccontextmanager
async def watching(
    played: PlayedRest,
    venue: str = "binance-usdm",
    key: ApiKey | None = ApiKey(KEY, SECRET),  # noqa: B008 - frozen
    profile: frozenset[str] = frozenset(),
) -> AsyncIterator[Watched]:
    """Watch terms for the duration of the body."""
    rest = RestClient(played.address, 2.0, 0.1)
    one = Watched(venue, rest, key, profile)
    async with at_work(one, rest):
        yield one


async def test_contracts_and_collateral_become_what_the_daemon_takes() -> None:
    """Each contract with its brackets, each asset with its buffers, in the native form, exact to the last digit."""
    with PlayedRest(usdm(symbol("BLZUSDT"))).open() as played:
        async with watching(played) as run:
            await until(lambda: bool(run.written("instruments") and run.written("assets")))
            assert run.watch.why_not_ready() == []
    document = run.written("instruments")["BLZUSDT"]
    assert document == {
        "symbol": "BLZUSDT",
        "status": "trading",
        "contract": "linear",
        "settle_asset": "USDT",
        "base_asset": "BLZ",
        "tick_size": "0.0001",
        "liquidation_fee_rate": "0.010000",
        "sector": "STORAGE",
        "brackets": [
            {"floor": "0", "rate": "0.0065", "deduction": "0", "max_leverage": "75"},
            {"floor": "10000", "rate": "0.01", "deduction": "35.0", "max_leverage": "50"},
        ],
    }
    instrument = decode_instrument(orjson.dumps(document), b"BLZUSDT", Limits()).instrument
    assert instrument is not None
    assert [str(tier.rate) for tier in instrument.tiers] == ["0.0065", "0.01"]
    asset = run.written("assets")["BTC"]
    assert asset == {
        "asset": "BTC",
        "index_price": "1.92957370",
        "bid_buffer": "0.1",
        "ask_buffer": "0.2",
        "margin_available": False,
        "event_time_ms": 1635740268004,
    }
    assert decode_asset(orjson.dumps(asset), b"BTC", Limits()).asset is not None
    assert run.watch.margin_available("USDT") is True
    assert run.watch.margin_available("DOGE") is None
    signed = [one for one in played.asked if one.path == "/fapi/v1/leverageBracket"]
    assert signed
    assert all(one.is_signed() for one in signed)
    assert not any("X-MBX-APIKEY" in one.headers for one in played.asked if one.path != "/fapi/v1/leverageBracket")


async def test_inverse_contracts_state_their_size_and_floors_in_coin() -> None:
    """Contracts settled in coin: their size in quote units, floors under the name the venue misspells."""
    contract = symbol("BTCUSD_PERP", contractStatus="TRADING", contractSize=100, baseAsset="BTC", marginAsset="BTC")
    del contract["status"]
    row = {"bracket": 1, "initialLeverage": 125, "qtyCap": 50, "qtylFloor": 0, "maintMarginRatio": 0.004, "cum": 0.0}
    answers = {
        "/dapi/v1/exchangeInfo": {"symbols": [contract]},
        "/dapi/v2/leverageBracket": [{"symbol": "BTCUSD_PERP", "brackets": [row]}],
    }
    with PlayedRest(answers).open() as played:
        async with watching(played, "binance-coinm") as run:
            await until(lambda: bool(run.written("instruments")))
    document = run.written("instruments")["BTCUSD_PERP"]
    assert (document["contract"], document["settle_asset"], document["contract_size"]) == ("inverse", "BTC", "100")
    assert document["brackets"] == [{"floor": "0", "rate": "0.004", "deduction": "0.0", "max_leverage": "125"}]
    assert decode_instrument(orjson.dumps(document), b"BTCUSD_PERP", Limits()).instrument is not None


async def test_where_no_index_is_published_assets_have_that_of_their_contract() -> None:
    """Without indexes of assets: USDT is the unit, others follow their contract; without one they are left out."""
    answers = usdm(symbol("BTCUSDT"))
    answers["/fapi/v1/exchangeInfo"]["assets"] += [{"asset": "lisUSD", "marginAvailable": True}]
    with PlayedRest(answers).open() as played:
        async with watching(played, "aster") as run:
            await until(lambda: len(run.written("assets")) == 2)
    assets = run.written("assets")
    assert assets["USDT"]["index_price"] == "1"
    assert assets["BTC"]["index_symbol"] == "BTCUSDT"
    assert assets["BTC"]["margin_available"] is False


async def test_without_a_key_brackets_are_the_profiles_and_the_feed_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without a key nothing signed is asked; contracts the profile knows are written without brackets, no others."""
    caplog.set_level(logging.INFO)
    with PlayedRest(usdm(symbol("BTCUSDT"), symbol("NEWUSDT"))).open() as played:
        async with watching(played, key=None, profile=frozenset({"BTCUSDT"})) as run:
            await until(lambda: bool(run.written("instruments")))
            await until(lambda: len(played.asked) > 4)
    assert {one.path for one in played.asked} == {"/fapi/v1/exchangeInfo", "/fapi/v1/assetIndex"}
    assert run.written("instruments").keys() == {"BTCUSDT"}
    assert "brackets" not in run.written("instruments")["BTCUSDT"]
    assert run.watch.seen()["terms"]["brackets"] == {"venue": 0, "profile": 1, "none": 1}
    assert "1 contracts have brackets from nowhere" in caplog.text
    assert run.registry.get_sample_value("liqmon_feed_contracts", {"brackets": "none"}) == 1


async def test_brackets_adjusted_for_the_holder_of_the_key_are_not_the_contracts() -> None:
    """A table with a coefficient is the key holder's own: the profile's stands, and the fault is named."""
    answers = usdm(symbol("BTCUSDT"), tables=[brackets("BTCUSDT", notionalCoef=1.5)])
    with PlayedRest(answers).open() as played:
        async with watching(played, profile=frozenset({"BTCUSDT"})) as run:
            await until(lambda: bool(run.written("instruments")))
    assert "brackets" not in run.written("instruments")["BTCUSDT"]


async def test_only_changes_are_written_and_each_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The same is no news; a changed contract is written whole and logged with both values; what is gone is closed."""
    caplog.set_level(logging.INFO)
    with PlayedRest(usdm(symbol("AUSDT"), symbol("BUSDT"))).open() as played:
        async with watching(played) as run:
            await until(lambda: len(played.asked) > 9)
            assert len(run.outlet.of("instruments")) == 2
            played.answers |= usdm(symbol("BUSDT"), tables=[brackets("BUSDT", 0.007)])
            await until(lambda: len(run.outlet.of("instruments")) == 4)
    assert run.written("instruments")["AUSDT"]["status"] == "closed"
    assert run.written("instruments")["BUSDT"]["brackets"][0]["rate"] == "0.007"
    [line] = [one for one in caplog.messages if one.startswith("instruments BUSDT: brackets")]
    assert "0.0065" in line
    assert "0.007" in line
    assert "status: trading -> closed" in caplog.text


async def test_an_answer_that_leaves_out_much_is_doubted() -> None:
    """Where a tenth of all contracts is missing nothing is written: a truncated answer must close nothing."""
    many = [symbol(f"S{number}USDT") for number in range(60)]
    with PlayedRest(usdm(*many)).open() as played:
        async with watching(played) as run:
            await until(lambda: len(run.outlet.of("instruments")) == 60)
            played.answers |= usdm(*many[:50])
            await until(lambda: bool(run.watch.why_not_ready()))
            assert "10 of 60 contracts are missing" in run.watch.why_not_ready()[0]
            played.answers |= usdm()
            await until(lambda: "60 of 60" in "".join(run.watch.why_not_ready()))
            assert len(run.outlet.of("instruments")) == 60


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((429, {"code": -1003, "msg": "Too many requests"}), "answered 429, -1003: Too many requests"),
        ((401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}), "-2015: Invalid API-key"),
        ((503, b"<html>"), "answered 503"),
        (b"not json", "is no JSON"),
        ([], "exchangeInfo is no object"),
        ({"symbols": 5}, "symbols is no array"),
    ],
)
async def test_what_is_no_answer_is_told_and_tried_again(
    answer: object, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure is named in the reasons, nothing is written, and the next good answer mends it; no secret is told."""
    caplog.set_level(logging.DEBUG)
    with PlayedRest({**usdm(symbol("BTCUSDT")), "/fapi/v1/exchangeInfo": answer}).open() as played:
        async with watching(played) as run:
            await until(lambda: words in "".join(run.watch.why_not_ready()))
            assert not run.outlet.written
            played.answers |= usdm(symbol("BTCUSDT"))
            await until(lambda: bool(run.written("instruments")))
            assert run.watch.why_not_ready() == []
    told = "".join(record.getMessage() for record in caplog.records if record.name.startswith("monitor"))
    assert words in told
    assert KEY not in told
    assert SECRET not in told


async def test_one_bad_row_costs_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    """A contract that cannot be read is named and left out; one not traded yet is left out silently."""
    rows = symbol("AUSDT"), symbol("BUSDT", status="?"), symbol("CUSDT", status="PENDING_TRADING"), {"symbol": 7}
    answers = usdm(*rows[:1])
    answers["/fapi/v1/exchangeInfo"]["symbols"] = list(rows)
    with PlayedRest(answers).open() as played:
        async with watching(played) as run:
            await until(lambda: bool(run.written("instruments")))
    assert run.written("instruments").keys() == {"AUSDT"}
    assert "symbols[1]: status '?' is not known" in caplog.text
    assert "symbols[2]" not in caplog.text
    assert "symbols[3]" in caplog.text


def test_a_key_is_never_shown() -> None:
    """Neither the representation of a key nor that of a signed request shows any of it."""
    from monitor.adapters.venues.binance_rest import signed

    key = ApiKey(KEY, SECRET)
    text = repr(key) + repr(signed("/path", key, 1))
    assert KEY not in text
    assert SECRET not in text
    assert "signature" not in text
