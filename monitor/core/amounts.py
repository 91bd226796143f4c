"""Exact amounts: how decimal text becomes a number, and how a number becomes text again.

The exact context, the limits of an amount and its formatting live here; what amounts mean (prices, rates, wallets) does
not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Underflow,
    getcontext,
    setcontext,
)
from fractions import Fraction
from functools import wraps
from math import gcd, log2, log10
from typing import ParamSpec, TypeVar

N = TypeVar("N", Decimal, Fraction)
"""A kind of exact number: Decimal where all arithmetic ends in decimals, Fraction where 1/price appears."""

Number = Decimal | Fraction

MAX_DIGITS = 64
LARGEST = Decimal("1e30")
SMALLEST = Decimal("1e-30")
QUOTIENT_DIGITS = 40

EXACT = Context(
    prec=100_000,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[Inexact, InvalidOperation, DivisionByZero, Overflow, Underflow],
)
"""Sums and products never round here: a result that would need more digits raises instead."""

_QUOTIENT = Context(prec=QUOTIENT_DIGITS, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_FINE = Context(prec=60, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_LONGEST_TEXT = 128
_BITS_OF_FIVE = log2(5)
_DIGITS_OF_A_BIT = log10(2)
_ZERO = Decimal(0)

P = ParamSpec("P")
R = TypeVar("R")


class BadAmount(ValueError):
    """A text or number that is not an amount; the message says why."""


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function under the exact context, whatever the thread's own context is."""

    @wraps(function)
    def under_exact_context(*args: P.args, **kwargs: P.kwargs) -> R:
        outer = getcontext()
        if outer is EXACT:
            return function(*args, **kwargs)
        setcontext(EXACT)
        try:
            return function(*args, **kwargs)
        finally:
            setcontext(outer)

    return under_exact_context


def parse_amount(value: str | int) -> Decimal:
    """Return the exact number that a plain decimal text or an integer states.

    At most 64 significant digits, no exponent, magnitude 0 or 1e-30 … 1e30. Raises `BadAmount`.
    """
    if isinstance(value, bool):
        raise BadAmount("a boolean is not an amount")
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise BadAmount("larger than 1e30")
        return Decimal(value)
    if len(value) > _LONGEST_TEXT or _PLAIN.fullmatch(value) is None:
        raise BadAmount(f"{value[:40]!r} is not a plain decimal")
    amount = Decimal(value)
    if not amount:
        return Decimal(0)
    if len(amount.as_tuple().digits) > MAX_DIGITS:
        raise BadAmount(f"more than {MAX_DIGITS} significant digits")
    if amount.copy_abs() > LARGEST:
        raise BadAmount("larger than 1e30")
    if amount.copy_abs() < SMALLEST:
        raise BadAmount("smaller than 1e-30")
    return amount


def format_amount(amount: Number) -> str:
    """Return plain decimal text: exact where the number ends in decimals, else 40 significant digits."""
    exact = amount if isinstance(amount, Decimal) else decimal_of(amount)
    text = f"{exact:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def format_known(amount: Number | None) -> str | None:
    """Return what `format_amount` does, None for what is not known."""
    return None if amount is None else format_amount(amount)


def format_exact(number: Fraction) -> str:
    """Return a fraction as exact text: a decimal where it ends, else numerator/denominator."""
    text = format_amount(number)
    return text if Fraction(text) == number else f"{number.numerator}/{number.denominator}"


def format_quotient(dividend: Number, divisor: Number) -> str:
    """Return dividend ÷ divisor as text, rounded half-even to 40 significant digits where it does not end sooner."""
    if isinstance(dividend, Decimal) and isinstance(divisor, Decimal):
        return format_amount(_QUOTIENT.divide(dividend, divisor))
    return format_amount(Fraction(dividend) / Fraction(divisor))


def quotient(dividend: Number, divisor: Number) -> Number:
    """Return dividend ÷ divisor: exact as a fraction; of two decimals rounded half-even to 60 significant digits."""
    if isinstance(dividend, Decimal) and isinstance(divisor, Decimal):
        return _FINE.divide(dividend, divisor)
    return Fraction(dividend) / Fraction(divisor)


