"""Tests of the harness that counts what a change of status costs: its storm changes everybody, its stages exist."""

from __future__ import annotations

import pytest

from tests.telling.book import RATIOS
from tests.telling.stages import STAGES, Clock
from tests.telling.storm import Storm


@pytest.mark.parametrize("kind", RATIOS)
def test_a_storm_changes_everybody_and_every_stage_is_counted(kind: str) -> None:
    """Every account changes, each change is an event, a memory and a status, and no stage has lost its function."""
    clock = Clock()
    found = Storm(1, kind, 12, 4, funding=False).break_loose(clock)
    assert found.changes == 12
    assert sum(found.records.values()) >= 36
    assert set(clock.seconds) <= set(STAGES)
    assert clock.seconds["compiled"] > 0
