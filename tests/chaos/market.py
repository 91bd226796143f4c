"""The market of a chaos run: prices, wicks, instruments, assets and funds, good and bad, all from one seed.

Accounts are in `people`. Times come from outside, everything else from the seed.
"""

from __future__ import annotations

import random
from typing import Any

from tests.chaos.messages import Message, dumped

STEADY = ("AUSDT", "BUSDT", "CUSDT", "DUSDT")
"""Contracts whose terms never change: the chains of who holds nothing else follow from the prices alone."""
CHANGING = ("EUSDT", "FUSDT", "GUSDT", "HUSDT")
COIN = "BTCUSD"
SYMBOLS = (*STEADY, *CHANGING, COIN)
RATES = ("0.05", "0.08", "0.04", "0.1")
HOUR_MS = 3_600_000


def terms(symbol: str, factor: float = 1.0) -> dict[str, Any]:
    """Return the terms of a contract; `factor` scales its rates."""
    if symbol == COIN:
        brackets = [{"floor": "0", "rate": f"{0.03 * factor:.4f}"}, {"floor": "5", "rate": f"{0.06 * factor:.4f}"}]
        size = "100"
        return {"symbol": symbol, "contract": "inverse", "settle_asset": "BTC", "base_asset": "BTC",
                "contract_size": size, "brackets": brackets}  # fmt: skip
    low = float(RATES["ABCDEFGH".index(symbol[0]) % 4]) * factor
    brackets = [
        {"floor": "0", "rate": f"{low:.4f}", "max_leverage": "20"},
        {"floor": "2000", "rate": f"{low * 1.5:.4f}", "max_leverage": "10"},
    ]
    return {"symbol": symbol, "contract": "linear", "settle_asset": "USDT", "brackets": brackets,
            "sector": "L1" if symbol < "D" else "L2"}  # fmt: skip


