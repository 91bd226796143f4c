"""The judge of evidence: no event of an account that was never in that state, and none that its evidence does not bear.

Every price, table and holding an event stands on is looked up in the topics, as the oracle has read them; then the
event is computed again from them, as any reader would.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from monitor.core.accounts import Account, MarginMode, MarginType
from monitor.core.document import instrument_object
from monitor.core.verify import BadEvidence
from tests.app.oracle import Oracle, Scope
from tests.engine.proving import difference

Event = Mapping[str, Any]
MOST_VERIFIED = 8
"""So many events of a story, drawn by the seed, are computed again from their evidence: the dearest of all checks."""


class EvidenceJudge:
    """Judge the evidence of every event of every chain."""

    def __init__(self, seed: int, oracle: Oracle, told: Mapping[Scope, Sequence[Event]]) -> None:
        self._seed = seed
        self._oracle = oracle
        self._told = told
        self._found: list[str] = []
        self._tables: dict[int, dict[str, Any]] = {}

    def complaints(self) -> list[str]:
        """Return what is wrong."""
        for key, events in self._told.items():
            self._in_order(key, events)
            for event in events:
                name = f"{key} event {event['sequence']} ({event['status']})"
                self._found += [f"{name}: {complaint}" for complaint in self._about(event)]
        everything = [(key, event) for key, events in self._told.items() for event in events]
        for key, event in random.Random(self._seed).sample(everything, min(MOST_VERIFIED, len(everything))):
            complaints = self._computed_again(event)
            self._found += [f"{key} event {event['sequence']}: {complaint}" for complaint in complaints]
        return self._found

    def _in_order(self, key: Scope, events: Sequence[Event]) -> None:
        """Later events stand on later facts and later prices."""
        states, place = self._oracle.states.get(key[0], []), 0
        prices: dict[str, tuple[int, int, int]] = {}
        for event in events:
            fits = [n for n in range(place, len(states)) if _is_of(states[n], event)]
            if not fits:
                self._found.append(f"{key} event {event['sequence']}: no such facts from state {place} on")
                return
            place = fits[0]
            for symbol, at in event["evidence"].get("price_origins", {}).items():
                order = (at["event_time_ms"], at["partition"], at["offset"])
                if order < prices.get(symbol, order):
                    self._found.append(f"{key} event {event['sequence']}: {symbol} went back from {prices[symbol]}")
                prices[symbol] = order

    def _about(self, event: Event) -> Iterable[str]:
        evidence = event["evidence"]
        document = evidence["document"]
        yield from self._holdings(event, document)
        yield from self._prices(event, evidence, document)
        for symbol, table in document.get("instruments", {}).items():
            if not any(self._table(terms) == table for terms in self._oracle.terms[symbol]):
                yield f"no such terms of {symbol} were ever in force: {table}"

    def _computed_again(self, event: Event) -> Iterable[str]:
        try:
            wrong = difference(event)
        except BadEvidence as error:
            yield f"its evidence cannot be read: {error}"
        else:
            if wrong is not None:
                yield f"it does not follow from its evidence: {wrong}"

    def _table(self, terms: Any) -> dict[str, Any]:
        kept = self._tables.get(id(terms))
        if kept is None:
            kept = self._tables[id(terms)] = instrument_object(terms)
        return kept

    def _holdings(self, event: Event, document: Mapping[str, Any]) -> Iterable[str]:
        for stated in document["accounts"]:
            states = [state for state in self._oracle.states[event["account_id"]] if _is_of(state, event)]
            if not any(_holds(state, event["scope"], stated) for state in states):
                yield f"the account never held {stated} at version {event['account_version']}"

    def _prices(self, event: Event, evidence: Mapping[str, Any], document: Mapping[str, Any]) -> Iterable[str]:
        cause = event["cause"]
        for symbol, at in evidence.get("price_origins", {}).items():
            price = Decimal(document["prices"][symbol]["mark_price"])
            place = at["partition"], at["offset"]
            if self._oracle.prices[symbol].get(place) != (at["event_time_ms"], price):
                yield f"{symbol} never stood at {price} ({at})"
            is_its_price = cause["kind"] == "mark_price" and cause.get("symbol") == symbol
            if is_its_price and place != (cause["partition"], cause["offset"]):
                yield f"it is caused by {cause}, but judged at {at}"


def _is_of(state: Account, event: Event) -> bool:
    return state.version == event["account_version"] and state.suspect is event["suspect"]


def _holds(state: Account, scope: str, stated: Mapping[str, Any]) -> bool:
    held = {(str(p.symbol), str(p.side)): p for p in state.positions.values()}
    named = {(p["symbol"], p["side"]): p for p in stated["positions"]}
    for key, position in named.items():
        known = held.get(key)
        if known is None or (known.quantity, known.entry_price) != (
            Decimal(position["quantity"]),
            Decimal(position["entry_price"]),
        ):
            return False
    if scope in ("cross:USD", "portfolio") and named and state.margin_mode is not MarginMode.SINGLE_ASSET:
        cross = {key for key, p in held.items() if p.margin_type is MarginType.CROSS}
        if cross != set(named):
            return False
    return all(state.balances.get(name) == Decimal(amount) for name, amount in stated["balances"].items())
