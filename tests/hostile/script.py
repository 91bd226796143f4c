"""The script: the witnesses, their market, and the attacks on them that must come to nothing.

A witness is an account in contracts of which the attacker can say nothing valid. What it is told may not differ from
what it would have been told without the attacker.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.hostile.mutation import dumped

Node = dict[str, Any]
SYMBOLS = [f"WIT{number}" for number in range(4)]
WITNESSES = [f"w{number}" for number in range(16)]
MONEY = "WUSD"


class Script:
    """Say what the honest producers send."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._marks = dict.fromkeys(SYMBOLS, 1000)
        self._versions = dict.fromkeys(WITNESSES, 0)

    def instruments(self) -> list[Node]:
        """Return the contracts of the witnesses."""
        brackets = [{"floor": "0", "rate": "0.05", "max_leverage": "20"}, {"floor": "5000", "rate": "0.1"}]
        plain = {"contract": "linear", "settle_asset": MONEY, "brackets": brackets}
        found = [plain | {"symbol": symbol} for symbol in SYMBOLS]
        found[3] |= {"contract": "inverse", "settle_asset": "WCOIN", "contract_size": "100"}
        return found

    def assets(self, now_ms: int) -> list[Node]:
        """Return their collateral."""
        return [
            {"asset": MONEY, "index_price": "1", "event_time_ms": now_ms},
            {"asset": "WCOIN", "index_price": "1000", "collateral_ratio": "0.9", "event_time_ms": now_ms},
        ]

    def prices(self, now_ms: int) -> list[Node]:
        """Return the next marks: a walk wide enough to change statuses."""
        for symbol in SYMBOLS:
            step = self._random.choice([-60, -25, -5, 5, 25, 60])
            self._marks[symbol] = min(1400, max(650, self._marks[symbol] + step))
        return [
            {"symbol": symbol, "mark_price": str(self._marks[symbol]), "event_time_ms": now_ms} for symbol in SYMBOLS
        ]

    def account(self, number: int, now_ms: int, *, snapshot: bool) -> Node:
        """Return the next event of a witness."""
        name = WITNESSES[number]
        self._versions[name] += 1
        body: Node = {"account_id": name, "version": self._versions[name], "event_time_ms": now_ms}
        if not snapshot:
            return body | {"balances": {MONEY: str(300 + 90 * number + self._random.randrange(50))}}
        symbol, side = SYMBOLS[number % 3], 1 if number % 2 else -1
        position: Node = {"symbol": symbol, "quantity": str(5 * side), "entry_price": "1000"}
        body |= {"snapshot": True, "balances": {MONEY: str(300 + 90 * number)}, "positions": [position]}
        if number % 4 == 1:
            body["margin_mode"] = "multi_asset"
            body["balances"]["WCOIN"] = "0.2"
            body["positions"].append({"symbol": "WIT3", "quantity": "-7", "entry_price": "1000"})
        if number % 4 == 3:
            position |= {"margin_type": "isolated", "isolated_wallet": str(250 + 40 * number)}
        return body

    def attack(self, topic: str, now_ms: int) -> tuple[bytes | None, bytes]:
        """Return (key, value) of a message about the witnesses that must change nothing of theirs."""
        random = self._random
        if topic == "mark_prices":
            bad: list[Node] = [
                {"mark_price": random.choice(["0", "-1", "NaN", "1e30", "9" * 70, 1.5, None, "1" + "0" * 31])},
                {"event_time_ms": random.choice([now_ms + 10_000, 2**63 - 1, 2**64, -1, "1", 10**15])},
                {"event_time_ms": random.choice([0, 1, now_ms - 10**9])},
                {"index_price": "0"},
                {"unheard": 1},
            ]
            price = {"symbol": random.choice(SYMBOLS), "mark_price": "1", "event_time_ms": now_ms - 1}
            return b"x", dumped(price | random.choice(bad), random)
        if topic == "instruments":
            doubtful: list[Node] = [
                {"brackets": [{"floor": "0", "rate": "0.9"}]},
                {"brackets": [{"floor": "0", "rate": "1.1"}], "confirm": True},
                {
                    "brackets": [{"floor": "0", "rate": "0.05"}, {"floor": "1", "rate": "1", "deduction": "2"}],
                    "confirm": True,
                },
                {"contract_size": "1000"},
                {"settle_asset": "USDT"},
                {"contract": "inverse"},
                {"brackets": [], "confirm": True},
                {"contract_size": "0", "confirm": True},
            ]
            plain = self.instruments()[0] | random.choice(doubtful)
            return plain["symbol"].encode(), dumped(plain, random)
        if topic == "assets":
            wrong: Node = random.choice(
                [
                    {"index_price": "0"},
                    {"index_price": "-1"},
                    {"collateral_ratio": "2"},
                    {"bid_buffer": "1.1"},
                    {"asset": "X"},
                ]
            )
            return MONEY.encode(), dumped(self.assets(now_ms)[0] | wrong, random)
        return self._against_account(now_ms)

    def _against_account(self, now_ms: int) -> tuple[bytes | None, bytes]:
        random, name = self._random, random_of(self._random)
        body: Node = {
            "account_id": name,
            "version": random.randrange(self._versions[name] + 1),
            "event_time_ms": now_ms,
            "balances": {MONEY: "0"},
            "positions": [],
        }
        games: list[Node] = [
            {},
            {"snapshot": True},
            {"epoch": 2**63 - 1, "version": 2**63 - 1},
            {"epoch": 1, "version": 10**9},
            {"deleted": True},
        ]
        if random.random() < 0.6:
            return name.encode(), dumped(body | random.choice(games), random)
        body["version"] = 10**6
        wrong: list[tuple[bytes | None, Node]] = [
            (None, {}),
            (b"h1", {}),
            (name.upper().encode(), {"snapshot": True}),
            (name.encode() + b"\x00", {"deleted": True}),
            (name.encode(), {"version": 2**63}),
            (name.encode(), {"balances": {MONEY: 0.5}}),
            (name.encode(), {"positions": [{"symbol": "WIT0", "quantity": "1", "entry_price": "-1"}]}),
            (name.encode(), {"snapshot": True, "positions": [{"symbol": "WIT0"}]}),
        ]
        key, change = random.choice(wrong)
        return key, dumped(body | change, random)


def random_of(random: Random) -> str:
    """Return one of the witnesses."""
    return random.choice(WITNESSES)
