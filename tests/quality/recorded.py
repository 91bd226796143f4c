"""The recorded series as price messages: the middle of bid and ask as mark, the other contract of its coin as index.

Nothing of the recording is part of the repository; whoever has none skips.
"""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

from monitor.core.prices import PriceUpdate
from tests.house.source import ROOT

FOLDER = ROOT.parent / "shared" / "data" / "binance-20240808"
_PAIRS = (("usdm_btcusdt", "cm_btcusd_perp"), ("usdm_ethusdt", "cm_ethusd_perp"))
Message = tuple[int, tuple[PriceUpdate, ...]]


def messages_of(folder: Path, step_ms: int) -> list[Message]:
    """Return a message of all contracts at every step for which each has been quoted, with the receive time in ms."""
    series: dict[str, dict[int, Decimal]] = {}
    for pair in _PAIRS:
        for name in pair:
            series[name] = _middles(next(folder.glob(f"{name}*.gz")), step_ms)
    steps = sorted(set.intersection(*(set(one) for one in series.values())))
    return [
        (
            step * step_ms,
            tuple(
                PriceUpdate(name, series[name][step], series[other][step], None, None, step * step_ms)
                for pair in _PAIRS
                for name, other in (pair, pair[::-1])
            ),
        )
        for step in steps
    ]


def _middles(file: Path, step_ms: int) -> dict[int, Decimal]:
    """Return the last middle of each step."""
    found: dict[int, Decimal] = {}
    with gzip.open(file, "rt") as lines:
        for line in lines:
            received, _, frame = line.partition(" ")
            data = json.loads(frame).get("data", {})
            if data.get("e") == "bookTicker":
                found[int(received) // 1_000_000 // step_ms] = (Decimal(data["b"]) + Decimal(data["a"])) / 2
    return found
