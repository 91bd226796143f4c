"""Whether what was told is what had to be told: every event once, in order, with its cause; and that proofs hold."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Final

import msgspec

from bench.e2e.clients import Came, Place
from bench.e2e.oracle import STATUSES, Chains, Expected
from bench.e2e.process import Daemon, DaemonFailed

_NAMED: Final = 8
VERIFIED: Final = 300


class _Cause(msgspec.Struct):
    kind: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


class _Event(msgspec.Struct):
    event_type: str
    account_id: str
    sequence: int | None = None
    previous_status: str | None = None
    status: str | None = None
    cause: _Cause | None = None


class Told(msgspec.Struct):
    """Hold one event of a chain: when it was readable, and what it says."""

    at: float
    topic: str
    account: int
    sequence: int
    previous: str
    status: str
    kind: str
    place: Place | None
    record: int
    """Its place among the records that were read."""


_decode: Final = msgspec.json.Decoder(_Event).decode


def chains_of(records: Sequence[Came], numbers: Mapping[str, int], start: int = 0) -> list[Told]:
    """Return the events of chains among records from one on; others (of funds, of rules) have no sequence."""
    found = []
    for index in range(start, len(records)):
        record = records[index]
        if record.value is None:
            continue
        event = _decode(record.value)
        if event.sequence is None or event.cause is None:
            continue
        cause, place = event.cause, None
        if cause.topic is not None and cause.partition is not None and cause.offset is not None:
            place = Place(cause.topic, cause.partition, cause.offset)
        previous, status = event.previous_status or "", event.status or ""
        number = numbers.get(event.account_id, -1)
        found.append(Told(record.at, record.topic, number, event.sequence, previous, status, cause.kind, place, index))
    return found


class Verdict:
    """Collect complaints."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._counts: Counter[str] = Counter()

    def complain(self, kind: str, what: str) -> None:
        """Add one; of each kind only the first few are named."""
        self._counts[kind] += 1
        if self._counts[kind] <= _NAMED:
            self.complaints.append(f"{kind}: {what}")

    def lines(self) -> list[str]:
        """Return what is wrong."""
        return [
            *self.complaints,
            *(f"{kind}: {count} in all" for kind, count in self._counts.items() if count > _NAMED),
        ]


def compare(chains: Chains, told: Iterable[Told], verdict: Verdict, known: Set[int] | None = None) -> None:
    """Complain of every event that is missing, told twice, told without need, out of order or with another cause.

    Where `known` is given, the chains of other accounts are only held against themselves.
    """
    by_account: defaultdict[int, list[Told]] = defaultdict(list)
    for one in told:
        by_account[one.account].append(one)
    for account in sorted({*by_account, *chains.of}):
        mine = by_account.get(account, [])
        if account < 0:
            verdict.complain("of nobody we know", f"{len(mine)} events")
            continue
        whole = _chain(account, mine, verdict)
        if known is None or account in known:
            _expectations(account, chains.of.get(account, []), whole, verdict)


def _chain(account: int, mine: Sequence[Told], verdict: Verdict) -> list[Told]:
    """Return an account's events in order; complain where they are no chain."""
    ordered = sorted(mine, key=lambda one: one.sequence)
    seen: set[int] = set()
    before = STATUSES[0]
    chain = []
    for one in ordered:
        if one.sequence in seen:
            verdict.complain("told twice", f"account {account}, sequence {one.sequence}, {one.status}")
            continue
        seen.add(one.sequence)
        if one.sequence != len(seen):
            verdict.complain("missing", f"account {account} has no sequence {len(seen)} before {one.sequence}")
        if one.previous != before:
            verdict.complain("broken chain", f"account {account}, {one.sequence}: {one.previous} follows {before}")
        before = one.status
        chain.append(one)
    if sorted(mine, key=lambda one: one.topic) != sorted(ordered, key=lambda one: one.topic):
        verdict.complain("out of order", f"account {account}: {[(one.topic, one.sequence) for one in mine]}")
    return chain


def _expectations(account: int, expected: Sequence[Expected], chain: Sequence[Told], verdict: Verdict) -> None:
    for number, (wanted, one) in enumerate(zip(expected, chain, strict=False), 1):
        if one.status != STATUSES[wanted.status]:
            verdict.complain("wrong", f"account {account}, {number}: {one.status}, not {STATUSES[wanted.status]}")
            return
        if wanted.place is not None and one.place != wanted.place:
            verdict.complain("wrong cause", f"account {account}, {number}: {one.place}, not {wanted.place}")
    if len(chain) < len(expected):
        verdict.complain("missing", f"account {account} has {len(chain)} of {len(expected)} events")
    elif len(chain) > len(expected):
        more = [(one.status, one.kind) for one in chain[len(expected) :]][:3]
        verdict.complain("not called for", f"account {account}: {more}")


def verify(daemon: Daemon, records: Sequence[Came], told: Sequence[Told], folder: Path, verdict: Verdict) -> int:
    """Have `liqmon verify` compute a sample of the events again, evenly spread; return how many."""
    step = max(1, len(told) // VERIFIED)
    sample = [records[one.record].value for one in told[::step]]
    path = folder / "sample.jsonl"
    lines = [json.dumps(json.loads(value)) for value in sample if value is not None]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if lines:
        try:
            daemon.run_command("verify", str(path))
        except DaemonFailed as failure:
            verdict.complain("not verifiable", str(failure)[:500])
    return len(lines)
