"""The kind of number the methods calculate in, and the one operation that kinds of numbers do differently: powers.

The requirement of a book is asked for at exact figures (`Fraction`) and, to find the price at which it is met, for
figures that carry their slope; what such a number is does not concern this room.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache, singledispatch
from typing import Any, Protocol, Self, TypeVar, cast

POWER_DIGITS = 60
_FINER = Context(prec=POWER_DIGITS + 20, Emin=-999_999, Emax=999_999)
_ROUNDED = Context(prec=POWER_DIGITS, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)


Kind = type[Fraction]
"""What makes a parameter of a number: `Fraction` where figures are exact; `FLOATS` and `FINE` serve a search."""
FLOATS = cast("Kind", float)


def in_fine_digits(number: Decimal | Fraction | int) -> Decimal:
    """Return a number as a decimal, to the digits of the context where it does not end sooner."""
    if isinstance(number, Fraction):
        return Decimal(number.numerator) / Decimal(number.denominator)
    return Decimal(number)


FINE = cast("Kind", in_fine_digits)


class Scalar(Protocol):
    """Say what a method asks of a number: the four operations with its like, and with parameters to its right."""

    def __add__(self, other: Self | Fraction, /) -> Self: ...
    def __sub__(self, other: Self | Fraction, /) -> Self: ...
    def __mul__(self, other: Self | Fraction, /) -> Self: ...
    def __truediv__(self, other: Self | Fraction, /) -> Self: ...
    def __neg__(self) -> Self: ...
    def __bool__(self) -> bool: ...
    def __lt__(self, other: Self, /) -> bool: ...
    def __le__(self, other: Self, /) -> bool: ...
    def __gt__(self, other: Self, /) -> bool: ...
    def __ge__(self, other: Self, /) -> bool: ...


M = TypeVar("M", bound=Scalar)
"""A kind of number a book is margined in; comparisons are by value."""


def zero_of(number: M) -> M:
    """Return 0 in the kind of a number."""
    return number - number


def magnitude(number: M) -> M:
    """Return a number without its sign."""
    return -number if number < number - number else number


def added(numbers: Iterable[M], zero: M) -> M:
    """Return the sum, `zero` where there is none."""
    result = zero
    for number in numbers:
        result = result + number
    return result


def power(base: M, exponent: Fraction) -> M:
    """Return base to a power, for a base not below 0 and an exponent not below 0 (0 to the power of 0 is 1).

    A fraction is exact where the power is rational, else rounded half-even to 60 significant digits. Other kinds of
    numbers say what theirs is with `register_power`.
    """
    raised: M = _power(base, exponent)
    return raised


@singledispatch
def _power(base: object, exponent: Fraction) -> Any:
    raise TypeError(f"no power is known of {type(base).__name__}, not even to {exponent}")


register_power = _power.register
"""Register what the power of another kind of number is: a function of (base, exponent)."""


@_power.register
def _(base: Fraction, exponent: Fraction) -> Fraction:
    return _exact_power(base, exponent)


@lru_cache(maxsize=4096)
def _exact_power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return the power of a fraction; what does not move along a way is asked for again and again."""
    if not exponent:
        return Fraction(1)
    if not base:
        return base
    above, below = (_root(number, exponent.denominator) for number in (base.numerator, base.denominator))
    if above is not None and below is not None:
        return Fraction(above, below) ** exponent.numerator
    whole = _FINER.divide(Decimal(base.numerator), Decimal(base.denominator))
    part = _FINER.divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
    return Fraction(_ROUNDED.plus(_FINER.exp(_FINER.multiply(part, _FINER.ln(whole)))))


def _root(number: int, degree: int) -> int | None:
    """Return the root of a whole number above 0 where it is a whole number."""
    if degree == 1 or number == 1:
        return number
    if degree >= number.bit_length():
        return None
    low, high = 1, 1 << (number.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if middle**degree <= number:
            low = middle
        else:
            high = middle
    return low if low**degree == number else None
