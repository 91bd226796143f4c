"""A stand-in for marks, for recordings that hold none: the median of best bid, best ask and last trade, once a second.

It is not the venue's mark: that is made with an index and a funding rate, which such frames do not tell. So a stand-in
states neither, follows the contract's own book, and jumps with it. Used by replays only, and only when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.app.venue_feed.readings import Row, Rows

STREAM = "stand-in"
_EVERY_MS = 1000


class Quote(NamedTuple):
    """Hold what a frame says of a contract's own market: the best prices, or the last trade."""

    symbol: str
    event_time_ms: int
    bid: str | None = None
    ask: str | None = None
    last: str | None = None


@dataclass(slots=True)
class _Book:
    event_time_ms: int = 0
    bid: str | None = None
    ask: str | None = None
    last: str | None = None
    is_new: bool = False

    def median(self) -> str | None:
        """Return the middle one of the three, None while one is missing or not above 0."""
        known = [price for price in (self.bid, self.ask, self.last) if price is not None and Decimal(price) > 0]
        return sorted(known, key=Decimal)[1] if len(known) == 3 else None


class StandIn:
    """Follow quotes, and give what stands for their marks at the turn of each second of the recording."""

    def __init__(self) -> None:
        self._books: dict[str, _Book] = {}
        self._second: int | None = None

    def turn(self, received_ms: int) -> Rows | None:
        """Return the rows at the turn of a second of the recording, None within one and where nothing came."""
        second = received_ms // _EVERY_MS
        if second == self._second:
            return None
        self._second = second
        rows = []
        for symbol, book in self._books.items():
            price = book.median()
            if book.is_new and price is not None:
                body: dict[str, Any] = {
                    "symbol": symbol,
                    "mark_price": price,
                    "event_time_ms": book.event_time_ms,
                }
                rows.append(Row(symbol, book.event_time_ms, body))
                book.is_new = False
        return Rows("mark_prices", STREAM, tuple(rows)) if rows else None

    def take(self, quote: Quote) -> None:
        """Take note of a quote; what it does not state stays as it was."""
        book = self._books.setdefault(quote.symbol, _Book())
        if quote.event_time_ms < book.event_time_ms:
            return
        book.event_time_ms, book.is_new = quote.event_time_ms, True
        book.bid, book.ask, book.last = quote.bid or book.bid, quote.ask or book.ask, quote.last or book.last
