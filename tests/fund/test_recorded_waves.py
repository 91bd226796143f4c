"""The waves of 2025-10-10, as third parties counted them: their deficits in order, against funds of several sizes."""

from __future__ import annotations

import csv
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.fund.desks import NOW, Keeper, claim

WAVES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "07_hl_20251010_adl_waves.csv"
pytestmark = pytest.mark.skipif(not WAVES.exists(), reason="the recorded waves are not beside this repository")


def recorded() -> list[tuple[int, str]]:
    """Return when each wave began, in ms after the first, and its deficit in USD."""
    with WAVES.open() as lines:
        rows = [(int(row["t_start_ms"]), row["deficit_usd"]) for row in csv.DictReader(lines)]
    return [(time_ms - rows[0][0], f"{Decimal(deficit):.6f}") for time_ms, deficit in rows]


@pytest.mark.parametrize("balance", ["0", "5000", "11000000", "25000000", "200000000"])
def test_waves_are_decided_in_their_order(balance: str) -> None:
    """Each deficit is covered where the fund is large enough for it, else handed to ADL, as a running sum says."""
    keeper, left = Keeper(), Fraction(balance)
    keeper.fund(balance)
    expected = []
    for number, (after_ms, deficit) in enumerate(recorded()):
        keeper.receive(claim(f"wave{number}", deficit), NOW + after_ms)
        covered = Fraction(deficit) <= left
        left -= Fraction(deficit) if covered else 0
        expected.append("covered" if covered else "triggered")
    assert keeper.decisions == expected
    assert Fraction(keeper.left() or "nothing") == left


def test_the_waves_are_as_published() -> None:
    """Waves rise in time and each has a deficit: without that the test above would prove nothing."""
    times = [time_ms for time_ms, _ in recorded()]
    assert len(times) == 16
    assert times == sorted(set(times))
    assert min(Fraction(deficit) for _, deficit in recorded()) > 1000
