"""Tests of the exact numbers of the compiled code, run as they are: against decimals and fractions."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from monitor.core.amounts import EXACT, format_amount, format_quotient
from monitor.core.storm import division, numbers, numerals
from monitor.core.storm.numbers import DECIMALS, FAULT, LENGTH, LIMBS, SIGN, rows_for

ONE, OTHER, FOUND, SPARE = 10, 11, 12, 13


def put(w: np.ndarray, row: int, number: Decimal) -> None:
    """Set a row, of any length."""
    sign, digits, exponent = number.as_tuple()
    rest, length = int("".join(map(str, digits))), 0
    while rest:
        rest, w[row, LIMBS + length] = divmod(rest, 10**9)
        length += 1
    w[row, LENGTH], w[row, SIGN], w[row, DECIMALS] = length, -1 if sign else 1, -int(exponent)


def get(w: np.ndarray, row: int) -> Decimal:
    """Return the number of a row."""
    digits = sum(int(w[row, LIMBS + limb]) * 10 ** (9 * limb) for limb in range(w[row, LENGTH]))
    return Decimal(digits if w[row, SIGN] > 0 else -digits).scaleb(-int(w[row, DECIMALS]), EXACT)


def drawn(rng: random.Random) -> Decimal:
    """Return a number: of few and many digits, near powers of the base, with zeros at its end."""
    digits = rng.choice((1, 5, 9, 10, 18, 19, 27, 40, 60))
    kinds = (rng.randrange(10**digits), 10**digits - 1, 10**digits, (10**9 - 1) * 10**digits)
    return Decimal(rng.choice(kinds) * rng.choice((1, -1))).scaleb(-rng.randrange(25), EXACT)


@pytest.mark.parametrize("seed", range(4))
def test_sums_products_and_quotients_are_those_of_decimals(seed: int) -> None:
    """Every operation gives what Decimal gives under the context of `amounts`, and leaves its operands their value."""
    rng, w = random.Random(seed), rows_for(20)
    with localcontext(EXACT):
        for _ in range(150):
            one, other = drawn(rng), drawn(rng)
            put(w, ONE, one)
            put(w, OTHER, other)
            numbers.add(w, FOUND, ONE, OTHER)
            assert get(w, FOUND) == one + other
            numbers.subtract(w, FOUND, ONE, OTHER)
            assert get(w, FOUND) == one - other
            assert numbers.compare(w, ONE, OTHER) == (one > other) - (one < other)
            numbers.multiply(w, FOUND, ONE, OTHER)
            assert get(w, FOUND) == one * other
            assert (get(w, ONE), get(w, OTHER)) == (one, other)
            for digits in (40, 60) if other else ():
                division.quotient(w, FOUND, ONE, OTHER, digits)
                wanted = Context(prec=digits, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
                assert get(w, FOUND) == wanted.divide(one, other)
    assert not w[FAULT, LENGTH]


def test_ties_are_rounded_to_even() -> None:
    """A quotient that ends in a 5 just behind its last digit goes to the even neighbour."""
    rng, w = random.Random(5), rows_for(20)
    with localcontext(EXACT):
        for _ in range(100):
            tie, other = Decimal(rng.randrange(10**39, 10**40) * 10 + 5), Decimal(rng.randrange(1, 10**20))
            put(w, ONE, tie * other)
            put(w, OTHER, other)
            division.quotient(w, FOUND, ONE, OTHER, 40)
            assert get(w, FOUND) == Context(prec=40, rounding=ROUND_HALF_EVEN).divide(tie * other, other)


def test_texts_are_those_of_amounts() -> None:
    """Numbers, quotients and fractions are written as `amounts` writes them."""
    rng, w = random.Random(7), rows_for(20)
    out, digits = np.zeros(2_000, np.uint8), np.zeros(500, np.uint8)
    for _ in range(300):
        one, other = drawn(rng), drawn(rng)
        put(w, ONE, one)
        end = numerals.write_number(w, ONE, out, 3, digits)
        assert bytes(out[3:end]).decode() == format_amount(one)
        if other:
            put(w, OTHER, other)
            division.quotient(w, FOUND, ONE, OTHER, numerals.TEXT_DIGITS)
            end = numerals.write_number(w, FOUND, out, 0, digits)
            assert bytes(out[:end]).decode() == format_quotient(one, other)
        divisor = rng.choice((1, 3, 7, 9, 21, 33))
        end = numerals.write_fraction(w, ONE, divisor, SPARE, out, 0, digits)
        assert bytes(out[:end]).decode() == format_amount(Fraction(one) / divisor)


def test_what_does_not_fit_is_said() -> None:
    """A product of too many digits sets the fault row instead of giving a wrong number."""
    w = rows_for(20)
    put(w, ONE, Decimal(10**200))
    numbers.multiply(w, FOUND, ONE, ONE)
    assert w[FAULT, LENGTH] == 1
