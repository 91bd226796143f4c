"""Tests of what is known of funds: which figure counts, the peak of a window, and the figures for those who watch."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.fund.figures import runway_seconds
from monitor.core.funds import FundShelf, InsuranceFund, Place

WINDOW_MS = 480_000
"""So that a part of the window is one second."""
START = 1_000_000_000


def shelf(*figures: tuple[int, int]) -> FundShelf:
    """Return a shelf that has taken figures of one fund as (milliseconds from the start, balance)."""
    made = FundShelf(WINDOW_MS)
    for offset, (at_ms, balance) in enumerate(figures):
        made.take("main", InsuranceFund("main", "USDT", Decimal(balance), START + at_ms), Place(0, offset))
    return made


def test_the_later_figure_counts_and_a_deletion_begins_anew() -> None:
    """By event time, not by place; after a deletion an older figure counts again, and old peaks are gone."""
    made = shelf((10, 100), (5, 7))
    assert made.funds["main"].balance == 100
    made.take("main", None, Place(0, 2))
    assert made.peak("main", START) is None
    made.take("main", InsuranceFund("main", "USDT", Decimal(7), START + 5), Place(0, 3))
    assert made.peak("main", START + 10) == 7


@given(st.lists(st.tuples(st.integers(1, 90_000), st.integers(0, 100)), min_size=1, max_size=30), st.integers(0, 600))
def test_the_peak_is_never_below_what_held_within_the_window(steps: list[tuple[int, int]], later: int) -> None:
    """Counted in parts, the peak is the highest level of the window, or one that ended less than a part before it."""
    figures, at = [], 0
    for step, balance in steps:
        at += step
        figures.append((at, balance))
    now = at + later * 1_000
    ends = [following[0] for following in figures[1:]] + [now]
    held = [balance for (_, balance), end in zip(figures, ends, strict=True) if end >= now - WINDOW_MS]
    about = [balance for (_, balance), end in zip(figures, ends, strict=True) if end >= now - WINDOW_MS - 1_000]
    peak = shelf(*figures).peak("main", START + now)
    assert max(held) <= (peak or 0) <= max(about)


def test_peaks_that_were_kept_are_joined() -> None:
    """A shelf built from the last figure alone, joined with what another kept, has the same peak."""
    before = shelf((0, 100), (10_000, 60))
    after = shelf((10_000, 60))
    after.restore(before.funds["main"], Place(0, 1), before.levels("main"))
    assert after.peak("main", START + 20_000) == before.peak("main", START + 20_000) == 100
    unknown = FundShelf(WINDOW_MS)
    unknown.restore(before.funds["main"], Place(0, 1), before.levels("main"))
    assert unknown.peak("main", START) is None


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (((0, 100), (50_000, 90), (100_000, 80)), 200.0),
        (((0, 80), (50_000, 80), (100_000, 80)), math.inf),
        (((0, 100), (100_000, 80)), None),
    ],
)
def test_the_runway_needs_a_rate(figures: tuple[tuple[int, int], ...], expected: float | None) -> None:
    """20 in the 50 s since the peak leave 80 for 200 s; no fall, no end; figures that come too seldom tell nothing."""
    assert runway_seconds("main", 80.0, 80.0, shelf(*figures), START + 100_000) == expected
