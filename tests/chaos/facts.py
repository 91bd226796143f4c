"""What the inputs of a chaos run amount to, as they stand in the log: accounts, terms, collateral, prices, their past.

Written from the contract (§4) alone; nothing here is shared with the product. What follows from it for a scope is
worked out in `oracle`.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.chaos.dump import Record
from tests.chaos.messages import Note
from tests.portfolio.oracle import bracket

F = Fraction
Key = tuple[str, str]
MOST_STEP = F(3)
_PLAIN = {"margin_mode": "single_asset", "position_mode": "one_way"}


@dataclass(frozen=True)
class Account:
    """Hold the facts of an account after one of its messages; positions by symbol and side."""

    name: str
    version: int
    epoch: int = 0
    complete: bool = False
    gone: bool = False
    suspect: bool = False
    modes: dict[str, str] = field(default_factory=lambda: dict(_PLAIN))
    balances: dict[str, str] = field(default_factory=dict)
    positions: dict[Key, dict[str, str]] = field(default_factory=dict)

    def live(self, *, isolated: bool) -> list[dict[str, str]]:
        """Return the positions of one margin type that have a quantity."""
        wanted = "isolated" if isolated else "cross"
        return [one for one in self.positions.values() if one["margin_type"] == wanted and F(one["quantity"])]


def after(body: dict[str, Any], known: Account | None) -> Account:
    """Return an account after a good message that is news."""
    name, version, epoch = body["account_id"], body["version"], body.get("epoch", 0)
    if body.get("deleted"):
        return Account(name, version, epoch, gone=True)
    fresh = body.get("snapshot", False)
    old = Account(name, 0) if fresh or known is None or known.gone else known
    modes = {**old.modes, **{mode: body[mode] for mode in _PLAIN if mode in body}}
    positions = dict(old.positions)
    for change in body.get("positions", ()):
        key = (change["symbol"], change.get("side", "both"))
        whole = {"side": "both", "margin_type": "cross", **positions.get(key, {}), **change}
        if F(whole["quantity"]):
            positions[key] = whole
        else:
            positions.pop(key, None)
    balances = {**old.balances, **body.get("balances", {})}
    complete = fresh or old.complete
    return Account(name, version, epoch, complete, False, old.suspect, modes, balances, positions)


def is_step(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether new terms must be confirmed: rates or requirements more than three times as high, or as low."""
    floors = sorted({F(row["floor"]) for terms in (old, new) for row in terms["brackets"]})
    pairs = []
    for floor in floors:
        (rate, deduction, _), (other, less, _) = (bracket(terms["brackets"], floor, F(1)) for terms in (old, new))
        pairs.append((rate, other))
        if floor > 0:
            pairs.append((floor * rate - deduction, floor * other - less))
    return any(now > before * MOST_STEP or before > now * MOST_STEP for before, now in pairs)


class Facts:
    """Take the records of the inputs, each partition in order, and know what they amount to at the end and before."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.past: dict[str, list[Account]] = defaultdict(list)
        self.terms: dict[str, dict[str, Any]] = {}
        self.past_terms: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.held: list[int] = []
        self.assets: dict[str, dict[str, Any]] = {}
        self.past_assets: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.prices: dict[str, dict[str, str]] = {}
        self.at: dict[tuple[str, int], dict[str, Any]] = {}
        """What a symbol's price was said to be at an offset of mark-prices: where it counted."""
        self._order: dict[str, tuple[int, int]] = {}
        self._counted: dict[str, list[int]] = defaultdict(list)
        self.ticks: list[tuple[int, tuple[str, ...]]] = []
        """Each good message of mark-prices: its offset, and the symbols whose price it set."""
        self.letters: dict[tuple[str, int, int], int] = {}

    def take(self, record: Record) -> None:
        """Take one record of an input."""
        note = Note.of(record.headers)
        if note.bad:
            self.letters[record.topic, record.partition, record.offset] = note.bad
        if record.topic == "mark-prices":
            self._prices(record)
        elif record.topic == "account-events":
            self._account(record, bad=bool(note.bad))
        elif not note.bad and record.topic == "instruments":
            self._instrument(record)
        elif not note.bad and record.topic == "assets":
            body = json.loads(record.value or b"")
            self.assets[body["asset"]] = body
            self.past_assets[body["asset"]].append(body)

    def latest(self, symbol: str, offset: int) -> int | None:
        """Return the offset of the price of a symbol that counted once `offset` was taken, None where none did."""
        counted = self._counted[symbol]
        place = bisect_right(counted, offset)
        return counted[place - 1] if place else None

    def _prices(self, record: Record) -> None:
        symbols = []
        for body in _readable_prices(record):
            order = (body["event_time_ms"], record.offset)
            if order >= self._order.get(body["symbol"], (0, 0)):
                symbols.append(body["symbol"])
                self._order[body["symbol"]] = order
                self.prices[body["symbol"]] = body
                self.at[body["symbol"], record.offset] = body
                if self._counted[body["symbol"]][-1:] != [record.offset]:
                    self._counted[body["symbol"]].append(record.offset)
        self.ticks.append((record.offset, tuple(symbols)))

    def _account(self, record: Record, *, bad: bool) -> None:
        name = (record.key or b"").decode()
        if bad:
            if name in self.accounts and not self.accounts[name].gone:
                known = self.accounts[name]
                self.accounts[name] = Account(**{**vars(known), "suspect": True})
            return
        body = json.loads(record.value or b"")
        known_one = self.accounts.get(name)
        newer = known_one is None or (body.get("epoch", 0), body["version"]) > (known_one.epoch, known_one.version)
        if newer:
            self.accounts[name] = after(body, known_one)
            self.past[name].append(self.accounts[name])

    def _instrument(self, record: Record) -> None:
        symbol = (record.key or b"").decode()
        if record.value is None:
            self.terms.pop(symbol, None)
            return
        body = json.loads(record.value)
        if symbol in self.terms and not body.get("confirm") and is_step(self.terms[symbol], body):
            self.held.append(record.offset)
            return
        self.terms[symbol] = body
        self.past_terms[symbol].append(body)


def _readable_prices(record: Record) -> list[dict[str, Any]]:
    """Return the good prices of a message; which these are in a message of the load with bad ones follows from §4."""
    try:
        body = json.loads(record.value or b"")
    except ValueError:
        return []
    elements = body if isinstance(body, list) else [body]
    return [one for one in elements if isinstance(one, dict) and _is_price(one, record.timestamp_ms)]


def _is_price(body: dict[str, Any], at_ms: int) -> bool:
    if not {"symbol", "mark_price", "event_time_ms"} <= body.keys() or "colour" in body:
        return False
    try:
        amounts = [F(body[name]) for name in ("mark_price", "index_price") if name in body and _text(body[name])]
    except ValueError:
        return False
    stated = [name for name in ("mark_price", "index_price") if name in body]
    return len(amounts) == len(stated) and min(amounts) > 0 and body["event_time_ms"] < at_ms + 60_000


def _text(value: Any) -> bool:
    return isinstance(value, str)
