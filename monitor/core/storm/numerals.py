"""Numbers as text: rows of `numbers` and bytes written one behind the other, as `amounts` states them.

Compiled. Every function returns where what it has written ends; there must be room for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import inner
from monitor.core.store_columns import I8, U1
from monitor.core.storm.division import digits_of, divide_small, quotient
from monitor.core.storm.numbers import DECIMALS, DIGITS, LENGTH, LIMBS, SIGN, copy_number, put_number

TEXT_DIGITS: Final = 40
"""Digits of a quotient as it is stated, as `amounts.QUOTIENT_DIGITS`."""
_ZERO, _POINT, _MINUS = 48, 46, 45
_TEN = np.uint64(10)


@inner
def write_bytes(out: U1, at: int, text: U1, start: int, end: int) -> int:
    """Write text[start:end]."""
    here, there = np.uint64(start), np.uint64(at)
    for step in range(np.uint64(end - start)):
        out[there + step] = text[here + step]
    return at + end - start


@inner
def write_zeros(out: U1, at: int, count: int) -> int:
    """Write so many zeros."""
    for place in range(count):
        out[at + place] = _ZERO
    return at + count


@inner
def spell(w: I8, one: int, digits: U1) -> int:
    """Write the digits of a row, the highest first, without a point; return how many there are."""
    count = digits_of(w, one)
    at = count
    for limb in range(w[one, LENGTH]):
        part = np.uint64(w[one, LIMBS + limb])
        for _ in range(min(DIGITS, at)):
            at -= 1
            above = part // _TEN
            digits[at] = _ZERO + np.int64(part - above * _TEN)
            part = above
    return count


@inner
def write_number(w: I8, one: int, out: U1, at: int, digits: U1) -> int:
    """Write a row as plain decimal text without needless zeros, as `amounts.format_amount`."""
    count, decimals = spell(w, one, digits), w[one, DECIMALS]
    if count == 0:
        out[at] = _ZERO
        return at + 1
    if w[one, SIGN] < 0:
        out[at] = _MINUS
        at += 1
    if decimals <= 0:
        at = write_bytes(out, at, digits, 0, count)
        return write_zeros(out, at, -decimals)
    shown = count
    while shown > 0 and count - shown < decimals and digits[shown - 1] == _ZERO:
        shown -= 1
    whole = max(0, count - decimals)
    at = write_bytes(out, at, digits, 0, whole) if whole > 0 else write_zeros(out, at, 1)
    if shown > whole:
        out[at] = _POINT
        at = write_zeros(out, at + 1, max(0, decimals - count))
        at = write_bytes(out, at, digits, whole, shown)
    return at


@inner
def write_fraction(w: I8, one: int, divisor: int, spare: int, out: U1, at: int, digits: U1) -> int:
    """Write a row ÷ divisor (up to 10**9, no multiple of 2 or 5): all of it where it ends, else 40 digits.

    `spare` and the row after it are used.
    """
    copy_number(w, spare, one)
    if divisor > 1 and divide_small(w, spare, divisor) != 0:
        put_number(w, spare + 1, divisor, 0)
        quotient(w, spare, one, spare + 1, TEXT_DIGITS)
    return write_number(w, spare, out, at, digits)
