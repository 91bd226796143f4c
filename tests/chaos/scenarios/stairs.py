"""Stairs: accounts and contracts that never change, and prices that walk up and down across every line.

What each account must be told follows from the price messages in the log alone, message by message: one left out,
judged twice or joined with another shows. Written from the contract (§3, §4); nothing here is shared with the product.
"""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.chaos.dump import Record
from tests.chaos.verdict import CHAIN, DUPLICATE, LOSS, Verdict

F = Fraction
RATE, ENTRY, QUANTITY = F("0.1"), 100, 10
LINES = (
    ("takeover", F(2, 3)), ("critical", F(10, 11)), ("liquidation", F(1)), ("margin_call", F("1.1")),
    ("warning", F("1.25")), ("watch", F("1.5")),
)  # fmt: skip
RANKS = {name: rank for rank, name in enumerate(["healthy", *[name for name, _ in reversed(LINES)], "bankrupt"])}
HYSTERESIS = F("0.005")
SCOPE = "cross:USDT"


def status(equity: Fraction, needed: Fraction, band: Fraction = F(0)) -> str:
    """Return the status of a scope whose lines are moved up by a band."""
    if equity <= 0:
        return "bankrupt"
    return next((name for name, line in LINES if equity < line * (1 + band) * needed), "healthy")


def told_after(last: str, equity: Fraction, needed: Fraction) -> str:
    """Return the status that stands after `last`."""
    down, up = status(equity, needed), status(equity, needed, HYSTERESIS)
    if RANKS[down] > RANKS[last]:
        return down
    return up if RANKS[up] < RANKS[last] else last


@dataclass(frozen=True)
class Account:
    """Hold one account: long ten contracts of one symbol at 100."""

    name: str
    symbol: str
    wallet: int

    def body(self, version: int = 1, **more: Any) -> dict[str, Any]:
        """Return its snapshot."""
        position = {"symbol": self.symbol, "quantity": str(QUANTITY), "entry_price": str(ENTRY)}
        return {"account_id": self.name, "version": version, "event_time_ms": 1, "snapshot": True,
                "balances": {"USDT": str(self.wallet)}, "positions": [position], **more}  # fmt: skip

    def after(self, last: str, mark: str) -> str:
        """Return what it is told once a mark is judged."""
        equity = self.wallet + QUANTITY * (F(mark) - ENTRY)
        return told_after(last, equity, QUANTITY * F(mark) * RATE)


def terms(symbol: str) -> dict[str, Any]:
    """Return the terms of a contract."""
    return {"symbol": symbol, "contract": "linear", "settle_asset": "USDT",
            "brackets": [{"floor": "0", "rate": "0.1", "max_leverage": "10"}]}  # fmt: skip


def accounts_of(symbols: Sequence[str], each: int) -> list[Account]:
    """Return accounts of rising wealth for every symbol; all are healthy at 100."""
    return [Account(f"{symbol}-{number}", symbol, 160 + 12 * number) for symbol in symbols for number in range(each)]


class Walk:
    """Make the price messages of one seed: most steps cross a line of somebody."""

    def __init__(self, seed: int, symbols: Sequence[str]) -> None:
        self._dice = random.Random(f"stairs {seed}")
        self._symbols = symbols

    def next(self) -> tuple[str, dict[str, Any]]:
        """Return the next message and its symbol."""
        symbol = self._dice.choice(self._symbols)
        mark = self._dice.choice((100, 99, 97, 96, 95, 93, 91, 88, 83, 80, 104))
        return symbol, {"symbol": symbol, "mark_price": str(mark), "event_time_ms": time.time_ns() // 1_000_000}


def due(account: Account, prices: Iterable[Record]) -> list[tuple[str, int, int]]:
    """Return the events due to an account: status, partition and offset of the price that brings each about.

    Of a symbol the latest event time counts, and of equal ones the highest place in the log.
    """
    last, latest, found = "healthy", (0, 0, 0), []
    for record in prices:
        body = json.loads(record.value or b"")
        if body["symbol"] != account.symbol:
            continue
        order = (body["event_time_ms"], record.partition, record.offset)
        if order < latest:
            continue
        latest = order
        if (now := account.after(last, body["mark_price"])) != last:
            found.append((now, record.partition, record.offset))
            last = now
    return found


def judge(accounts: Sequence[Account], prices: Sequence[Record], events: Iterable[Record], verdict: Verdict) -> None:
    """Compare what every account was told with what was due to it."""
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in events:
        body = json.loads(record.value or b"")
        if "sequence" in body:
            told[body["account_id"]].append(body)
    verdict.figures["price messages"] = len(prices)
    for account in accounts:
        wanted = due(account, prices)
        chain = sorted(told.pop(account.name, []), key=lambda body: body["sequence"])
        verdict.figures["events due"] += len(wanted)
        verdict.figures["events told"] += len(chain)
        judge_chain(account.name, chain, wanted, verdict)
    for name in told:
        verdict.complain(CHAIN, f"{name} is nobody's, but was told something")


def judge_chain(
    name: str, chain: Sequence[dict[str, Any]], wanted: Sequence[tuple[str, int, int]], verdict: Verdict
) -> None:
    """Compare one chain."""
    numbers = [body["sequence"] for body in chain]
    verdict.expect(len(set(numbers)) == len(numbers), DUPLICATE, f"{name} has the sequences {numbers}")
    verdict.expect(numbers == list(range(1, len(numbers) + 1)), CHAIN, f"{name} has the sequences {numbers}")
    before = "healthy"
    for body in chain:
        verdict.expect(body["previous_status"] == before, CHAIN, f"{name}: {body['previous_status']} after {before}")
        before = body["status"]
    found = [(b["status"], b["cause"].get("partition"), b["cause"].get("offset")) for b in chain]
    if found != list(wanted):
        place = next((n for n, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), len(found))
        kind = LOSS if len(found) < len(wanted) else DUPLICATE if len(found) > len(wanted) else CHAIN
        differs = f"told {found[place : place + 3]}, due {list(wanted)[place : place + 3]}"
        verdict.complain(kind, f"{name}: {len(found)} events of {len(wanted)}; from {place + 1} on {differs}")
