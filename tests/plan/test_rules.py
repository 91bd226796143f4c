"""Each rule against figures computed by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.core.accounts import Side
from monitor.core.ladder import Ladder
from monitor.core.plan.rule import BadRule, Line, LiquidationRule, RuleName, line_of
from tests.core.building import account, instrument, market, position
from tests.plan.planning import charged, planned, steps

TIERS = (("0", "0.01"), ("1000", "0.02"), ("2000", "0.04"), ("4000", "0.08"))
"""Deductions by the chain: 0, 10, 50, 210."""
MARKS = {"X": "100"}


def rule(name: str, **parameters: object) -> LiquidationRule:
    """Return a rule, its amounts as text."""
    given: dict[str, Any] = {key: Decimal(one) if isinstance(one, str) else one for key, one in parameters.items()}
    return LiquidationRule(rule=RuleName(name), **given)


def test_the_whole_of_a_position_is_closed() -> None:
    """50 contracts at 100 need 50; an equity of 40 is short, and after the fee of 1 % of 5,000 it is gone."""
    who = account(position("50", "100"), balances={"USDT": "40"}, orders={"cross:USDT": "7"})
    body = planned(who, market(charged(instrument(), "0.004"), marks=MARKS), rule("whole"))
    assert steps(body) == [("X", "50", "0")]
    assert body["restores"] is True
    assert body["fees"] == [{"asset": "USDT", "fee": "20", "to_fund": "20"}]
    assert (body["equity_after"], body["maintenance_margin_after"], body["margin_ratio_after"]) == ("20", "0", None)
    assert body["cancel_orders"] == {"initial_margin_freed": "7"}
    assert body["positions"] == [{"symbol": "X", "side": "both", "quantity": "50", "bankruptcy_price": "99.2"}]
    assert body["shortfall"] == "0"
    assert body["afterwards"] == ["fund_takeover", "auto_deleveraging"]
    poorer = planned(who, market(charged(instrument(), "0.01"), marks=MARKS), rule("whole", fund_share="0.5"))
    assert (poorer["restores"], poorer["equity_after"]) == (False, "-10")


def test_positions_are_closed_until_the_scope_is_back() -> None:
    """Requirements of 10, 30 and 20 over an equity of 35: the second goes first, and 30 are then enough."""
    held = (position("10", "100"), position("-30", "100", symbol="Y"), position("20", "100", symbol="Z"))
    who = account(*held, balances={"USDT": "35"})
    terms = [instrument(symbol) for symbol in "XYZ"]
    body = planned(who, market(*terms, marks=dict.fromkeys("XYZ", "100")), rule("whole"))
    assert steps(body) == [("Y", "30", "0")]
    assert (body["equity_after"], body["maintenance_margin_after"]) == ("35", "30")
    assert body["margin_ratio_after"] == "1.166666666666666666666666666666666666667"


def test_ties_go_by_symbol_then_side() -> None:
    """Equal positions are closed in the order of their names, long before short."""
    held = [position("10", "100", symbol="Y", side=Side.LONG), position("-10", "100", symbol="X", side=Side.SHORT)]
    who = account(*held, position("10", "100", symbol="X", side=Side.LONG), balances={"USDT": "0"})
    body = planned(who, market(instrument("X"), instrument("Y"), marks=dict.fromkeys("XY", "100")), rule("whole"))
    assert [(each["symbol"], each["side"]) for each in body["reductions"]] == [
        ("X", "long"),
        ("X", "short"),
        ("Y", "long"),
    ]


def test_a_debt_without_positions_has_no_way_back() -> None:
    """Nothing can be reduced: the plan says so and names what is missing."""
    body = planned(account(balances={"USDT": "-30"}), market(), rule("whole"))
    assert (body["restores"], body["reductions"], body["shortfall"]) == (False, [], "30")


@pytest.mark.parametrize(
    ("k", "target", "own", "strict"),
    [("1", None, "1", False), ("1", "10/9", "10/9", False), ("1.2", "10/9", "1.2", True), ("1", "1", "1", True)],
)
def test_the_line_is_the_higher_of_the_ladders_and_the_rules(
    k: str, target: str | None, own: str, strict: bool
) -> None:
    """A target below the ladder's line would stop while still in liquidation: it is not taken."""
    ladder = Ladder.build({"liquidation": Fraction(k), "margin_call": Fraction("1.24")}, inclusive=strict)  # type: ignore[dict-item]
    given = LiquidationRule(target=None if target is None else Fraction(target))
    assert line_of(given, ladder).k == Fraction(own)
    assert line_of(given, ladder) == Line(*Fraction(own).as_integer_ratio(), strict)


@pytest.mark.parametrize(
    ("name", "value"),
    [("share", "0"), ("share", "1.1"), ("share_above", "-1"), ("target", 0), ("brackets", 0), ("fund_share", "-0.1"),
     ("maximum_fee_rate", "1.01"), ("spread_to_maintenance", "-1"), ("bankruptcy_adjustment", "-1")],
)  # fmt: skip
def test_parameters_out_of_bounds_are_named(name: str, value: object) -> None:
    """Each bound is an error with the name of its parameter."""
    with pytest.raises(BadRule) as bad:
        LiquidationRule(**{name: Fraction(value)})  # type: ignore[arg-type]
    assert bad.value.path == name
