"""The chains of a chaos run: each scope's events in order, without gap or repetition, in their topic and partition."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from tests.chaos.dump import Dump
from tests.chaos.messages import EVENTS, partition_of
from tests.chaos.oracle import RANKS
from tests.chaos.verdict import CHAIN, DUPLICATE, LOSS, Verdict

Scope = tuple[str, str]
Chains = dict[Scope, list[dict[str, Any]]]
CRITICAL = RANKS["critical"]


def read_chains(dump: Dump, partitions: int, verdict: Verdict) -> Chains:
    """Return the events of every scope by sequence, having looked at where each one stands."""
    chains: Chains = defaultdict(list)
    last: dict[tuple[Scope, str], int] = {}
    for record in dump.of(*EVENTS):
        event = json.loads(record.value or b"")
        name = event["account_id"].encode()
        told = f"{event['event_type']} of {event['account_id']}"
        verdict.expect(record.key == name, CHAIN, f"{told} has the key {record.key!r}")
        right = partition_of(name, partitions)
        verdict.expect(record.partition == right, CHAIN, f"{told} stands in partition {record.partition}, not {right}")
        if "sequence" not in event:
            continue
        where = (event["account_id"], event["scope"])
        in_order = event["sequence"] > last.get((where, record.topic), 0)
        verdict.expect(in_order, CHAIN, f"{where} has {event['sequence']} out of order in {record.topic}")
        last[where, record.topic] = event["sequence"]
        chains[where].append(event | {"topic": record.topic})
        verdict.figures["events in chains"] += 1
    return {where: sorted(events, key=lambda event: event["sequence"]) for where, events in sorted(chains.items())}


def judge_chains(chains: Chains, verdict: Verdict) -> None:
    """Look at every chain."""
    for where, events in chains.items():
        numbers = Counter(event["sequence"] for event in events)
        twice = sorted(number for number, count in numbers.items() if count > 1)
        gone = sorted(set(range(1, max(numbers) + 1)) - numbers.keys())
        verdict.expect(not twice, DUPLICATE, f"{where} has {twice} more than once")
        verdict.expect(not gone, LOSS, f"{where} lacks {gone}")
        _follow(where, events, verdict)


def _follow(where: Scope, events: list[dict[str, Any]], verdict: Verdict) -> None:
    before, known, episode = "healthy", "healthy", 0
    for event in events:
        place, status = f"{where} at {event['sequence']}", event["status"]
        was = event["previous_status"]
        verdict.expect(was == before != status, CHAIN, f"{place}: from {was} to {status} after {before}")
        text = f"{where[0]}\n{where[1]}\n{event['sequence']}"
        right = hashlib.sha256(text.encode()).hexdigest()[:32]
        verdict.expect(event["event_id"] == right, CHAIN, f"{place}: event_id {event['event_id']}")
        episode += before == "healthy"
        verdict.expect(event["episode"] == episode, CHAIN, f"{place}: episode {event['episode']}, not {episode}")
        types = ("recovered", "closed") if status == "healthy" else (status,)
        verdict.expect(event["event_type"] in types, CHAIN, f"{place}: {event['event_type']} to {status}")
        worse = max(RANKS[known], RANKS[known if status == "unknown" else status])
        topic = EVENTS[2 if worse == RANKS["bankrupt"] else 1 if worse >= RANKS["liquidation"] else 0]
        verdict.expect(event["topic"] == topic, CHAIN, f"{place}: told on {event['topic']}, not {topic}")
        before, known = status, known if status == "unknown" else status


def judge_ids(dump: Dump, verdict: Verdict) -> None:
    """Look whether any event stands twice, and whether the rules of an account are counted without a gap."""
    events = [json.loads(record.value or b"") for record in dump.of(*EVENTS)]
    for event_id, count in Counter(event["event_id"] for event in events).items():
        verdict.expect(count == 1, DUPLICATE, f"event {event_id} stands there {count} times")
    rules: dict[str, list[int]] = defaultdict(list)
    for event in events:
        verdict.figures[event["event_type"]] += 1
        if "rule_sequence" in event:
            rules[event["account_id"]].append(event["rule_sequence"])
    for name, numbers in rules.items():
        whole = numbers == list(range(1, len(numbers) + 1))
        verdict.expect(whole, CHAIN, f"the rules of {name} are numbered {numbers}")


def judge_watches(dump: Dump, chains: Mapping[Scope, list[dict[str, Any]]], verdict: Verdict) -> None:
    """Look whether each episode that has reached critical has its one `adl_watch`."""
    events = [json.loads(record.value or b"") for record in dump.of("adl-events")]
    told = Counter((e["account_id"], e["scope"], e["episode"]) for e in events if e["event_type"] == "adl_watch")
    due = {
        (*where, event["episode"])
        for where, chain in chains.items()
        for event in chain
        if RANKS.get(event["status"], 0) >= CRITICAL
    }
    for episode in sorted({*told, *due}):
        if told[episode] != (wanted := int(episode in due)):
            kind = LOSS if told[episode] < wanted else DUPLICATE
            verdict.complain(kind, f"{told[episode]} adl_watch instead of {wanted} for {episode}")
