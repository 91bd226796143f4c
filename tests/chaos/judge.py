"""The judge of a chaos run: knows the topics as they stand at the end, and the contract; nothing of the product.

It replays the inputs in the order of the log and looks at every output. Chains are looked at in `chains`, single events
in `evidence`, witnesses in `witnesses`; here are the dead letters, the final statuses, and what was consumed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.chaos.chains import judge_chains, judge_ids, judge_watches, read_chains
from tests.chaos.dump import Dump, Record
from tests.chaos.evidence import judge_evidence
from tests.chaos.facts import Facts
from tests.chaos.messages import INPUTS, OUTPUTS, STATE, partition_of
from tests.chaos.oracle import Edges, Oracle
from tests.chaos.verdict import CHAIN, DUPLICATE, LETTER, LOSS, POSITION, STATUS, Verdict
from tests.chaos.witnesses import judge_witnesses

Scope = tuple[str, str]


def judge(dump: Dump, portfolio: Mapping[str, Any], partitions: int) -> Verdict:
    """Return what is wrong with a run, and its figures."""
    verdict = Verdict()
    facts = replay(dump)
    chains = read_chains(dump, partitions, verdict)
    judge_chains(chains, verdict)
    judge_ids(dump, verdict)
    judge_watches(dump, chains, verdict)
    judge_evidence(chains, facts, portfolio, verdict)
    judge_witnesses(chains, facts, _unjudged(dump), verdict)
    _dead_letters(dump, facts, verdict)
    _held(dump, facts, verdict)
    _statuses(dump, facts, chains, final_edges(facts, portfolio), partitions, verdict)
    _positions(dump, verdict)
    _count(dump, verdict)
    return verdict


def replay(dump: Dump) -> Facts:
    """Return what the inputs amount to."""
    facts = Facts()
    for record in dump.of(*INPUTS):
        facts.take(record)
    return facts


def final_edges(facts: Facts, portfolio: Mapping[str, Any]) -> dict[Scope, Edges]:
    """Return what every scope must stand at once all inputs are used up."""
    oracle = Oracle(
        {"instruments": facts.terms, "assets": facts.assets, "prices": facts.prices, "portfolio": portfolio}
    )
    found = {}
    for name, account in facts.accounts.items():
        found |= {(name, scope): edges for scope, edges in oracle.scopes(account).items()}
    return found


def _unjudged(dump: Dump) -> bool:
    """Return whether the product has said that it left price messages unjudged, as it may after a long outage."""
    return any(json.loads(record.value or b"")["kind"] == "prices_unjudged" for record in dump.of("data-quality"))


def _dead_letters(dump: Dump, facts: Facts, verdict: Verdict) -> None:
    found: Counter[tuple[str, int, int]] = Counter()
    places: Counter[tuple[str, int, int, str]] = Counter()
    origins = {record[:3]: record for record in dump.of(*INPUTS) if record[:3] in facts.letters}
    for letter in dump.of("dead-letters"):
        headers = {name: value.decode() for name, value in letter.headers}
        origin = (headers["original-topic"], int(headers["original-partition"]), int(headers["original-offset"]))
        found[origin] += 1
        places[*origin, headers.get("error-path", "")] += 1
        _letter(letter, headers, origins.get(origin), verdict)
    for origin in sorted({*found, *facts.letters}):
        wanted = facts.letters.get(origin, 0)
        if found[origin] != wanted:
            kind = DUPLICATE if found[origin] > wanted > 0 else LOSS if found[origin] < wanted else LETTER
            verdict.complain(kind, f"{found[origin]} dead letters instead of {wanted} for {origin}")
    for place, count in places.items():
        verdict.expect(count == 1, DUPLICATE, f"{count} dead letters for the same place {place}")


def _letter(letter: Record, headers: Mapping[str, str], source: Record | None, verdict: Verdict) -> None:
    if source is None:
        return
    is_same = letter.key == source.key and (letter.value or b"") == (source.value or b"")
    verdict.expect(is_same, LETTER, f"the dead letter of {source[:3]} has another key or value")
    is_dated = headers.get("original-timestamp-ms") == str(source.timestamp_ms)
    has_reason = headers.get("error-code") and headers.get("error-message")
    verdict.expect(is_dated and has_reason, LETTER, f"the dead letter of {source[:3]} has headers {headers}")


def _held(dump: Dump, facts: Facts, verdict: Verdict) -> None:
    bodies = [json.loads(record.value or b"") for record in dump.of("data-quality")]
    told = Counter(body["origin"]["offset"] for body in bodies if body["kind"] == "instrument_held")
    for offset in sorted({*told, *facts.held}):
        if told[offset] != (wanted := int(offset in facts.held)):
            kind = DUPLICATE if told[offset] > 1 else LOSS if wanted else LETTER
            verdict.complain(kind, f"{told[offset]} records say that instruments@{offset} is held, not {wanted}")


def _statuses(
    dump: Dump,
    facts: Facts,
    chains: Mapping[Scope, list[dict[str, Any]]],
    wanted: Mapping[Scope, Edges],
    partitions: int,
    verdict: Verdict,
) -> None:
    shown: dict[Scope, dict[str, Any]] = {}
    for key, record in {record.key: record for record in dump.of("account-status")}.items():
        name, _, scope = (key or b"").decode().rpartition("|")
        verdict.expect(
            record.partition == partition_of(name.encode(), partitions), STATUS, f"{name} shown in {record.partition}"
        )
        if record.value is not None:
            shown[name, scope] = json.loads(record.value)
    for where in sorted({*shown, *wanted, *chains}):
        events = chains.get(where, [])
        told = events[-1]["status"] if events else "healthy"
        if where not in wanted:
            verdict.expect(where not in shown, STATUS, f"{where} is shown, but there is no such scope")
            verdict.expect(told == "healthy", LOSS, f"{where} is no more, but was told {told} last")
        elif where not in shown:
            verdict.complain(STATUS, f"{where} is not shown, it is {wanted[where]}")
        else:
            _status(where, shown[where], wanted[where], events, verdict)
            _facts_shown(where, shown[where], facts, verdict)


def _status(
    where: Scope, body: Mapping[str, Any], edges: Edges, events: list[dict[str, Any]], verdict: Verdict
) -> None:
    told = events[-1]["status"] if events else "healthy"
    verdict.expect(edges.fits(body["status"]), STATUS, f"{where} is shown as {body['status']}, it is {edges}")
    same = told in ("unknown", "healthy") if body["status"] == "unknown" else told == body["status"]
    verdict.expect(same, LOSS, f"{where} is shown as {body['status']}, but was told {told} last")
    count = (body["sequence"], body["episode"])
    last = (events[-1]["sequence"], events[-1]["episode"]) if events else (0, 0)
    verdict.expect(count == last, CHAIN, f"{where} is shown with sequence and episode {count}, the chain has {last}")


def _facts_shown(where: Scope, body: Mapping[str, Any], facts: Facts, verdict: Verdict) -> None:
    account = facts.accounts[where[0]]
    verdict.expect(
        bool(body.get("suspect")) == account.suspect, STATUS, f"{where} is shown suspect {body.get('suspect')}"
    )
    version = body["account_version"]
    verdict.expect(version == account.version, STATUS, f"{where} is shown at version {version} of {account.version}")


def _positions(dump: Dump, verdict: Verdict) -> None:
    """Look whether every input was used up: the last `__meta__` of each shard stands at the ends."""
    metas = {
        record.partition: json.loads(record.value or b"{}") for record in dump.of(STATE) if record.key == b"__meta__"
    }
    for (topic, partition), end in dump.ends.items():
        shards = [partition] if topic == "account-events" else list(metas)
        for shard in shards if topic in INPUTS else ():
            reached = metas.get(shard, {"inputs": {}})["inputs"].get(topic, {}).get(str(partition), 0)
            verdict.expect(
                reached == end, POSITION, f"shard {shard} stands at {reached} of {end} in {topic}[{partition}]"
            )


def _count(dump: Dump, verdict: Verdict) -> None:
    verdict.figures["records in"] = sum(1 for _ in dump.of(*INPUTS))
    for topic in OUTPUTS:
        verdict.figures[topic] = len(dump.records.get(topic, ()))
    metas = [record for record in dump.of(STATE) if record.key == b"__meta__" and record.value]
    last = {record.partition: json.loads(record.value or b"")["counter"] for record in metas}
    verdict.figures["transactions"] = sum(last.values())
