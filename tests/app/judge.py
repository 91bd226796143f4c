"""The judge: knows the inputs and the contract, and says what is wrong with the outputs.

It replays the inputs slowly, message by message, over the exact margin; how the product got its answer it does not ask.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from monitor.app.codec import BadMessage
from monitor.app.ports import Record, TopicPartition
from monitor.cli.assembly import codec_of, new_board
from monitor.core.accounts import Account, BadFacts, after, check_event, is_news
from monitor.core.amounts import exactly
from monitor.core.doubt import why_doubtful
from monitor.core.instruments import Instrument
from monitor.core.ladder import MarginStatus, debt_floor_in, is_breach
from monitor.core.margin import assess
from monitor.core.partitioning import partition_of
from monitor.core.rows import scopes_to_judge
from monitor.core.told import unpack_memory
from tests.app.lab import World

Scope = tuple[str, str]
Letter = tuple[str, int, int, str]
"""Topic, partition and offset of a bad message, and the place inside an array."""
RANKS = {str(status): status.rank for status in MarginStatus}


class Oracle:
    """Replay inputs in the order they were produced; statuses without ages and without memory of doubt."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._settings = world.settings
        self._codec = codec_of(world.settings)
        self._board = new_board(world.settings)
        self._accepted: dict[str, Instrument[Decimal]] = {}
        self.accounts: dict[str, Account] = {}
        self.bad: list[Letter] = []
        self.held: list[int] = []
        self.last: dict[Scope, MarginStatus] = {}
        self.chains: dict[Scope, list[str]] = defaultdict(list)
        self.status: dict[Scope, MarginStatus] = {}

    def replay(self) -> Oracle:
        """Take every input of the world's history; return itself."""
        topics = self._world.topics
        takers = {
            topics.mark_prices: self._prices,
            topics.instruments: self._instrument,
            topics.assets: self._asset,
            topics.account_events: self._account,
            topics.insurance_funds: self._fund,
        }
        for records in self._world.history:
            for record in records:
                if record.topic in takers:
                    try:
                        takers[record.topic](record)
                    except (BadMessage, BadFacts):
                        self._refuse(record)
                    self._evaluate()
        return self

    def _refuse(self, record: Record, path: str = "") -> None:
        self.bad.append((record.topic, record.partition, record.offset, path))

    def _prices(self, record: Record) -> None:
        message = self._codec.prices(record.value)
        for element in message.rejected:
            self._refuse(record, element.path)
        for update in message.prices:
            if update.event_time_ms > record.timestamp_ms + self._settings.prices.max_ahead_ms:
                self._refuse(record, update.symbol)
            else:
                self._board.take(update, record.partition, record.offset, record.timestamp_ms)

    def _instrument(self, record: Record) -> None:
        message = self._codec.instrument(record.value, record.key)
        old, new = self._accepted.get(message.symbol), message.instrument
        if new is None:
            self._accepted.pop(message.symbol, None)
        elif old and not message.confirm and why_doubtful(old, new, self._settings.instruments.max_step):
            self.held.append(record.offset)
            return
        else:
            self._accepted[message.symbol] = new
        self._board.set_instrument(message.symbol, new)

    def _asset(self, record: Record) -> None:
        message = self._codec.asset(record.value, record.key)
        self._board.set_asset(message.name, message.asset, record.timestamp_ms)

    def _fund(self, record: Record) -> None:
        fund = self._codec.insurance_fund(record.value, record.key).fund
        if fund is not None and fund.event_time_ms > record.timestamp_ms + self._settings.prices.max_ahead_ms:
            self._refuse(record)

    def _account(self, record: Record) -> None:
        event = self._codec.account_event(record.value, record.key)
        if partition_of(event.account_id.encode(), self._settings.topics.partitions) != record.partition:
            self._refuse(record)
            return
        known = self.accounts.get(event.account_id)
        check_event(event)
        if is_news(event, known):
            self.accounts[event.account_id] = after(event, known)

    @exactly
    def _evaluate(self) -> None:
        seen: set[Scope] = set()
        for account in self.accounts.values():
            told = [s for (a, s), chain in self.chains.items() if a == account.account_id and chain[-1] != "healthy"]
            for scope in scopes_to_judge(account, self._board, told):
                seen.add((account.account_id, scope))
                self._decide((account.account_id, scope), self._status(account, scope))
        for key in [key for key in self.status if key not in seen]:
            del self.status[key]
            if self.chains.get(key, ["healthy"])[-1] != "healthy":
                self.chains[key].append("healthy")
                self.last[key] = MarginStatus.HEALTHY

    def _status(self, account: Account, scope: str) -> MarginStatus:
        figures = assess(account, scope, self._board)
        if figures.unknown_because:
            return MarginStatus.UNKNOWN
        ladder = self._settings.ladder.of(figures.kind)
        assert figures.equity is not None
        assert figures.maintenance_margin is not None
        last = self.last.get((account.account_id, scope), MarginStatus.HEALTHY)
        return ladder.told(last, figures.equity, figures.maintenance_margin, debt_floor_in(ladder, figures.index_price))

    def _decide(self, key: Scope, status: MarginStatus) -> None:
        self.status[key] = status
        told = MarginStatus((self.chains.get(key) or ["healthy"])[-1])
        if status is MarginStatus.UNKNOWN:
            if is_breach(told):
                self.chains[key].append("unknown")
            return
        self.last[key] = status
        if status is not told:
            self.chains[key].append(str(status))


class Judge:
    """Collect complaints about a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._topics = world.topics
        self._shards = world.settings.topics.partitions
        self.oracle = Oracle(world).replay()
        self.complaints: list[str] = []

    def check(self, *, exact: bool = False) -> None:
        """Raise `AssertionError` with every complaint; `exact`: the chains are those of the slow replay."""
        self._chains(exact=exact)
        self._transactions()
        self._dead_letters()
        self._account_status()
        self._held()
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


def letter_of(record: Record) -> Letter:
    """Return which message a dead letter is about."""
    headers = {name: text.decode() for name, text in record.headers}
    place = (headers["original-topic"], int(headers["original-partition"]), int(headers["original-offset"]))
    return (*place, headers.get("error-path", ""))
