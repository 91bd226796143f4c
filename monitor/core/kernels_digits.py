"""Exact decimals in machine words: text to integers, products and sums of 128 bits, rounded once to a float.

Compiled. What does not fit is said, never rounded: the caller then goes the way of Decimals, which always fits.
"""

from __future__ import annotations

from math import ldexp
from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled_within
from monitor.core.store_columns import U1

MOST_DECIMALS: Final = 18
"""Of a sum: 10**18 leaves a remainder room to be doubled in 64 bits."""
_TENS = np.array([10**power for power in range(MOST_DECIMALS + 1)], dtype=np.uint64)
_FLOAT_TENS = np.array([float(10**power) for power in range(MOST_DECIMALS + 1)])
_ROOM = np.uint64((2**63 - 10) // 10)
_EXACT = np.uint64(2**53)
_TEN = np.uint64(10)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_MINUS, _POINT, _DIGIT_0, _DIGIT_9 = 45, 46, 48, 57
_BITS = 54
"""The 53 of a float, and the one that says to which side it is rounded."""

Words = tuple[np.uint64, np.uint64]
"""The high and the low half of 128 bits."""


@compiled_within
def number_at(text: U1, start: int, end: int) -> tuple[int, np.uint64, int]:
    """Return sign, digits and decimals of the number in text[start:end].

    The sign is 0 where it is no plain decimal, or does not fit.
    """
    sign, digits, decimals, count, after_point = 1, _ZERO, 0, 0, 0
    at = start
    if at < end and text[at] == _MINUS:
        sign, at = -1, at + 1
    while at < end:
        byte = text[at]
        if byte == _POINT and after_point == 0 and count > 0:
            after_point = 1
        elif _DIGIT_0 <= byte <= _DIGIT_9 and digits <= _ROOM:
            digits = digits * _TEN + np.uint64(byte - _DIGIT_0)
            decimals += after_point
            count += 1
        else:
            return 0, _ZERO, 0
        at += 1
    if count == 0 or decimals > MOST_DECIMALS or (after_point == 1 and decimals == 0):
        return 0, _ZERO, 0
    if sign < 0 and digits == _ZERO:
        return 0, _ZERO, 0  # decimals know a zero below 0, words do not
    return sign, digits, decimals


@compiled_within
def product(one: np.uint64, other: np.uint64) -> Words:
    """Return one · other."""
    low_one, high_one = one & _LOW, one >> _HALF
    low_other, high_other = other & _LOW, other >> _HALF
    lows, mixed, also_mixed = low_one * low_other, low_one * high_other, high_one * low_other
    middle = (lows >> _HALF) + (mixed & _LOW) + (also_mixed & _LOW)
    low = (lows & _LOW) | (middle << _HALF)
    high = high_one * high_other + (mixed >> _HALF) + (also_mixed >> _HALF) + (middle >> _HALF)
    return high, low


@compiled_within
def scaled(high: np.uint64, low: np.uint64, power: int) -> tuple[bool, np.uint64, np.uint64]:
    """Return whether the number times 10**power fits, and the product; `power` from 0 to `MOST_DECIMALS`."""
    factor = _TENS[power]
    carried, new_low = product(low, factor)
    over, shifted = product(high, factor)
    new_high = shifted + carried
    return bool(over == _ZERO and new_high >= carried), new_high, new_low


@compiled_within
def added(
    high: np.uint64, low: np.uint64, more_high: np.uint64, more_low: np.uint64
) -> tuple[bool, np.uint64, np.uint64]:
    """Return whether the sum fits, and the sum."""
    new_low = low + more_low
    carry = _ONE if new_low < low else _ZERO
    new_high = high + more_high
    fits = new_high >= high
    total = new_high + carry
    return bool(fits and total >= new_high), total, new_low


@compiled_within
def difference(
    high: np.uint64, low: np.uint64, less_high: np.uint64, less_low: np.uint64
) -> tuple[int, np.uint64, np.uint64]:
    """Return sign and size of the difference; 0 has sign 1."""
    if high < less_high or (high == less_high and low < less_low):
        borrow = _ONE if less_low < low else _ZERO
        return -1, less_high - high - borrow, less_low - low
    borrow = _ONE if low < less_low else _ZERO
    return 1, high - less_high - borrow, low - less_low


@compiled_within
def has_bits_below(high: np.uint64, low: np.uint64, place: int) -> bool:
    """Return whether any bit below a place, counted from the lowest, is set."""
    if place >= 64:
        above = np.uint64(place - 64)
        return bool(low != _ZERO or (place > 64 and (high & ((_ONE << above) - _ONE)) != _ZERO))
    return bool(place > 0 and (low & ((_ONE << np.uint64(place)) - _ONE)) != _ZERO)


@compiled_within
def rounded(high: np.uint64, low: np.uint64, decimals: int) -> float:
    """Return the float nearest to the number / 10**decimals, ties to even, as Python rounds a Decimal."""
    if high == _ZERO and low <= _EXACT:
        return float(low) / float(_FLOAT_TENS[decimals])  # both are exact: one rounding
    divisor, rest, found, count, place = _TENS[decimals], _ZERO, _ZERO, 0, 128
    while count < _BITS:
        place -= 1
        bit = _ZERO
        if place >= 64:
            bit = (high >> np.uint64(place - 64)) & _ONE
        elif place >= 0:
            bit = (low >> np.uint64(place)) & _ONE
        rest = (rest << _ONE) | bit
        is_set = rest >= divisor
        if is_set:
            rest -= divisor
        if is_set or count > 0:
            found = (found << _ONE) | (_ONE if is_set else _ZERO)
            count += 1
    whole = found >> _ONE
    is_tie = rest == _ZERO and not has_bits_below(high, low, place)
    if (found & _ONE) == _ONE and (not is_tie or (whole & _ONE) == _ONE):
        whole += _ONE
    return ldexp(float(whole), place + 1)
