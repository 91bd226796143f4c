"""The producers of a simulation: venues that send prices, terms, assets, accounts and funds, and those who send junk.

What they send is drawn from the seed; what becomes of it on the way is the courier's business.
"""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.draws import HIGHEST_FUND
from tests.simulation.world import SimulatedWorld

LINEAR = ("XUSDT", "YUSDT")
COIN = "ZUSD"


class Producers:
    """Send messages into a world."""

    def __init__(self, seed: int, world: SimulatedWorld) -> None:
        self.random = random.Random(f"producers {seed}")
        self.world = world
        draws = world.draws
        self.symbols = (*LINEAR, COIN) if draws.coins else LINEAR
        self.names = [f"a{number}" for number in range(draws.names)]
        self.marks = {"XUSDT": 100.0, "YUSDT": 50.0, COIN: 20.0}
        self.epochs: dict[str, int] = {}

    def open(self) -> None:
        """Send what a venue states before trading begins."""
        for symbol in self.symbols:
            self.terms(symbol, "0.1")
        self.world.put("assets", "USDT", self._asset("USDT"))
        if COIN in self.symbols:
            self.world.put("assets", "Z", self._asset("Z"))
        if self.world.draws.funds:
            self.world.fund(self.random.randint(0, HIGHEST_FUND))
        self.tick(all_of_them=True)
        for name in self.names[: -1 if len(self.names) > 4 else None]:
            self.snapshot(name)

    def feed(self) -> None:
        """Send one message, good or bad."""
        dice = self.random.random()
        name = self.random.choice(self.names)
        if dice < 0.42:
            self.tick()
        elif dice < 0.56:
            self.update(name)
        elif dice < 0.64:
            self.snapshot(name)
        elif dice < 0.68:
            self._send(name, deleted=True)
        elif dice < 0.71:
            self.epochs[name] = self.epochs.get(name, 0) + 1
            self.world.versions[name] = self.random.randint(0, 3)
            self.snapshot(name)
        elif dice < 0.80:
            self.change_terms()
        elif dice < 0.85:
            asset = self.random.choice(("USDT", "Z") if COIN in self.symbols else ("USDT",))
            self.world.put("assets", asset, self._asset(asset) if self.random.random() < 0.9 else None)
        elif dice < 0.88 and self.world.draws.funds:
            self.world.fund(self.random.randint(0, HIGHEST_FUND))
        else:
            self.junk(name)

    # ------------------------------------------------------------------------------------------------------- prices
    def tick(self, *, all_of_them: bool = False, partition: int | None = None) -> None:
        """Move the market, now and then in a wick; `all_of_them` in one message that nobody can refuse."""
        for symbol in self.symbols:
            low, high = (5.0, 60.0) if symbol == COIN else (20.0, 200.0)
            self.marks[symbol] = min(high, max(low, self.marks[symbol] * self.random.uniform(0.88, 1.13)))
        moved = [symbol for symbol in self.symbols if all_of_them or self.random.random() < 0.7]
        if self.random.random() < 0.08:
            self._price(list(self.symbols), self.random.choice((0.35, 2.5)), partition)
        if moved and not all_of_them and self.random.random() < 0.2:
            self._price(moved, self.random.choice((0.55, 0.8, 1.5)), partition)
        if moved:
            self._price(moved, 1.0, partition, honest=all_of_them)

    def again(self) -> None:
        """Price everything as it is."""
        self._price(list(self.symbols), 1.0, 0, honest=True)

    def _price(self, symbols: list[str], factor: float, partition: int | None, *, honest: bool = False) -> None:
        """Send one message; some that are not honest carry an event time that is old, or ahead of the clock."""
        world = self.world
        if partition is None:
            partition = self.random.randrange(world.price_partitions())
        shift = self.random.choice((0, 0, 0, 0, 0, -50, -800, 400, 9_000)) if self.random.random() < 0.3 else 0
        shift = 0 if honest else shift
        body = [
            {
                "symbol": symbol,
                "mark_price": f"{self.marks[symbol] * factor:.2f}",
                "index_price": f"{self.marks[symbol]:.2f}",
                "event_time_ms": world.now_ms() + shift,
            }
            for symbol in symbols
        ]
        if self.random.random() < 0.05 and not honest:
            body.insert(self.random.randrange(len(body) + 1), {"symbol": "XUSDT", "mark_price": "-1"})
        world.put("mark_prices", "x", body if len(body) > 1 else body[0], partition)

    # -------------------------------------------------------------------------------------------------------- terms
    def terms(self, symbol: str, rate: str, **more: Any) -> None:
        """Send the terms of a contract."""
        if symbol == COIN:
            more |= {"contract": "inverse", "settle_asset": "Z", "base_asset": "Z", "contract_size": "10"}
        if self.random.random() < 0.3:
            first = {"floor": "0", "rate": rate, "max_leverage": "10"}
            more["brackets"] = [first, {"floor": "600", "rate": str(min(1.0, float(rate) * 1.5)), "max_leverage": "5"}]
        self.world.instrument(symbol, rate, **more)

    def change_terms(self) -> None:
        """Send other terms: some are doubted, some confirm what was doubted, some take a contract away."""
        symbol, dice = self.random.choice(self.symbols), self.random.random()
        if dice < 0.12:
            self.world.put("instruments", symbol, None)
        else:
            rate = self.random.choice(("0.05", "0.1", "0.1", "0.2", "0.9"))
            self.terms(symbol, rate, **({"confirm": True} if self.random.random() < 0.4 else {}))

    def _asset(self, asset: str) -> dict[str, Any]:
        body: dict[str, Any] = {"asset": asset, "event_time_ms": self.world.now_ms()}
        if asset == "Z" and self.random.random() < 0.5:
            return body | {"index_symbol": COIN, "collateral_ratio": "0.9"}
        price = self.random.choice(("1", "0.98", "1.02")) if asset == "USDT" else f"{self.marks[COIN]:.2f}"
        return body | {"index_price": price, "bid_buffer": self.random.choice(("0", "0.05"))}

    # ----------------------------------------------------------------------------------------------------- accounts
    def snapshot(self, name: str) -> None:
        """Have an account open anew, of any kind."""
        draws = self.world.draws
        modes = ["single_asset", "single_asset", "multi_asset"] + ["portfolio"] * (2 * draws.portfolio)
        hedge = draws.hedges and self.random.random() < 0.4
        positions = [
            self._position(symbol, side)
            for symbol in self.symbols
            if self.random.random() < 0.8
            for side in (("long", "short") if hedge else ("both",))
        ]
        body = {
            "margin_mode": self.random.choice(modes),
            "position_mode": "hedge" if hedge else "one_way",
            "positions": positions,
            "balances": {"USDT": str(self.random.randint(50, 900))},
        }
        if COIN in self.symbols:
            body["balances"]["Z"] = str(self.random.randint(0, 20))
        self._send(name, snapshot=True, **body)

    def _position(self, symbol: str, side: str) -> dict[str, Any]:
        size = self.random.randint(1, 9)
        sign = {"long": 1, "short": -1, "both": self.random.choice((1, -1))}[side]
        entry = self.marks[symbol] * self.random.uniform(0.8, 1.2)
        out = {"symbol": symbol, "side": side, "quantity": str(sign * size), "entry_price": f"{entry:.1f}"}
        if self.random.random() < 0.25:
            wallet = size * entry * self.random.uniform(0.05, 0.4)
            wallet = size * 10 / entry * self.random.uniform(0.05, 0.4) if symbol == COIN else wallet
            out |= {"margin_type": "isolated", "isolated_wallet": f"{wallet:.2f}"}
        return out

    def update(self, name: str) -> None:
        """Change a part of an account."""
        match self.random.randrange(6):
            case 0:
                self._send(name, positions=[{"symbol": self.random.choice(self.symbols), "quantity": "0"}])
            case 1:
                symbol = self.random.choice(self.symbols)
                wallet = {"margin_type": "isolated", "isolated_wallet": str(self.random.randint(1, 90))}
                kind = self.random.choice((wallet, {"margin_type": "cross"}))
                self._send(name, positions=[{"symbol": symbol, **kind}])
            case 2:
                self._send(name, margin_mode=self.random.choice(("single_asset", "multi_asset", "portfolio")))
            case 3:
                change = self._position(self.random.choice(self.symbols), "both")
                self._send(name, positions=[change], net_transfers={"USDT": str(self.random.randint(-50, 50))})
            case _:
                self._send(name, balances={"USDT": str(self.random.randint(-50, 800))})

    def _send(self, name: str, **body: Any) -> None:
        version = self.world.versions[name] = self.world.versions.get(name, 0) + 1
        head: dict[str, Any] = {"account_id": name, "version": version, "event_time_ms": self.world.now_ms()}
        if self.epochs.get(name):
            head["epoch"] = self.epochs[name]
        self.world.put("account_events", name, head | body)

    def junk(self, name: str) -> None:
        """Send a bad message of some kind."""
        partition = self.random.randrange(self.world.settings.topics.partitions)
        bad = {"account_id": name, "version": 10**6, "event_time_ms": 1, "positions": [{}]}
        twice = [{"symbol": "XUSDT", "side": "long", "quantity": "-1", "entry_price": "1"}] * 2
        kinds: tuple[tuple[str, str | None, Any, int | None], ...] = (
            ("account_events", name, b"{", partition),
            ("account_events", name, bad, None),
            ("account_events", name, bad | {"version": 0, "positions": twice}, None),
            ("account_events", "b" + name, {"account_id": "b" + name, "version": 1, "event_time_ms": 1}, partition),
            ("account_events", name, {"account_id": "other", "version": 1, "event_time_ms": 1}, None),
            ("mark_prices", "x", [1, {"symbol": "Z", "mark_price": "0", "event_time_ms": 1}], 0),
            ("mark_prices", "x", {"symbol": "XUSDT", "mark_price": "1", "event_time_ms": 10**15}, 0),
            ("mark_prices", None, b"", 0),
            ("instruments", "XUSDT", {"symbol": "XUSDT"}, 0),
            ("instruments", "XUSDT", {"symbol": "YUSDT"}, 0),
            ("assets", "USDT", b"\xff", 0),
            ("insurance_funds", "main", b"{", 0),
        )
        self.world.put(*self.random.choice(kinds))