class Market:
    """Make the messages of the global inputs."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._marks = dict.fromkeys(SYMBOLS, 100.0)
        self._index = {"BTC": 20_000.0, "ETH": 1_000.0}
        self._marks[COIN] = 20_000.0
        self._held: list[dict[str, Any]] = []
        self._last: Message | None = None

    def opening(self, now_ms: int) -> list[Message]:
        """Return what stands in the topics before anything happens."""
        found = [self._instrument("terms", symbol, terms(symbol)) for symbol in SYMBOLS]
        found += [self._asset("USDT", {"index_price": "1"}, now_ms)]
        found += [self._collateral(name, now_ms) for name in self._index]
        found += [self._fund(now_ms), self.settling(now_ms)]
        return found

    def settling(self, now_ms: int) -> Message:
        """Return one message with a price of every symbol."""
        return self._prices("prices", [self._price(symbol, now_ms) for symbol in SYMBOLS])

    def next(self, now_ms: int) -> list[Message]:
        """Return what comes next: mostly prices."""
        dice = self._dice.random()
        if dice < 0.72:
            return self._tick(now_ms)
        if dice < 0.78:
            return self._wick(now_ms)
        if dice < 0.83:
            return [self._late(now_ms)]
        if dice < 0.87:
            return [self._moved_index(now_ms) if dice < 0.86 else self._fund(now_ms)]
        if dice < 0.91:
            return self._change()
        return [self._junk(now_ms)]

    def _move(self) -> list[str]:
        """Move some symbols and return them; a market far from 100 is drawn back."""
        moved = self._dice.sample(SYMBOLS, self._dice.randint(1, 4))
        for symbol in moved:
            middle = 20_000.0 if symbol == COIN else 100.0
            drift = 0.05 * (middle / self._marks[symbol] - 1)
            self._marks[symbol] *= 1 + max(-0.06, min(0.06, self._dice.gauss(drift, 0.012)))
        return moved

    def _tick(self, now_ms: int) -> list[Message]:
        prices = [self._price(symbol, now_ms) for symbol in self._move()]
        self._last = self._prices("prices", prices[0] if len(prices) == 1 else prices)
        return [self._last]

    def _wick(self, now_ms: int) -> list[Message]:
        """Return a deep fall (or rise) of one symbol that is over with the next message."""
        symbol = self._dice.choice(SYMBOLS)
        depth = self._dice.choice((0.7, 0.85, 1.2, 1.4))
        there = self._price(symbol, now_ms) | {"mark_price": f"{self._marks[symbol] * depth:.3f}"}
        return [self._prices("wick", there), self._prices("prices", [self._price(symbol, now_ms)])]

    def _late(self, now_ms: int) -> Message:
        if self._last is not None and self._dice.random() < 0.5:
            return self._last._replace(kind="again")
        symbol = self._dice.choice(SYMBOLS)
        late = self._price(symbol, now_ms - self._dice.randint(1_000, 60_000))
        return self._prices("late", late | {"mark_price": f"{self._marks[symbol] * 0.5:.2f}"})

    def _moved_index(self, now_ms: int) -> Message:
        name = self._dice.choice(tuple(self._index))
        self._index[name] *= self._dice.uniform(0.95, 1.055)
        return self._collateral(name, now_ms)

    def _change(self) -> list[Message]:
        """Change the terms of a contract, delete it, or bring it back; what is held is confirmed later, or never."""
        dice, symbol = self._dice.random(), self._dice.choice((*CHANGING, COIN))
        if dice < 0.25 and self._held:
            held = self._held.pop(self._dice.randrange(len(self._held)))
            return [self._instrument("confirm", held["symbol"], held | {"confirm": True})]
        if dice < 0.1:
            return [self._instrument("delete", symbol, None)]
        if dice < 0.45:
            self._held.append(terms(symbol, self._dice.choice((0.2, 4.0, 5.0))))
            return [self._instrument("step", symbol, self._held[-1])]
        return [self._instrument("terms", symbol, terms(symbol, self._dice.choice((0.6, 0.8, 1.0, 1.3, 1.7))))]

    def _junk(self, now_ms: int) -> Message:
        """Return a bad message of some kind."""
        good, other = self._price("AUSDT", now_ms), self._price("BUSDT", now_ms)
        no_rates = terms("EUSDT") | {"brackets": [{"floor": "0", "rate": "1.5"}]}
        kinds: tuple[tuple[str, str, bytes, Any, int], ...] = (
            ("zero", "mark-prices", b"AUSDT", good | {"mark_price": "0"}, 1),
            ("minus", "mark-prices", b"AUSDT", good | {"index_price": "-1"}, 1),
            ("float", "mark-prices", b"AUSDT", good | {"mark_price": 99.5}, 1),
            ("ahead", "mark-prices", b"AUSDT", good | {"event_time_ms": now_ms + HOUR_MS}, 1),
            ("unknown-key", "mark-prices", b"AUSDT", good | {"colour": "red"}, 1),
            ("partly", "mark-prices", b"AUSDT", [good, {"symbol": "X"}, other, other | {"mark_price": "x"}], 2),
            ("ahead-partly", "mark-prices", b"x", [good, other | {"event_time_ms": now_ms + HOUR_MS}], 1),
            ("empty", "mark-prices", b"x", [], 1),
            ("no-json", "mark-prices", b"AUSDT", b"{", 1),
            ("no-value", "mark-prices", b"AUSDT", None, 1),
            ("no-utf8", "assets", b"USDT", b"\xff\xfe", 1),
            ("float", "assets", b"BTC", {"asset": "BTC", "index_price": 1.5, "event_time_ms": now_ms}, 1),
            ("other-key", "assets", b"BTC", {"asset": "ETH", "index_price": "1", "event_time_ms": now_ms}, 1),
            ("no-terms", "instruments", b"EUSDT", {"symbol": "EUSDT"}, 1),
            ("rate", "instruments", b"EUSDT", no_rates, 1),
            ("other-key", "instruments", b"FUSDT", terms("EUSDT"), 1),
            (
                "float",
                "insurance-funds",
                b"main",
                {"fund": "main", "asset": "USDT", "balance": 0.5, "event_time_ms": 1},
                1,
            ),
        )
        kind, topic, key, body, bad = self._dice.choice(kinds)
        value = body if body is None or isinstance(body, bytes) else dumped(body)
        return Message(f"bad-{kind}", topic, key, value, 0, bad)

    def _price(self, symbol: str, now_ms: int) -> dict[str, Any]:
        mark = f"{self._marks[symbol]:.3f}"
        return {"symbol": symbol, "mark_price": mark, "index_price": mark, "event_time_ms": now_ms}

    def _prices(self, kind: str, body: Any) -> Message:
        first = body if isinstance(body, dict) else body[0]
        return Message(kind, "mark-prices", first["symbol"].encode(), dumped(body), 0)

    def _instrument(self, kind: str, symbol: str, body: dict[str, Any] | None) -> Message:
        return Message(kind, "instruments", symbol.encode(), None if body is None else dumped(body), 0)

    def _collateral(self, name: str, now_ms: int) -> Message:
        haircut = {"BTC": {"collateral_ratio": "0.95"}, "ETH": {"bid_buffer": "0.1", "ask_buffer": "0.05"}}[name]
        return self._asset(name, {"index_price": f"{self._index[name]:.2f}", **haircut}, now_ms)

    def _asset(self, name: str, body: dict[str, Any], now_ms: int) -> Message:
        return Message("asset", "assets", name.encode(), dumped({"asset": name, "event_time_ms": now_ms, **body}), 0)

    def _fund(self, now_ms: int) -> Message:
        body = {"fund": "main", "asset": "USDT", "balance": str(self._dice.randint(0, 2_000)), "event_time_ms": now_ms}
        return Message("fund", "insurance-funds", b"main", dumped(body), 0)
