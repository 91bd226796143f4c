"""Tests of the rules on every message against a naive twin, over random lives, with the screen and without."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.rules import screen
from tests.rules.lives import Life, funded_steps, steps


@pytest.mark.parametrize("waiting", [-1, 1_000], ids=["screened", "exact"])
def test_every_event_is_the_twin_s(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message tells what the twin says, in number, level, target and sequence; restarts change nothing.

    Where all are read exactly, a standby's engine goes on after each restart.
    """
    monkeypatch.setattr(screen, "WAITING", waiting)
    seen: set[str] = set()

    @settings(max_examples=60, derandomize=True)  # what is seen at all must not be chance
    @given(st.lists(steps, min_size=5, max_size=30))
    def lives(script: list[tuple[str, Any]]) -> None:
        life = Life(standby=waiting > 0)
        for kind, what in script:
            before = len(life.bench.told)
            lines = life.step(kind, what)
            right = life.twin.told()
            assert sorted(lines) == sorted(line for line, _ in right), (kind, what)
            numbers = [(body["account_id"], body["rule_sequence"]) for body in life.bench.told[before:]]
            assert sorted(numbers) == sorted((line.split()[0], number) for line, number in right)
            seen.update(line.split()[1].split("@")[0] for line in lines)

    lives()
    assert seen == {"drawdown_stop", "account_limit", "concentration_limit"}


def test_the_screen_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """With funding watched too, a bench that screens tells what one that reads everybody exactly tells."""
    seen: set[str] = set()

    @settings(max_examples=60, derandomize=True)  # what is seen at all must not be chance
    @given(st.lists(funded_steps, min_size=5, max_size=30))
    def lives(script: list[tuple[str, Any]]) -> None:
        both = {-1: Life(), 1_000: Life()}
        for kind, what in script:
            lines: dict[int, list[str]] = {}
            for waiting, life in both.items():
                monkeypatch.setattr(screen, "WAITING", waiting)
                given = what
                if kind == "account":
                    given = what[0], what[1] | {"settings": what[1].get("settings", {}) | {"funding_limit": True}}
                lines[waiting] = life.step("quote" if kind == "price" else kind, given)
            assert lines[-1] == lines[1_000], (kind, what)
            seen.update(line.split()[1].split("@")[0] for line in lines[-1])

    lives()
    assert "funding_limit" in seen
