"""Redoing: the verdicts that events state of prices, made again from the messages of the topic.

An event states limits and other venues beside each verdict, so that whoever has the messages needs nothing else. What
follows from a verdict is the proof's business; reading messages is the wire's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from monitor.core.amounts import format_amount
from monitor.core.inputs import Origin
from monitor.core.prices import PriceUpdate
from monitor.core.quality.gate import SETTLED_MS, PartitionGate
from monitor.core.quality.judging import Quality
from monitor.core.quality.settings import Source
from monitor.core.quality.stating import quality_object, settings_in, sources_in


class PriceMessage(NamedTuple):
    """Hold what one message of `mark-prices` says, and where and when the log has it."""

    partition: int
    offset: int
    log_ms: int
    updates: tuple[PriceUpdate, ...]


class Statement(NamedTuple):
    """Hold one verdict as event number `event` states it, and the price that it is about."""

    event: int
    term: str
    symbol: str
    mark_price: str
    origin: Mapping[str, Any]
    quality: Mapping[str, Any]

    @property
    def place(self) -> tuple[int, int]:
        """The partition and offset of the price."""
        return self.origin["partition"], self.origin["offset"]


class Redone(NamedTuple):
    """Hold what has become of a statement: a term that differs, or why nothing can be said (`lacking`), or neither."""

    statement: Statement
    term: str = ""
    stated: Any = None
    computed: Any = None
    lacking: str = ""


class _Party:
    """Hold the statements that one set of limits and other venues has led to, and the gates that follow from it."""

    def __init__(self, quality: Mapping[str, Any], sources: Mapping[str, Sequence[Source]]) -> None:
        self._settings = settings_in(quality)
        self._sources = sources
        self._gates: dict[int, PartitionGate] = {}
        self.wanted: dict[tuple[int, int], list[Statement]] = {}

    def see(self, message: PriceMessage) -> Iterator[tuple[Statement, PriceUpdate | None, Quality]]:
        """Judge a message; yield the verdicts that somebody has stated, without a price where it states none."""
        gate = self._gates.get(message.partition)
        if gate is None:
            gate = self._gates[message.partition] = PartitionGate(self._settings, self._sources)
        qualities, _ = gate.judge(message.updates, Origin("", message.partition, message.offset), message.log_ms)
        for statement in self.wanted.pop((message.partition, message.offset), ()):
            found = [
                pair for pair in zip(message.updates, qualities, strict=True) if pair[0].symbol == statement.symbol
            ]
            if not found:
                yield statement, None, qualities[0]
            yield from ((statement, *pair) for pair in found)


class Redoing:
    """Make the verdicts of events again while messages go by, each partition in its order."""

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        self._parties: dict[str, _Party] = {}
        self._released: dict[int, list[Statement]] = {}
        self._begun: dict[int, tuple[int, int]] = {}
        self._last_ms = -1
        self.statements = [one for number, event in enumerate(events) for one in statements(number, event)]
        for statement in self.statements:
            sources = sources_in(statement.quality)
            known = {statement.symbol: sources} if sources else {}
            key = json.dumps([statement.quality["limits"], known], sort_keys=True, default=str)
            party = self._parties.setdefault(key, _Party(statement.quality, known))
            party.wanted.setdefault(statement.place, []).append(statement)
            if (released_ms := statement.quality.get("released_ms")) is not None:
                self._released.setdefault(released_ms, []).append(statement)

    def see(self, message: PriceMessage) -> Iterator[Redone]:
        """Take the next message; yield what has become of the statements that are about it."""
        self._begun.setdefault(message.partition, (message.offset, message.log_ms))
        self._last_ms = max(self._last_ms, message.log_ms)
        self._released.pop(message.log_ms, None)
        for party in self._parties.values():
            for statement, update, made in party.see(message):
                yield self._compared(statement, update, made)

    def end(self) -> Iterator[Redone]:
        """Yield what no message was found for, after the last."""
        for party in self._parties.values():
            for statement in [one for some in party.wanted.values() for one in some]:
                partition, offset = statement.place
                begun = self._begun.get(partition)
                if begun is None or offset < begun[0] or statement.quality["observed"]["log_ms"] > self._last_ms:
                    yield Redone(statement, lacking=f"the prices do not hold offset {offset} of partition {partition}")
                else:
                    yield _missing(statement)
        for released_ms, some in self._released.items():
            for statement in some:
                if released_ms > self._last_ms:
                    yield Redone(statement, lacking=f"the prices end before {released_ms}")
                else:
                    yield Redone(
                        statement, f"{statement.term}.quality.released_ms", released_ms, "no message of that time"
                    )

    def _compared(self, statement: Statement, update: PriceUpdate | None, made: Quality) -> Redone:
        if update is None:
            return _missing(statement)
        offset, log_ms = self._begun[statement.place[0]]
        if offset and made.observed.log_ms - log_ms < SETTLED_MS:
            return Redone(statement, lacking=f"prices are needed from {SETTLED_MS // 60_000} minutes before it on")
        term, stated = statement.term, statement.quality["observed"]
        computed = quality_object(made)["observed"]
        names = [name for name in (*computed, *stated) if name != "is_unsettled"]
        pairs: list[tuple[str, Any, Any]] = [
            ("mark_price", statement.mark_price, format_amount(update.mark_price)),
            ("event_time_ms", statement.origin["event_time_ms"], update.event_time_ms),
            *((f"quality.observed.{name}", stated.get(name), computed.get(name)) for name in names),
        ]
        for name, one, other in pairs:
            if one != other:
                return Redone(statement, f"{term}.{name}", one, other)
        return Redone(statement)


def _missing(statement: Statement) -> Redone:
    return Redone(statement, f"{statement.term}.offset", statement.place[1], "no message that states this price")


def statements(number: int, event: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield the verdicts that an event states: of the prices that count, and of those that are not believed."""
    evidence = event.get("evidence", {})
    for symbol, origin in evidence.get("price_origins", {}).items():
        term = f"evidence.price_origins.{symbol}"
        if "quality" in origin:
            mark = evidence["document"]["prices"][symbol]["mark_price"]
            yield Statement(number, term, symbol, mark, origin, origin["quality"])
        if "quarantined" in origin:
            doubted = origin["quarantined"]
            yield Statement(number, f"{term}.quarantined", symbol, doubted["mark_price"], doubted, doubted["quality"])
