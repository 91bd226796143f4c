"""Roots of piecewise forms: exact where rational, found at jumps, and always the nearest."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.piecewise import Laurent, nearest_zero

F = Fraction
small = st.fractions(min_value=-9, max_value=9, max_denominator=20)
positive = st.fractions(min_value=F(1, 20), max_value=9, max_denominator=20)


@pytest.mark.parametrize(
    ("form", "roots"),
    [
        (Laurent(constant=F(-6), linear=F(2)), {F(3)}),
        (Laurent(inverse=F(6), constant=F(-2)), {F(3)}),
        (Laurent(constant=F(6), linear=F(-5), square=F(1)), {F(2), F(3)}),
        (Laurent(inverse=F(6), constant=F(-5), linear=F(1)), {F(2), F(3)}),
        (Laurent(constant=F(4), linear=F(-4), square=F(1)), {F(2)}),
        (Laurent(linear=F(2), square=F(-1)), {F(0), F(2)}),
        (Laurent(constant=F(1), square=F(1)), set()),
        (Laurent(constant=F(1)), set()),
        (Laurent(square=F(5)), {F(0)}),
    ],
)
def test_rational_roots_are_exact(form: Laurent, roots: set[Fraction]) -> None:
    """Every real root of the form is found, none is added."""
    assert set(form.roots()) == roots


@given(small, small, small.filter(bool))
def test_irrational_roots_have_sixty_digits(constant: Fraction, linear: Fraction, square: Fraction) -> None:
    """At a root that cannot be written the form is 0 to 60 digits."""
    form = Laurent(constant=constant, linear=linear, square=square)
    for root in form.roots():
        assert abs(form.at(root) if root else constant) <= F(1, 10**60)


@given(small, small, small, positive, small)
def test_forms_add_and_scale_as_their_values_do(
    a: Fraction, b: Fraction, c: Fraction, p: Fraction, k: Fraction
) -> None:
    """Sums and products of forms are those of their values, anywhere."""
    one, other = Laurent(a, b, c), Laurent(constant=c, linear=a)
    assert one.plus(other).at(p) == one.at(p) + other.at(p)
    assert one.scaled(k).at(p) == k * one.at(p)
    assert one.times_p(k).at(p) == k * p * one.at(p)


def step(below: Laurent, above: Laurent, cut: Fraction) -> object:
    """Return the piece function of two forms that meet at a cut."""
    return lambda p: below if p < cut else above


FALLING, RISING = Laurent(constant=F(4), linear=F(-1)), Laurent(constant=F(-12), linear=F(1))
HIGH, LOW, NONE = Laurent(constant=F(1)), Laurent(constant=F(-1)), Laurent()


@pytest.mark.parametrize(
    ("start", "below", "above", "cut", "root"),
    [
        (F(5), FALLING, RISING, F(8), F(4)),
        (F(7), FALLING, RISING, F(8), F(4)),
        (F(9), FALLING, RISING, F(8), F(12)),
        (F(8), FALLING, RISING, F(8), F(4)),
        (F(1), HIGH, LOW, F(3), F(3)),
        (F(9), HIGH, LOW, F(3), F(3)),
        (F(3), HIGH, LOW, F(3), F(3)),
        (F(1), HIGH, HIGH, F(3), None),
        (F(1), FALLING, HIGH, F(4), F(4)),
        (F(1), FALLING, HIGH, F(2), None),
        (F(1), HIGH, NONE, F(3), F(3)),
        (F(9), NONE, HIGH, F(3), F(3)),
        (F(2), NONE, HIGH, F(3), F(2)),
        (F(1), Laurent(constant=F(1), linear=F(1)), Laurent(constant=F(1), linear=F(1)), F(3), None),
    ],
)
def test_the_nearest_zero_or_jump(start: Fraction, below: Laurent, above: Laurent, cut: Fraction, root: object) -> None:
    """A zero counts only inside its own segment, a jump over 0 at the cut, the lower of two at the same distance."""
    assert nearest_zero(start, [cut], step(below, above, cut)) == root  # type: ignore[arg-type]


def test_without_cuts_there_is_one_segment() -> None:
    """A function without cuts has the form it has everywhere; cuts at or below 0 are none."""
    assert nearest_zero(F(1), [], lambda _: FALLING) == 4
    assert nearest_zero(F(1), [F(0), F(-3)], lambda _: FALLING) == 4


forms = st.builds(lambda b, c: Laurent(constant=b, linear=c), small, small)


@given(positive, st.lists(positive, min_size=1, max_size=4, unique=True), st.data())
def test_no_nearer_zero_is_overlooked(start: Fraction, cuts: list[Fraction], data: st.DataObject) -> None:
    """Between the start and what was found the function keeps one sign at every edge and sample."""
    cuts = sorted(cuts)
    pieces = [data.draw(forms) for _ in range(len(cuts) + 1)]

    def piece(p: Fraction) -> Laurent:
        return pieces[sum(cut <= p for cut in cuts)]

    found = nearest_zero(start, cuts, piece)
    reach = F(100) if found is None else abs(found - start)
    samples = [start + reach * F(number, 40) for number in range(-39, 40)]
    inside = [p for p in samples if p > 0]
    assert found is None or found > 0
    assert len({piece(p).at(p) > 0 for p in inside}) == 1
    assert found == start or all(piece(p).at(p) for p in inside)
