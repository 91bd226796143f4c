"""Entries of a fund's book: a claim, what was decided about it, and how far its end has come; and their kept form.

Only the shapes live here; when an entry changes is the desk's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any

from monitor.core.amounts import format_amount
from monitor.core.fund.claims import Claim


class Stage(StrEnum):
    """Name what a claim waits for."""

    COVERED = "covered"
    """The fund stands for it until it is released."""
    WAITING = "waiting"
    """The fund's next figure will show whether it can pay."""
    TRIGGERED = "triggered"
    """It is decided; counterparties are chosen as soon as the queue has caught up."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Say when a claim's scope was over: by the log's clock, and by the venue's."""

    log_ms: int
    event_ms: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one claim in the book; `offset` is its place in the fund topic, `evidence` what was decided from."""

    claim: Claim
    offset: int
    stage: Stage
    since_ms: int
    closing: Closing | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "claim": self.claim.body(),
            "offset": self.offset,
            "stage": str(self.stage),
            "since_ms": self.since_ms,
            "closing": None if self.closing is None else [self.closing.log_ms, self.closing.event_ms],
            "evidence": dict(self.evidence),
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Entry:
        """Return what a plain form states."""
        return cls(
            Claim.of(body["claim"]),
            body["offset"],
            Stage(body["stage"]),
            body["since_ms"],
            None if body["closing"] is None else Closing(*body["closing"]),
            body["evidence"],
        )


class Book:
    """Hold the claims on one fund in the order they came, with what a decision asks for at hand.

    `claimed` is what the fund stands for; `closed`, `waiting` and `triggered` name the entries something is to become
    of.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.claimed = Decimal(0)
        self.covered = 0
        self.closed: dict[str, Entry] = {}
        self.waiting: dict[str, Entry] = {}
        self.triggered: dict[str, Entry] = {}

    def put(self, entry: Entry) -> None:
        """Keep an entry, in the place of the one with its id. Needs the exact context."""
        number = entry.claim.claim_id
        if number in self.entries:
            self._forget(self.entries[number])
        self.entries[number] = entry
        if entry.stage is Stage.COVERED:
            self.claimed += entry.claim.amount
            self.covered += 1
            if entry.closing is not None:
                self.closed[number] = entry
        elif entry.stage is Stage.WAITING:
            self.waiting[number] = entry
        else:
            self.triggered[number] = entry

    def remove(self, entry: Entry) -> None:
        """Forget an entry. Needs the exact context."""
        self._forget(entry)
        del self.entries[entry.claim.claim_id]

    def covered_first(self, most: int) -> list[Entry]:
        """Return the first covered entries, at most so many."""
        return list(islice((entry for entry in self.entries.values() if entry.stage is Stage.COVERED), most))

    def _forget(self, entry: Entry) -> None:
        if entry.stage is Stage.COVERED:
            self.claimed -= entry.claim.amount
            self.covered -= 1
        for places in (self.closed, self.waiting, self.triggered):
            places.pop(entry.claim.claim_id, None)


class Spending:
    """Hold what covered claims on each symbol have cost each fund, by part of the window."""

    def __init__(self) -> None:
        self._costs: dict[str, dict[str, dict[int, Decimal]]] = {}

    def add(self, fund: str, costs: Mapping[str, Decimal], part: int, oldest: int) -> None:
        """Add costs by symbol (negative ones take back), and forget parts before `oldest`. Needs the exact context."""
        mine = self._costs.setdefault(fund, {})
        for symbol, cost in costs.items():
            parts = mine.setdefault(symbol, {})
            parts[part] = parts.get(part, Decimal(0)) + cost
        for symbol in list(mine):
            mine[symbol] = {at: cost for at, cost in mine[symbol].items() if at >= oldest and cost}
            if not mine[symbol]:
                del mine[symbol]

    def since(self, fund: str, oldest: int) -> dict[str, Decimal]:
        """Return the costs by symbol since a part of the window. Needs the exact context."""
        return {
            symbol: total
            for symbol, parts in self._costs.get(fund, {}).items()
            if (total := sum((cost for at, cost in parts.items() if at >= oldest), Decimal(0)))
        }

    def body(self, fund: str) -> dict[str, dict[str, str]]:
        """Return the plain form of one fund's costs."""
        return {
            symbol: {str(at): format_amount(cost) for at, cost in parts.items()}
            for symbol, parts in self._costs.get(fund, {}).items()
        }

    def restore(self, fund: str, body: Mapping[str, Mapping[str, str]]) -> None:
        """Take over the costs that a plain form states."""
        self._costs[fund] = {
            symbol: {int(at): Decimal(cost) for at, cost in parts.items()} for symbol, parts in body.items()
        }
