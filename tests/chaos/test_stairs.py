"""The judge of the stairs accepts what follows from the prices, and finds every way in which a chain can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.dump import Record
from tests.chaos.scenarios.stairs import Account, accounts_of, due, judge
from tests.chaos.verdict import Verdict

ACCOUNTS = accounts_of(("AUSDT", "BUSDT"), 3)
MARKS = ("100", "96", "91", "104", "83", "80", "100", "95", "97")


def _record(topic: str, offset: int, body: dict[str, Any]) -> Record:
    return Record(topic, 0, offset, offset, None, json.dumps(body).encode())


PRICES = [
    _record("mark-prices", n, {"symbol": "AUSDT", "mark_price": mark, "event_time_ms": n})
    for n, mark in enumerate(MARKS)
]


def _events() -> list[dict[str, Any]]:
    found = []
    for one in ACCOUNTS:
        before = "healthy"
        for number, (status, partition, offset) in enumerate(due(one, PRICES), 1):
            cause = {"kind": "mark_price", "partition": partition, "offset": offset}
            found.append({"account_id": one.name, "sequence": number, "previous_status": before, "status": status,
                          "cause": cause})  # fmt: skip
            before = status
    return found


def _judged(events: list[dict[str, Any]]) -> Verdict:
    verdict = Verdict()
    judge(ACCOUNTS, PRICES, [_record("margin-calls", n, body) for n, body in enumerate(events)], verdict)
    return verdict


def test_the_ladder_is_that_of_the_contract() -> None:
    """The wealthiest of the poor falls and rises as the contract's lines and its band of half a percent say."""
    one = Account("a", "AUSDT", 160)
    # E/MM at these marks: 1.6, 1.25, 0.769…, 1.92…, below 0
    assert [one.after("healthy", mark) for mark in ("100", "96", "91", "104", "83")] == [
        "healthy", "watch", "critical", "healthy", "bankrupt",
    ]  # fmt: skip
    assert one.after("warning", "96") == "warning"  # exactly at the line, within the band


def test_a_true_chain_is_good() -> None:
    """Nothing is said about what follows from the prices."""
    verdict = _judged(_events())
    assert verdict.is_good
    assert verdict.figures["events told"] == verdict.figures["events due"] > 10


def _moved(events: list[dict[str, Any]]) -> None:
    events[1]["cause"]["offset"] += 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda events: events.pop(),
        lambda events: events.pop(1),
        lambda events: events.append(events[0]),
        lambda events: events[2].update(status="warning"),
        lambda events: events[2].update(previous_status="unknown"),
        lambda events: events.append({**events[0], "account_id": "stranger"}),
        _moved,
    ],
)
def test_a_false_chain_is_found(spoil: Callable[[list[dict[str, Any]]], object]) -> None:
    """One event lost, doubled, changed, of a stranger or of another message is a complaint."""
    events = _events()
    spoil(events)
    assert not _judged(events).is_good
