"""Promises: what counterparties were selected for and have not yet lost, so that no two claims take the same contracts.

A promise is kept until the queue shows a holding that much smaller, at most for the time a fund may take to settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monitor.core.adl.candidates import Candidate, Holder, Key
from monitor.core.amounts import format_amount


@dataclass(frozen=True, slots=True)
class Promise:
    """Hold how many contracts a holder is to lose, of the `held` it had, until what time that is believed."""

    quantity: Decimal
    held: Decimal
    until_ms: int

    def open_quantity(self, held: Decimal) -> Decimal:
        """Return what is still to come from a holder that has `held` contracts now. Needs the exact context."""
        return max(Decimal(0), self.quantity - max(Decimal(0), self.held - held))


class Promises:
    """Hold the promises of one shard's funds, by symbol and holders' side."""

    def __init__(self) -> None:
        self._of: dict[Key, dict[Holder, Promise]] = {}

    def taken(self, key: Key, candidates: Sequence[Candidate], now_ms: int) -> dict[Holder, Decimal]:
        """Return what is promised already by each candidate. Needs the exact context."""
        kept = {holder: promise for holder, promise in self._of.get(key, {}).items() if promise.until_ms > now_ms}
        self._of[key] = kept
        found: dict[Holder, Decimal] = {}
        for one in candidates:
            if one.holder in kept:
                found[one.holder] = kept[one.holder].open_quantity(one.quantity)
        return found

    def add(self, key: Key, one: Candidate, quantity: Decimal, until_ms: int) -> None:
        """Note that a candidate is to lose so many contracts more. Needs the exact context."""
        mine = self._of.setdefault(key, {})
        before = mine.get(one.holder)
        open_now = Decimal(0) if before is None else before.open_quantity(one.quantity)
        mine[one.holder] = Promise(open_now + quantity, one.quantity, until_ms)

    def expire(self, now_ms: int) -> list[Key]:
        """Forget what is believed no more; return the keys of which nothing is left."""
        for key, mine in self._of.items():
            self._of[key] = {holder: promise for holder, promise in mine.items() if promise.until_ms > now_ms}
        empty = [key for key, mine in self._of.items() if not mine]
        for key in empty:
            del self._of[key]
        return empty

    def body(self, key: Key) -> list[list[Any]]:
        """Return the plain form of the promises of one symbol and side."""
        return [
            [*holder, format_amount(promise.quantity), format_amount(promise.held), promise.until_ms]
            for holder, promise in self._of.get(key, {}).items()
        ]

    def restore(self, key: Key, body: Sequence[Sequence[Any]]) -> None:
        """Take over the promises that a plain form states."""
        self._of[key] = {
            (account_id, scope, side): Promise(Decimal(quantity), Decimal(held), until_ms)
            for account_id, scope, side, quantity, held, until_ms in body
        }
