"""Tests of exact decimals in machine words: what fits is what Python's own decimals say, to the last bit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core import kernels_digits as digits
from monitor.core.kernels_compiled import HAS_NUMBA, compiled

pytestmark = pytest.mark.skipif(not HAS_NUMBA, reason="machine words are only used where numba is")
words = st.integers(0, 2**64 - 1) | st.integers(0, 70).map(lambda power: min(2**power, 2**64 - 1))
wide = st.integers(0, 2**128 - 1) | st.builds(
    lambda power, more: 2**power + more, st.integers(0, 127), st.integers(0, 3)
)


@compiled
def number_at(text: Any, start: int, end: int) -> Any:
    """Go in by a door: the functions themselves have none for Python."""
    return digits.number_at(text, start, end)


@compiled
def product(one: Any, other: Any) -> Any:
    """See `number_at`."""
    return digits.product(one, other)


@compiled
def added(high: Any, low: Any, more_high: Any, more_low: Any) -> Any:
    """See `number_at`."""
    return digits.added(high, low, more_high, more_low)


@compiled
def difference(high: Any, low: Any, less_high: Any, less_low: Any) -> Any:
    """See `number_at`."""
    return digits.difference(high, low, less_high, less_low)


@compiled
def scaled(high: Any, low: Any, power: int) -> Any:
    """See `number_at`."""
    return digits.scaled(high, low, power)


@compiled
def rounded(high: Any, low: Any, decimals: int) -> Any:
    """See `number_at`."""
    return digits.rounded(high, low, decimals)


def halves(number: int) -> tuple[np.uint64, np.uint64]:
    """Return the two halves of 128 bits."""
    return np.uint64(number >> 64), np.uint64(number & (2**64 - 1))


def whole(high: int, low: int) -> int:
    """Return the number two halves make."""
    return (int(high) << 64) | int(low)


def parsed(text: str) -> tuple[int, int, int]:
    """Return sign, digits and decimals of a text that stands amid others."""
    around = np.frombuffer(f"1{text}2".encode(), np.uint8)
    sign, found, decimals = number_at(around, 1, len(around) - 1)
    return int(sign), int(found), int(decimals)


@given(st.decimals(-(10**9), 10**9, places=8) | st.integers(-(10**17), 10**17).map(Decimal))
def test_a_plain_decimal_is_read_digit_by_digit(amount: Decimal) -> None:
    """Its sign, all digits, and how many of them stand after the point."""
    sign, found, decimals = parsed(f"{amount or abs(amount):f}")
    assert sign == (-1 if amount < 0 else 1)
    assert sign * Decimal(found).scaleb(-decimals) == amount


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1.", ".5", "1e5", "1E-7", "--1", "1.2.3", " 1", "1_0", "9" * 20, "-0", "0." + "1" * 19]
)
def test_what_is_no_plain_decimal_or_does_not_fit_is_left_to_others(text: str) -> None:
    """Never a number that is nearly right."""
    assert parsed(text)[0] == 0


@given(words, words)
def test_products(one: int, other: int) -> None:
    """Of any two words."""
    assert whole(*product(np.uint64(one), np.uint64(other))) == one * other


@given(wide, wide)
def test_sums_and_differences(one: int, other: int) -> None:
    """Of any 128 bits, and whether they fit."""
    fits, *total = added(*halves(one), *halves(other))
    assert bool(fits) == (one + other < 2**128)
    assert whole(*total) == (one + other) % 2**128
    sign, *size = difference(*halves(one), *halves(other))
    assert sign * whole(*size) == one - other


@given(wide, st.integers(0, 18))
def test_scaling(number: int, power: int) -> None:
    """By any power of ten, and whether that fits."""
    fits, *found = scaled(*halves(number), power)
    assert bool(fits) == (number * 10**power < 2**128)
    assert not fits or whole(*found) == number * 10**power


@given(wide, st.integers(0, 18))
def test_rounding_is_pythons(number: int, decimals: int) -> None:
    """The nearest float, ties to even, of every size."""
    assert rounded(*halves(number), decimals) == float(Decimal(number).scaleb(-decimals))


@given(st.integers(2**53, 2**60), st.integers(0, 40))
def test_ties_go_to_the_even_neighbour(number: int, power: int) -> None:
    """Halfway between two floats, and a hair beside it."""
    for beside in (-1, 0, 1):
        exact = (number << power) + beside
        assert rounded(*halves(exact), 0) == float(exact)
