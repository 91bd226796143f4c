"""A market and a book made from a seed: a recording in the documented form (docs/feeds.md, "Replay"), terms, accounts.

Nothing of the product is used: what is written here is what an operator would have recorded and produced.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SYMBOLS = {"AUSDT": 100.0, "BUSDT": 40.0, "CUSDT": 8.0}
FRAME_MS = 1_000
_BEGIN_MS = 1_700_000_000_000
_STEP = 0.004
_PULL = 0.03
_LEVERAGES = (12.0, 18.0, 25.0, 40.0, 60.0)


def write_recording(path: Path, seed: int, frames: int) -> Path:
    """Write a recording of all marks once a second, as a venue of Binance's family streams them; return its path."""
    dice = random.Random(seed)
    prices = dict(SYMBOLS)
    with path.open("w", encoding="utf-8") as file:
        for number in range(frames):
            at_ms = _BEGIN_MS + number * FRAME_MS
            rows = []
            for symbol, middle in SYMBOLS.items():
                price = prices[symbol] * (1 + dice.gauss(0, _STEP) + _PULL * (middle / prices[symbol] - 1))
                prices[symbol] = price
                rows.append({"e": "markPriceUpdate", "E": at_ms, "s": symbol, "p": f"{price:.6f}", "i": f"{price:.6f}"})
            file.write(f"{at_ms + 40} {json.dumps(rows)}\n")
    return path


def instruments(symbols: dict[str, float]) -> Iterator[dict[str, Any]]:
    """Yield contracts of one bracket each: maintenance 1 %."""
    for symbol in symbols:
        brackets = [{"floor": "0", "rate": "0.01", "max_leverage": "100"}]
        yield {
            "symbol": symbol,
            "status": "trading",
            "contract": "linear",
            "settle_asset": "USDT",
            "brackets": brackets,
        }


def accounts(symbols: dict[str, float], seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield accounts with one position each at the first price, so leveraged that a move of a percent tells apart."""
    dice = random.Random(seed + 1)
    for number in range(count):
        symbol = dice.choice(sorted(symbols))
        price, direction = symbols[symbol], dice.choice((1, -1))
        quantity = round(1_000 / price, 3)
        wallet = 1_000 / dice.choice(_LEVERAGES) * dice.uniform(0.8, 1.2)
        yield {
            "account_id": f"account-{number}",
            "version": 1,
            "event_time_ms": 1,
            "snapshot": True,
            "balances": {"USDT": f"{wallet:.2f}"},
            "positions": [{"symbol": symbol, "quantity": f"{direction * quantity}", "entry_price": f"{price}"}],
        }


def first_prices(path: Path) -> dict[str, float]:
    """Return the first price of each contract in a recording's first frame of marks; other recordings have none."""
    with path.open("rb") as plain:
        is_packed = plain.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_packed else path.open("rb") as lines:
        for line in lines:
            frame = json.loads(line.partition(b" ")[2])
            frame = frame.get("data", frame) if isinstance(frame, dict) else frame
            rows = frame if isinstance(frame, list) else [frame]
            if found := {row["s"]: float(row["p"]) for row in rows if row.get("e") == "markPriceUpdate"}:
                return found
    raise ValueError("has no frame of marks (markPriceUpdate), as docs/feeds.md has them")
