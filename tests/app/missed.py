"""The story of missed prices: what falls and recovers while nobody judges, and what must be told of it afterwards.

It knows the contract's formulas, not the product. The account is long 10 from 100 with 200 in its wallet, at a rate of
0.1: E = 10·p - 800, MM = p.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from monitor.app.ports import Record

DIPS = ("93", "91", "89.5", "88.5", "87", "84", "79")
CALM = "100"
_LINES = (
    ("bankrupt", Fraction(0)),
    ("takeover", Fraction(2, 3)),
    ("critical", Fraction(10, 11)),
    ("liquidation", Fraction(1)),
    ("margin_call", Fraction(11, 10)),
    ("warning", Fraction(5, 4)),
    ("watch", Fraction(3, 2)),
)


def marks(count: int) -> list[str]:
    """Return so many marks: a dip to each status in turn, calm after each, a different one in every round of eight."""
    return [CALM if number % 2 else DIPS[number // 2 % len(DIPS)] for number in range(count)]


def status_of(mark: str) -> str:
    """Return the status at a mark, without hysteresis."""
    price = Fraction(mark)
    equity = 10 * price - 800
    if equity <= 0:
        return "bankrupt"
    return next((name for name, line in _LINES[1:] if equity < line * price), "healthy")


def chain_of(judged: Sequence[str]) -> list[str]:
    """Return the statuses that must be told, one for each change, when these marks are judged one by one."""
    chain, last = [], "healthy"
    for status in map(status_of, judged):
        if status != last:
            chain.append(status)
        last = status
    return chain


def check(
    prices: Sequence[Record],
    report: dict[str, Any],
    told: Sequence[str],
    returned_ms: int,
    limit_ms: int,
    slack_ms: int,
) -> tuple[int, int]:
    """Check what became of the `prices` of an outage; return how many were judged and how many reported.

    Each is judged or lies in the reported stretch, none both, none neither. The stretch ends where the log's times pass
    the limit before the return, and what comes after it is told in order.
    """
    stretch = report["offsets"]["0"]
    assert stretch["first"] == prices[0].offset, "the report begins where judging ended"
    lost = [price for price in prices if price.offset < stretch["first"] + stretch["count"]]
    judged = prices[len(lost) :]
    assert sum(1 for price in prices if price.offset in range(stretch["first"], judged[0].offset)) == len(lost)
    assert lost[-1].timestamp_ms <= returned_ms - limit_ms + slack_ms, "what was within the limit was judged"
    assert judged[0].timestamp_ms >= returned_ms - limit_ms, "what was beyond the limit was not"
    assert list(told) == chain_of([json.loads(price.value or b"")["mark_price"] for price in judged])
    return len(judged), len(lost)
