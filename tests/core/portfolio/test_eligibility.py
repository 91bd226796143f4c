"""Who may be margined by a portfolio method, and what becomes of those who may not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.core.accounts import Account, MarginMode, Position, Settings
from monitor.core.ladder import Ladder
from monitor.core.market import FixedMarket
from monitor.core.portfolio.deciding import decided
from monitor.core.portfolio.eligibility import OnIneligible, PortfolioRules, ineligibilities
from monitor.core.portfolio.terms import Group, Method, PortfolioTerms, ScenarioTerms
from monitor.core.report import scope_report
from monitor.core.scopes import scope_names
from tests.core.building import account, asset, instrument, market, position

D = Decimal
SCENARIO = ScenarioTerms((Group("X", ("X",)),))
STRICT = PortfolioRules(minimum_vip_level=3, on_ineligible=OnIneligible.MULTI_ASSET)


def held(*positions: Position, wallet: str = "1000", **raw: Any) -> Account:
    """Return a portfolio account with settings."""
    book = account(*positions, balances={"USDT": wallet}, mode=MarginMode.PORTFOLIO)
    return replace(book, settings=Settings(raw=raw))


def priced(rules: PortfolioRules) -> FixedMarket:
    """Return a market with the scenario method and rules."""
    base = market(instrument(), marks={"X": "10"}, assets=(asset("USDT"),))
    return replace(base, portfolio=PortfolioTerms(Method.SCENARIO, {Method.SCENARIO: SCENARIO}, rules))


@pytest.mark.parametrize(
    ("rules", "raw", "equity", "reasons"),
    [
        ({"minimum_vip_level": 3}, {"vip_level": 2}, "1", ("vip_level 2 < 3",)),
        ({"minimum_vip_level": 3}, {"vip_level": 3}, "1", ()),
        ({"minimum_vip_level": 3}, {}, "1", ("vip_level missing",)),
        ({"minimum_equity": D(1000)}, {}, "999.5", ("equity 999.5 < 1000",)),
        ({"minimum_equity": D(1000)}, {}, "1000", ()),
        ({"minimum_equity": D(1000)}, {}, None, ()),
        ({"maximum_equity": D(1000)}, {}, "1000", ()),
        ({"maximum_equity": D(1000)}, {}, "1000.1", ("equity 1000.1 > 1000",)),
        ({"minimum_volume_30d": D("5.5")}, {"volume_30d": "5.4"}, "1", ("volume_30d 5.4 < 5.5",)),
        ({"minimum_volume_30d": D(5)}, {"volume_30d": 5}, "1", ()),
        ({"minimum_volume_30d": D(5)}, {}, "1", ("volume_30d missing",)),
        ({"require_assessment": True}, {"assessment_passed": False}, "1", ("assessment missing",)),
        ({"require_assessment": True}, {"assessment_passed": True}, "1", ()),
        ({"require_portfolio_enabled": True}, {}, "1", ("portfolio not enabled",)),
        ({"require_portfolio_enabled": True}, {"portfolio_enabled": True}, "1", ()),
        ({"markets": ("Y",)}, {}, "1", ("market X",)),
        ({"markets": ("X", "Y")}, {}, "1", ()),
        (
            {"minimum_vip_level": 3, "require_assessment": True, "markets": ()},
            {"vip_level": 0},
            "1",
            ("vip_level 0 < 3", "assessment missing", "market X"),
        ),
    ],
)
def test_reasons(rules: dict[str, Any], raw: dict[str, Any], equity: str | None, reasons: tuple[str, ...]) -> None:
    """Each broken rule is one reason; a bound itself is kept; an unknown equity breaks no rule."""
    found = ineligibilities(PortfolioRules(**rules), held(position("1", "10"), **raw), D(equity) if equity else None)
    assert found == reasons


def test_isolated_positions_are_in_any_market() -> None:
    """`markets` limits what the portfolio margins: isolated positions are scopes of their own."""
    rules = PortfolioRules(markets=())
    assert ineligibilities(rules, held(position("1", "10", wallet="5")), D(1)) == ()


def test_an_ineligible_account_is_margined_as_before_and_named() -> None:
    """The margin mode is the venue's fact: the report says why, the method stays."""
    rules = PortfolioRules(minimum_vip_level=3)
    book = decided(held(position("1", "10"), vip_level=2), priced(rules))
    assert book.ineligible == ()
    report = scope_report(book, "portfolio", priced(rules), Ladder.build(), None)
    assert report["portfolio"]["ineligible"] == ["vip_level 2 < 3"]


def test_it_is_margined_as_multi_asset_where_the_rules_say_so() -> None:
    """`on_ineligible = "multi_asset"`: the scope is cross:USD, the mode stays portfolio, the reasons are listed."""
    book = decided(held(position("1", "10"), vip_level=2), priced(STRICT))
    assert scope_names(book, priced(STRICT)) == ("cross:USD",)
    report = scope_report(book, "cross:USD", priced(STRICT), Ladder.build(), None)
    assert (report["margin_mode"], report["ineligible"]) == ("portfolio", ["vip_level 2 < 3"])
    assert "portfolio" not in report
    assert report["maintenance_margin"] == "0.1", "1 at 10 and 1 %: by brackets"


def test_an_account_becomes_eligible_again() -> None:
    """Facts that keep the rules take the reasons back."""
    before = decided(held(position("1", "10"), vip_level=2), priced(STRICT))
    after = decided(replace(before, settings=Settings(raw={"vip_level": 3})), priced(STRICT), before)
    assert after.ineligible == ()
    assert scope_names(after, priced(STRICT)) == ("portfolio",)


def test_while_the_equity_is_unknown_what_was_decided_stands() -> None:
    """A price that is missing at an account event does not change what was decided about the equity."""
    rules = PortfolioRules(minimum_equity=D(5000), on_ineligible=OnIneligible.MULTI_ASSET)
    known = decided(held(position("1", "10")), priced(rules))
    assert known.ineligible == ("equity 1000 < 5000",)
    dark = replace(priced(rules), marks={})
    assert decided(replace(known, version=9), dark, known).ineligible == known.ineligible
    assert decided(held(position("1", "10")), dark, None).ineligible == ()


@pytest.mark.parametrize("mode", [MarginMode.SINGLE_ASSET, MarginMode.MULTI_ASSET])
def test_other_modes_have_no_rules(mode: MarginMode) -> None:
    """Rules are about accounts in portfolio mode only."""
    book = replace(held(position("1", "10"), vip_level=0), margin_mode=mode, ineligible=("vip_level 0 < 3",))
    assert decided(book, priced(STRICT)).ineligible == ()
