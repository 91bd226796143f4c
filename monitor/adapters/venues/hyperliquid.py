"""The wire format of Hyperliquid: `activeAssetCtx` of each coin, and `meta` for contracts and their margin tiers.

Source: mechanics §3.2. Frames state no time: that of their receipt stands for it. `allMids` are no marks and not used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from monitor.adapters.venues.values import amount_at, decoded, rows_of, table, text_at
from monitor.app.venue_feed.ports import ApiKey, Request
from monitor.app.venue_feed.readings import Answer, BadFrame, Nothing, Reading, Row, Rows, Stream
from monitor.app.venue_feed.terms import Terms

SETTLE_ASSET = "USDC"
_CONTEXTS = "activeAssetCtx"
_GREETING = b"Websocket connection established."
_PING = b'{"method":"ping"}'
_PING_SECONDS = 50.0
_EVERY_MS = 3_000
_HOUR_MS = 3_600_000
_ONE_TIER_BELOW = 50
"""Margin tables with a smaller number have one tier, whose leverage is that number."""

_RATES = Context(prec=40)


@dataclass(frozen=True, slots=True)
class HyperliquidDialect:
    """Follow the contexts of coins."""

    venue: str = "hyperliquid"
    websocket_url: str = "wss://api.hyperliquid.xyz/ws"
    streams_per_connection: int = 200

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """The venue closes a connection on which it has had nothing to say for 60 s, unless it is pinged."""
        return _PING, _PING_SECONDS

    def streams(self, symbols: Sequence[str], *, collateral: bool) -> Sequence[Stream]:
        """Return a stream for each coin."""
        if not symbols:
            raise ValueError("hyperliquid has no stream of all marks: feed.symbols has to name coins")
        if collateral:
            raise ValueError("hyperliquid streams no index prices of collateral: feed.collateral must be false")
        return [Stream(f"{_CONTEXTS}:{coin}", _EVERY_MS) for coin in symbols]

    def address(self, base: str) -> str:
        """Return the one address there is."""
        return base

    def subscriptions(self, streams: Sequence[Stream]) -> Sequence[tuple[str, bytes]]:
        """Return a request for each stream."""
        return [(stream.name, _subscribe({"type": _CONTEXTS, "coin": _coin_of(stream)})) for stream in streams]

    def read(self, frame: bytes, received_ms: int) -> Reading:
        """Return what a frame says. Raises `BadFrame`."""
        if frame == _GREETING:
            return Nothing("greeting")
        body = table(decoded(frame))
        channel, data = body.get("channel"), body.get("data")
        if channel == _CONTEXTS:
            row = _mark(table(data, "data"), received_ms)
            return Rows("mark_prices", f"{_CONTEXTS}:{row.name}", (row,))
        if channel == "subscriptionResponse":
            subscription = table(table(data, "data").get("subscription"), "subscription")
            return Answer(f"{subscription.get('type')}:{subscription.get('coin')}")
        if channel == "error":
            return Answer("", str(data)[:200])
        if channel == "pong":
            return Nothing("pong")
        raise BadFrame(f"is of channel {str(channel)[:40]!r}, which was not asked for")


def _coin_of(stream: Stream) -> str:
    return stream.name.partition(":")[2]


def _subscribe(subscription: Mapping[str, str]) -> bytes:
    return json.dumps({"method": "subscribe", "subscription": subscription}).encode()


def _mark(data: Mapping[str, Any], received_ms: int) -> Row:
    """Return one context. Funding is due every full hour, at the rate stated, on the oracle's price."""
    coin, context = text_at(data, "coin"), table(data.get("ctx"), "ctx")
    native: dict[str, Any] = {
        "symbol": coin,
        "mark_price": amount_at(context, "markPx"),
        "index_price": amount_at(context, "oraclePx"),
        "event_time_ms": received_ms,
    }
    if context.get("funding") is not None:
        native["funding_rate"] = amount_at(context, "funding")
        native["next_funding_time_ms"] = (received_ms // _HOUR_MS + 1) * _HOUR_MS
    return Row(coin, received_ms, native)


@dataclass(frozen=True, slots=True)
class HyperliquidTerms:
    """Read contracts and their margin tiers from `meta`, which anybody may ask for."""

    def check(self, key: ApiKey) -> None:
        """Take any: none is needed."""

    def requests(self, key: ApiKey | None, now_ms: int) -> Sequence[Request]:  # noqa: ARG002 - neither is needed here
        """Return the one request."""
        return [_info({"type": "meta"})]

    def read(self, answers: Sequence[bytes], now_ms: int) -> Terms:  # noqa: ARG002 - contracts state no time
        """Return what `meta` says. Raises `BadFrame`."""
        meta = table(decoded(answers[0]), "meta")
        tables = _margin_tables(meta)
        instruments, faults = {}, []
        for place, row in enumerate(rows_of(meta.get("universe"), "universe")):
            try:
                document = _instrument(table(row), tables)
                instruments[document["symbol"]] = document
            except BadFrame as bad:
                faults.append(f"universe[{place}]: {bad}")
        return Terms(instruments, faults=tuple(faults))


def _info(body: Mapping[str, str]) -> Request:
    headers = {"Content-Type": "application/json"}
    return Request("/info", headers=headers, method="POST", body=json.dumps(body).encode())


def _margin_tables(meta: Mapping[str, Any]) -> dict[int, list[dict[str, str]]]:
    found = {}
    for pair in rows_of(meta.get("marginTables"), "marginTables"):
        number, body = rows_of(pair, "marginTables[]")
        tiers = rows_of(table(body).get("marginTiers"), "marginTiers")
        found[number] = [_tier(amount_at(one, "lowerBound"), _leverage(one)) for one in map(table, tiers)]
    return found


def _instrument(row: Mapping[str, Any], tables: Mapping[int, list[dict[str, str]]]) -> dict[str, Any]:
    number = row.get("marginTableId")
    if isinstance(number, int) and number in tables:
        brackets = tables[number]
    elif number is None or (isinstance(number, int) and number < _ONE_TIER_BELOW):
        brackets = [_tier("0", _leverage(row) if number is None else number)]
    else:
        raise BadFrame(f"marginTableId {number!r} is not among the tables")
    name = text_at(row, "name")
    return {
        "symbol": name,
        "status": "closed" if row.get("isDelisted") is True else "trading",
        "contract": "linear",
        "settle_asset": SETTLE_ASSET,
        "base_asset": name,
        "brackets": brackets,
    }


def _leverage(row: Mapping[str, Any]) -> int:
    leverage = row.get("maxLeverage")
    if not isinstance(leverage, int) or isinstance(leverage, bool) or leverage < 1:
        raise BadFrame("maxLeverage is no whole number above 0")
    return leverage


def _tier(floor: str, leverage: int) -> dict[str, str]:
    """Return one bracket: its rate is 1 ÷ (2 · leverage), to 40 digits; deductions follow from the chain."""
    rate = _RATES.divide(Decimal(1), Decimal(2 * leverage))
    return {"floor": floor, "rate": f"{rate:f}", "max_leverage": str(leverage)}
