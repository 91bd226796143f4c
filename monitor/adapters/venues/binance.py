"""The wire format of Binance's futures, which Aster has as well: public streams and what they say.

Source: mechanics §3.1. Streams are subscribed to on a raw connection, so that refusals are answered. Payloads wrapped
in `{"stream": …, "data": …}`, as combined connections and recordings have them, are read too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.adapters.venues.values import amount_at, decoded, rows_of, table, text_at, time_at
from monitor.app.venue_feed.readings import Answer, BadFrame, Nothing, Reading, Role, Row, Rows, Stream

ALL_MARKS = "!markPrice@arr@1s"
ALL_INDEXES = "!assetIndex@arr"
_NAMES_A_REQUEST = 50
_EVERY_MS = 1000
_QUOTE = "USD"


@dataclass(frozen=True, slots=True)
class BinanceDialect:
    """Speak with a venue of the family. `has_all_marks`, `has_indexes`: it has the stream of that kind."""

    venue: str
    websocket_url: str
    streams_per_connection: int
    has_all_marks: bool = True
    has_indexes: bool = False

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """Nothing but pings: the venue pings by itself."""
        return None

    def streams(self, symbols: Sequence[str], *, collateral: bool) -> Sequence[Stream]:
        """Return the stream of all marks, or one for each symbol, and the one of the assets' index prices."""
        if not symbols and not self.has_all_marks:
            raise ValueError(f"{self.venue} has no stream of all contracts: feed.symbols has to name some")
        if collateral and not self.has_indexes:
            raise ValueError(f"{self.venue} has no stream of index prices of assets: feed.collateral must be false")
        names = [_stream_of(symbol) for symbol in symbols] or [ALL_MARKS]
        return [Stream(name, _EVERY_MS) for name in (*names, *([ALL_INDEXES] if collateral else []))]

    def address(self, base: str) -> str:
        """Return the address of raw connections."""
        return f"{base.rstrip('/')}/ws"

    def subscriptions(self, streams: Sequence[Stream]) -> Sequence[tuple[str, bytes]]:
        """Return requests of some dozens of names each: a connection may send ten messages a second."""
        names = [stream.name for stream in streams]
        parts = [names[start : start + _NAMES_A_REQUEST] for start in range(0, len(names), _NAMES_A_REQUEST)]
        return [
            (str(number), json.dumps({"method": "SUBSCRIBE", "params": part, "id": number}).encode())
            for number, part in enumerate(parts, 1)
        ]

    def read(self, frame: bytes, received_ms: int) -> Reading:  # noqa: ARG002 - this venue states its times
        """Return what a frame says. Raises `BadFrame`."""
        document = decoded(frame)
        if isinstance(document, dict) and "stream" in document and "data" in document:
            document = document["data"]
        if isinstance(document, list):
            return _of_array(document)
        body = table(document)
        if "id" in body and ("result" in body or "error" in body):
            return _answer(body)
        if "error" in body or "code" in body:
            return Answer("", _fault_of(body))
        kind = body.get("e")
        if kind == "markPriceUpdate":
            row = _mark(body)
            return Rows("mark_prices", _stream_of(row.name), (row,))
        raise BadFrame(f"is an event of kind {str(kind)[:40]!r}, which was not asked for")


def _stream_of(symbol: str) -> str:
    return f"{symbol.lower()}@markPrice@1s"


def _answer(body: Mapping[str, Any]) -> Answer:
    number = body["id"]
    return Answer(str(number), _fault_of(body) if "error" in body or body.get("result") is not None else None)


def _fault_of(body: Mapping[str, Any]) -> str:
    error = body.get("error", body)
    if isinstance(error, dict):
        return f"{error.get('code')}: {str(error.get('msg'))[:200]}"
    return str(error)[:200]


def _of_array(elements: list[Any]) -> Rows | Nothing:
    """Return the rows of an array; elements that cannot be read are left out and named."""
    if not elements:
        return Nothing("empty array")
    first = elements[0]
    kind = first.get("e") if isinstance(first, dict) else None
    if kind not in _ARRAYS:
        raise BadFrame(f"is an array of {str(kind)[:40]!r}, which was not asked for")
    role, stream, read = _ARRAYS[kind]
    rows, faults = [], []
    for place, element in enumerate(rows_of(elements)):
        try:
            rows.append(read(table(element)))
        except BadFrame as bad:
            faults.append(f"[{place}].{bad}")
    return Rows(role, stream, tuple(rows), tuple(faults))


def _mark(body: Mapping[str, Any]) -> Row:
    """Return one `markPriceUpdate`. `P` counts in the last hour only, when the mark is made of it anyway."""
    symbol, event_time_ms = text_at(body, "s"), time_at(body, "E")
    native: dict[str, Any] = {
        "symbol": symbol,
        "mark_price": amount_at(body, "p"),
        "event_time_ms": event_time_ms,
    }
    if body.get("i"):
        native["index_price"] = amount_at(body, "i")
    if body.get("r"):  # contracts with a delivery date state an empty one
        native["funding_rate"] = amount_at(body, "r")
        if body.get("T"):
            native["next_funding_time_ms"] = time_at(body, "T")
    return Row(symbol, event_time_ms, native)


def _index(body: Mapping[str, Any]) -> Row:
    """Return one `assetIndexUpdate`: `s` is the asset with USD behind it, `b` and `a` are its buffers."""
    symbol, event_time_ms = text_at(body, "s"), time_at(body, "E")
    asset = symbol.removesuffix(_QUOTE)
    if not asset or asset == symbol:
        raise BadFrame(f"s: {symbol[:40]!r} is no asset in {_QUOTE}")
    native = {
        "asset": asset,
        "index_price": amount_at(body, "i"),
        "bid_buffer": amount_at(body, "b"),
        "ask_buffer": amount_at(body, "a"),
        "event_time_ms": event_time_ms,
    }
    return Row(asset, event_time_ms, native)


_ARRAYS: Mapping[Any, tuple[Role, str, Callable[[Mapping[str, Any]], Row]]] = {
    "markPriceUpdate": ("mark_prices", ALL_MARKS, _mark),
    "assetIndexUpdate": ("assets", ALL_INDEXES, _index),
}
