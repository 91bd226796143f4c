"""What the engine has brought about against what the twin says must be: field by field, counted.

Nothing is driven here; a difference is an assertion that names scope and field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from monitor.core.engine import MarginEngine
from monitor.core.outcome import AccountOutcome, Outcome
from monitor.core.told import NOT_SHOWN, event_id, named_event_id
from tests.engine.twin import Expected, Told, Twin
from tests.engine.twin_margin import RANK, Figures

COUNT: Counter[str] = Counter()
"""How much has been compared, by what it was."""
_DIGITS = Fraction(1, 10**38)
_RANKS = {**RANK, "unknown": 8}


def same(kind: str, where: object, stated: object, right: object) -> None:
    """Compare one thing."""
    COUNT[kind] += 1
    assert stated == right, f"{where}: {stated!r}, the twin says {right!r}"


def is_number(where: object, text: str | None, right: Fraction | None) -> None:
    """Compare a figure: exactly where it ends in decimals, else to 38 digits."""
    COUNT["figures of events and statuses"] += 1
    if text is None or right is None:
        assert text is right, f"{where}: {text}, the twin says {right}"
    elif Fraction(text) != right:
        ends = right.denominator
        for prime in (2, 5):
            while ends % prime == 0:
                ends //= prime
        assert ends != 1, f"{where}: {text}, the twin says {right}"
        assert abs(Fraction(text) - right) <= abs(right) * _DIGITS, f"{where}: {text}, the twin says {float(right)}"


def total() -> int:
    """Return how many comparisons were made."""
    return COUNT.total() - COUNT["lives"]


def compare_events(outcome: Outcome, expected: Expected, *, cause: bool = True) -> None:
    """Compare every field of every event."""
    found, watches, candidates = {}, {}, set()
    for account_id, account in outcome.accounts.items():
        last: dict[str, int] = {}
        for event in account.events:
            body = event.body
            same("events", "account of an event", body["account_id"], account_id)
            if "sequence" in body:
                found[account_id, body["scope"], body["sequence"]] = event
                assert last.get(body["scope"], 0) < body["sequence"], "events of a scope stand in their order"
                last[body["scope"]] = body["sequence"]
            elif body["event_type"] == "adl_candidate":
                candidates.add((account_id, body["scope"]))
            else:
                same("events", "type of an event without sequence", body["event_type"], "adl_watch")
                watches[account_id, body["scope"], body["episode"]] = event
    same("events", "events", sorted(found), sorted(expected.events))
    same("events", "adl_watch", sorted(watches), sorted(expected.watches))
    for key, event in watches.items():
        same("events", (*key, "event_id"), event.body["event_id"], named_event_id(key[0], key[1], "adl_watch", key[2]))
        same("events", (*key, "channel"), str(event.channel), "adl_events")
    bankrupt = {key[:2] for key, event in found.items() if event.body["status"] == "bankrupt"}
    same("events", "adl_candidate of scopes that are not bankrupt", candidates - bankrupt, set())
    for key, right in expected.events.items():
        compare_event({**found[key].body, "channel": found[key].channel}, right, expected.moves, cause=cause)


PLAIN = (
    "channel", "schema", "sequence", "episode", "account_id", "scope", "event_type", "previous_status", "status",
    "raw_status", "direction", "suspect", "price_time_ms", "decided_at_ms", "account_version",
)  # fmt: skip


def compare_event(
    body: Mapping[str, Any], right: Mapping[str, Any], moves: Mapping[str, Fraction], *, cause: bool
) -> None:
    """Compare every field of one event."""
    where = body["account_id"], body["scope"], body["sequence"]
    for name in PLAIN:
        same("fields of events", (*where, name), body[name], right[name])
    same("fields of events", (*where, "id"), body["event_id"], event_id(*where))
    for name in ("last_status", "labels"):
        same("fields of events", (*where, name), body.get(name), right[name])
    for name in ("degraded", "unknown_because"):
        same("fields of events", (*where, name), sorted(body.get(name, ())), sorted(right[name]))
    compare_figures(where, body, right["figures"], right["clear"])
    is_number((*where, "threshold"), body["threshold"], right["threshold"])
    if cause:
        stated = dict(body["cause"])
        if stated["kind"] == "mark_price":
            symbol = stated.pop("symbol")
            assert symbol in moves
        same("fields of events", (*where, "cause"), stated, right["cause"])


def compare_figures(where: tuple[Any, ...], body: Mapping[str, Any], right: Figures, clear: Fraction) -> None:
    """Compare the five figures of an event or a status."""
    equity, needed = right.equity, right.requirement
    is_number((*where, "equity"), body["equity"], equity)
    is_number((*where, "maintenance_margin"), body["maintenance_margin"], needed)
    known = equity is not None and needed is not None
    is_number((*where, "margin_ratio"), body["margin_ratio"], equity / needed if known and needed else None)
    is_number((*where, "risk_ratio"), body["risk_ratio"], needed / equity if known and equity > 0 else None)
    short = max(Fraction(0), clear * needed - equity) if known else None
    is_number((*where, "deposit_to_clear"), body["deposit_to_clear"], short)


def compare_counts(outcome: Outcome, expected: Expected) -> None:
    """Compare what was counted and refused."""
    same("counts", "duplicates", outcome.duplicates, expected.duplicates)
    same("counts", "late prices", outcome.late_prices, expected.late)
    same("counts", "refusals", len(outcome.refusals), expected.refused)


def compare_statuses(outcome: Outcome, expected: Expected, twin: Twin, *, alone: bool) -> None:
    """Compare every account-status record; none may be missing. `alone`: nothing has happened since it was made."""
    shown = {(who, scope) for who, account in outcome.accounts.items() for scope in account.statuses}
    assert expected.changed <= shown, f"no record of {expected.changed - shown}"
    for who, account in outcome.accounts.items():
        for scope, body in account.statuses.items():
            verdict = twin.verdicts.get((who, scope))
            same("statuses", (who, scope, "exists"), body is not None, verdict is not None)
            if body is not None and verdict is not None:
                compare_status(account, scope, body, twin, alone=alone)


def compare_status(account: AccountOutcome, scope: str, body: Mapping[str, Any], twin: Twin, *, alone: bool) -> None:
    """Compare one account-status record."""
    key = account.account_id, scope
    verdict, told, facts = twin.verdicts[key], twin.told.get(key, Told()), twin.accounts[account.account_id]
    plain = {"status": verdict.status, "sequence": told.sequence, "episode": told.episode}
    for name, right in plain.items():
        same("statuses", (*key, name), body[name], right)
    if not alone:
        return
    plain = {"raw_status": verdict.raw, "suspect": facts.suspect, "account_version": facts.version, "scope": scope}
    for name, right in plain.items():
        same("statuses", (*key, name), body[name], right)
    same("statuses", (*key, "degraded"), sorted(body["degraded"]), sorted(verdict.degraded))
    same("statuses", (*key, "because"), sorted(body["unknown_because"]), sorted(verdict.because))
    if not verdict.figures.missing:
        ladder = twin.ladder_of(scope)
        lines = dict(ladder.thresholds)
        clear = (lines.get("margin_call") or lines["liquidation"]) * (1 + ladder.hysteresis)
        compare_figures(key, body, verdict.figures, clear)


def compare_states(engine: MarginEngine, twin: Twin, *, figures: bool = True) -> None:
    """Compare all that the engine keeps of every scope, touched or not: status, memory, what was shown, figures.

    `figures` of the store are there once everybody has been judged.
    """
    store = engine.store
    seen, (equity, requirement) = set(), store.figures()
    ids = np.nonzero(store.is_live())[0].tolist()
    for scope in ids:
        who, name = engine.book.id_of(store.account_of(scope)), store.name_of(scope)
        key = who, name
        seen.add(key)
        verdict = twin.verdicts.get(key)
        assert verdict is not None, f"{key} should not exist"
        same("statuses of scopes", key, int(store.told[scope]), _RANKS[verdict.status])
        same("shown statuses", key, int(store.shown[scope]), _RANKS[twin.shown[key]])
        exact = verdict.figures
        if figures and not exact.missing:
            bound = float(exact.gross) * 1e-9
            COUNT[f"figures of {name.partition(':')[0]} scopes"] += 2
            assert abs(equity[scope] - float(exact.equity)) <= bound, f"{key}: equity {equity[scope]}, {exact}"
            assert abs(requirement[scope] - float(exact.requirement)) <= bound, f"{key}: {requirement[scope]}, {exact}"
    same("sets of scopes", "scopes", seen, twin.verdicts.keys())
    compare_memories(engine, twin)
    assert NOT_SHOWN not in store.shown[ids].tolist()


def compare_memories(engine: MarginEngine, twin: Twin) -> None:
    """Compare what is remembered of every scope that anything was ever told about."""
    for (who, scope), told in twin.told.items():
        line = engine.teller.memory[who][scope]
        same("told memory", (who, scope), (str(line.status), str(line.last_status), *line[2:]), tuple(told))
        COUNT["told memory"] += 4
    assert sum(map(len, engine.teller.memory.values())) == len(twin.told)
