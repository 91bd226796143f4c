"""A small run that went well, written by hand, and the ways to doctor it: what the judge must find.

The run is stated here event by event from the contract; no product has written it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from tests.chaos.dump import Dump, Record
from tests.chaos.messages import Message, dumped, partition_of

PARTITIONS = 2
NAME = "witness-1"
WHERE = partition_of(NAME.encode(), PARTITIONS)
TERMS: dict[str, Any] = {
    "symbol": "AUSDT", "contract": "linear", "settle_asset": "USDT", "brackets": [{"floor": "0", "rate": "0.1"}],
}  # fmt: skip
LIFE = ((100, "healthy"), (91, "warning"), (85, "takeover"), (79, "bankrupt"), (101, "healthy"))
"""What the one account's status is at these prices, with ten bought at 100 and 200 in the wallet."""
TOPICS = {"warning": "margin-calls", "takeover": "liquidations", "bankrupt": "adl-events", "healthy": "adl-events"}


class Script:
    """Collect records, each at the end of its partition."""

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = {}

    def add(self, message: Message, headers: tuple[tuple[str, bytes], ...] | None = None) -> Record:
        """Add one record."""
        topic = self.records.setdefault(message.topic, [])
        offset = sum(record.partition == message.partition for record in topic)
        noted = (message.note(len(topic)),) if headers is None else headers
        record = Record(message.topic, message.partition, offset, 1_000, message.key, message.value, noted)
        topic.append(record)
        return record

    def dump(self) -> Dump:
        """Return the dump."""
        ends: dict[tuple[str, int], int] = {}
        for record in (one for records in self.records.values() for one in records):
            ends[record.topic, record.partition] = record.offset + 1
        return Dump(self.records, ends)


def good_run() -> Dump:
    """Return a run in which nothing is wrong."""
    script, key = Script(), NAME.encode()
    script.add(Message("terms", "instruments", b"AUSDT", dumped(TERMS), 0))
    position = {"symbol": "AUSDT", "quantity": "10", "entry_price": "100"}
    body = {"account_id": NAME, "version": 1, "event_time_ms": 1, "snapshot": True,
            "balances": {"USDT": "200"}, "positions": [position]}  # fmt: skip
    script.add(Message("witness", "account-events", key, dumped(body), WHERE))
    for number, (mark, _) in enumerate(LIFE):
        price = {"symbol": "AUSDT", "mark_price": str(mark), "event_time_ms": number + 1}
        script.add(Message("prices", "mark-prices", b"AUSDT", dumped(price), 0))
    bad = script.add(Message("bad-no-json", "mark-prices", b"AUSDT", b"{", 0, 1))
    for number in range(1, len(LIFE)):
        script.add(Message("", _topic(number), key, dumped(_event(number)), WHERE), ())
        if LIFE[number][1] == "bankrupt":
            watch = {"event_id": "watch", "event_type": "adl_watch", "account_id": NAME, "scope": "cross:USDT"}
            script.add(Message("", "adl-events", key, dumped(watch | {"episode": 1}), WHERE), ())
    script.add(Message("", "dead-letters", bad.key, bad.value, 0), _headers(bad))
    shown = {"status": "healthy", "sequence": len(LIFE) - 1, "episode": 1, "suspect": False, "account_version": 1}
    script.add(Message("", "account-status", b"witness-1|cross:USDT", dumped(shown), WHERE), ())
    for shard in range(PARTITIONS):
        inputs = {"mark-prices": {"0": len(LIFE) + 1}, "instruments": {"0": 1}, "account-events": {str(WHERE): 1}}
        meta = {"inputs": inputs, "counter": 9}
        script.add(Message("", "liqmon-state", b"__meta__", dumped(meta), shard), ())
    return script.dump()


def _topic(number: int) -> str:
    return TOPICS[LIFE[number][1]]


def _headers(bad: Record) -> tuple[tuple[str, bytes], ...]:
    texts = {"error-code": "malformed_json", "error-message": "no", "original-topic": bad.topic,
             "original-partition": "0", "original-offset": str(bad.offset),
             "original-timestamp-ms": "1000"}  # fmt: skip
    return tuple((name, text.encode()) for name, text in texts.items())


def _event(number: int) -> dict[str, Any]:
    status, before = LIFE[number][1], LIFE[number - 1][1]
    document = {
        "instruments": {"AUSDT": {name: value for name, value in TERMS.items() if name != "symbol"}},
        "assets": {},
        "prices": {"AUSDT": {"mark_price": str(LIFE[number][0])}},
    }
    return {
        "event_id": hashlib.sha256(f"{NAME}\ncross:USDT\n{number}".encode()).hexdigest()[:32],
        "account_id": NAME, "scope": "cross:USDT", "sequence": number, "episode": 1, "previous_status": before,
        "status": status, "raw_status": status, "event_type": "recovered" if status == "healthy" else status,
        "account_version": 1, "cause": {"kind": "mark_price", "symbol": "AUSDT", "offset": number},
        "evidence": {"document": document, "price_origins": {"AUSDT": {"partition": 0, "offset": number}}},
    }  # fmt: skip


Doctor = Callable[[dict[str, list[Record]]], object]


def changed(topic: str, place: int, **fields: Any) -> Doctor:
    """Return what changes fields in the value of one record."""

    def doctor(records: dict[str, list[Record]]) -> None:
        record = records[topic][place]
        body = json.loads(record.value or b"") | fields
        records[topic][place] = record._replace(value=dumped(body))

    return doctor


def removed(topic: str, place: int) -> Doctor:
    """Return what removes one record."""
    return lambda records: records[topic].pop(place)


def doubled(topic: str, place: int) -> Doctor:
    """Return what writes one record again."""
    return lambda records: records[topic].append(records[topic][place]._replace(offset=99))


def moved(topic: str, place: int, to: str) -> Doctor:
    """Return what moves one record to another topic."""
    return lambda records: records[to].append(records[topic].pop(place)._replace(topic=to))


def misplaced(topic: str, place: int) -> Doctor:
    """Return what puts one record into the other partition."""

    def doctor(records: dict[str, list[Record]]) -> None:
        records[topic][place] = records[topic][place]._replace(partition=1 - records[topic][place].partition)

    return doctor
