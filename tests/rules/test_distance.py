"""Tests of the distance limit: the nearest liquidation price, looked at on the turn of the clock."""

from __future__ import annotations

from typing import Any

from monitor.core.rules.occasional import AT_ONCE
from tests.rules.bench import Bench

LIMIT: dict[str, Any] = {"distance_limit": "0.05"}
ISOLATED = {"margin_type": "isolated", "isolated_wallet": "10"}


def bench() -> Bench:
    """Return a bench with 1 X long from 100 on a wallet of 10, at 1 %: liquidated at 90/0.99, near 90.9091."""
    made = Bench()
    made.instrument("X")
    made.price(X="100")
    made.account(balances={"USDT": "5"}, positions={"X": ("1", "100", ISOLATED)}, settings=LIMIT)
    made.clock(1_000)
    return made


def test_both_sides_of_the_level() -> None:
    """5 % away is a mark of 95.6937…: a hair above it nothing, at the turn after a hair below it the event."""
    made = bench()
    assert made.price(X="95.6938") == []
    assert made.clock(1_000) == []
    assert made.price(X="95.6937") == []
    assert made.clock(1_000) == ["a distance_limit isolated:X:both@0.05"]
    body = made.told[0]
    assert body["cause"] == {"kind": "clock"}
    assert body["symbol"] == "X"
    assert body["liquidation_price"].startswith("90.9090909")
    assert body["value"].startswith("0.04999")


def test_it_arms_a_tenth_above() -> None:
    """The level is armed again at 0.05/0.9 away: a mark of 96.2566…, not before."""
    made = bench()
    line = ["a distance_limit isolated:X:both@0.05"]
    for mark, told in (("95", line), ("96.2566", []), ("95", []), ("96.2567", []), ("95", line)):
        made.price(X=mark)
        assert made.clock(1_000) == told
    assert made.restart() == []
    assert made.clock(1_000) == []


def test_a_scope_below_its_line_is_at_no_distance() -> None:
    """Already below: 0, whatever the price at which it would recover."""
    made = bench()
    made.price(X="50")
    assert made.clock(1_000) == ["a distance_limit isolated:X:both@0.05"]
    assert made.told[0]["value"] == "0"


def test_marks_are_stated_as_amounts() -> None:
    """A mark told as 95.0 stands in the event as 95, one of 0.0000001 without an exponent, and both verify."""
    made = bench()
    made.price(X="95.0")
    assert made.clock(1_000) == ["a distance_limit isolated:X:both@0.05"]
    assert made.told[0]["mark_price"] == "95"
    tiny = Bench()
    tiny.instrument("X")
    tiny.price(X="0.0000001")
    of_one = {"margin_type": "isolated", "isolated_wallet": "0.000000002"}
    tiny.account(balances={"USDT": "5"}, positions={"X": ("1", "0.0000001", of_one)}, settings=LIMIT)
    assert tiny.clock(1_000) == ["a distance_limit isolated:X:both@0.05"]
    assert tiny.told[0]["mark_price"] == "0.0000001"


def test_the_nearest_of_all_counts() -> None:
    """Of two positions the one that is nearer is measured and named."""
    made = bench()
    made.instrument("Y")
    made.price(Y="100")
    made.account(positions={"Y": ("-1", "100", ISOLATED)})
    assert made.clock(1_000) == []
    made.price(Y="105")
    assert made.clock(1_000) == ["a distance_limit isolated:Y:both@0.05"]


def test_it_is_looked_at_once_an_interval() -> None:
    """Within a second after a look nothing is looked at; a dip in between is not seen."""
    made = bench()
    made.price(X="95")
    assert made.clock(999) == []
    made.price(X="100")
    assert made.clock(1) == []
    made.price(X="95")
    assert made.clock(999) == []
    assert made.clock(1) == ["a distance_limit isolated:X:both@0.05"]


def test_a_turn_is_bounded() -> None:
    """So many accounts a turn, in the order they were touched; the rest has the next turn."""
    made = Bench()
    made.instrument("X")
    made.price(X="95")
    for number in range(AT_ONCE + 1):
        made.account(f"a{number}", positions={"X": ("1", "100", ISOLATED)}, settings=LIMIT)
    assert len(made.clock(200)) == AT_ONCE
    assert made.clock(200) == [f"a{AT_ONCE} distance_limit isolated:X:both@0.05"]


def test_an_unknown_scope_makes_the_nearest_unknown() -> None:
    """While one scope is unknown, nothing fires and nothing is armed."""
    made = bench()
    made.instrument("Y")
    made.account(positions={"Y": ("-1", "100", ISOLATED)})
    made.price(X="95")
    assert made.clock(1_000) == []
    made.price(Y="100")
    assert made.clock(1_000) == ["a distance_limit isolated:X:both@0.05"]
