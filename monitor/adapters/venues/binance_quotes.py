"""Best prices and trades in the wire format of Binance's futures, for recordings that hold no marks."""

from __future__ import annotations

from monitor.adapters.venues.values import amount_at, decoded, table, text_at, time_at
from monitor.app.venue_feed.readings import BadFrame
from monitor.app.venue_feed.stand_in import Quote

_ON_THE_MARKET = (None, "MARKET")
"""Other trades, those of the insurance fund and of deleveraging, are made at prices that no market gave."""


def read_quote(frame: bytes) -> Quote | None:
    """Return what a `bookTicker` or `trade` says, None for a trade off the market. Raises `BadFrame`."""
    body = table(decoded(frame))
    if "stream" in body and "data" in body:
        body = table(body["data"], "data")
    kind, symbol, at = body.get("e"), text_at(body, "s"), time_at(body, "E")
    if kind == "bookTicker":
        return Quote(symbol, at, bid=amount_at(body, "b"), ask=amount_at(body, "a"))
    if kind == "trade":
        return Quote(symbol, at, last=amount_at(body, "p")) if body.get("X") in _ON_THE_MARKET else None
    raise BadFrame(f"is neither a bookTicker nor a trade but {str(kind)[:40]!r}")
