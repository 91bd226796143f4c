"""Tests of verdicts on portfolio scopes that are known at the last prices, but not wherever a stale one may lie."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.core.accounts import MarginMode
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.margin import assess
from monitor.core.portfolio.terms import Group, Method, PortfolioTerms, ScenarioTerms
from monitor.core.verdict import Band, Ladders, decide
from tests.core.building import account, asset, instrument, market, position

MARKS = {"B": "100", "C": "101", "E": "10"}


@pytest.mark.parametrize(("low", "high"), [("9", "11"), ("10", "11"), ("9", "10")])
def test_what_is_not_known_at_an_end_of_a_stale_price_is_unknown(low: str, high: str) -> None:
    """A position at its entry price has no part in a mixed group nobody may judge; elsewhere it has."""
    groups = (Group("ALL", ("B", "C"), ("USDT",)),)
    contracts = instrument("B", base="BTC"), instrument("C", base="ETH"), instrument("E", base="ETH")
    plain = market(*contracts, marks=MARKS, assets=(asset("USDT"), asset("USD", "1", ratio="1")))
    terms = PortfolioTerms(Method.SCENARIO, {Method.SCENARIO: ScenarioTerms(groups)}).resolved(plain.instruments)
    prices = replace(plain, portfolio=terms)
    who = account(position("-10", "10", symbol="E"), balances={"USD": "250"}, mode=MarginMode.PORTFOLIO)
    known = assess(who, "portfolio", prices)
    assert not known.unknown_because
    assert assess(who, "portfolio", replace(prices, marks={**prices.marks, "E": Decimal("10.5")})).unknown_because
    ladders, last = Ladders.same(Ladder.build()), MarginStatus.HEALTHY
    assert decide(who, known, prices, ladders, last).status is MarginStatus.HEALTHY
    band = Band("E", False, Decimal(low), Decimal(high), "stale_price")
    verdict = decide(who, known, prices, ladders, last, ("stale_price:E",), (band,))
    assert (verdict.status, verdict.unknown_because) == (MarginStatus.UNKNOWN, ("stale_price:E",))
