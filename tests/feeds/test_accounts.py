"""Tests of the private part of a feed: keys of streams, snapshots, gaps and signals, from sockets to account events."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import FeedMetrics
from monitor.adapters.rest import RestClient
from monitor.adapters.venues import VENUES
from monitor.adapters.venues.binance_accounts import BinanceAccounts
from monitor.adapters.websocket import WebsocketConnector
from monitor.app.venue_feed.account_watch import AccountWatch
from monitor.app.venue_feed.line_group import Tools
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import AccountAccess, ApiKey
from monitor.app.venue_feed.settings import VenueFeedSettings
from monitor.app.venue_feed.stitching import Stitcher, Versions
from tests.feeds.played_rest import KEY, SECRET, Asked, PlayedRest
from tests.feeds.played_venue import Caller, PlayedVenue, now_ms
from tests.feeds.running import ListOutlet, at_work
from tests.feeds.test_stitching import Reader
from tests.waiting import until

LISTEN_KEY = "pqia91ma19a5s61cv6a81va65sdf19v8"
ADDRESS = "0x" + "1a" * 20


def rows(cross: str, wallet: str, at: int = 1) -> dict[str, Any]:
    """Return the answers of an account with an isolated position of one coin; its wallet is margin without profit."""
    asset = {
        "asset": "USDT",
        "walletBalance": str(int(cross) + int(wallet)),
        "crossWalletBalance": cross,
        "updateTime": at,
    }
    position = {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "1.000",
        "entryPrice": "100.0",
        "markPrice": "107",
        "unRealizedProfit": "7",
        "leverage": "10",
        "marginType": "isolated",
        "isolatedMargin": str(int(wallet) + 7),
        "updateTime": at,
    }
    flat = {
        **position,
        "symbol": "ETHUSDT",
        "positionAmt": "0.000",
        "entryPrice": "0.0",
        "isolatedMargin": "7",
        "updateTime": 0,
    }
    return {
        "/fapi/v2/account": {"assets": [asset], "positions": []},
        "/fapi/v2/positionRisk": [position, flat],
        "/fapi/v1/positionSide/dual": {"dualSidePosition": False},
        "/fapi/v1/multiAssetsMargin": {"multiAssetsMargin": "false"},
        "/fapi/v1/listenKey": {"listenKey": LISTEN_KEY},
    }


def transfer(cross: str, wallet: str, at: int) -> dict[str, Any]:
    """Return the `ACCOUNT_UPDATE` of a margin transfer: both halves."""
    wallets = [{"a": "USDT", "wb": "1000", "cw": cross, "bc": "0"}]
    position = {
        "s": "BTCUSDT",
        "pa": "1.000",
        "ep": "100.0",
        "cr": "0",
        "up": "7",
        "mt": "isolated",
        "iw": wallet,
        "ps": "BOTH",
    }
    return {"e": "ACCOUNT_UPDATE", "E": at, "T": at, "a": {"m": "MARGIN_TRANSFER", "B": wallets, "P": [position]}}


class Watched:
    """Hold the watch over one account, and what it writes."""

    def __init__(self, venue: str, base: str, rest: RestClient, access: AccountAccess, keep_seconds: float) -> None:
        self.outlet = ListOutlet()
        self.registry = CollectorRegistry()
        dialect = VENUES[venue].accounts
        if isinstance(dialect, BinanceAccounts):
            dialect = replace(dialect, keep_seconds=keep_seconds)
        metrics = FeedMetrics(self.registry)
        settings = VenueFeedSettings(
            connect_ms=500, backoff_ms=10, max_backoff_ms=30, rate_limit_ms=100, accounts_interval_ms=60_000
        )
        tools = Tools(WebsocketConnector(settings), settings, metrics, time.monotonic, now_ms, lambda: 0.5)
        self.outbox = Outbox(self.outlet, metrics, now_ms, 100)
        self.watch = AccountWatch(
            "a",
            access,
            dialect,
            base,
            rest,
            Stitcher("a", Versions(now_ms)),
            tools,
            self.outbox,
            "account-events",
            orjson.dumps,
        )

    def events(self) -> list[dict[str, Any]]:
        """Return every account event, in order."""
        return self.outlet.of("account-events")

    def facts(self) -> Any:
        """Return what the daemon makes of the events."""
        reader = Reader()
        reader.take(self.events())
        return reader.facts()


@asynccontextmanager
async def watching(
    venue: PlayedVenue, played: PlayedRest, name: str = "binance-usdm", *, keep_seconds: float = 1800, address: str = ""
) -> AsyncIterator[Watched]:
    """Watch an account for the duration of the body."""
    rest = RestClient(played.address, 2.0, 0.1)
    access = AccountAccess(None, address) if address else AccountAccess(ApiKey(KEY, SECRET))
    one = Watched(name, venue.address, rest, access, keep_seconds)
    async with at_work(one, rest):
        yield one


async def listening(caller: Caller) -> None:
    """Say nothing, and stay."""
    await caller.connection.wait_closed()


async def test_the_stream_is_opened_first_and_the_snapshot_told_whole() -> None:
    """A listen key, the stream, then the snapshot: cross wallet, isolated wallet without profit, leverage, modes."""
    with PlayedRest(rows("900", "100")).open() as played:
        async with PlayedVenue([listening]).open() as venue, watching(venue, played) as run:
            await until(lambda: bool(run.events()))
            assert run.watch.why_not_ready() == []
    [event] = run.events()
    version = event.pop("version")
    assert version > 10**15
    event.pop("event_time_ms")
    position = {
        "symbol": "BTCUSDT",
        "side": "both",
        "quantity": "1.000",
        "entry_price": "100.0",
        "margin_type": "isolated",
        "isolated_wallet": "100",
        "leverage": "10",
    }
    assert event == {
        "account_id": "a",
        "snapshot": True,
        "margin_mode": "single_asset",
        "position_mode": "one_way",
        "balances": {"USDT": "900"},
        "positions": [position],
    }
    assert venue.callers[0].path == f"/ws/{LISTEN_KEY}"
    assert played.asked[0].path == "/fapi/v1/listenKey"
    assert all(one.is_signed() for one in played.asked[1:])
    assert {one.key for one in run.outlet.written} == {b"a"}


async def test_both_halves_of_a_transfer_are_one_event() -> None:
    """What the venue tells together is told together."""
    at, runs = now_ms() + 1000, list[Watched]()
    with PlayedRest(rows("900", "100")).open() as played:

        async def script(caller: Caller) -> None:
            await until(lambda: bool(runs and runs[0].events()))
            await caller.say(transfer("800", "200", at))
            await caller.connection.wait_closed()

        async with PlayedVenue([script]).open() as venue, watching(venue, played) as run:
            runs.append(run)
            await until(lambda: len(run.events()) == 2)
    first, second = run.events()
    assert second["version"] > first["version"]
    assert (second["balances"], second["positions"][0]["isolated_wallet"]) == ({"USDT": "800"}, "200")
    assert "snapshot" not in second


async def test_after_a_gap_the_account_is_begun_anew() -> None:
    """A cut line: what happened meanwhile is learnt from a new snapshot, and the account is not ready until then."""
    with PlayedRest(rows("900", "100")).open() as played:

        async def cut(caller: Caller) -> None:
            await until(lambda: len(played.asked) >= 5)
            played.answers |= rows("700", "300", 9)
            caller.connection.transport.abort()

        async with PlayedVenue([cut, listening]).open() as venue, watching(venue, played) as run:
            await until(lambda: len(run.events()) == 2)
            assert len(venue.callers) == 2
            assert run.facts()[0] == {"USDT": 700}
            assert run.watch.why_not_ready() == []
    assert run.events()[1]["snapshot"] is True


async def test_an_expired_key_is_replaced() -> None:
    """When the venue says that the key has expired a new one is asked for, and the account begun anew."""
    with PlayedRest(rows("900", "100")).open() as played:

        async def expiring(caller: Caller) -> None:
            played.answers["/fapi/v1/listenKey"] = {"listenKey": "another"}
            played.answers |= {k: v for k, v in rows("700", "300", 9).items() if "listenKey" not in k}
            await caller.say({"e": "listenKeyExpired", "E": now_ms()})
            await caller.connection.wait_closed()

        async with PlayedVenue([expiring, listening]).open() as venue, watching(venue, played) as run:
            await until(lambda: len(venue.callers) == 2)
            await until(lambda: bool(run.events()) and run.facts()[0] == {"USDT": 700})
    assert [caller.path for caller in venue.callers] == [f"/ws/{LISTEN_KEY}", "/ws/another"]


async def test_the_key_is_kept_alive_and_one_that_is_gone_is_replaced_with_overlap() -> None:
    """The key is renewed on schedule; where it is known no more the new stream begins before the old one goes."""

    def renewing(asked: Asked) -> Any:
        if asked.method == "POST":
            return {"listenKey": LISTEN_KEY}
        renewals = sum(one.method == "PUT" for one in played.asked)
        return {} if renewals < 3 else (400, {"code": -1125, "msg": "This listenKey does not exist."})

    with PlayedRest({**rows("900", "100"), "/fapi/v1/listenKey": renewing}).open() as played:
        async with (
            PlayedVenue([listening]).open() as venue,
            watching(venue, played, keep_seconds=0.1) as run,
        ):
            await until(lambda: len(venue.callers) >= 2)
            await until(
                lambda: (
                    run.registry.get_sample_value("liqmon_feed_connections_ended_total", {"ending": "replaced"}) == 1
                )
            )
            assert len(run.events()) == 1, "nothing was missed, so nothing is begun anew"
    keyed = [one for one in played.asked if one.path == "/fapi/v1/listenKey"]
    assert all(one.headers["X-MBX-APIKEY"] == KEY and not one.query for one in keyed)


async def test_signals_are_told_and_have_the_account_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    """Margin calls, liquidations and deleveraging by the venue are counted, logged without figures, and looked into."""
    orders = [
        {"e": "ORDER_TRADE_UPDATE", "o": {"s": "BTCUSDT", "c": name, "S": "SELL", "x": kind, "X": state, "o": "LIMIT"}}
        for name, kind, state in (
            ("autoclose-1", "NEW", "NEW"),
            ("x", "CALCULATED", "FILLED"),
            ("x", "TRADE", "NEW_INSURANCE"),
            ("adl_autoclose", "NEW", "NEW_ADL"),
            ("mine", "TRADE", "FILLED"),
        )
    ]
    call = {
        "e": "MARGIN_CALL",
        "E": 1,
        "cw": "3.16812045",
        "p": [{"s": "ETHUSDT", "ps": "LONG", "mt": "CROSSED", "mm": "1.614445"}],
    }
    runs: list[Watched] = []
    with PlayedRest(rows("900", "100")).open() as played:

        async def script(caller: Caller) -> None:
            await until(lambda: bool(runs and runs[0].events()))
            for document in (call, *orders):
                await caller.say(document)
            await caller.connection.wait_closed()

        async with PlayedVenue([script]).open() as venue, watching(venue, played) as run:
            runs.append(run)
            await until(
                lambda: (
                    run.registry.get_sample_value("liqmon_feed_account_signals_total", {"kind": "deleveraging"}) == 1
                )
            )
            await until(lambda: sum(one.path == "/fapi/v2/account" for one in played.asked) >= 2)
    count = run.registry.get_sample_value
    assert count("liqmon_feed_account_signals_total", {"kind": "margin_call"}) == 1
    assert count("liqmon_feed_account_signals_total", {"kind": "liquidation"}) == 3
    assert "the venue says margin_call: ETHUSDT" in caplog.text
    assert "3.16812045" not in caplog.text


async def test_a_transfer_that_nothing_tells_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    """Deposits and withdrawals are in the balances; that their sum is not told is logged by asset, and counted."""
    at, runs = now_ms() + 1000, list[Watched]()
    with PlayedRest(rows("900", "100")).open() as played:

        async def script(caller: Caller) -> None:
            await until(lambda: bool(runs and runs[0].events()))
            for number, (why, change) in enumerate((("ORDER", "0"), ("WITHDRAW", "-77.5"), ("FUNDING_FEE", "-1"))):
                wallets = [{"a": "USDT", "wb": "1000", "cw": f"{800 - number}", "bc": change}]
                when = at + number
                await caller.say({"e": "ACCOUNT_UPDATE", "E": when, "T": when, "a": {"m": why, "B": wallets, "P": []}})
            await caller.connection.wait_closed()

        async with PlayedVenue([script]).open() as venue, watching(venue, played) as run:
            runs.append(run)
            await until(lambda: run.facts()[0] == {"USDT": 798} if run.events() else False)
    transfers = {"kind": "transfer"}
    assert run.registry.get_sample_value("liqmon_feed_account_signals_total", transfers) == 1
    assert "account a: USDT came in or left" in caplog.text
    assert "77.5" not in caplog.text
    assert not any("net_transfers" in event for event in run.events())


async def test_leverage_and_modes_are_followed() -> None:
    """A new leverage is told with its positions; after a change of mode the whole account is told anew."""
    at, runs = now_ms() + 1000, list[Watched]()
    with PlayedRest(rows("900", "100")).open() as played:

        async def script(caller: Caller) -> None:
            await until(lambda: bool(runs and runs[0].events()))
            await caller.say({"e": "ACCOUNT_CONFIG_UPDATE", "E": at, "T": at, "ac": {"s": "BTCUSDT", "l": 25}})
            played.answers["/fapi/v1/multiAssetsMargin"] = {"multiAssetsMargin": True}
            await caller.say({"e": "ACCOUNT_CONFIG_UPDATE", "E": at + 1, "T": at + 1, "ai": {"j": True}})
            await caller.connection.wait_closed()

        async with PlayedVenue([script]).open() as venue, watching(venue, played) as run:
            runs.append(run)
            await until(lambda: len(run.events()) >= 3)
    assert run.events()[1]["positions"] == [{"symbol": "BTCUSDT", "side": "both", "leverage": "25"}]
    assert run.events()[2]["margin_mode"] == "multi_asset"


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("/fapi/v1/listenKey", (401, {"code": -2015, "msg": "Invalid API-key"}), "-2015"),
        ("/fapi/v2/account", (400, {"code": -1021, "msg": "Timestamp for this request is outside"}), "-1021"),
        (
            "/fapi/v2/account",
            {"assets": [{"asset": "USDT", "walletBalance": "5", "crossWalletBalance": "1"}]},
            "add up",
        ),
        ("/fapi/v2/positionRisk", {"what": 1}, "no array"),
    ],
)
async def test_what_fails_is_told_without_a_secret_and_mended(
    path: str, answer: object, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is told of an account that cannot be read whole; why stands in the reasons, no key stands anywhere."""
    caplog.set_level(logging.DEBUG, "monitor")
    good = rows("900", "100")
    with PlayedRest({**good, path: answer}).open() as played:
        async with PlayedVenue([listening]).open() as venue, watching(venue, played) as run:
            await until(lambda: words in "".join(run.watch.why_not_ready()))
            assert run.events() == []
            played.answers |= good
            await until(lambda: bool(run.events()) and run.watch.why_not_ready() == [])
    told = caplog.text + json.dumps(run.watch.seen()) + repr(run.watch._access)
    for secret in (KEY, SECRET, LISTEN_KEY, "signature"):
        assert secret not in told


