"""What every plan promises, over random books of every mode: it does what it says, and it gives up for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.core.ladder import Ladder
from monitor.core.plan.rule import LiquidationRule, RuleName, line_of
from monitor.core.scopes import ScopeKind
from tests.core.books import Book, books
from tests.plan.applying import applied, figures
from tests.plan.planning import planned

TINY = Fraction(1, 10**30)
LADDERS = (Ladder.build(), Ladder.build(inclusive=True))
DISCRETE = tuple(name for name in RuleName if name not in (RuleName.LARGE_ORDER, RuleName.FILLABLE_PRICE))


@st.composite
def rules(draw: st.DrawFn, names: tuple[RuleName, ...] = tuple(RuleName)) -> LiquidationRule:
    """Draw a rule; positions are small here, so that a large one begins low."""
    return LiquidationRule(
        draw(st.sampled_from(names)),
        share_above=Decimal(draw(st.sampled_from([0, 1000]))),
        target=draw(st.sampled_from([None, None, Fraction(10, 9), Fraction(3, 2)])),
        brackets=draw(st.sampled_from([None, None, 1, 2])),
        maximum_fee_rate=draw(st.sampled_from([None, Decimal("0.015")])),
    )


@st.composite
def liquidations(draw: st.DrawFn) -> Book:
    """Draw a book whose contracts charge for liquidation, its wallets such that it often is below its line."""
    book = draw(books())
    rates = st.sampled_from(["0", "0", "0.001", "0.01", "0.05"])
    terms = {
        symbol: replace(one, liquidation_fee_rate=Decimal(draw(rates)))
        for symbol, one in book.prices.instruments.items()
    }
    return replace(book, prices=replace(book.prices, instruments=terms))


def within(stated: str, right: Fraction) -> bool:
    """Return whether a figure is what it should be, to the digits it is stated with."""
    return abs(Fraction(stated) - right) <= TINY * max(1, abs(right))


@settings(max_examples=200, deadline=None)
@given(book=liquidations(), rule=rules(), ladder=st.sampled_from(LADDERS))
def test_a_plan_does_what_it_says(book: Book, rule: LiquidationRule, ladder: Ladder) -> None:
    """Applied to the account and margined again, each reduction gives the figures stated, and the line is met or not.

    Nothing is reduced that is not needed: before the last reduction of a plan that restores, the line is not met.
    """
    line = line_of(rule, ladder)
    body = planned(book.held, book.prices, rule, book.scope, ladder)
    capped = rule.rule is RuleName.FILLABLE_PRICE
    equity, requirement = figures(book.held, book.scope, book.prices)
    was_met = line.is_met(equity, requirement)
    assert was_met <= (not body["reductions"] and body["restores"])
    for number, step in enumerate(body["reductions"], 1):
        assert not line.is_met(equity, requirement) or not body["restores"] or _closes_all(book, body)
        after = applied(book.held, book.prices, body["reductions"][:number], stated_fees=capped)
        equity, requirement = figures(after, book.scope, book.prices)
        assert within(step["equity_after"], equity)
        assert within(step["maintenance_margin_after"], requirement)
    assert within(body["equity_after"], equity)
    assert body["restores"] == line.is_met(equity, requirement)


def _closes_all(book: Book, body: dict[str, Any]) -> bool:
    """Return whether a plan closes every position of the scope."""
    return len({(each["symbol"], each["side"]) for each in body["reductions"]}) == len(book.assessed().legs)


def choices(book: Book, rule: RuleName) -> Iterator[tuple[dict[str, str], ...]]:
    """Yield reductions of the whole scope that a rule admits: parts of every position, or all of some."""
    whole = rule is RuleName.WHOLE
    parts = [Fraction(1)] if whole else [Fraction(number, 8) for number in range(1, 9)]
    each: list[list[dict[str, str] | None]] = []
    for leg in book.assessed().legs:
        held = abs(leg.position.quantity)
        named = {"symbol": leg.position.symbol, "side": str(leg.position.side)}
        quantities = [held * part.numerator / part.denominator for part in parts]
        each.append([None, *({**named, "quantity": f"{quantity:f}"} for quantity in quantities)])
    for chosen in product(*each):
        yield tuple(one for one in chosen if one is not None)


@settings(max_examples=150, deadline=None)
@given(book=liquidations(), name=st.sampled_from([RuleName.WHOLE, RuleName.LARGE_ORDER]))
def test_where_a_plan_gives_up_nothing_helps(book: Book, name: RuleName) -> None:
    """No choice of positions, and for orders of any size no parts of them, brings back what the plan says is lost."""
    assume(book.assessed().kind is not ScopeKind.MULTI_ASSET)
    rule = LiquidationRule(name)
    if planned(book.held, book.prices, rule, book.scope)["restores"]:
        return
    line = line_of(rule, LADDERS[0])
    for chosen in choices(book, name):
        after = applied(book.held, book.prices, chosen)
        assert not line.is_met(*figures(after, book.scope, book.prices)), chosen


@settings(max_examples=150, deadline=None)
@given(book=liquidations(), ladder=st.sampled_from(LADDERS))
def test_one_order_is_the_least(book: Book, ladder: Ladder) -> None:
    """A last order that is smaller by a little does not suffice, nor one that is smaller by a lot."""
    rule = LiquidationRule(RuleName.LARGE_ORDER)
    body = planned(book.held, book.prices, rule, book.scope, ladder)
    if not body["restores"] or not body["reductions"] or _is_flat(body):
        return
    *first, last = body["reductions"]
    for part in (1 - Fraction(1, 10**20), Fraction(99, 100), Fraction(1, 2), Fraction(1, 10)):
        quantity = Decimal(last["quantity"]) * part.numerator / part.denominator
        less = {**last, "quantity": f"{quantity:f}"}
        after = applied(book.held, book.prices, [*first, less])
        assert not line_of(rule, ladder).is_met(*figures(after, book.scope, book.prices)), part


def _is_flat(body: dict[str, Any]) -> bool:
    """Return whether nothing is left."""
    return Fraction(body["maintenance_margin_after"]) == 0 and all(
        each["remaining_quantity"] == "0" for each in body["reductions"]
    )


@settings(max_examples=200, deadline=None)
@given(book=liquidations(), rule=rules(DISCRETE))
def test_one_position_is_enough_where_one_is(book: Book, rule: LiquidationRule) -> None:
    """If closing any single position whole brings the scope back, no plan without pairs touches two."""
    assume(rule.rule is not RuleName.BRACKETS_DOWN and book.assessed().kind is not ScopeKind.MULTI_ASSET)
    line = line_of(rule, LADDERS[0])
    body = planned(book.held, book.prices, rule, book.scope)
    for leg in book.assessed().legs:
        position = leg.position
        closed = {"symbol": position.symbol, "side": str(position.side), "quantity": f"{abs(position.quantity):f}"}
        if line.is_met(*figures(applied(book.held, book.prices, [closed]), book.scope, book.prices)):
            assert len({(each["symbol"], each["side"]) for each in body["reductions"]}) <= 1
