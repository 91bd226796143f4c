"""Tests of the scale that distributions are counted on, and of the lights that are read from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.adl.bins import bin_of, light_of, thresholds

SCORES = st.floats(allow_nan=False, allow_infinity=False)


@given(SCORES, SCORES)
def test_bins_never_fall_while_scores_rise(one: float, other: float) -> None:
    """A higher score never lies in a lower bin, and the sign of a bin is the sign of its scores."""
    low, high = sorted((one, other))
    assert bin_of(low) <= bin_of(high)
    assert (bin_of(one) > 0) is (one > 0)
    assert (bin_of(one) < 0) is (one < 0)


def test_a_bin_is_a_sixteenth_of_an_octave() -> None:
    """Within 2^±64 scores that differ by a sixteenth of the power of two below them are told apart."""
    assert len({bin_of(1 + step / 16) for step in range(16)}) == 16
    assert bin_of(1.0) == bin_of(1.0624) != bin_of(1.0625)
    assert bin_of(2.0) - bin_of(1.0) == 16


@pytest.mark.parametrize(
    ("above", "total", "light"),
    [(0, 1, 4), (0, 5, 4), (1, 5, 3), (4, 5, 0), (0, 2, 4), (1, 2, 2), (199, 1000, 4), (200, 1000, 3), (999, 1000, 0)],
)
def test_lights_are_fifths_of_the_ranking(above: int, total: int, light: int) -> None:
    """The first fifth of all holders shows 4, the last 0; a holder alone is the first."""
    assert light_of(above, total) == light


@given(st.dictionaries(st.integers(-300, 300), st.integers(1, 50), min_size=1, max_size=40), st.integers(0, 100))
def test_thresholds_say_what_counting_says(distribution: dict[int, int], others: int) -> None:
    """A bin shows the light that the number of holders in higher bins gives."""
    total = sum(distribution.values()) + others
    steps = thresholds(distribution, total)
    for place in distribution:
        above = sum(count for other, count in distribution.items() if other > place)
        assert sum(place >= step for step in steps) == light_of(above, total)