def decimal_of(number: Fraction) -> Decimal:
    """Return a fraction as a Decimal: exact where it ends in decimals, else 40 significant digits.

    The cost grows with the length of the fraction, not with its square: one of an account of many inverse contracts has
    tens of thousands of digits.
    """
    denominator = number.denominator
    twos = (denominator & -denominator).bit_length() - 1
    fives = _power_of_five(denominator >> twos)
    if fives is None:
        return _rounded(number.numerator, denominator)
    places = max(twos, fives)
    scaled = number.numerator * 2 ** (places - twos) * 5 ** (places - fives)
    return Decimal(scaled).scaleb(-places, EXACT)


def divided(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Return dividend ÷ divisor, not 0: exact where it ends in decimals, else 40 significant digits. Exact context."""
    found = _QUOTIENT.divide(dividend, divisor)
    if found * divisor == dividend:
        return found
    top, bottom = dividend.as_integer_ratio(), divisor.as_integer_ratio()
    denominator = abs(top[1] * bottom[0])
    denominator //= gcd(denominator, top[0] * bottom[1])
    ends = pow(10, denominator.bit_length(), denominator) == 0
    return decimal_of(Fraction(dividend) / Fraction(divisor)) if ends else found


def _power_of_five(number: int) -> int | None:
    """Return which power of 5 a number is, None where it is none."""
    if number % 5:
        return 0 if number == 1 else None
    power = round((number.bit_length() - 0.5) / _BITS_OF_FIVE)
    return next((each for each in (power - 1, power, power + 1) if 5**each == number), None)


def _rounded(numerator: int, denominator: int) -> Decimal:
    """Return a quotient rounded half-even to 40 significant digits."""
    return _QUOTIENT.plus(_cut(numerator, denominator, QUOTIENT_DIGITS))


def shortened(number: Fraction, digits: int) -> Decimal:
    """Return a fraction cut after so many significant digits, or up to three more, and a 1 where it goes on.

    So it lies on the same side of every number of fewer digits, and rounds to fewer as the fraction does.
    """
    return _cut(number.numerator, number.denominator, digits)


def _cut(numerator: int, denominator: int, digits: int) -> Decimal:
    magnitude = round((abs(numerator).bit_length() - denominator.bit_length()) * _DIGITS_OF_A_BIT)
    places = digits + 3 - magnitude
    up, down = (10**places, 1) if places >= 0 else (1, 10**-places)
    found, rest = divmod(abs(numerator) * up, denominator * down)
    if rest:
        found, places = 10 * found + 1, places + 1
    return Decimal(found if numerator > 0 else -found).scaleb(-places, EXACT)


def fraction_of(number: Number) -> Fraction:
    """Return the same number as a Fraction."""
    return Fraction(number)


def plus(one: Number, other: Number) -> Number:
    """Return the exact sum of two numbers of either kind: a Decimal only where both are."""
    if isinstance(one, Decimal):
        return one + other if isinstance(other, Decimal) else Fraction(one) + other
    return one + (Fraction(other) if isinstance(other, Decimal) else other)


def minus(one: Number, other: Number) -> Number:
    """Return the exact difference of two numbers of either kind: a Decimal only where both are."""
    return plus(one, -other)


def times(one: Number, other: Number) -> Number:
    """Return the exact product of two numbers of either kind: a Decimal only where both are."""
    if isinstance(one, Decimal):
        return one * other if isinstance(other, Decimal) else Fraction(one) * other
    return one * (Fraction(other) if isinstance(other, Decimal) else other)


def total(numbers: Iterable[Number]) -> Number:
    """Return the exact sum of numbers of either kind: a Decimal only where all are, 0 where there is none."""
    decimals, fractions = _ZERO, None
    for number in numbers:
        if isinstance(number, Decimal):
            decimals += number
        else:
            fractions = number if fractions is None else fractions + number
    return decimals if fractions is None else fractions + Fraction(decimals)
