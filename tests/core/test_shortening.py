"""Long fractions: what is found from them by dividing is what exact arithmetic finds, and its cost is bounded."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings

from monitor.core import shortening
from monitor.core.accounts import MarginMode, Side
from monitor.core.instruments import Contract
from monitor.core.ladder import Ladder
from monitor.core.liquidation import liquidation_prices
from monitor.core.report import scope_report
from tests.core.books import Book, books
from tests.core.building import account, asset, instrument, market, position

LADDER = Ladder.build()
NEVER, ALWAYS = 10**9, 0
"""Lengths beyond which a denominator is long."""
TABLE = (("0", "0.01"), ("5", "0.02"), ("50", "0.05"))


def reported(book: Book, long_bits: int) -> object:
    """Return the report of a scope, shortened where denominators are longer than this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shortening, "LONG_BITS", long_bits)
        return scope_report(book.held, book.scope, book.prices, LADDER, None)


def long_price(random: Random) -> str:
    """Return a price of 64 digits."""
    digits = str(random.randrange(10**63, 10**64) | 1)
    return f"{digits[:3]}.{digits[3:]}"


def many_inverse(count: int, mode: MarginMode, seed: int, *, hedged: bool = False, alone: bool = False) -> Book:
    """Return a scope of inverse contracts of one coin, entered and priced at 64 digits; `alone`: one needs margin."""
    random = Random(seed)
    symbols = [f"I{number}" for number in range(count)]
    terms = [
        instrument(
            symbol,
            brackets=TABLE if symbol == "I0" or not alone else (("0", "0"),),
            contract=Contract.INVERSE,
            settle="BTC",
            size="100",
            base="BTC",
        )
        for symbol in symbols
    ]
    held = [
        position(
            random.choice(["3", "1.7"]) if side is not Side.SHORT else "-2",
            long_price(random),
            symbol=symbol,
            side=side,
            leverage="7",
        )
        for symbol in symbols
        for side in ((Side.LONG, Side.SHORT) if hedged else (Side.BOTH,))
    ]
    marks = {symbol: long_price(random) for symbol in symbols}
    who = account(*held, balances={"BTC": str(count), "USDT": "-5"}, mode=mode)
    prices = market(*terms, marks=marks, assets=(asset("BTC", "60000.1"), asset("USDT", "1")))
    return Book(who, prices, "cross:BTC" if mode is MarginMode.SINGLE_ASSET else "cross:USD")


@settings(max_examples=120)
@given(books())
def test_a_report_is_the_same_in_short(book: Book) -> None:
    """Whatever scope: every figure of its report is the same text, worked out from its sums or from those cut short."""
    assert reported(book, ALWAYS) == reported(book, NEVER)


@pytest.mark.parametrize(("hedged", "alone"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("mode", [MarginMode.SINGLE_ASSET, MarginMode.MULTI_ASSET])
def test_a_long_report_is_the_same_in_short(mode: MarginMode, hedged: bool, alone: bool) -> None:
    """A scope of inverse contracts at 64-digit prices is reported as exact arithmetic has it."""
    for seed in range(2):
        book = many_inverse(12, mode, seed, hedged=hedged, alone=alone)
        assert book.assessed().equity.denominator.bit_length() > shortening.LONG_BITS
        assert reported(book, shortening.LONG_BITS) == reported(book, NEVER)


def test_what_cancels_out_leaves_nothing() -> None:
    """Of a hedge without a wallet nothing is left but a requirement: the sums cut short find no price far away."""
    legs = [position(size, "60", symbol="X", side=side) for size, side in (("0.1", Side.LONG), ("-0.1", Side.SHORT))]
    terms = instrument("X", brackets=(("0", "0.001"),), contract=Contract.INVERSE, settle="BTC", size="100")
    book = Book(account(*legs, balances={}), market(terms, marks={"X": "70"}), "cross:BTC")
    assert reported(book, ALWAYS) == reported(book, NEVER)


@pytest.mark.parametrize("mode", [MarginMode.SINGLE_ASSET, MarginMode.MULTI_ASSET])
def test_prices_do_not_grow_with_their_number(mode: MarginMode) -> None:
    """A liquidation price is no longer for 100 contracts than for 20: so its cost does not grow with their square."""
    lengths = []
    for count in (20, 100):
        book = many_inverse(count, mode, 1)
        found = liquidation_prices(book.held, book.assessed(), LADDER.liquidation).values()
        lengths.append(max(Fraction(one.price).denominator.bit_length() for one in found if one.price is not None))
    assert lengths[1] < 1.5 * lengths[0] < 20_000
