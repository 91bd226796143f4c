"""The judge: knows the inputs and the contract, and says what is wrong with the outputs.

What should have come of the inputs the oracle says; how the product got its answer neither of them asks.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from typing import Any

from monitor.app.ports import Record, TopicPartition
from monitor.core.ladder import MarginStatus
from monitor.core.partitioning import partition_of
from monitor.core.told import unpack_memory
from tests.app.lab import World
from tests.app.oracle import Letter, Oracle, Scope

RANKS = {str(status): status.rank for status in MarginStatus}


class Judge:
    """Collect complaints about a world."""

    def __init__(self, world: World, oracle: Oracle | None = None) -> None:
        self._world = world
        self._topics = world.topics
        self._shards = world.settings.topics.partitions
        self.oracle = (oracle or Oracle(world)).replay()
        self.complaints: list[str] = []

    def check(self, *, exact: bool = False) -> None:
        """Raise `AssertionError` with every complaint; `exact`: the chains are those of the slow replay."""
        self._chains(exact=exact)
        self._transactions()
        self._dead_letters()
        self._account_status()
        self._held()
        self._doubts()
        for where in self._world.behind():
            self.complaints.append(f"the position of {where} was not committed")
        assert not self.complaints, "\n".join(self.complaints[:20])

    def _is(self, holds: object, complaint: str) -> None:
        if not holds:
            self.complaints.append(complaint)

    def _chains(self, *, exact: bool) -> None:
        chains: dict[Scope, list[dict[str, Any]]] = defaultdict(list)
        for topic in ("margin_calls", "liquidations", "adl_events"):
            last: dict[tuple[Scope, int], int] = {}
            for record in self._world.written(topic):
                event = json.loads(record.value or b"")
                key = (event["account_id"], event["scope"])
                right = partition_of(event["account_id"].encode(), self._shards)
                self._is(record.partition == right, f"{key} told in partition {record.partition}, not {right}")
                self._is(record.key == event["account_id"].encode(), f"{key} told under key {record.key!r}")
                if "sequence" in event:
                    chains[key].append(event | {"topic": topic})
                    self._is(event["sequence"] > last.get((key, 0), 0), f"{key} out of order in {topic}")
                    last[key, 0] = event["sequence"]
        for key, events in chains.items():
            self._chain(key, sorted(events, key=lambda event: event["sequence"]))
        for key in sorted({*chains, *self.oracle.chains}):
            told = [event["status"] for event in sorted(chains.get(key, ()), key=lambda event: event["sequence"])]
            wanted = self.oracle.chains.get(key, [])
            if exact:
                self._is(told == wanted, f"{key} was told {told}, the replay has {wanted}")
            else:
                now, right = (told or ["healthy"])[-1], (wanted or ["healthy"])[-1]
                # whether unknown is told depends on what was told before, and not every intermediate state is judged
                fits = now in ("unknown", "healthy") if self.oracle.status.get(key) == "unknown" else now == right
                self._is(fits, f"{key} stands at {now}, the last inputs make it {right} ({told})")

    def _chain(self, key: Scope, events: list[dict[str, Any]]) -> None:
        numbers = [event["sequence"] for event in events]
        self._is(numbers == list(range(1, len(events) + 1)), f"{key} has the sequence {numbers}")
        before, known, episode = "healthy", "healthy", 0
        for event in events:
            status = event["status"]
            self._is(event["previous_status"] == before != status, f"{key}: {event['previous_status']} after {before}")
            text = f"{key[0]}\n{key[1]}\n{event['sequence']}"
            right = hashlib.sha256(text.encode()).hexdigest()[:32]
            self._is(event["event_id"] == right, f"{key}: wrong event_id at {event['sequence']}")
            episode += before == "healthy"
            self._is(event["episode"] == episode, f"{key}: episode {event['episode']} instead of {episode}")
            worse = max(RANKS[known], RANKS[known if status == "unknown" else status])
            topic = "adl_events" if worse == 7 else "liquidations" if worse >= 4 else "margin_calls"
            self._is(event["topic"] == topic, f"{key}: {before} to {status} told on {event['topic']}")
            before, known = status, known if status == "unknown" else status

    def _transactions(self) -> None:
        """Every event stands with the record that remembers it, every dead letter with the position past it."""
        events = {self._topics.margin_calls, self._topics.liquidations, self._topics.adl_events}
        judged: dict[int, dict[TopicPartition, int]] = {}
        for records in self._world.history:
            memory = {r.key: unpack_memory(r.value) for r in records if r.value and (r.key or b"")[:2] == b"s|"}
            metas = [r for r in records if r.topic == self._topics.state and r.key == b"__meta__"]
            for record in records:
                if record.topic in events and "sequence" in (event := json.loads(record.value or b"")):
                    lines = memory.get(f"s|{event['account_id']}".encode(), {})
                    line = lines.get(event["scope"])
                    remembered = line is not None and line.told.sequence >= event["sequence"]
                    self._is(remembered, f"event {event['event_id']} stands without what remembers it")
            for record in metas:
                body = json.loads(record.value or b"")["inputs"]
                now = {TopicPartition(t, int(p)): offset for t, at in body.items() for p, offset in at.items()}
                self._letters_with(records, judged.get(record.partition, {}), now)
                judged[record.partition] = now

    def _letters_with(
        self, records: list[Record], before: dict[TopicPartition, int], now: dict[TopicPartition, int]
    ) -> None:
        for record in records:
            if record.topic == self._topics.dead_letters:
                topic, partition, offset, _ = letter_of(record)
                where = TopicPartition(topic, partition)
                fits = before.get(where, 0) <= offset < now.get(where, 0)
                self._is(fits, f"the dead letter of {where}@{offset} stands without the position past it")

    def _dead_letters(self) -> None:
        found = Counter(letter_of(record) for record in self._world.written("dead_letters"))
        wanted = Counter(self.oracle.bad)
        for letter in sorted({*found, *wanted}):
            if found[letter] != wanted[letter]:
                self.complaints.append(f"{found[letter]} dead letters instead of {wanted[letter]} for {letter}")
        originals = {(r.topic, r.partition, r.offset): r for records in self._world.history for r in records}
        for record in self._world.written("dead_letters"):
            source = originals[letter_of(record)[:3]]
            headers = dict(record.headers)
            self._is(record.key == source.key, f"dead letter under key {record.key!r}")
            self._is((record.value or b"") == (source.value or b""), f"dead letter with another value: {record}")
            stamp = headers["original-timestamp-ms"] == str(source.timestamp_ms).encode()
            self._is(headers["error-code"] and headers["error-message"] and stamp, f"headers {headers}")

    def _account_status(self) -> None:
        latest = {record.key: record for record in self._world.written("account_status")}
        shown: dict[Scope, str] = {}
        for key, record in latest.items():
            assert key is not None
            account, _, scope = key.decode().rpartition("|")
            right = partition_of(account.encode(), self._shards)
            self._is(record.partition == right, f"status of {account} in partition {record.partition}")
            if record.value is not None:
                shown[account, scope] = json.loads(record.value)["status"]
        wanted = {key: str(status) for key, status in self.oracle.status.items()}
        for key in sorted({*shown, *wanted}):
            if shown.get(key) != wanted.get(key):
                self.complaints.append(f"{key} is shown as {shown.get(key)}, it is {wanted.get(key)}")

    def _held(self) -> None:
        told = sorted(body["origin"]["offset"] for body in self._world.quality("instrument_held"))
        if told != sorted(self.oracle.held):
            self.complaints.append(f"held instruments told: {told}, there were {sorted(self.oracle.held)}")

    def _doubts(self) -> None:
        lines = self._world.quality("price_quality")
        told = Counter((line["origin"]["partition"], line["origin"]["offset"], line["symbol"]) for line in lines)
        for change in sorted({*told, *self.oracle.doubts}):
            if (found := told[change]) != (wanted := self.oracle.doubts[change]):
                self.complaints.append(f"{found} records of a doubt instead of {wanted} for {change}")


def letter_of(record: Record) -> Letter:
    """Return which message a dead letter is about."""
    headers = {name: text.decode() for name, text in record.headers}
    place = (headers["original-topic"], int(headers["original-partition"]), int(headers["original-offset"]))
    return (*place, headers.get("error-path", ""))
