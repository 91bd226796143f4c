"""Quiet prices: those so old that `mark-prices` may soon forget them are kept in the changelog."""

from __future__ import annotations

from typing import Final

from monitor.app.feed import LOOKBACK_MS
from monitor.app.ports import OutputRecord
from monitor.app.records import RecordMaker
from monitor.core.board import MarketBoard
from monitor.core.intervals import has_passed

QUIET_MS: Final = LOOKBACK_MS // 2
_CHECK_MS: Final = 60_000


class QuietPrices:
    """Know which quiet prices of a board are kept as they are."""

    def __init__(self, board: MarketBoard, maker: RecordMaker) -> None:
        self._board = board
        self._maker = maker
        self._checked_ms = 0
        self._kept: dict[str, tuple[int, bool]] = {}

    def due(self, now_ms: int) -> list[OutputRecord]:
        """Return the records of those that are not, looking for them once in a while."""
        if not has_passed(_CHECK_MS, self._checked_ms, now_ms):
            return []
        self._checked_ms = now_ms
        records: list[OutputRecord] = []
        for symbol, quote in self._board.quotes.items():
            kept = quote.offset, symbol in self._board.quarantine.doubted
            if now_ms - quote.timestamp_ms > QUIET_MS and self._kept.get(symbol) != kept:
                self._kept[symbol] = kept
                records.append(self._maker.price(symbol, quote, quarantined=kept[1]))
        return records
