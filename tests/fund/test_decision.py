"""Tests of the decision on one claim: every trigger on both sides of its line, and every reason to hold back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.core.adl.settings import AdlPopulation, AdlSettings, AdlTrigger
from monitor.core.fund.decision import Decision, FundView, Kind, decide
from tests.fund.desks import claim

DRAWDOWN = AdlSettings(trigger=AdlTrigger.FUND_DRAWDOWN)
BY_SYMBOL = AdlSettings(trigger=AdlTrigger.SYMBOL_PNL_DRAWDOWN)


def view(balance: str, *, peak: str = "100", claimed: str = "0", settling: bool = False, spent: str = "0") -> FundView:
    """Return a fund's figures; `spent` on XUSDT."""
    return FundView(
        Decimal(balance), Decimal(peak), Decimal(claimed), settling=settling, spent={"XUSDT": Decimal(spent)}
    )


@pytest.mark.parametrize(
    ("amount", "seen", "expected"),
    [
        ("80", view("100"), Kind.COVERED),
        ("80", view("80"), Kind.COVERED),
        ("80", view("79.99"), Kind.TRIGGERED),
        ("80", view("160", claimed="80"), Kind.COVERED),
        ("80", view("100", claimed="80"), Kind.TRIGGERED),
        ("0", view("0"), Kind.COVERED),
        ("0", view("-1"), Kind.TRIGGERED),
        ("80", view("100", peak="1000000"), Kind.COVERED),
    ],
)
def test_a_shortfall_is_covered_by_what_is_left(amount: str, seen: FundView, expected: Kind) -> None:
    """By `shortfall` the fund pays whatever is not more than its balance without what it stands for already."""
    assert decide(claim("a", amount), seen, AdlSettings()) == Decision(expected)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (view("71"), Kind.COVERED),
        (view("70"), Kind.TRIGGERED),
        (view("90", claimed="19"), Kind.COVERED),
        (view("90", claimed="20"), Kind.TRIGGERED),
        (view("4", peak="4"), Kind.TRIGGERED),
        (view("5", peak="5"), Kind.COVERED),
    ],
)
def test_a_fund_that_has_fallen_from_its_peak_pays_no_more(seen: FundView, expected: Kind) -> None:
    """By `fund_drawdown` 30 % below the peak is the line, reached inclusively; an empty fund cannot pay either."""
    assert decide(claim("a", "5"), seen, DRAWDOWN) == Decision(expected)


@pytest.mark.parametrize(
    ("seen", "costs", "expected"),
    [
        (view("1000", peak="1000", spent="250"), {"XUSDT": "50"}, Kind.COVERED),
        (view("1000", peak="1000", spent="251"), {"XUSDT": "50"}, Kind.TRIGGERED),
        (view("1000", peak="1000", spent="251"), {"YUSDT": "50"}, Kind.COVERED),
        (view("1000", peak="1000"), {"XUSDT": "200", "YUSDT": "301"}, Kind.TRIGGERED),
        (view("40", peak="1000"), {"XUSDT": "50"}, Kind.TRIGGERED),
    ],
)
def test_a_contract_may_cost_the_fund_only_so_much(seen: FundView, costs: dict[str, str], expected: Kind) -> None:
    """By `symbol_pnl_drawdown` each contract's cost within the window, this claim included, may be 30 % of the peak."""
    amount = str(sum(map(Decimal, costs.values())))
    assert decide(claim("a", amount, costs=costs), seen, BY_SYMBOL) == Decision(expected)


@pytest.mark.parametrize("settings", [AdlSettings(), DRAWDOWN, BY_SYMBOL])
def test_reasons_to_hold_back(settings: AdlSettings) -> None:
    """Nobody is deleveraged for an unknown fund, a suspect account, or while a closed claim's payment is awaited."""
    short = view("10", peak="100")
    desk = AdlSettings(trigger=settings.trigger, population=AdlPopulation.DESK)
    assert decide(claim("a", "80"), None, settings) == Decision(Kind.CANDIDATE, "fund_unknown")
    assert decide(claim("a", "80", suspect=True), short, settings) == Decision(Kind.CANDIDATE, "suspect")
    settling = view("10", settling=True)
    assert decide(claim("a", "80"), settling, settings) == Decision(Kind.CANDIDATE, "settling")
    assert decide(claim("a", "80"), short, desk) == Decision(Kind.CANDIDATE, "desk")
    assert decide(claim("a", "80"), short, settings) == Decision(Kind.TRIGGERED)


def test_what_is_covered_needs_no_reason() -> None:
    """A fund that can pay does, also for a suspect account, and whatever is being settled."""
    seen = view("100", settling=True)
    assert decide(claim("a", "80", suspect=True), seen, AdlSettings()) == Decision(Kind.COVERED)
