"""Division of exact decimals: quotients rounded half to even to so many digits.

Compiled; the rows are those of `numbers`.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import inner
from monitor.core.store_columns import I8
from monitor.core.storm.numbers import (
    BASE,
    BOTTOM,
    DECIMALS,
    DIGITS,
    LENGTH,
    LIMBS,
    QUOTIENT,
    SIGN,
    TENS,
    TOP,
    WIDE,
    copy_number,
    lengthen,
    times_small,
    trim,
)

_ONE = np.uint64(1)


@inner
def divide_small(w: I8, one: int, divisor: int) -> int:
    """Divide the digits of a row in place by a divisor up to 10**9; return the rest."""
    rest = np.int64(0)
    for limb in range(LIMBS + w[one, LENGTH] - 1, LIMBS - 1, -1):
        part = rest * BASE + w[one, limb]
        found = part // divisor
        w[one, limb] = found
        rest = part - found * divisor
    trim(w, one, w[one, LENGTH])
    return int(rest)


@inner
def digits_of(w: I8, one: int) -> int:
    """Return how many digits a row has, 0 for 0."""
    length = w[one, LENGTH]
    if length == 0:
        return 0
    top, count = w[one, LIMBS + length - 1], 1
    while count < DIGITS and top >= TENS[count]:
        count += 1
    return int((length - 1) * DIGITS + count)


@inner
def round_digits(w: I8, one: int, most: int, has_more: bool) -> None:
    """Round a row in place to so many digits, half to even; `has_more`: something lies below its last digit."""
    gone = digits_of(w, one) - most
    if gone <= 0:
        return
    limbs, small = (gone - 1) // DIGITS, (gone - 1) % DIGITS
    below = has_more or w[one, LIMBS + limbs] % TENS[small] != 0
    for limb in range(limbs):
        below = below or w[one, LIMBS + limb] != 0
    last = w[one, LIMBS + limbs] // TENS[small] % 10
    limbs, small = gone // DIGITS, gone % DIGITS
    length = w[one, LENGTH] - limbs
    for limb in range(length):
        w[one, LIMBS + limb] = w[one, LIMBS + limb + limbs]
    w[one, LENGTH] = length
    w[one, DECIMALS] -= gone
    if small > 0 and length > 0:
        divide_small(w, one, TENS[small])
    odd = w[one, LENGTH] > 0 and w[one, LIMBS] % 2 == 1
    if last > 5 or (last == 5 and (below or odd)):
        limb = 0
        while limb < w[one, LENGTH] and w[one, LIMBS + limb] == BASE - 1:
            w[one, LIMBS + limb] = 0
            limb += 1
        if limb == w[one, LENGTH]:
            w[one, LIMBS + limb] = 0
            w[one, LENGTH] += 1
        w[one, LIMBS + limb] += 1


@inner
def divide_long(w: I8) -> None:
    """Divide the row `TOP` by `BOTTOM` (two limbs or more), the quotient to `QUOTIENT`; the rest stays in `TOP`.

    Source: Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D. Both are multiplied by a factor first.
    """
    factor = BASE // (w[BOTTOM, LIMBS + w[BOTTOM, LENGTH] - 1] + 1)
    times_small(w, BOTTOM, factor)
    top, bottom = w[TOP, LENGTH], w[BOTTOM, LENGTH]
    w[TOP, LIMBS + top] = 0
    times_small(w, TOP, factor)
    first, second = w[BOTTOM, LIMBS + bottom - 1], w[BOTTOM, LIMBS + bottom - 2]
    for place in range(top - bottom, -1, -1):
        at = LIMBS + place + bottom
        part = w[TOP, at] * BASE + w[TOP, at - 1]
        guess = part // first
        rest = part - guess * first
        while guess >= BASE or (rest < BASE and guess * second > rest * BASE + w[TOP, at - 2]):
            guess, rest = guess - 1, rest + first
        carry, by = np.uint64(0), np.uint64(guess)
        for limb in range(bottom):
            less = by * np.uint64(w[BOTTOM, LIMBS + limb]) + carry
            carry = less // WIDE
            found = w[TOP, LIMBS + place + limb] - np.int64(less - carry * WIDE)
            if found < 0:
                found, carry = found + BASE, carry + _ONE
            w[TOP, LIMBS + place + limb] = found
        w[TOP, at] -= np.int64(carry)
        if w[TOP, at] < 0:
            guess -= 1
            back = np.int64(0)
            for limb in range(bottom):
                found = w[TOP, LIMBS + place + limb] + w[BOTTOM, LIMBS + limb] + back
                back = np.int64(found >= BASE)
                w[TOP, LIMBS + place + limb] = found - back * BASE
            w[TOP, at] = 0
        w[QUOTIENT, LIMBS + place] = guess
    trim(w, QUOTIENT, top - bottom + 1)


@inner
def quotient(w: I8, to: int, one: int, other: int, digits: int) -> None:
    """Set a row to one ÷ other (not 0), rounded half to even to so many digits."""
    sign = w[one, SIGN] * w[other, SIGN]
    copy_number(w, TOP, one)
    copy_number(w, BOTTOM, other)
    more = digits + 1 + digits_of(w, BOTTOM) - digits_of(w, TOP)
    if more > 0:
        lengthen(w, TOP, more)
    decimals = w[TOP, DECIMALS] - w[BOTTOM, DECIMALS]
    if w[BOTTOM, LENGTH] == 1 or w[TOP, LENGTH] == 0:
        copy_number(w, QUOTIENT, TOP)
        has_more = divide_small(w, QUOTIENT, w[BOTTOM, LIMBS]) != 0 if w[TOP, LENGTH] > 0 else False
    else:
        top = w[TOP, LENGTH]
        divide_long(w)
        has_more = False
        for limb in range(top + 1):
            has_more = has_more or w[TOP, LIMBS + limb] != 0
    w[QUOTIENT, SIGN], w[QUOTIENT, DECIMALS] = sign, decimals
    round_digits(w, QUOTIENT, digits, has_more)
    copy_number(w, to, QUOTIENT)
