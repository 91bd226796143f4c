"""From metas and events to findings: handovers and their gaps, what staying shards did meanwhile, and what is wrong.

Nothing is known here about what was done to the instances but when: an act is a name and a stretch of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tests.scaling.following import Account, Line, Told


class Act(NamedTuple):
    """Hold what was done: `begin_ms` is when, `end_ms` when every shard was judged again and a little later."""

    kind: str
    begin_ms: int
    end_ms: int


class Handover(NamedTuple):
    """Hold one shard's change of hands: the gap between the events on both sides, and when the later one came."""

    act: Act
    shard: int
    gap_ms: int
    since_act_ms: int


class Findings(NamedTuple):
    """Hold what a run has shown."""

    handovers: list[Handover]
    staying: dict[str, list[int]]
    usual: list[int]
    complaints: list[str]


def measure(account: Account, acts: Sequence[Act], first_tick: int, last_tick: int) -> Findings:
    """Return what a run has shown; every price from `first_tick` to `last_tick` must be told once in every shard."""
    found = Findings([], {act.kind: [] for act in acts}, [], [])
    for shard, lines in sorted(account.lines.items()):
        told = sorted(account.told.get(shard, []), key=lambda one: one.sequence)
        _chain(shard, told, first_tick, last_tick, found.complaints)
        _lines(shard, lines, found.complaints)
        _gaps(shard, lines, told, acts, found)
    return found


def _chain(shard: int, told: Sequence[Told], first_tick: int, last_tick: int, complaints: list[str]) -> None:
    """Complain where a price was not told exactly once, in order."""
    numbers = [one.sequence for one in told]
    if numbers != list(range(1, len(told) + 1)):
        complaints.append(f"shard {shard}: the sequence of its swinging account is broken")
    offsets = [one.offset for one in told if one.offset >= first_tick]
    wanted = list(range(first_tick, last_tick + 1))
    if offsets != wanted:
        missing, extra = sorted(set(wanted) - set(offsets)), len(offsets) - len(set(offsets))
        complaints.append(f"shard {shard}: {len(missing)} prices not told, like {missing[:3]}, {extra} told twice")


def _lines(shard: int, lines: Sequence[Line], complaints: list[str]) -> None:
    """Complain where transactions of two writers overlap: each counts on from the last, and none comes back alone."""
    for before, after in pairwise(lines):
        if after.counter != before.counter + 1:
            complaints.append(f"shard {shard}: transaction {after.counter} follows {before.counter}")
        if after.judged < before.judged:
            complaints.append(f"shard {shard}: the position of prices goes back to {after.judged}")


def _gaps(shard: int, lines: Sequence[Line], told: Sequence[Told], acts: Sequence[Act], found: Findings) -> None:
    writers = _writers(lines, told)
    changed: set[Act] = set()
    for (before, old), (after, new) in pairwise(zip(told, writers, strict=True)):
        gap = after.timestamp_ms - before.timestamp_ms
        if old == new:
            continue
        act = next((one for one in acts if one.begin_ms <= after.timestamp_ms <= one.end_ms), None)
        if act is None:
            found.complaints.append(f"shard {shard} changed hands at {after.timestamp_ms} for no reason")
            continue
        changed.add(act)
        if after.decided_at_ms < before.decided_at_ms:
            found.complaints.append(f"shard {shard}: the new owner judged before the old one had ended")
        found.handovers.append(Handover(act, shard, gap, after.timestamp_ms - act.begin_ms))
    times = [one.timestamp_ms for one in told]
    for act in [one for one in acts if one not in changed]:
        within = [b - a for a, b in pairwise(times) if act.begin_ms <= b <= act.end_ms]
        found.staying[act.kind].append(max(within, default=0))
    busy = [(act.begin_ms, act.end_ms) for act in acts]
    found.usual.extend(
        b - a for a, b in pairwise(times) if not any(begin <= b and a <= end for begin, end in busy) and a > times[0]
    )


def _writers(lines: Sequence[Line], told: Sequence[Told]) -> list[str]:
    """Return who told each event: the writer of the first line that says its price was judged."""
    found, at = [], 0
    for one in told:
        while at < len(lines) - 1 and lines[at].judged <= one.offset:
            at += 1
        found.append(lines[at].writer)
    return found


def percentile(values: Sequence[int], share: float) -> int:
    """Return the value below which such a share of the values lies, the largest for 1; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0
