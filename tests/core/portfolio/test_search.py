"""Tests of the search for the nearest zero: straight lines, bends, jumps and roots without a last digit."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.portfolio.dual import Dual
from monitor.core.portfolio.search import Range, nearest_zeros, polished

EVERYWHERE = Range(1e-9, 1e9)


def lowest_of(*lines: tuple[Fraction, Fraction]) -> Callable[[Any], Dual]:
    """Return the least of several straight lines (height at 0, slope): a concave function."""

    def function(place: Any) -> Dual:
        kind = float if isinstance(place, float) else Fraction
        return min((Dual(kind(height) + kind(slope) * place, kind(slope)) for height, slope in lines))

    return function


def test_a_line_is_solved_exactly() -> None:
    """The zero of a straight line is the rational number it is, not a float near it."""
    line = lowest_of((Fraction(-1), Fraction(3)))
    (zero,) = nearest_zeros(line, 1.0, True, [], EVERYWHERE)
    assert polished(line, zero) == Fraction(1, 3)


def test_both_zeros_of_a_hump_are_found() -> None:
    """Above 0 between two zeros: one is found on either side."""
    hump = lowest_of((Fraction(-2), Fraction(1)), (Fraction(7), Fraction(-1)))
    zeros = nearest_zeros(hump, 3.0, True, [], EVERYWHERE)
    assert [polished(hump, zero) for zero in zeros] == [2, 7]


def test_from_below_the_near_side_of_a_hump_is_found() -> None:
    """Below 0 beside a hump: the zero where it rises, none in the other direction."""
    hump = lowest_of((Fraction(-2), Fraction(1)), (Fraction(7), Fraction(-1)))
    zeros = nearest_zeros(hump, 1.0, False, [], EVERYWHERE)
    assert [polished(hump, zero) for zero in zeros] == [2]


def test_a_hump_that_stays_below_has_no_zero() -> None:
    """Newton's steps past the top of a hump below 0 find nothing."""
    hump = lowest_of((Fraction(-2), Fraction(1)), (Fraction(1), Fraction(-1)))
    assert nearest_zeros(hump, 0.5, False, [], EVERYWHERE) == []


def test_a_jump_over_zero_counts_where_it_stands() -> None:
    """Where the function jumps from above to below 0 at a cut, the cut itself is the zero."""
    at = Fraction(10, 3)

    def function(place: Any) -> Dual:
        return Dual(place * 0 + (1 if place < at else -1), place * 0)

    (zero,) = nearest_zeros(function, 1.0, True, [at], EVERYWHERE)
    assert zero == at
    assert polished(function, zero) == at


def test_an_irrational_zero_has_fifty_digits() -> None:
    """Where the function bends, Newton's steps go on until fifty digits stand."""

    def function(place: Any) -> Dual:
        return Dual(2 - place * place, -2 * place)

    (zero,) = nearest_zeros(function, 1.0, True, [], EVERYWHERE)
    found = polished(function, zero)
    assert abs(found * found - 2) < Fraction(1, 10**50)


numbers = st.fractions(-50, 50, max_denominator=40)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5), st.integers(1, 30))
def test_no_zero_lies_nearer(lines: list[tuple[Fraction, Fraction]], start: int) -> None:
    """Of any concave function of lines, the zeros found are zeros, and none lies between them and the start."""
    function = lowest_of(*lines)
    here = function(Fraction(start)).value
    if not here:
        return
    zeros = [polished(function, zero) for zero in nearest_zeros(function, float(start), here > 0, [], EVERYWHERE)]
    crossings = {-height / slope for height, slope in lines if slope}
    true = sorted(x for x in crossings if Fraction(1, 10**9) < x < 10**9 and not function(x).value)
    below, above = [x for x in true if x < start], [x for x in true if x > start]
    expected = below[-1:] + above[:1]
    assert zeros == pytest.approx(expected)
    assert all(not function(zero).value for zero in zeros)
