"""A random market and random accounts for storms, as messages: plain ones, and every kind that must go the plain way.

Only the data live here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from monitor.core.funds import InsuranceFund

ODD_SYMBOLS = ("S", 'q"t', "back\\slash", "é口")
SECOND_ASSET = 'U"\\Cé'
ODD_IDS = ('quote"d', "back\\slash", "naïve", "tab-free", "口座", "p|ipe")
LEVERAGES = ("1", "3", "7", "10", "12.5", "15", "20", "33", "50", "125", None)
MODES = ("cross", "cross", "cross", "isolated", "hedge", "multi_asset", "settings", "orders", "two_pools")


class Market:
    """Draw contracts, assets, prices and accounts; the same seed draws the same."""

    def __init__(self, seed: int, symbols: int = 14) -> None:
        self.rng = random.Random(f"storm {seed}")
        self.symbols = [
            f"{ODD_SYMBOLS[number // 2 % 4]}{number}USD" + ("" if number % 3 else "T") for number in range(symbols)
        ]
        self.marks = {symbol: 10 ** self.rng.uniform(-4, 4.5) for symbol in self.symbols}
        self.funds_by_symbol = {symbol: self.rng.random() < 0.7 for symbol in self.symbols}

    def instrument(self, symbol: str) -> bytes:
        """Return the terms of a contract: chained or published deductions, sizes, fees; one in seven is inverse."""
        rng, brackets, floor, rate = self.rng, [], 0, rng_rate(self.rng)
        for number in range(rng.randint(1, 7)):
            row = {"floor": str(floor), "rate": f"{rate:.4f}"}
            if rng.random() < 0.8:
                row["max_leverage"] = str(max(1, 125 >> number))
            if number and rng.random() < 0.15:
                row["deduction"] = f"{floor * rate * rng.uniform(0, 0.9):.2f}"
            brackets.append(row)
            floor, rate = floor * 3 + rng.choice((500, 5_000, 50_000)), min(0.9, rate * rng.uniform(1.1, 2))
        body: dict[str, Any] = {
            "symbol": symbol,
            "contract": "inverse" if self.symbols.index(symbol) % 7 == 6 else "linear",
            "settle_asset": SECOND_ASSET if self.symbols.index(symbol) % 5 == 4 else "USDT",
            "brackets": brackets,
            "contract_size": rng.choice(("1", "1", "0.1", "10", "1000")),
            "closing_fee_rate": rng.choice(("0", "0", "0.0005")),
            "liquidation_fee_rate": rng.choice(("0", "0.0125", "0.005")),
        }
        if rng.random() < 0.7:
            body["base_asset"] = rng.choice(("BTC", "ETH", symbol[:2]))
        return json.dumps(body).encode()

    def asset(self, name: str) -> bytes:
        """Return the terms of an asset."""
        return json.dumps({"asset": name, "index_price": "0.9998" if name < "D" else "1", "event_time_ms": 1}).encode()

    def funds(self, seed: int) -> list[InsuranceFund]:
        """Return no fund, or one of an asset, one of some contracts, and one of others that holds another asset."""
        named, others = frozenset(self.symbols[::3]), frozenset(self.symbols[1::6])
        every = [
            InsuranceFund("all", "USDT", Decimal("1234.50"), 1),
            InsuranceFund("named", "USDT", Decimal("0.1"), 1, named),
            InsuranceFund("coins", SECOND_ASSET, Decimal(7), 1, others),
        ]
        return every[: seed % 2 * 3]

    def prices(self, time_ms: int, move: float) -> bytes:
        """Return one message with all marks moved by about a share, some with funding."""
        rng, rows = self.rng, []
        for symbol in self.symbols:
            self.marks[symbol] *= 1 + move * rng.uniform(0.6, 1.2)
            row: dict[str, Any] = {
                "symbol": symbol,
                "mark_price": f"{self.marks[symbol]:.{rng.choice((2, 5, 8, 8))}f}",
                "event_time_ms": time_ms + rng.randint(0, 3),
            }
            if float(row["mark_price"]) <= 0:
                row["mark_price"] = f"{self.marks[symbol]:.10f}"
            if self.funds_by_symbol[symbol]:
                row |= {"funding_rate": f"{rng.uniform(-0.001, 0.001):.6f}"}
                if rng.random() < 0.8:
                    row["next_funding_time_ms"] = rng.choice((1_700_000_000_000, 1_700_003_600_000))
            rows.append(row)
        return json.dumps(rows).encode()

    def accounts(self, count: int) -> Iterator[tuple[str, bytes]]:
        """Yield id and snapshot of so many accounts, all kinds mixed."""
        for number in range(count):
            odd = ODD_IDS[number % len(ODD_IDS)] if number % 11 == 0 else "a"
            account_id = f"{odd}-{number}"
            yield account_id, json.dumps(self._account(account_id, self.rng.choice(MODES))).encode()

    def _account(self, account_id: str, mode: str) -> dict[str, Any]:
        rng = self.rng
        held = rng.sample(self.symbols, rng.randint(1, 6))
        rows = [self._position(symbol, mode) for symbol in held]
        if mode == "hedge":
            rows += [self._position(held[0], mode, twin=True)]
        gross = sum(abs(float(row["quantity"])) * self.marks[row["symbol"]] for row in rows)
        body: dict[str, Any] = {
            "account_id": account_id,
            "version": rng.randint(1, 10**9),
            "event_time_ms": rng.randint(1, 10**12),
            "snapshot": True,
            "positions": rows,
            "balances": {"USDT": f"{gross * rng.uniform(0.01, 0.5):.{rng.randint(0, 8)}f}"},
        }
        if mode == "two_pools" or rng.random() < 0.1:
            body["balances"][SECOND_ASSET] = f"{gross * rng.uniform(0.01, 0.3):.4f}"
        if rng.random() < 0.1:
            body["balances"].pop("USDT")
        body |= {
            "hedge": {"position_mode": "hedge"},
            "multi_asset": {"margin_mode": "multi_asset"},
            "settings": {"settings": {"labels": {"desk": "x"}, "leverage": {held[0]: "7"}}},
            "orders": {"open_order_initial_margin": {"cross:USDT": "1.5"}},
        }.get(mode, {})
        return body

    def _position(self, symbol: str, mode: str, *, twin: bool = False) -> dict[str, Any]:
        rng, mark = self.rng, self.marks[symbol]
        size = max(10 ** rng.uniform(1, 5.5) / mark, 0.001)
        short = twin or (mode != "hedge" and rng.random() < 0.3)
        row: dict[str, Any] = {
            "symbol": symbol,
            "quantity": ("-" if short else "") + f"{size:.3f}",
            "entry_price": f"{mark * rng.uniform(0.9, 1.1):.8f}",
        }
        if mode == "hedge":
            row["side"] = "short" if short else "long"
        if mode == "isolated" and rng.random() < 0.7:
            row |= {"margin_type": "isolated", "isolated_wallet": f"{size * mark * rng.uniform(0.02, 0.4):.6f}"}
        leverage = rng.choice(LEVERAGES)
        if leverage is not None:
            row["leverage"] = leverage
        return row


def rng_rate(rng: random.Random) -> float:
    """Return the rate of a first bracket."""
    return rng.choice((0.004, 0.005, 0.01, 0.025))
