"""Plans of portfolio scopes: every method, hedged and plain books; the figures are those of the changed account."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.accounts import Account, MarginMode
from monitor.core.ladder import Ladder
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.plan.plan import plan_of
from monitor.core.plan.rule import LiquidationRule, RuleName, line_of
from monitor.core.portfolio.terms import (
    Group,
    HyperliquidTerms,
    Method,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)
from tests.core.building import account, asset, instrument, inverse, market, position
from tests.plan.applying import applied, figures
from tests.plan.planning import charged, planned, steps

LADDER = Ladder.build()
GROUPS = (Group("BTC", ("B", "C")), Group("ETH", ("E",)))
TERMS: dict[Method, Terms] = {
    Method.SCENARIO: ScenarioTerms(GROUPS),
    Method.SPAN: SpanTerms(GROUPS),
    Method.TIMS: TimsTerms(GROUPS),
    Method.HYPERLIQUID: HyperliquidTerms((Token("USDT", borrowable=True), Token("BTC", ltv=Decimal("0.5")))),
}
MARKS = {"B": "100", "C": "101", "E": "10"}


def prices_of(method: Method, fee: str) -> FixedMarket:
    """Return a market with a linear and an inverse contract on BTC and a linear one on ETH."""
    contracts = (
        charged(instrument("B", base="BTC"), fee),
        charged(inverse("C"), fee),
        charged(instrument("E", base="ETH"), fee),
    )
    plain = market(*contracts, marks=MARKS, assets=(asset("USDT"), asset("BTC", "100", ratio="0.95")))
    return replace(plain, portfolio=PortfolioTerms(method, TERMS).resolved(plain.instruments))


def book(btc: str, coin: str, eth: str, usdt: str, wallet: str) -> Account:
    """Return a portfolio account."""
    held = [(btc, "B", "100"), (coin, "C", "101"), (eth, "E", "10")]
    positions = [position(size, entry, symbol=symbol) for size, symbol, entry in held if Decimal(size)]
    return account(*positions, balances={"USDT": usdt, "BTC": wallet}, mode=MarginMode.PORTFOLIO)


def test_a_plain_book_is_reduced_in_proportion() -> None:
    """The requirement of one position is in proportion to it: so is what an equity below it can carry."""
    who, prices = book("10", "0", "0", "100", "0"), prices_of(Method.SCENARIO, "0")
    equity, requirement = figures(who, "portfolio", prices)
    assert equity < requirement
    body = planned(who, prices, LiquidationRule(RuleName.LARGE_ORDER), "portfolio")
    [step] = body["reductions"]
    share = equity / requirement
    left = Fraction(step["remaining_quantity"])
    assert body["restores"] is True
    assert abs(left / 10 - share) < Fraction(1, 10**6)


def test_the_hedge_is_not_closed_first() -> None:
    """Long 10 against short 4: closing the short would ask for more, so that the long is what goes."""
    who, prices = book("10", "0", "0", "50", "0"), prices_of(Method.SPAN, "0")
    hedged = replace(who, positions={**who.positions, **book("0", "-4", "0", "0", "0").positions})
    body = planned(hedged, prices, LiquidationRule(RuleName.LARGE_ORDER), "portfolio")
    assert [symbol for symbol, _, _ in steps(body)] == ["B"]


@pytest.mark.parametrize("method", Method)
@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(st.integers(-20, 20), st.integers(-10, 10), st.integers(-100, 100)),
    usdt=st.integers(-100, 400),
    wallet=st.integers(0, 4),
    name=st.sampled_from(RuleName),
    fee=st.sampled_from(["0", "0.002", "0.02"]),
)
def test_a_plan_does_what_it_says(
    method: Method, sizes: tuple[int, int, int], usdt: int, wallet: int, name: RuleName, fee: str
) -> None:
    """The account is changed as planned and assessed anew: the figures are those stated, the line is met or is not.

    Where the plan gives up, closing everything does not help either.
    """
    prices = prices_of(method, fee)
    who = book(*(str(size) for size in sizes), str(usdt), str(wallet))
    rule = LiquidationRule(name, share_above=Decimal(500))
    line = line_of(rule, LADDER)
    body = planned(who, prices, rule, "portfolio")
    assert body["exchanges"] == [], "held coins are hedges here: what a venue sells of them is not known"
    after = applied(who, prices, body["reductions"])
    equity, requirement = figures(after, "portfolio", prices)
    assert abs(Fraction(body["equity_after"]) - equity) < Fraction(1, 10**25)
    assert abs(Fraction(body["maintenance_margin_after"]) - requirement) < Fraction(1, 10**25)
    assert body["restores"] == line.is_met(equity, requirement)
    if not body["restores"]:
        closed = [
            {"symbol": each.symbol, "side": str(each.side), "quantity": f"{abs(each.quantity):f}"}
            for each in who.positions.values()
        ]
        assert not line.is_met(*figures(applied(who, prices, closed), "portfolio", prices))


def test_there_is_no_plan_where_a_fee_brings_in_what_is_not_known() -> None:
    """A position at its entry price has no part in the mixed group of its settle asset; once a fee is paid it has."""
    groups = (Group("ALL", ("B", "C"), ("USDT",)),)
    contracts = instrument("B", base="BTC"), instrument("C", base="ETH"), charged(instrument("E", base="ETH"), "0.01")
    plain = market(*contracts, marks=MARKS, assets=(asset("USDT"), asset("OLD", ratio="0")))
    terms = PortfolioTerms(Method.SCENARIO, {Method.SCENARIO: ScenarioTerms(groups)}).resolved(plain.instruments)
    prices = replace(plain, portfolio=terms)
    who = account(position("-10", "10", symbol="E"), balances={"OLD": "250"}, mode=MarginMode.PORTFOLIO)
    assessment = assess(who, "portfolio", prices)
    assert assessment.equity == 0
    assert assessment.maintenance_margin
    assert plan_of(who, assessment, prices, LADDER, LiquidationRule()) is None