def state(cross_raw: str, at: int) -> dict[str, Any]:
    """Return a `clearinghouseState` with a cross and an isolated position."""
    cross = {
        "coin": "ETH",
        "szi": "-2",
        "leverage": {"type": "cross", "value": 5},
        "entryPx": "2000",
        "unrealizedPnl": "9",
    }
    apart = {
        "coin": "BTC",
        "szi": "0.1",
        "leverage": {"type": "isolated", "value": 20, "rawUsd": "-5700"},
        "entryPx": "60000",
        "marginUsed": "310",
    }
    return {
        "assetPositions": [{"type": "oneWay", "position": cross}, {"type": "oneWay", "position": apart}],
        "crossMarginSummary": {
            "accountValue": "1",
            "totalNtlPos": "1",
            "totalRawUsd": cross_raw,
            "totalMarginUsed": "1",
        },
        "time": at,
    }


def info(stated: object, mode: Callable[[], object] = lambda: "default") -> Callable[[Asked], object]:
    """Return what answers `/info`: a state, and the mode of the account."""
    return lambda asked: mode() if json.loads(asked.body)["type"] == "userAbstraction" else stated


async def test_an_account_that_its_state_does_not_tell_is_refused_by_name() -> None:
    """Unified, portfolio and unknown modes write nothing, also where a stream goes on telling states; others do."""
    modes: dict[str, object] = {"now": "portfolioMargin"}
    go_on = asyncio.Event()

    async def script(caller: Caller) -> None:
        for _ in range(2):
            request = json.loads(await caller.connection.recv())
            await caller.say({"channel": "subscriptionResponse", "data": request})
        await go_on.wait()
        for raw in ("5000", "4800"):
            data = {"user": ADDRESS, "clearinghouseState": state(raw, now_ms() + 3_000)}
            await caller.say({"channel": "clearinghouseState", "data": data})
        await caller.say({"channel": "user", "data": {"liquidation": {"lid": 1, "liquidated_ntl_pos": "7"}}})
        await caller.connection.wait_closed()

    with PlayedRest({"/info": info(state("4900", now_ms()), lambda: modes["now"])}).open() as played:
        async with (
            PlayedVenue([script]).open() as venue,
            watching(venue, played, "hyperliquid", address=ADDRESS) as run,
        ):
            for mode in ("portfolioMargin", "unifiedAccount", "dexAbstraction", "of tomorrow"):
                modes["now"] = mode
                await until(
                    lambda m=mode: f"not supported: the account's mode is {m!r}" in "".join(run.watch.why_not_ready())
                )  # type: ignore[misc]
            modes["now"] = {"mode": "default"}
            await until(lambda: "userAbstraction is no text" in "".join(run.watch.why_not_ready()))
            assert run.events() == []
            assert not venue.callers
            modes["now"] = "disabled"
            await until(lambda: bool(run.events()) and run.watch.why_not_ready() == [])
            told = len(run.events())
            modes["now"] = "unifiedAccount"
            run.watch._wanted.set()
            await until(lambda: "'unifiedAccount'" in "".join(run.watch.why_not_ready()))
            go_on.set()
            kind = {"kind": "liquidation"}
            await until(lambda: run.registry.get_sample_value("liqmon_feed_account_signals_total", kind) == 1)
            assert len(run.events()) == told


