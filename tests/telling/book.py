"""A seeded market, and accounts that a fall of all prices takes from healthy to a wanted status.

Only the data live here. Brackets are as venues publish them: five to twelve, deductions left to the chain.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

FALL = 0.9
"""What is left of every price."""
RATIOS = {
    "milder": (1.01, 1.49),
    "liquidation": (0.67, 0.99),
    "bankrupt": (-1.5, -0.1),
}
"""The margin ratio E/MM that accounts of each kind have after the fall: watch to margin_call, to takeover, bankrupt."""


@dataclass(frozen=True)
class Contract:
    """Hold one contract: its mark before the fall, and its brackets as (floor, rate, deduction)."""

    symbol: str
    mark: float
    decimals: int
    brackets: tuple[tuple[float, float, float], ...]

    def required(self, notional: float) -> float:
        """Return the requirement of a notional."""
        _, rate, deduction = [bracket for bracket in self.brackets if bracket[0] <= notional][-1]
        return notional * rate - deduction


class Book:
    """Draw a market and accounts with so many positions each; popular contracts are held more often."""

    def __init__(self, seed: int, symbols: int = 400) -> None:
        self._rng = random.Random(f"telling {seed}")
        self.contracts = [self._contract(rank) for rank in range(symbols)]
        self._weights = list(accumulate((rank + 1) ** -0.71 for rank in range(symbols)))

    def _contract(self, rank: int) -> Contract:
        mark = 10 ** self._rng.uniform(-1, 4.8)
        brackets, floor, rate, deduction = [], 0.0, 0.004, 0.0
        for number in range(self._rng.randint(5, 12)):
            brackets.append((floor, rate, deduction))
            floor, before = 50_000.0 * 4**number, rate
            rate = round(min(0.5, rate * 1.6), 4)
            deduction += floor * (rate - before)
        return Contract(f"S{rank:04d}USDT", mark, max(1, 5 - len(str(int(mark)))), tuple(brackets))

    def instruments(self) -> Iterator[tuple[str, bytes]]:
        """Yield the terms of every contract."""
        for contract in self.contracts:
            brackets = [
                {"floor": f"{floor:.0f}", "rate": f"{rate:.4f}", "max_leverage": str(max(1, 125 >> number))}
                for number, (floor, rate, _) in enumerate(contract.brackets)
            ]
            body = {
                "symbol": contract.symbol,
                "contract": "linear",
                "settle_asset": "USDT",
                "base_asset": contract.symbol.removesuffix("USDT"),
                "tick_size": f"{10**-contract.decimals:.{contract.decimals}f}",
                "liquidation_fee_rate": "0.0125",
                "brackets": brackets,
            }
            yield contract.symbol, json.dumps(body).encode()

    def fund(self) -> bytes:
        """Return the state of the fund behind every contract."""
        return json.dumps({"fund": "main", "asset": "USDT", "balance": "250000000", "event_time_ms": 1}).encode()

    def marks(self, left: float, now_ms: int, *, funding: bool) -> bytes:
        """Return one message with every mark at a share of what it was, as a venue sends them: eight decimals."""
        more = {"funding_rate": "0.00010000", "next_funding_time_ms": 1_700_006_400_000} if funding else {}
        return json.dumps(
            [
                {
                    "symbol": contract.symbol,
                    "mark_price": f"{contract.mark * left:.8f}",
                    "index_price": f"{contract.mark * left * 1.0001:.8f}",
                    "event_time_ms": now_ms,
                    **more,
                }
                for contract in self.contracts
            ]
        ).encode()

    def accounts(self, kind: str, count: int, positions: int) -> Iterator[tuple[str, bytes]]:
        """Yield account snapshots that are healthy now, and of a kind after the fall."""
        for number in range(count):
            account_id = f"{kind}-{number:07d}"
            yield account_id, json.dumps(self._account(account_id, kind, positions)).encode()

    def _account(self, account_id: str, kind: str, positions: int) -> dict[str, Any]:
        rng = self._rng
        while True:
            held = {one.symbol: one for one in rng.choices(self.contracts, cum_weights=self._weights, k=positions)}
            rows, before, after = [], [0.0, 0.0], [0.0, 0.0]
            for contract in held.values():
                quantity = (1 if rng.random() < 0.85 else -1) * rng.lognormvariate(8, 1.8) / contract.mark
                entry = round(contract.mark * rng.uniform(0.95, 1.05), contract.decimals)
                quantity = round(quantity, 3) or 0.001
                for sums, price in ((before, contract.mark), (after, contract.mark * FALL)):
                    sums[0] += quantity * (price - entry)
                    sums[1] += contract.required(abs(quantity) * price)
                rows.append(
                    {
                        "symbol": contract.symbol,
                        "quantity": f"{quantity:.3f}",
                        "entry_price": f"{entry:.{contract.decimals}f}",
                        "leverage": str(rng.choice((3, 5, 10, 20, 25, 50))),
                    }
                )
            wallet = rng.uniform(*RATIOS[kind]) * after[1] - after[0]
            if len(rows) == positions and wallet + before[0] > 1.6 * before[1]:
                break
        return {
            "account_id": account_id,
            "version": rng.randint(1, 10**6),
            "event_time_ms": 1_700_000_000_000,
            "snapshot": True,
            "balances": {"USDT": f"{wallet:.8f}"},
            "positions": rows,
        }
