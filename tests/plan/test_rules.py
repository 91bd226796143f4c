"""Each rule against figures computed by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.core.accounts import MarginMode, Side
from monitor.core.ladder import Ladder
from monitor.core.plan.rule import BadRule, Line, LiquidationRule, RuleName, line_of
from tests.core.building import account, asset, instrument, inverse, market, position
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


# ------------------------------------------------------------------------------------------------------- large_order
@pytest.mark.parametrize(
    ("equity", "fee", "quantity", "left", "after"),
    [
        ("50", "0", "5", "25", ("50", "50")),
        ("50", "0.008", "6.25", "23.75", ("45", "45")),
        ("20", "0", "15", "15", ("20", "20")),
        ("10", "0", "20", "10", ("10", "10")),
    ],
)
def test_one_order_closes_the_least_that_suffices(
    equity: str, fee: str, quantity: str, left: str, after: tuple[str, str]
) -> None:
    """3,000 need 70 (4 % less 50), 500 less need 50; at a fee of 0.8 % each unit frees 3.2 %; so further down."""
    who = account(position("30", "100"), balances={"USDT": equity})
    terms = charged(instrument(brackets=TIERS), fee)
    body = planned(who, market(terms, marks=MARKS), rule("large_order"))
    assert (body["restores"], steps(body)) == (True, [("X", quantity, left)])
    assert (body["equity_after"], body["maintenance_margin_after"]) == after


def test_a_fee_above_what_is_freed_cannot_restore() -> None:
    """At 2 % fee the brackets below 2,000 free no more than they cost: the best that parts do is 0 over 30."""
    who = account(position("30", "100"), balances={"USDT": "20"})
    body = planned(who, market(charged(instrument(brackets=TIERS), "0.02"), marks=MARKS), rule("large_order"))
    assert (body["restores"], steps(body), body["equity_after"]) == (False, [("X", "30", "0")], "-40")


def test_a_position_that_does_not_suffice_goes_first_as_far_as_it_helps() -> None:
    """X (70) goes whole and leaves 5 over Y's 10: half of Y's 1,000 in its lowest bracket is enough."""
    who = account(position("30", "100"), position("10", "100", symbol="Y"), balances={"USDT": "5"})
    terms = [instrument(symbol, brackets=TIERS) for symbol in "XY"]
    body = planned(who, market(*terms, marks=dict.fromkeys("XY", "100")), rule("large_order"))
    assert (body["restores"], steps(body)) == (True, [("X", "30", "0"), ("Y", "5", "5")])


def test_a_quotient_is_rounded_up() -> None:
    """5 ÷ 0.007 of notional is no decimal: the quantity is the next above of 40 digits, and it suffices."""
    who = account(position("10", "100"), balances={"USDT": "5"})
    body = planned(who, market(charged(instrument(), "0.003"), marks=MARKS), rule("large_order"))
    assert steps(body)[0][1] == "7.142857142857142857142857142857142857143"
    assert body["restores"] is True


def test_an_inclusive_ladder_wants_a_little_more() -> None:
    """Where E = k·MM is still liquidation, the least reduction is one unit of the 40th digit above the line."""
    who = account(position("30", "100"), balances={"USDT": "50"})
    ladder = Ladder.build(inclusive=True)
    body = planned(who, market(instrument(brackets=TIERS), marks=MARKS), rule("large_order"), ladder=ladder)
    assert steps(body)[0][1] == "5." + "0" * 37 + "1"


def test_on_the_line_all_along_everything_goes() -> None:
    """Inclusive, and the fee takes what the requirement frees: E = k·MM whatever goes, until nothing is required."""
    who = account(position("50", "100"), balances={"USDT": "50"})
    prices = market(charged(instrument(), "0.01"), marks=MARKS)
    body = planned(who, prices, rule("large_order"), ladder=Ladder.build(inclusive=True))
    assert (body["restores"], steps(body), body["equity_after"]) == (True, [("X", "50", "0")], "0")


def test_an_inverse_contract_is_reduced_in_contracts() -> None:
    """100 contracts are 100 coins at 100: of a requirement of 1 an equity of 0.9 carries 87.5 % after fees."""
    who = account(position("-100", "100"), balances={"BTC": "0.9"})
    body = planned(who, market(charged(inverse(), "0.002"), marks=MARKS), rule("large_order"))
    assert steps(body) == [("X", "12.5", "-87.5")]
    assert body["fees"] == [{"asset": "BTC", "fee": "0.025", "to_fund": "0.025"}]
    assert (body["equity_after"], body["maintenance_margin_after"]) == ("0.875", "0.875")


# ------------------------------------------------------------------------------------------------------------- share
@pytest.mark.parametrize(
    ("equity", "held", "expected"),
    [
        ("1700", "2000", [("X", "400", "1600")]),
        ("1500", "2000", [("X", "400", "1600"), ("X", "1600", "0")]),
        ("900", "1000", [("X", "1000", "0")]),
        ("900", "1000.01", [("X", "200.002", "800.008")]),
    ],
)
def test_a_fifth_of_a_large_position_goes_first(equity: str, held: str, expected: list[tuple[str, str, str]]) -> None:
    """Above 100,000 a fifth, then, within the cooldown, the rest; at 100,000 all at once."""
    who = account(position(held, "100"), balances={"USDT": equity})
    body = planned(who, market(instrument(), marks=MARKS), rule("share"))
    assert (body["restores"], steps(body)) == (True, expected)
    assert body["afterwards"] == ["backstop_takeover", "auto_deleveraging"]


def test_within_the_cooldown_every_position_goes_whole() -> None:
    """After the fifth of X nothing is liquidated in parts any more, Y neither."""
    who = account(position("2000", "100"), position("1500", "100", symbol="Y"), balances={"USDT": "100"})
    prices = market(instrument("X"), instrument("Y"), marks=dict.fromkeys("XY", "100"))
    assert steps(planned(who, prices, rule("share"))) == [("X", "400", "1600"), ("X", "1600", "0"), ("Y", "1500", "0")]


def test_large_is_meant_in_dollars() -> None:
    """60,000 of an asset worth 2 USD are 120,000 USD."""
    who = account(position("600", "100"), balances={"USDT": "500"})
    prices = market(instrument(), marks=MARKS, assets=(asset("USDT", "2"),))
    assert steps(planned(who, prices, rule("share"))) == [("X", "120", "480")]


# ------------------------------------------------------------------------------------------------------- by brackets
def test_a_position_goes_down_bracket_by_bracket() -> None:
    """5,000 need 190; at the floor of 4,000 110 are needed, at that of 2,000 30: then 100 are enough."""
    who = account(position("50", "100"), balances={"USDT": "100"})
    body = planned(who, market(instrument(brackets=TIERS), marks=MARKS), rule("by_bracket"))
    assert (body["restores"], steps(body)) == (True, [("X", "10", "40"), ("X", "20", "20")])
    assert [each["maintenance_margin_after"] for each in body["reductions"]] == ["110", "30"]


def test_a_ratio_is_gone_down_to() -> None:
    """An equity of 31 over 30 is back at its line, but not at 90 %: one more bracket."""
    who = account(position("50", "100"), balances={"USDT": "31"})
    prices = market(instrument(brackets=TIERS), marks=MARKS)
    assert steps(planned(who, prices, rule("by_bracket"))) == [("X", "10", "40"), ("X", "20", "20")]
    body = planned(who, prices, rule("to_ratio"))
    assert steps(body) == [("X", "10", "40"), ("X", "20", "20"), ("X", "10", "10")]
    assert body["line"] == "1.111111111111111111111111111111111111111"


def test_ninety_percent_is_enough() -> None:
    """MM/E of exactly 90 %: 9 over 10 stops."""
    who = account(position("10", "100"), balances={"USDT": "10"})
    two = (("0", "0.01"), ("900", "0.05"))
    body = planned(who, market(instrument(brackets=two), marks=MARKS), rule("to_ratio"))
    assert (body["restores"], steps(body), body["maintenance_margin_after"]) == (True, [("X", "1", "9")], "9")


@pytest.mark.parametrize(
    ("held", "equity", "expected"),
    [
        ("50", "40", [("X", "30", "20")]),
        ("30", "15", [("X", "20", "10")]),
        ("15", "15", [("X", "15", "0")]),
        ("50", "20", [("X", "30", "20"), ("X", "20", "0")]),
    ],
)
def test_two_brackets_at_a_time(held: str, equity: str, expected: list[tuple[str, str, str]]) -> None:
    """The fourth tier goes to the top of the second, the third to that of the first, the lower two are closed."""
    who = account(position(held, "100"), balances={"USDT": equity})
    body = planned(who, market(instrument(brackets=TIERS), marks=MARKS), rule("brackets_down"))
    assert (body["restores"], steps(body)) == (True, expected)


def test_long_and_short_are_closed_against_each_other_first() -> None:
    """20 of both legs go without a fee; what stays needs 10."""
    held = (position("30", "100", side=Side.LONG), position("-20", "100", side=Side.SHORT))
    who = account(*held, balances={"USDT": "80"})
    prices = market(charged(instrument(brackets=TIERS), "0.01"), marks=MARKS)
    body = planned(who, prices, rule("brackets_down"))
    assert (body["restores"], steps(body)) == (True, [("X", "20", "10"), ("X", "20", "0")])
    assert [each["against_other_leg"] for each in body["reductions"]] == [True, True]
    assert (body["fees"], body["equity_after"], body["maintenance_margin_after"]) == ([], "80", "10")


# ---------------------------------------------------------------------------------------------------- fillable_price
@pytest.mark.parametrize(
    ("equity", "fee", "after"), [("499", "75", "424"), ("10", "10", "0"), ("0", "0", "0"), ("-20", "0", "-20")]
)
def test_the_fee_takes_no_more_than_there_is(equity: str, fee: str, after: str) -> None:
    """1.5 % of 5,000 are 75, but never more than the equity, and nothing of a debt."""
    wallet = str(Decimal(equity))
    who = account(position("50", "100"), balances={"USDT": wallet})
    terms = instrument(brackets=(("0", "0.1"),))
    body = planned(who, market(terms, marks=MARKS), rule("fillable_price", maximum_fee_rate="0.015"))
    assert (body["reductions"][0]["fee"], body["equity_after"]) == (fee, after)
    assert body["restores"] is (Decimal(after) >= 0)
    assert body["afterwards"] == ["fund_pays_loss", "auto_deleveraging"]


# ---------------------------------------------------------------------------------------- other kinds of scope
def test_an_isolated_scope_reduces_its_own_position_only() -> None:
    """The cross position beside it, and its wallet, are left alone."""
    who = account(position("10", "100", wallet="8"), position("10", "100", symbol="Y"), balances={"USDT": "500"})
    prices = market(instrument("X"), instrument("Y"), marks=dict.fromkeys("XY", "100"))
    body = planned(who, prices, rule("large_order"), scope="isolated:X:both")
    assert (steps(body), body["restores"]) == ([("X", "2", "8")], True)
    assert [each["symbol"] for each in body["positions"]] == ["X"]


def test_collateral_is_exchanged_before_positions_go() -> None:
    """100 USDT are owed at an ask of 1.2: 120 USD are raised by 0.8 BTC, worth 160 before the haircut."""
    who = account(position("50", "100"), balances={"USDT": "-100", "BTC": "1"}, mode=MarginMode.MULTI_ASSET)
    assets = (asset("USDT", "1", ask="0.2"), asset("BTC", "200", ratio="0.75"))
    prices = market(charged(instrument(), "0.004"), marks=MARKS, assets=assets)
    body = planned(who, prices, rule("large_order"))
    sale = {"asset": "BTC", "quantity": "0.8", "value": "160", "raises": "120"}
    owed = {"asset": "USDT", "owed": "100", "value": "120", "sales": [sale], "uncovered": "0"}
    assert body["exchanges"] == [owed]
    quantity = body["reductions"][0]["quantity"]
    assert quantity == "41.66666666666666666666666666666666666667", "30 ÷ (1.2·(0.01 − 0.004)), ÷ 100"
    assert body["restores"] is True


def test_assets_with_the_smallest_haircut_are_sold_first() -> None:
    """USDC counts in full and goes first, then BTC; what neither raises stays owed."""
    balances = {"USDT": "-200", "BTC": "1", "USDC": "30", "DOGE": "1000"}
    who = account(balances=balances, mode=MarginMode.MULTI_ASSET)
    assets = (asset("USDT"), asset("USDC"), asset("BTC", "100", ratio="0.9"), asset("DOGE", margin_available=False))
    [exchange] = planned(who, market(assets=assets), rule("whole"))["exchanges"]
    assert [(sale["asset"], sale["quantity"], sale["raises"]) for sale in exchange["sales"]] == [
        ("USDC", "30", "30"),
        ("BTC", "1", "90"),
    ]
    assert exchange["uncovered"] == "80"
