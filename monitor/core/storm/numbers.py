"""Exact decimals of any length as rows of integers: sums and products.

Compiled. A row is length, sign, decimals, and limbs to the base 10**9, the lowest first; 0 has the length 0. Aligning
two numbers lengthens one of them in place, which leaves its value as it is. A result that does not fit sets the row
`FAULT`, and what follows is worth nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import inner
from monitor.core.store_columns import I8

LENGTH, SIGN, DECIMALS, LIMBS = range(4)
FAULT: Final = 0
"""The row whose length says that something did not fit."""
TOP, BOTTOM, QUOTIENT, _SUM = 1, 2, 3, 4
FIRST_FREE: Final = 5
"""Rows below are used by the functions here."""
MOST_LIMBS: Final = 40
WIDTH: Final = LIMBS + MOST_LIMBS + 2
BASE: Final = 1_000_000_000
WIDE = np.uint64(BASE)
"""The same without a sign: a division by it is then a multiplication."""
DIGITS: Final = 9
TENS = np.array([10**power for power in range(19)], dtype=np.int64)


def rows_for(count: int) -> I8:
    """Return so many rows, all 0."""
    return np.zeros((count, WIDTH), dtype=np.int64)


@inner
def put_number(w: I8, to: int, number: int, decimals: int) -> None:
    """Set a row to number / 10**decimals."""
    w[to, SIGN] = -1 if number < 0 else 1
    w[to, DECIMALS] = decimals
    rest, length = np.uint64(abs(number)), 0
    while rest > 0:
        above = rest // WIDE
        w[to, LIMBS + length] = np.int64(rest - above * WIDE)
        rest = above
        length += 1
    w[to, LENGTH] = length


@inner
def copy_number(w: I8, to: int, one: int) -> None:
    """Set a row to what another one is."""
    for column in range(LIMBS + w[one, LENGTH]):
        w[to, column] = w[one, column]


@inner
def sign_of(w: I8, one: int) -> int:
    """Return -1, 0 or 1."""
    return 0 if w[one, LENGTH] == 0 else int(w[one, SIGN])


@inner
def times_small(w: I8, one: int, factor: int) -> None:
    """Multiply a row in place by a factor from 1 to 10**9."""
    carry, by, length = np.uint64(0), np.uint64(factor), w[one, LENGTH]
    for limb in range(length):
        part = np.uint64(w[one, LIMBS + limb]) * by + carry
        carry = part // WIDE
        w[one, LIMBS + limb] = np.int64(part - carry * WIDE)
    if carry > 0:
        w[one, LIMBS + length] = np.int64(carry)
        length += 1
    w[one, LENGTH] = length
    if length > MOST_LIMBS:
        w[FAULT, LENGTH] = 1
        w[one, LENGTH] = 0


@inner
def lengthen(w: I8, one: int, power: int) -> None:
    """Write a row with so many more decimals, its value unchanged."""
    w[one, DECIMALS] += power
    length, limbs = w[one, LENGTH], power // DIGITS
    if length == 0 or power == 0:
        return
    if length + limbs > MOST_LIMBS:
        w[FAULT, LENGTH] = 1
        w[one, LENGTH] = 0
        return
    if limbs > 0:
        for limb in range(length - 1, -1, -1):
            w[one, LIMBS + limbs + limb] = w[one, LIMBS + limb]
        for limb in range(limbs):
            w[one, LIMBS + limb] = 0
        w[one, LENGTH] = length + limbs
    if power % DIGITS > 0:
        times_small(w, one, TENS[power % DIGITS])


@inner
def align(w: I8, one: int, other: int) -> None:
    """Give two rows the same decimals."""
    apart = w[one, DECIMALS] - w[other, DECIMALS]
    if apart > 0:
        lengthen(w, other, apart)
    elif apart < 0:
        lengthen(w, one, -apart)


@inner
def compare_sizes(w: I8, one: int, other: int) -> int:
    """Return -1, 0 or 1 as the size of a row is below, at or above that of another, both of the same decimals."""
    if w[one, LENGTH] != w[other, LENGTH]:
        return -1 if w[one, LENGTH] < w[other, LENGTH] else 1
    for limb in range(LIMBS + w[one, LENGTH] - 1, LIMBS - 1, -1):
        if w[one, limb] != w[other, limb]:
            return -1 if w[one, limb] < w[other, limb] else 1
    return 0


@inner
def compare(w: I8, one: int, other: int) -> int:
    """Return -1, 0 or 1 as a row is below, at or above another."""
    mine, its = sign_of(w, one), sign_of(w, other)
    if mine != its:
        return -1 if mine < its else 1
    if mine == 0:
        return 0
    align(w, one, other)
    return mine * compare_sizes(w, one, other)


@inner
def trim(w: I8, one: int, length: int) -> None:
    """Set the length of a row, without the zeros before its first digit."""
    while length > 0 and w[one, LIMBS + length - 1] == 0:
        length -= 1
    w[one, LENGTH] = length


@inner
def combine(w: I8, to: int, one: int, other: int, sign: int) -> None:
    """Set a row (neither of the two) to one + sign · other."""
    align(w, one, other)
    its = sign * w[other, SIGN]
    larger, smaller, mine = one, other, w[one, SIGN]
    same = w[one, LENGTH] == 0 or w[other, LENGTH] == 0 or mine == its
    if compare_sizes(w, one, other) < 0:
        larger, smaller, mine = other, one, its
    elif w[one, LENGTH] == 0:
        mine = 1
    carry, length, short = np.int64(0), w[larger, LENGTH], w[smaller, LENGTH]
    for limb in range(length):
        part = w[smaller, LIMBS + limb] if limb < short else np.int64(0)
        found = w[larger, LIMBS + limb] + (part if same else -part) + carry
        carry = np.int64(0)
        if found >= BASE:
            found, carry = found - BASE, np.int64(1)
        elif found < 0:
            found, carry = found + BASE, np.int64(-1)
        w[to, LIMBS + limb] = found
    if carry > 0:
        w[to, LIMBS + length] = carry
        length += 1
    if length > MOST_LIMBS:
        w[FAULT, LENGTH] = 1
        length = 0
    w[to, SIGN], w[to, DECIMALS] = mine, w[one, DECIMALS]
    trim(w, to, length)


@inner
def add(w: I8, to: int, one: int, other: int) -> None:
    """Set a row (neither of the two) to a sum."""
    combine(w, to, one, other, 1)


@inner
def subtract(w: I8, to: int, one: int, other: int) -> None:
    """Set a row (neither of the two) to a difference."""
    combine(w, to, one, other, -1)


@inner
def accumulate(w: I8, to: int, more: int) -> None:
    """Add a row to another in place."""
    copy_number(w, _SUM, to)
    combine(w, to, _SUM, more, 1)


@inner
def multiply(w: I8, to: int, one: int, other: int) -> None:
    """Set a row (neither of the two) to a product."""
    mine, its = w[one, LENGTH], w[other, LENGTH]
    w[to, SIGN] = w[one, SIGN] * w[other, SIGN]
    w[to, DECIMALS] = w[one, DECIMALS] + w[other, DECIMALS]
    if mine == 0 or its == 0 or mine + its > MOST_LIMBS:
        if mine > 0 and its > 0:
            w[FAULT, LENGTH] = 1
        w[to, LENGTH] = 0
        return
    for limb in range(mine + its):
        w[to, LIMBS + limb] = 0
    for limb in range(mine):
        carry, factor = np.uint64(0), np.uint64(w[one, LIMBS + limb])
        for step in range(its):
            at = LIMBS + limb + step
            part = np.uint64(w[to, at]) + factor * np.uint64(w[other, LIMBS + step]) + carry
            carry = part // WIDE
            w[to, at] = np.int64(part - carry * WIDE)
        w[to, LIMBS + limb + its] = np.int64(carry)
    trim(w, to, mine + its)
