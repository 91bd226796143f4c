"""Tests of the proof of rule events: any figure that was touched is named."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from monitor.core.events import digest_of
from monitor.core.explain import explanation
from tests.engine.proving import difference, read
from tests.rules.bench import Bench


def drawdown_event() -> dict[str, Any]:
    """Return an event of a drawdown of exactly 5 % and a limit crossed by the same fall."""
    bench = Bench()
    bench.instrument("X")
    bench.price(X="100")
    settings = {"drawdown_stops": ["0.05", "0.9"], "labels": ["desk"]}
    bench.account(balances={"USDT": "1000"}, positions={"X": ("1", "100")}, settings=settings)
    bench.price(X="50")
    (body,) = bench.told
    return body


TAMPERED = [
    (("value",), "0.06"),
    (("level",), "0.07"),
    (("rule_sequence",), 2),
    (("rearm_threshold",), "0.05"),
    (("total_equity",), "940"),
    (("fallen_from",), "1001"),
    (("labels",), ["other"]),
    (("evidence", "remembered", "high"), "1001"),
    (("evidence", "document", "prices", "X", "mark_price"), "49"),
    (("evidence", "document", "accounts", 0, "balances", "USDT"), "999"),
    (("evidence", "document", "accounts", 0, "settings", "reference_equity"), "2000"),
]


@pytest.mark.parametrize(("path", "value"), TAMPERED, ids=[".".join(map(str, path)) for path, _ in TAMPERED])
def test_a_touched_figure_is_found(path: tuple[Any, ...], value: Any) -> None:
    """Whatever is changed no longer follows from the rest, though the digest was made anew."""
    body = copy.deepcopy(drawdown_event())
    assert difference(body) is None
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    body["digest"] = digest_of(body)
    assert difference(body) is not None


def test_a_level_that_was_not_reached_is_found() -> None:
    """Another of the account's levels in the event is refused: the value has not reached it."""
    body = copy.deepcopy(drawdown_event())
    body["level"], body["rearm_threshold"] = "0.9", "0.81"
    body["digest"] = digest_of(body)
    found = difference(body)
    assert found is not None
    assert found == ("level", "0.9", "not reached")


def test_the_digest_is_checked() -> None:
    """What no other term covers is covered by the digest."""
    body = drawdown_event() | {"decided_at_ms": 1}
    found = difference(body)
    assert found is not None
    assert found.term == "digest"


def test_it_is_explained() -> None:
    """The explanation names rule, cause, figures and level."""
    lines = "\n".join(explanation(*read(drawdown_event())))
    for words in ("drawdown_stop", "mark price of X", "total equity: 950", "0.05", "0.045"):
        assert words in lines
