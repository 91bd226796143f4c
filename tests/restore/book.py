"""A seeded book of healthy accounts as changelog records, and the market they were shown in.

Only the data live here. Facts and memory are packed by the product's own code, as its changelog would hold them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate

from monitor.core.accounts import Account, Position, Side
from monitor.core.facts import pack
from monitor.core.told import Remembered, Told, pack_memory

SYMBOLS = 400
SHOWN_HEALTHY = pack_memory({"cross:USDT": Remembered(Told(), 0)})


class Book:
    """Draw accounts with about so many positions each; most hold few symbols, popular ones more often."""

    def __init__(self, seed: int, positions: int) -> None:
        self._rng = random.Random(seed)
        self._positions = positions
        self.symbols = [f"S{rank:04d}USDT" for rank in range(SYMBOLS)]
        self.marks = {symbol: f"{self._rng.uniform(0.01, 60_000):.4f}" for symbol in self.symbols}
        self._weights = list(accumulate((rank + 1) ** -0.71 for rank in range(SYMBOLS)))

    def instruments(self) -> Iterator[tuple[str, bytes]]:
        """Yield the terms of every contract."""
        brackets = [
            {"floor": "0", "rate": "0.004", "max_leverage": "125"},
            {"floor": "50000", "rate": "0.005", "max_leverage": "100"},
            {"floor": "600000", "rate": "0.01", "max_leverage": "50"},
            {"floor": "5000000", "rate": "0.05", "max_leverage": "10"},
        ]
        for symbol in self.symbols:
            body = {
                "symbol": symbol,
                "status": "trading",
                "contract": "linear",
                "settle_asset": "USDT",
                "base_asset": symbol.removesuffix("USDT"),
                "brackets": brackets,
            }
            yield symbol, json.dumps(body).encode()

    def prices(self, now_ms: int) -> bytes:
        """Return one message with all marks."""
        marks = [{"symbol": name, "mark_price": mark, "event_time_ms": now_ms} for name, mark in self.marks.items()]
        return json.dumps(marks).encode()

    def accounts(self, count: int, now_ms: int) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield id, packed facts and packed memory of so many accounts."""
        rng = self._rng
        for number in range(count):
            size = min(200, max(1, round(rng.expovariate(1 / self._positions))))
            positions, gross = {}, 0.0
            for symbol in set(rng.choices(self.symbols, cum_weights=self._weights, k=size)):
                mark = float(self.marks[symbol])
                value = rng.choice([1, -1]) * rng.lognormvariate(7, 1.5)
                quantity = Decimal(f"{value / mark:.3f}") or Decimal("0.001")
                entry = Decimal(f"{mark * rng.uniform(0.9, 1.1):.4f}")
                positions[symbol, Side.BOTH] = Position(symbol, Side.BOTH, quantity, entry)
                gross += abs(float(quantity) * mark)
            wallet = Decimal(f"{gross * rng.uniform(0.5, 2) + 10:.8f}")
            account = Account(
                f"account-{number:08d}",
                balances={"USDT": wallet},
                positions=positions,
                version=rng.randint(1, 10**6),
                event_time_ms=now_ms,
                complete=True,
            )
            yield account.account_id, pack(account), SHOWN_HEALTHY
