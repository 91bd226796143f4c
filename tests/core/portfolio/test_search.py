"""Tests of the search for the nearest zero: straight lines, bends, jumps and roots without a last digit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.portfolio.dual import Dual
from monitor.core.portfolio.journey import FINE_DIGITS
from monitor.core.portfolio.scalars import in_fine_digits
from monitor.core.portfolio.search import Range, nearest_zeros, polished

EVERYWHERE = Range(1e-9, 1e9)


def zeros_of(function: Callable[[Any], Dual], start: float, is_above: bool, *cuts: Decimal) -> list[Any]:
    """Return the nearest zeros, distances measured as they are."""
    return nearest_zeros(function, start, is_above, cuts, EVERYWHERE, lambda place: abs(place - start))


def fine(function: Callable[[Any], Dual], zero: Any) -> Decimal:
    """Return a zero polished in the digits it needs."""
    with localcontext(FINE_DIGITS):
        return polished(function, zero)


def lowest_of(*lines: tuple[Fraction, Fraction]) -> Callable[[Any], Dual]:
    """Return the least of several straight lines (height at 0, slope): a concave function."""

    def function(place: Any) -> Dual:
        kind = float if isinstance(place, float) else in_fine_digits
        return min((Dual(kind(height) + kind(slope) * place, kind(slope)) for height, slope in lines))

    return function


def test_a_line_is_solved_to_the_last_digit() -> None:
    """The zero of a straight line is the number it is, not a float near it."""
    line = lowest_of((Fraction(-1), Fraction(3)))
    (zero,) = zeros_of(line, 1.0, True)
    assert f"{fine(line, zero):.60f}" == "0." + "3" * 60


def test_the_nearer_zero_of_a_hump_is_found() -> None:
    """Above 0 between two zeros: the nearer one is found."""
    hump = lowest_of((Fraction(-2), Fraction(1)), (Fraction(7), Fraction(-1)))
    assert [fine(hump, zero) for zero in zeros_of(hump, 3.0, True)] == [2]
    assert [fine(hump, zero) for zero in zeros_of(hump, 6.0, True)] == [7]


def test_both_zeros_of_a_hump_are_found_where_they_are_as_near() -> None:
    """Above 0 half-way between two zeros: both are found."""
    hump = lowest_of((Fraction(-2), Fraction(1)), (Fraction(7), Fraction(-1)))
    zeros = zeros_of(hump, 4.5, True)
    assert [fine(hump, zero) for zero in zeros] == [2, 7]


def test_from_below_the_near_side_of_a_hump_is_found() -> None:
    """Below 0 beside a hump: the zero where it rises, none in the other direction."""
    hump = lowest_of((Fraction(-2), Fraction(1)), (Fraction(7), Fraction(-1)))
    zeros = zeros_of(hump, 1.0, False)
    assert [fine(hump, zero) for zero in zeros] == [2]


def test_a_hump_that_stays_below_has_no_zero() -> None:
    """Newton's steps past the top of a hump below 0 find nothing."""
    hump = lowest_of((Fraction(-2), Fraction(1)), (Fraction(1), Fraction(-1)))
    assert zeros_of(hump, 0.5, False) == []


def test_a_jump_over_zero_counts_where_it_stands() -> None:
    """Where the function jumps from above to below 0 at a cut, the cut itself is the zero."""
    at = Decimal("3.3")

    def function(place: Any) -> Dual:
        return Dual(place * 0 + (1 if place < at else -1), place * 0)

    (zero,) = zeros_of(function, 1.0, True, at)
    assert zero == at
    assert fine(function, zero) == at


def test_an_irrational_zero_has_fifty_digits() -> None:
    """Where the function bends, Newton's steps go on until fifty digits stand."""

    def function(place: Any) -> Dual:
        return Dual(2 - place * place, -2 * place)

    (zero,) = zeros_of(function, 1.0, True)
    found = fine(function, zero)
    assert abs(Fraction(found) ** 2 - 2) < Fraction(1, 10**50)


numbers = st.fractions(-50, 50, max_denominator=40)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5), st.integers(1, 30))
def test_no_zero_lies_nearer(lines: list[tuple[Fraction, Fraction]], start: int) -> None:
    """Of any concave function of lines, the zeros found are zeros, and none lies between them and the start."""
    function = lowest_of(*lines)

    def exactly(place: Fraction) -> Fraction:
        return min(height + slope * place for height, slope in lines)

    here = exactly(Fraction(start))
    if not here:
        return
    zeros = [fine(function, zero) for zero in zeros_of(function, float(start), here > 0)]
    crossings = {-height / slope for height, slope in lines if slope}
    true = sorted(x for x in crossings if Fraction(1, 10**9) < x < 10**9 and not exactly(x))
    nearest = min((abs(x - start) for x in true), default=None)
    expected = [x for x in true if abs(x - start) == nearest]
    assert len(zeros) == len(expected)
    assert all(abs(Fraction(zero) - x) < Fraction(1, 10**50) for zero, x in zip(zeros, expected, strict=True))
