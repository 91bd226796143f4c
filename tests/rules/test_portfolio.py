"""Tests of the rules on accounts in portfolio margin: their evidence states the method, so that anyone can follow."""

from __future__ import annotations

from decimal import Decimal

from monitor.core.board import MarketBoard
from monitor.core.freshness import FreshnessSettings
from monitor.core.portfolio.terms import Group, Method, PortfolioTerms, ScenarioTerms
from tests.rules.bench import Bench

GROUP = Group("X", ("X",), up=Decimal("0.16"), down=Decimal("-0.16"))
METHOD = PortfolioTerms(Method.SCENARIO, {Method.SCENARIO: ScenarioTerms(groups=(GROUP,))})
SETTINGS = {"account_limit": "0.8", "drawdown_stops": ["0.1"], "distance_limit": "0.05", "funding_limit": True}


def test_every_rule_holds_for_a_portfolio() -> None:
    """Long 10 X on 600: at 55 limit, stop and funding are crossed, at 50 the distance; each event is proven."""
    bench = Bench()
    engine = bench.shard.engine
    board = MarketBoard(FreshnessSettings(0, 0), ("USD",), METHOD)
    engine.board._portfolio = board._portfolio
    bench.instrument("X", settle="USD")
    bench.price(X="100")
    bench.account(margin_mode="portfolio", balances={"USD": "600"}, positions={"X": ("10", "100")}, settings=SETTINGS)
    assert bench.told == []
    told = bench.price(X={"mark_price": "55", "funding_rate": "0.2"}) + bench.clock(1_000)
    assert sorted(told) == [
        "a account_limit portfolio@0.8",
        "a drawdown_stop@0.1",
        "a funding_limit portfolio@1",
    ]
    assert "portfolio" in bench.told[0]["evidence"]["document"]
    assert bench.price(X="50") + bench.clock(1_000) == ["a distance_limit portfolio@0.05"]
