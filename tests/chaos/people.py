"""The accounts of a chaos run: witnesses that never change and people that do, good messages and bad, from one seed.

The market they trade on is in `market`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.market import COIN, STEADY, SYMBOLS, terms
from tests.chaos.messages import Message, dumped, partition_of

WITNESS = "witness-"
MODES = ("single_asset", "single_asset", "multi_asset", "portfolio")


@dataclass
class Person:
    """Hold what the load knows of an account: enough to make messages that fit."""

    name: str
    version: int = 0
    epoch: int = 0
    mode: str = "single_asset"
    hedge: bool = False
    open: bool = False
    positions: set[tuple[str, str]] = field(default_factory=set)
    """Symbol and side of what it holds."""
    said: list[Message] = field(default_factory=list)


class People:
    """Make the messages about accounts."""

    def __init__(self, dice: random.Random, partitions: int, witnesses: int, people: int) -> None:
        self._dice = dice
        self._partitions = partitions
        self._witnesses = [f"{WITNESS}{number}" for number in range(witnesses)]
        self._people = [Person(f"person-{number}") for number in range(people)]

    def opening(self, now_ms: int) -> list[Message]:
        """Return the first messages of all who are there from the beginning."""
        found = [self._witness(name, now_ms) for name in self._witnesses]
        return found + [self._snapshot(person, now_ms) for person in self._people[: len(self._people) * 3 // 4]]

    def next(self, now_ms: int) -> list[Message]:
        """Return what comes next about somebody."""
        person, dice = self._dice.choice(self._people), self._dice.random()
        if dice < 0.13:
            return [self._junk(person, now_ms)]
        if dice < 0.18 and person.said:
            return [self._dice.choice(person.said)._replace(kind="again")]
        if not person.open:
            partly = dice < 0.22 and not person.said
            return [self._balance(person, now_ms) if partly else self._snapshot(person, now_ms)]
        if dice < 0.24:
            person.open = False
            return [self._say(person, "delete", now_ms, deleted=True)]
        if dice < 0.36:
            return [self._snapshot(person, now_ms, renewed=self._dice.random() < 0.2)]
        return [self._balance(person, now_ms) if dice < 0.7 else self._trade(person, now_ms)]

    def _witness(self, name: str, now_ms: int) -> Message:
        """Return the one snapshot of a witness: linear positions in contracts that never change."""
        positions, cross = [], 0.0
        for number, symbol in enumerate(self._dice.sample(STEADY, self._dice.randint(1, 3))):
            quantity = self._dice.choice((-1, 1)) * self._dice.randint(1, 12)
            stated = {"symbol": symbol, "quantity": str(quantity), "entry_price": "100"}
            worth = abs(quantity) * 100 * float(terms(symbol)["brackets"][0]["rate"]) * self._dice.uniform(1.6, 3)
            if number == 0 and self._dice.random() < 0.4:
                stated |= {"margin_type": "isolated", "isolated_wallet": f"{worth:.2f}"}
            else:
                cross += worth
            positions.append(stated)
        body = {"account_id": name, "version": 1, "event_time_ms": now_ms, "snapshot": True,
                "balances": {"USDT": f"{cross:.2f}"}, "positions": positions}  # fmt: skip
        return Message("witness", "account-events", name.encode(), dumped(body), self._where(name))

    def _snapshot(self, person: Person, now_ms: int, *, renewed: bool = False) -> Message:
        """Return a snapshot, now and then in another mode; `renewed`: of a new epoch with versions from 1."""
        dice = self._dice
        if renewed:
            person.epoch, person.version = person.epoch + 1, 0
        person.mode, person.hedge, person.open = dice.choice(MODES), dice.random() < 0.3, True
        person.positions = set()
        positions = [self._position(person, symbol) for symbol in dice.sample(SYMBOLS, dice.randint(0, 3))]
        more: dict[str, Any] = {"settings": {"account_limit": "0.7", "labels": {"desk": person.name}}}
        more |= {"position_mode": "hedge" if person.hedge else "one_way"}
        more |= {"settings": {"drawdown_stops": ["0.2", "0.5"]}} if dice.random() < 0.3 else {}
        return self._say(person, "snapshot", now_ms, snapshot=True, margin_mode=person.mode, positions=positions,
                         balances=self._balances(), **more)  # fmt: skip

    def _balances(self) -> dict[str, str]:
        found = {"USDT": str(self._dice.randint(-50, 900))}
        if self._dice.random() < 0.4:
            found["BTC"] = f"{self._dice.uniform(-0.005, 0.06):.5f}"
        if self._dice.random() < 0.2:
            found["ETH"] = f"{self._dice.uniform(0, 0.5):.4f}"
        return found

    def _position(self, person: Person, symbol: str) -> dict[str, Any]:
        """Return a position with all its fields."""
        sign = self._dice.choice((-1, 1))
        side = ("long" if sign > 0 else "short") if person.hedge else "both"
        isolated = self._dice.random() < 0.25
        person.positions.add((symbol, side))
        found = {"symbol": symbol, "side": side, "quantity": str(sign * self._dice.randint(1, 12)),
                 "entry_price": f"{self._dice.uniform(85, 115) * (200 if symbol == COIN else 1):.2f}",
                 "margin_type": "isolated" if isolated else "cross"}  # fmt: skip
        if isolated:
            coin = symbol == COIN
            found["isolated_wallet"] = (
                f"{self._dice.uniform(0.001, 0.02):.4f}" if coin else str(self._dice.randint(5, 300))
            )
        return found

    def _balance(self, person: Person, now_ms: int) -> Message:
        return self._say(person, "balance", now_ms, balances=self._balances())

    def _trade(self, person: Person, now_ms: int) -> Message:
        """Return a change of positions: a new one, a closed one, or another quantity alone."""
        dice = self._dice
        if person.positions and dice.random() < 0.6:
            symbol, side = dice.choice(sorted(person.positions))
            if dice.random() < 0.35:
                person.positions.remove((symbol, side))
                change: dict[str, Any] = {"quantity": "0"}
            else:
                sign = {"long": 1, "short": -1, "both": dice.choice((-1, 1))}[side]
                change = {"quantity": str(sign * dice.randint(1, 12))}
            return self._say(person, "trade", now_ms, positions=[{"symbol": symbol, "side": side, **change}])
        return self._say(person, "trade", now_ms, positions=[self._position(person, dice.choice(SYMBOLS))])

    def _say(self, person: Person, kind: str, now_ms: int, **fields: Any) -> Message:
        person.version += self._dice.randint(1, 3)
        epoch = {"epoch": person.epoch} if person.epoch else {}
        body = {"account_id": person.name, "version": person.version, "event_time_ms": now_ms, **epoch, **fields}
        found = Message(kind, "account-events", person.name.encode(), dumped(body), self._where(person.name))
        person.said = [*person.said[-5:], found]
        return found

    def _junk(self, person: Person, now_ms: int) -> Message:
        """Return a bad message of some kind under the name of somebody, or of nobody."""
        body = {"account_id": person.name, "version": person.version + 1, "event_time_ms": now_ms}
        if person.epoch:
            body["epoch"] = person.epoch
        key, where = person.name.encode(), self._where(person.name)
        stranger = f"stranger-{self._dice.randint(0, 99)}"
        wrong = (self._where(stranger) + 1) % self._partitions
        twice = {"symbol": "AUSDT", "quantity": "1", "entry_price": "100", "side": "both"}
        kinds: tuple[tuple[str, bytes | None, Any, int], ...] = (
            ("no-json", key, b"{", where),
            ("no-value", key, None, where),
            ("unknown-key", key, body | {"colour": "red"}, where),
            ("float", key, body | {"balances": {"USDT": 1.5}}, where),
            ("digits", key, body | {"balances": {"USDT": "1" * 70}}, where),
            ("side", key, body | {"positions": [twice | {"side": "long", "quantity": "-1"}]}, where),
            ("twice", key, body | {"positions": [twice, twice]}, where),
            ("entry", key, body | {"positions": [twice | {"entry_price": "0"}]}, where),
            ("no-version", key, {"account_id": person.name, "event_time_ms": now_ms}, where),
            ("other-key", key, body | {"account_id": stranger}, where),
            ("array", key, [body], where),
            ("no-key", None, body | {"account_id": stranger}, self._where(stranger)),
            ("place", stranger.encode(), body | {"account_id": stranger}, wrong),
        )
        kind, named, stated, at = self._dice.choice(kinds[:12] if self._partitions == 1 else kinds)
        value = stated if stated is None or isinstance(stated, bytes) else dumped(stated)
        return Message(f"bad-{kind}", "account-events", named, value, at, 1)

    def _where(self, name: str) -> int:
        return partition_of(name.encode(), self._partitions)