async def test_hyperliquid_accounts_are_read_by_address() -> None:
    """Each state is a snapshot: wallets are raw USD plus positions at entry; the same again, or older, is no news."""
    at = now_ms() + 1000

    async def script(caller: Caller) -> None:
        for _ in range(2):
            request = json.loads(await caller.connection.recv())
            caller.asked.append(request["subscription"])
            await caller.say({"channel": "subscriptionResponse", "data": request})
        for raw, when in (("5000", at), ("5000", at + 1), ("4900", at + 2), ("1", at)):
            data = {"dex": "", "user": ADDRESS, "clearinghouseState": state(raw, when)}
            await caller.say({"channel": "clearinghouseState", "data": data})
        await caller.say({"channel": "user", "data": {"liquidation": {"lid": 1, "liquidated_ntl_pos": "7"}}})
        await caller.connection.wait_closed()

    with PlayedRest({"/info": info(state("4900", at + 2))}).open() as played:
        async with (
            PlayedVenue([script]).open() as venue,
            watching(venue, played, "hyperliquid", address=ADDRESS) as run,
        ):
            await until(
                lambda: run.registry.get_sample_value("liqmon_feed_account_signals_total", {"kind": "liquidation"}) == 1
            )
            await until(lambda: bool(run.events()) and run.events()[-1]["balances"] == {"USDC": "900"})
            assert run.facts() == ({"USDC": 900}, {"ETH": (-2, None), "BTC": (run.facts()[1]["BTC"][0], 300)})
    wallets = [event["balances"]["USDC"] for event in run.events()]
    assert wallets[-1] == "900"
    assert len(wallets) <= 2
    assert venue.callers[0].asked == [
        {"type": "clearinghouseState", "user": ADDRESS},
        {"type": "userEvents", "user": ADDRESS},
    ]


def test_what_an_account_is_read_by_is_asked_for() -> None:
    """Accounts of one venue need a key, of another an address: what is missing is named."""
    with pytest.raises(ValueError, match="key_file and secret_file"):
        VENUES["aster"].accounts.check(AccountAccess(None, ADDRESS))
    with pytest.raises(ValueError, match="address must be 0x"):
        VENUES["hyperliquid"].accounts.check(AccountAccess(ApiKey("k", "s"), "0x12"))
