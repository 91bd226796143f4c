"""Amounts are read strictly, kept exactly, and written as plain decimals."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, getcontext, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.amounts import (
    EXACT,
    BadAmount,
    Number,
    decimal_of,
    divided,
    exactly,
    format_amount,
    format_quotient,
    minus,
    parse_amount,
    plus,
    quotient,
    times,
    total,
)

decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=12)
fractions = st.fractions(min_value=-(10**12), max_value=10**12, max_denominator=10**9)
numbers = decimals | fractions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("1", "1"),
        ("-1.50", "-1.5"),
        ("007", "7"),
        ("1" + "0" * 30, "1e30"),
        ("0." + "0" * 29 + "1", "1e-30"),
        ("1." + "1" * 63, "1." + "1" * 63),
        (12, "12"),
        (-(10**30), "-1e30"),
    ],
)
def test_plain_decimals_are_read(text: str | int, expected: str) -> None:
    """A plain decimal or an integer is the number it states."""
    assert parse_amount(text) == Decimal(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "+1",
        ".5",
        "5.",
        "1e3",
        "NaN",
        "Infinity",
        "-inf",
        "0x10",
        "1_000",
        "1,5",
        "--1",
        "\u0661",
        "1" * 65,
        "1" + "0" * 31,
        "1" + "0" * 29 + "0.1" + "1" * 40,
        "0." + "0" * 30 + "1",
        "9" * 200,
        10**30 + 1,
        True,
    ],
)
def test_everything_else_is_refused(text: str | int) -> None:
    """Exponents, signs of plus, blanks, too many digits, too large or too small a magnitude are no amounts."""
    with pytest.raises(BadAmount):
        parse_amount(text)


def test_what_is_read_does_not_depend_on_the_context() -> None:
    """Reading keeps all digits whatever the thread's own context rounds to."""
    digits = "1." + "1" * 63
    with localcontext(Context(prec=5)):
        assert str(parse_amount(digits)) == digits


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("1.500"), "1.5"),
        (Decimal("-0.0"), "0"),
        (Decimal("1e3"), "1000"),
        (Decimal("1e-7"), "0.0000001"),
        (Decimal(100), "100"),
        (Fraction(1, 8), "0.125"),
        (Fraction(-3, 2), "-1.5"),
        (Fraction(10**20), "1" + "0" * 20),
        (Fraction(1, 3), "0." + "3" * 40),
        (Fraction(2, 3), "0." + "6" * 39 + "7"),
    ],
)
def test_numbers_are_written_plainly(number: Number, text: str) -> None:
    """No exponent, no padding, no negative zero; what does not end has 40 significant digits."""
    assert format_amount(number) == text


@given(decimals)
def test_writing_and_reading_a_decimal_changes_nothing(number: Decimal) -> None:
    """The text of a decimal states the same number."""
    assert Decimal(format_amount(number)) == number


@given(fractions)
def test_a_fraction_is_written_exactly_where_it_ends(number: Fraction) -> None:
    """A fraction whose denominator holds only 2 and 5 loses nothing; any other is right to 39 digits."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    written = Fraction(format_amount(number))
    assert written == number if rest == 1 else abs(written - number) <= abs(number) / 10**39


@pytest.mark.parametrize(
    ("dividend", "divisor", "text"),
    [
        (Decimal(1), Decimal(3), "0." + "3" * 40),
        (Decimal(1), Decimal(8), "0.125"),
        (Fraction(1), Decimal(3), "0." + "3" * 40),
        (Decimal(0), Decimal(7), "0"),
    ],
)
def test_quotients_are_rounded_to_forty_digits(dividend: Number, divisor: Number, text: str) -> None:
    """A quotient ends where it can and carries 40 significant digits where it does not."""
    assert format_quotient(dividend, divisor) == text


@given(numbers, numbers)
def test_sums_and_products_of_mixed_kinds_are_exact(one: Number, other: Number) -> None:
    """Whatever the kinds, the result is the rational one, and a Decimal only where both are."""
    for operation, expected in (
        (plus, Fraction(one) + Fraction(other)),
        (minus, Fraction(one) - Fraction(other)),
        (times, Fraction(one) * Fraction(other)),
    ):
        result = exactly(operation)(one, other)
        assert Fraction(result) == expected
        assert isinstance(result, Decimal) == (isinstance(one, Decimal) and isinstance(other, Decimal))


@given(st.lists(numbers, max_size=6))
def test_a_total_is_exact(some: list[Number]) -> None:
    """A sum of any kinds is the rational one; nothing adds up to 0."""
    assert Fraction(exactly(total)(some)) == sum(map(Fraction, some), Fraction(0))


@given(numbers, numbers.filter(bool))
def test_a_quotient_is_exact_as_a_fraction(dividend: Number, divisor: Number) -> None:
    """A quotient of decimals is right to 59 digits, any other exactly."""
    exact, result = Fraction(dividend) / Fraction(divisor), quotient(dividend, divisor)
    assert abs(Fraction(result) - exact) <= (abs(exact) / 10**59 if isinstance(result, Decimal) else 0)


def test_exact_arithmetic_raises_rather_than_rounds() -> None:
    """A quotient that does not end is an error under the exact context, which is left again afterwards."""
    outer = getcontext()
    inside = exactly(lambda: getcontext() is EXACT)
    assert inside()
    assert exactly(inside)()
    assert getcontext() is outer
    with pytest.raises(Inexact):
        EXACT.create_decimal(10).sqrt(EXACT)

    def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        exactly(fails)()
    assert getcontext() is outer


@given(st.integers(-(10**40), 10**40), st.integers(0, 60), st.integers(0, 60))
def test_decimal_of_is_exact_for_denominators_of_two_and_five(numerator: int, twos: int, fives: int) -> None:
    """Any fraction over 2ᵃ·5ᵇ becomes the same Decimal."""
    number = Fraction(numerator, 2**twos * 5**fives)
    assert Fraction(decimal_of(number)) == number


@given(decimals, decimals.filter(bool), st.integers(1, 60))
def test_a_quotient_of_decimals_is_the_decimal_of_their_fraction(top: Decimal, bottom: Decimal, fives: int) -> None:
    """It is exact, however long, where it ends in decimals, and else has the 40 digits of `decimal_of`."""
    for divisor in (bottom, Decimal(2**fives), Decimal(-3 * 5**fives), Decimal(7 * 2**fives), bottom.scaleb(-fives)):
        wanted = decimal_of(Fraction(top) / Fraction(divisor))
        assert format_amount(exactly(divided)(top, divisor)) == format_amount(wanted)
