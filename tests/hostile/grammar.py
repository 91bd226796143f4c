"""The grammar: messages the contract allows, drawn from a seed; written from the contract, not from our shapes.

Whom they may concern is decided here: what an attacker may say of the world, and what of the witnesses is only said by
the script, in `script`.
"""

from __future__ import annotations

from random import Random
from typing import Any

BEGIN_MS = 1_700_000_000_000
SYMBOLS = [
    *(f"H{number}USDT" for number in range(12)),
    "xyz:A", "é", "1INCH", 'q"t', "a.b", "[0]", "a b", "日本", "x" * 256, "é" * 128, "\u202eABC", "isolated:X:long",
]  # fmt: skip
ASSETS = ["USDT", "USDC", "BTC", "ETH", "USD", "é", "a.b", "y" * 256, "cross:USDT", "1"]
FUNDS = ["main", "second", "third fund", "é"]
ACCOUNTS = [
    *(f"h{number}" for number in range(120)),
    "a|b",
    "a|cross:USDT",
    "|",
    "ü" * 128,
    "z" * 256,
    "[0]",
    "{}",
    "null",
]

Node = dict[str, Any]


class Grammar:
    """Draw valid messages."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now_ms = BEGIN_MS
        self.minted = 0
        self.versions: dict[str, int] = {}
        self.modes: dict[str, bool] = {}

    # ------------------------------------------------------------------------------------------------- values
    def amount(self, low: int = -6, high: int = 6, *, signed: bool = False) -> str | int:
        """Return an amount of an order of magnitude between two powers of ten."""
        random = self.random
        kind = random.random()
        if kind < 0.04:
            return random.randrange(1, 10**6)
        if kind < 0.06:
            text = "1." + "7" * random.randrange(1, 63)
        elif kind < 0.08:
            text = random.choice(["1" + "0" * 30, "0." + "0" * 29 + "1"])
        else:
            power = random.randint(low, high)
            digits = str(random.randrange(1, 10**6))
            text = digits + "0" * max(power, 0) if power >= 0 else "0." + "0" * (-power - 1) + digits
        return "-" + text if signed and random.random() < 0.5 else text

    def rate(self) -> str:
        """Return a number from 0 to 1."""
        return self.random.choice(["0", "1", "0.004", "0.05", "0.5", "0.123456789", "1.000", "0.0"])

    def time(self) -> int:
        """Return a time that is not ahead of the clock."""
        late = self.random.choice([0, 0, 0, 1, 1000, 10**9, self.now_ms])
        return self.now_ms - late

    # ------------------------------------------------------------------------------------------------- messages
    def price(self, symbol: str | None = None) -> Node:
        """Return one price."""
        random = self.random
        body: Node = {
            "symbol": symbol or random.choice(SYMBOLS),
            "mark_price": str(random.randrange(980, 1020)) if random.random() < 0.9 else self.amount(-2, 3),
            "event_time_ms": self.time(),
        }
        if random.random() < 0.3:
            body["index_price"] = self.amount(-2, 3)
        if random.random() < 0.2:
            body |= {"funding_rate": random.choice(["0.0001", "-0.003", "0", 0]), "next_funding_time_ms": self.time()}
        return body

    def prices(self) -> Node | list[Node]:
        """Return a price message: one object, or an array."""
        if self.random.random() < 0.6:
            return self.price()
        return [self.price() for _ in range(self.random.choice([1, 2, 3, 5, 20]))]

    def instrument(self, symbol: str | None = None) -> Node:
        """Return the terms of a contract."""
        random = self.random
        floors = sorted(random.sample(range(1, 10**7), random.choice([0, 1, 2, 5, 15])))
        rates = sorted(random.choice(["0.004", "0.01", "0.05", "0.1", "0.5", "1"]) for _ in range(len(floors) + 1))
        body: Node = {
            "symbol": symbol or random.choice(SYMBOLS),
            "contract": random.choice(["linear", "linear", "inverse"]),
            "settle_asset": random.choice(ASSETS),
            "brackets": [{"floor": str(floor), "rate": rate} for floor, rate in zip([0, *floors], rates, strict=True)],
        }
        extra: Node = {
            "base_asset": random.choice(ASSETS),
            "contract_size": random.choice(["1", "100", "0.001", 1]),
            "tick_size": "0.1",
            "maintenance_basis": random.choice(["mark", "entry"]),
            "closing_fee_rate": self.rate(),
            "liquidation_fee_rate": self.rate(),
            "status": random.choice(["trading", "pre_settle", "settling", "closed"]),
            "sector": random.choice(["layer1", "meme", "é"]),
            "confirm": random.random() < 0.7,
        }
        return body | {key: value for key, value in extra.items() if random.random() < 0.4}

    def asset(self) -> Node:
        """Return the terms of an asset."""
        random = self.random
        body: Node = {"asset": random.choice(ASSETS), "event_time_ms": self.time()}
        if random.random() < 0.3:
            body["index_symbol"] = random.choice(SYMBOLS)
        if "index_symbol" not in body or random.random() < 0.3:
            body["index_price"] = self.amount(-2, 3)
        for key in ("bid_buffer", "ask_buffer", "collateral_ratio"):
            if random.random() < 0.3:
                body[key] = self.rate()
        if random.random() < 0.2:
            body["margin_available"] = random.random() < 0.5
        return body

    def fund(self) -> Node:
        """Return the state of an insurance fund."""
        random = self.random
        body: Node = {
            "fund": random.choice(FUNDS),
            "asset": random.choice(ASSETS),
            "balance": self.amount(-2, 6, signed=True),
            "event_time_ms": self.time(),
        }
        if random.random() < 0.3:
            body["symbols"] = random.sample(SYMBOLS, 3)
        return body

    def account_id(self) -> str:
        """Return an account: one of the pool, or one nobody has seen."""
        if self.random.random() < 0.1:
            self.minted += 1
            return f"m{self.minted}"
        return self.random.choice(ACCOUNTS)

    def account(self, account_id: str | None = None) -> Node:
        """Return an account event that is newer than what was sent of the account."""
        random = self.random
        chosen = account_id or self.account_id()
        version = self.versions[chosen] = self.versions.get(chosen, 0) + random.choice([1, 1, 1, 7])
        body: Node = {"account_id": chosen, "version": version, "event_time_ms": self.time()}
        fresh = random.random() < 0.35
        if fresh:
            body["snapshot"] = True
            self.modes[chosen] = random.random() < 0.2
        if random.random() < 0.02:
            return body | {"deleted": True}
        if chosen[0] == "m" and chosen[1:].isdigit():
            return body | {"snapshot": True, "balances": {"USDT": "0.00001"}}
        hedge = self.modes.get(chosen, False)
        if fresh and hedge:
            body["position_mode"] = "hedge"
        if random.random() < 0.7:
            names = random.sample(ASSETS, random.choice([0, 1, 1, 2, 4]))
            body["balances"] = {asset: self.amount(-2, 5, signed=random.random() < 0.2) for asset in names}
        if random.random() < 0.8:
            count = random.choice([0, 1, 1, 2, 8]) if random.random() < 0.3 else random.randrange(2)
            body["positions"] = [self.position(symbol, hedge=hedge) for symbol in random.sample(SYMBOLS, count)]
        body |= self._rarely()
        return body

    def _rarely(self) -> Node:
        """Return the parts that few events have."""
        random = self.random
        parts: list[tuple[float, str, Any]] = [
            (0.2, "margin_mode", lambda: random.choice(["single_asset", "multi_asset", "portfolio"])),
            (0.1, "settings", self.settings),
            (0.1, "open_order_initial_margin", lambda: {random.choice(["cross:USDT", "portfolio"]): self.amount()}),
            (0.1, "net_transfers", lambda: {random.choice(ASSETS): self.amount(signed=True)}),
        ]
        return {name: make() for chance, name, make in parts if random.random() < chance}

    def position(self, symbol: str, *, hedge: bool) -> Node:
        """Return one position with all that a new one needs."""
        random = self.random
        side = random.choice(["long", "short"]) if hedge else "both"
        quantity = "0" if random.random() < 0.15 else str(self.amount(-3, 2))
        if quantity != "0" and (side == "short" or (side == "both" and random.random() < 0.5)):
            quantity = "-" + quantity
        body: Node = {"symbol": symbol, "quantity": quantity, "entry_price": self.amount(-2, 3)}
        if hedge or random.random() < 0.3:
            body["side"] = side
        if random.random() < 0.3:
            body |= {"margin_type": "isolated", "isolated_wallet": self.amount(-2, 3, signed=random.random() < 0.2)}
        if random.random() < 0.3:
            body["leverage"] = random.choice(["20", 5, "1", "125", "0.5"])
        return body

    def settings(self) -> Node:
        """Return settings of an account."""
        random = self.random
        symbol = random.choice(SYMBOLS)
        whole: Node = {
            "vip_level": random.randrange(10),
            "portfolio_enabled": True,
            "volume_30d": "0",
            "bracket_multiplier": {symbol: random.choice(["4", 1, "0.5"])},
            "leverage": {symbol: "20"},
            "drawdown_profile": random.choice(["conservative", "moderate", "aggressive"]),
            "drawdown_stops": ["0.1", "0.2"],
            "reference_equity": "1000",
            "account_limit": "0.8",
            "concentration_limit": random.choice(["0.5", {"layer1": "0.5"}]),
            "distance_limit": "0.02",
            "funding_limit": True,
            "correlation_spike": random.choice(
                ["0.9", {"levels": ["0.9"], "window_ms": random.choice([60000, 2**62])}]
            ),
            "hedge_decorrelation": "0.5",
            "labels": random.choice([{"desk": "7"}, ["a", "b"], {"é\n": "\u0000"}]),
        }
        return {key: value for key, value in whole.items() if random.random() < 0.25}
