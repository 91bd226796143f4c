"""Powers: exact where they are rational, to sixty digits where they are not."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.portfolio.scalars import power

F = Fraction


@pytest.mark.parametrize(
    ("base", "exponent", "result"),
    [
        (F(4, 9), F(1, 2), F(2, 3)),
        (F(8, 27), F(2, 3), F(4, 9)),
        (F(1), F("0.1234567890123456789"), F(1)),
        (F(7, 3), F(3), F(343, 27)),
        (F(0), F(1, 2), F(0)),
        (F(0), F(0), F(1)),
        (F(5), F(0), F(1)),
        (F(10**60), F(1, 2), F(10**30)),
        (F(1, 10**60), F(1, 2), F(1, 10**30)),
    ],
)
def test_rational_powers_are_exact(base: Fraction, exponent: Fraction, result: Fraction) -> None:
    """Where numerator and denominator have the root, nothing is rounded."""
    assert power(base, exponent) == result


@given(st.fractions(F(1, 10**9), F(10**9)).filter(bool), st.integers(1, 40), st.integers(1, 12))
def test_other_powers_have_sixty_digits(base: Fraction, above: int, below: int) -> None:
    """Raised back, a power is its base to within the rounding of sixty digits; it never grows past them."""
    exponent = F(above, 10 * below)
    found = power(base, exponent)
    with localcontext() as context:
        context.prec = 90
        whole = Decimal(base.numerator) / Decimal(base.denominator)
        expected = whole ** (Decimal(exponent.numerator) / Decimal(exponent.denominator))
        difference = abs(Decimal(found.numerator) / Decimal(found.denominator) - expected)
        assert difference <= expected * Decimal("1e-59")


@given(st.integers(1, 10**30), st.integers(1, 10**30), st.integers(1, 7), st.integers(1, 4))
def test_roots_of_powers_are_found(above: int, below: int, degree: int, times: int) -> None:
    """The root of a perfect power is exact, however large."""
    base = F(above, below)
    assert power(base**degree, F(times, degree)) == base**times


def test_a_number_without_a_power_says_so() -> None:
    """A kind of number that registered none is refused by name."""
    with pytest.raises(TypeError, match="complex"):
        power(complex(4), F(1, 2))  # type: ignore[type-var]  # that it has none is the point
