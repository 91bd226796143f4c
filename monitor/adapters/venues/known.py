"""The venues that are known, by the name in the command."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.adapters.venues.binance import BinanceDialect
from monitor.app.venue_feed.ports import Dialect

DIALECTS: Mapping[str, Dialect] = {
    "aster": BinanceDialect("aster", "wss://fstream.asterdex.com", streams_per_connection=200),
    "binance-usdm": BinanceDialect(
        "binance-usdm", "wss://fstream.binance.com", streams_per_connection=1024, has_indexes=True
    ),
    "binance-coinm": BinanceDialect(
        "binance-coinm", "wss://dstream.binance.com", streams_per_connection=200, has_all_marks=False
    ),
}
