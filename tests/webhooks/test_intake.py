"""Events of a partition on three topics, seen in any order a transactional log allows, come out in their chains."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.wire.subscribers import SubscriberCodec
from monitor.app.gateway.places import Places
from monitor.app.ports import Record, TopicPartition
from monitor.app.webhooks.intake import Chains, Intake
from monitor.app.webhooks.messages import Event
from monitor.app.webhooks.observing import SilentWebhookObserver

TOPICS = ("m", "l", "a")
PLACES = Places(TOPICS, "s", 1)
WHERE = {topic: TopicPartition(topic, 0) for topic in TOPICS}


class Gaps(SilentWebhookObserver):
    """Count gaps."""

    def __init__(self) -> None:
        self.gaps = 0

    def chain_gap(self) -> None:
        """Count it."""
        self.gaps += 1


class Partition:
    """One partition of three topics: what is written, and up to where it is committed; a reader with positions."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Record | None]] = {topic: [] for topic in TOPICS}
        self.stable = dict.fromkeys(TOPICS, 0)
        self.open: list[str] = []
        self.positions = dict.fromkeys(TOPICS, 0)
        self.written: list[tuple[str, int]] = []
        self.time_ms = 0

    def transact(self, events: Iterable[tuple[str, int, str]]) -> None:
        """Write one transaction of (account, sequence, topic), nothing of it readable yet."""
        assert not self.open, "one writer writes one transaction after the other"
        for account, sequence, topic in events:
            self.time_ms += 1
            body = {"event_type": "x", "account_id": account, "scope": "c", "sequence": sequence}
            offset = len(self.logs[topic])
            value = json.dumps(body).encode()
            self.logs[topic].append(Record(topic, 0, offset, self.time_ms, account.encode(), value))
            self.written.append((account, sequence))
            if topic not in self.open:
                self.open.append(topic)

    def mark(self, topic: str) -> None:
        """Write the commit marker of one topic."""
        self.logs[topic].append(None)
        self.stable[topic] = len(self.logs[topic])
        self.open.remove(topic)

    def read(self, topic: str, most: int) -> list[Record]:
        """Read on, up to what is committed."""
        begin = self.positions[topic]
        upto = min(self.stable[topic], begin + most)
        self.positions[topic] = upto
        return [record for record in self.logs[topic][begin:upto] if record is not None]

    def position(self, where: TopicPartition) -> int:
        """Return how far a topic is read."""
        return self.positions[where.topic]

    async def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where the topics end, open transactions included."""
        return {where: len(self.logs[where.topic]) for where in partitions}


def plan(random: Random, transactions: int) -> list[list[tuple[str, int, str]]]:
    """Return transactions in which several accounts move on, some by several steps at once."""
    sequences: Counter[str] = Counter()
    found = []
    for _ in range(transactions):
        events = []
        for _ in range(random.randrange(1, 6)):
            account = random.choice("abc")
            sequences[account] += 1
            events.append((account, sequences[account], random.choice(TOPICS)))
        by_topic: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        for one in events:
            by_topic[one[2]].append(one)
        shuffled = list(by_topic)  # one topic of a transaction is written after another
        random.shuffle(shuffled)
        found.append([one for topic in shuffled for one in by_topic[topic]])
    return found


async def live(random: Random, partition: Partition, transactions: list[Any], deaths: bool) -> list[Event]:
    """Write, mark, read and die in any order; return what was let through."""
    told: list[Event] = []
    positions: Mapping[str, int] = dict.fromkeys(TOPICS, 0)
    notes = Gaps()
    intake = Intake(PLACES, SubscriberCodec(1), notes, guards=False)
    todo = list(transactions)
    for step in range(100_000):
        act = random.choice(("write", "mark", "read", "read", "settle", "die" if deaths and step < 400 else "settle"))
        if act == "write" and todo and not partition.open:
            partition.transact(todo.pop(0))
        elif act == "mark" and partition.open:
            partition.mark(random.choice(partition.open))
        elif act == "read":
            topic = random.choice(TOPICS)
            for record in partition.read(topic, random.randrange(1, 4)):
                told += intake.feed(record)
        elif act == "settle":
            told += await intake.settle(partition)  # type: ignore[arg-type]
        elif act == "die" and random.random() < 0.2:
            intake = Intake(PLACES, SubscriberCodec(1), notes, guards=False)
            positions = dict.fromkeys(TOPICS, 0) | {one.topic: one.offset + 1 for one in told}
            partition.positions = dict(positions)
        if not todo and len(told) == len(partition.written):
            assert notes.gaps == 0, "nothing is missing"
            return told
    raise AssertionError(f"{len(partition.written) - len(told)} events wait for ever")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.booleans())
async def test_chains_come_in_order_however_topics_are_seen(seed: int, count: int, deaths: bool) -> None:
    """Commit markers one by one, reads in any order, deaths in between: each event once, each chain in its order."""
    random = Random(seed)
    partition = Partition()
    told = await live(random, partition, plan(random, count), deaths)
    seen = [(one.view.account_id, one.view.sequence) for one in told]
    assert Counter(seen) == Counter(partition.written)
    for account in "abc":
        sequences = [sequence for name, sequence in seen if name == account]
        assert sequences == sorted(sequences, key=lambda one: one or 0)
    for topic in TOPICS:
        offsets = [one.offset for one in told if one.topic == topic]
        assert offsets == sorted(offsets)


async def test_a_predecessor_that_is_nowhere_is_waited_for_no_longer() -> None:
    """What retention took away is counted as a gap, once, and what follows is told."""
    partition, notes = Partition(), Gaps()
    intake = Intake(PLACES, SubscriberCodec(1), notes, guards=False)
    partition.transact([("a", 1, "m"), ("a", 3, "l"), ("a", 4, "m"), ("b", 9, "a")])
    for topic in tuple(partition.open):
        partition.mark(topic)
    told = [event for topic in TOPICS for record in partition.read(topic, 9) for event in intake.feed(record)]
    assert [(one.view.account_id, one.view.sequence) for one in told] == [("a", 1)]
    for _ in range(3):
        told += await intake.settle(partition)  # type: ignore[arg-type]
    assert [one.view.sequence for one in told if one.view.account_id == "a"] == [1, 3, 4]
    assert [one.view.sequence for one in told if one.view.account_id == "b"] == [9]
    assert notes.gaps == 1
    assert not intake.is_waiting


def test_memory_of_chains_is_bounded() -> None:
    """The oldest chain is forgotten first, and is then as unknown as one that was never seen."""
    chains = Chains(most=2)
    for name in "aba":
        chains.reached((name, "c"), 5)
    chains.reached(("x", "c"), 1)
    assert [chains.told(name, "c")[0] for name in "abx"] == [5, -1, 1]
