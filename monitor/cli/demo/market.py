"""The demo's market: a recorded series, a shock, and the terms of its four contracts.

Playing it is the conductor's business.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from typing import Any, NamedTuple

from monitor.app.topics import TopicNames

STEP_MS = 250

# Binance USD-M brackets of 24 October 2024, as collected by freqtrade (binance_leverage_tiers.json @c9ae5e1); floors,
# rates and maximum leverage, the deductions follow by the chain.
_BTC = [
    ("0", "0.004", "125"),
    ("50000", "0.005", "100"),
    ("600000", "0.0065", "75"),
    ("3000000", "0.01", "50"),
    ("12000000", "0.02", "25"),
    ("70000000", "0.025", "20"),
    ("100000000", "0.05", "10"),
]
# The figures of the other three are made up in the same shape; inverse floors are in coin.
_ETH = [
    ("0", "0.004", "125"),
    ("50000", "0.005", "100"),
    ("600000", "0.0075", "75"),
    ("3000000", "0.01", "50"),
    ("12000000", "0.02", "25"),
    ("50000000", "0.05", "10"),
]
_COIN_BTC = [("0", "0.004", "125"), ("5", "0.005", "100"), ("10", "0.01", "50"), ("20", "0.025", "20")]
_COIN_ETH = [("0", "0.005", "100"), ("50", "0.0065", "75"), ("100", "0.01", "50"), ("500", "0.02", "25")]


def _terms(contract: str, settle: str, base: str, size: str, brackets: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "contract": contract,
        "settle_asset": settle,
        "base_asset": base,
        "contract_size": size,
        "brackets": [{"floor": floor, "rate": rate, "max_leverage": most} for floor, rate, most in brackets],
        "status": "trading",
    }


INSTRUMENTS: dict[str, dict[str, Any]] = {
    "BTCUSDT": _terms("linear", "USDT", "BTC", "1", _BTC),
    "ETHUSDT": _terms("linear", "USDT", "ETH", "1", _ETH),
    "BTCUSD_PERP": _terms("inverse", "BTC", "BTC", "100", _COIN_BTC),
    "ETHUSD_PERP": _terms("inverse", "ETH", "ETH", "10", _COIN_ETH),
}

ASSETS: dict[str, dict[str, Any]] = {
    "USDT": {"index_price": "1", "collateral_ratio": "0.9999"},
    "USDC": {"index_price": "1", "collateral_ratio": "0.9999"},
    "BTC": {"index_symbol": "BTCUSDT", "collateral_ratio": "0.95"},
    "ETH": {"index_symbol": "ETHUSDT", "collateral_ratio": "0.95"},
}

FUNDS: dict[str, dict[str, Any]] = {
    "usdt": {"asset": "USDT", "balance": "1000"},
    "btc": {"asset": "BTC", "balance": "0.01"},
    "eth": {"asset": "ETH", "balance": "0.2"},
}
"""Insurance funds that stand for a beginning, and are used up by a shock of a few percent."""


def standing_inputs(topics: TopicNames, time_ms: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield topic, key and body of what stands before anything is priced: terms, collateral, insurance funds."""
    for symbol, body in INSTRUMENTS.items():
        yield topics.instruments, symbol, {"symbol": symbol, **body}
    for asset, body in ASSETS.items():
        yield topics.assets, asset, {"asset": asset, "event_time_ms": time_ms, **body}
    for fund, body in FUNDS.items():
        yield topics.insurance_funds, fund, {"fund": fund, "event_time_ms": time_ms, **body}


class Row(NamedTuple):
    """Hold one instant of the series: the mark of every symbol."""

    time_ms: int
    marks: dict[str, Decimal]


def recorded() -> list[Row]:
    """Return the recorded series, a row every `STEP_MS`."""
    packed = files("monitor.cli.demo").joinpath("recording.csv.gz").read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(packed).decode()))
    return [Row(int(row.pop("time_ms")), {name: Decimal(mark) for name, mark in row.items()}) for row in rows]


def played(shock: Decimal, shock_at_row: int, rows_of_shock: int) -> Iterator[Row]:
    """Yield the series there and back for ever, all marks moved by `shock` over some rows from `shock_at_row` on."""
    series = recorded()
    number = 0
    while True:
        for row in (*series, *reversed(series)):
            share = Decimal(min(max(number - shock_at_row, 0), rows_of_shock)) / rows_of_shock
            factor = 1 + shock * share
            yield Row(row.time_ms, {name: round(mark * factor, 4) for name, mark in row.marks.items()})
            number += 1


def price_message(row: Row, event_time_ms: int) -> list[dict[str, Any]]:
    """Return the row as one `mark-prices` message; a linear mark stands for its index as well."""
    return [
        {"symbol": name, "mark_price": str(mark), "index_price": str(mark), "event_time_ms": event_time_ms}
        for name, mark in row.marks.items()
    ]
