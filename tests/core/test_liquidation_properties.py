"""The liquidation price of any scope: E = k·MM there, and nowhere nearer."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core import liquidation
from monitor.core.amounts import exactly
from monitor.core.liquidation import liquidation_price
from monitor.core.liquidation_forms import Model, Moving
from monitor.core.liquidation_walk import Beside, Ratio, Single
from monitor.core.margin import Assessment
from monitor.core.scopes import ScopeKind
from tests.core.books import Book, books

ONE = Fraction(1)
NARROW = Context(prec=45)
lines = st.sampled_from([ONE, ONE, Fraction(20, 19), Fraction(10, 11)])


def margin(figures: Assessment, k: Fraction) -> Fraction:
    """Return E − k·MM."""
    assert figures.equity is not None
    assert figures.maintenance_margin is not None
    return Fraction(figures.equity) - k * Fraction(figures.maintenance_margin)


def scale(book: Book) -> Fraction:
    """Return the order of size of a scope's figures, to measure a difference by."""
    figures = book.assessed()
    notionals = sum((Fraction(leg.notional or 0) for leg in figures.legs), ONE)
    return 1000 * (1 + abs(Fraction(figures.equity or 0)) + notionals)


def decimal_near(price: Fraction) -> Decimal:
    """Return a price to 45 digits."""
    return NARROW.divide(Decimal(price.numerator), Decimal(price.denominator))


@exactly
def check(book: Book, price: Fraction, k: Fraction, *, moves_collateral: bool) -> None:
    """Assert that E = k·MM at a price, or that E − k·MM changes its sign there."""
    there = decimal_near(price)
    value = margin(book.at(there, moves_collateral=moves_collateral), k)
    if abs(value) <= scale(book) / 10**30:
        return
    step = Decimal("1e-40")
    sides = [margin(book.at(there + side * step * there, moves_collateral=moves_collateral), k) for side in (-1, 1)]
    near_zero = [abs(side) <= scale(book) / 10**30 for side in sides]
    assert sides[0] * sides[1] < 0 or any(near_zero), f"E − k·MM = {float(value)} at {there}"


@settings(max_examples=400)
@given(books(), lines)
def test_the_line_is_met_at_the_price(book: Book, k: Fraction) -> None:
    """Recomputed at the price, equity and requirement meet; the same with the collateral left alone."""
    figures = book.assessed()
    found = liquidation_price(book.held, figures, "X", k)
    assert found.recovery is (margin(figures, k) < 0)
    assert (found.price == found.mark_only) is not found.moves_collateral
    if figures.kind is not ScopeKind.MULTI_ASSET:
        assert not found.moves_collateral
    if found.price is not None:
        assert found.price > 0
        check(book, Fraction(found.price), k, moves_collateral=figures.kind is ScopeKind.MULTI_ASSET)
    if found.mark_only is not None:
        check(book, Fraction(found.mark_only), k, moves_collateral=False)


@settings(max_examples=200)
@given(books(), lines)
def test_no_nearer_price_meets_the_line(book: Book, k: Fraction) -> None:
    """Between the mark and the price, on both sides, E − k·MM keeps its sign."""
    figures = book.assessed()
    found = liquidation_price(book.held, figures, "X", k).price
    moves = figures.kind is ScopeKind.MULTI_ASSET
    reach = abs(Fraction(found) - Fraction(book.mark)) if found is not None else Fraction(book.mark) * 9
    steps = [reach * number / 25 for number in range(-24, 25)]
    marks = [decimal_near(price) for step in steps if (price := Fraction(book.mark) + step) > 0]
    signs = {value > 0 for mark in marks if (value := margin(book.at(mark, moves_collateral=moves), k))}
    assert len(signs) <= 1


def general(single: Single[Any], beside: Beside[Any], weight: Any, divisor: Any) -> Ratio[Fraction] | None:
    """Solve a single position by the forms of its margin, in the place of the walk over its brackets."""
    terms = single.terms if isinstance(single.size, Fraction) else single.terms.rational
    fixed = None if single.fixed is None else Fraction(single.fixed)
    leg = Moving(terms, Fraction(single.size), Fraction(single.entry), Fraction(single.multiplier), fixed)
    *numbers, moves = beside
    model = Model((leg,), Fraction(single.mark), Beside(*map(Fraction, numbers), moves))
    price = model.liquidation_price(Fraction(weight) / Fraction(divisor))
    return None if price is None else Ratio(price, ONE)


@settings(max_examples=400)
@given(books(), lines)
def test_the_walk_finds_what_the_general_search_finds(book: Book, k: Fraction) -> None:
    """A single position, solved by walking its brackets, has the price of the general search."""
    walked = liquidation_price(book.held, book.assessed(), "X", k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(liquidation, "nearest_price", general)
        searched = liquidation_price(book.held, book.assessed(), "X", k)
    for one, other in ((walked.price, searched.price), (walked.mark_only, searched.mark_only)):
        assert (one is None) is (other is None)
        if one is not None and other is not None:
            assert abs(Fraction(one) - Fraction(other)) <= Fraction(one) / 10**55
