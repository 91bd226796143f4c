"""The report of a scope: every field, as text, null where unknown."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from monitor.core.accounts import Account, MarginMode, Side
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.report import raw_status, scope_report, status_of
from tests.core.books import Book, books
from tests.core.building import BTC_USDT, account, asset, instrument, inverse, market, position

LADDER = Ladder.build()
SCOPE_FIELDS = [
    "scope",
    "margin_mode",
    "equity",
    "wallet_balance",
    "unrealized_pnl",
    "initial_margin",
    "maintenance_margin",
    "available_margin",
    "margin_ratio",
    "risk_ratio",
    "status",
    "degraded",
    "unknown_because",
    "deposit_to_clear",
    "max_transfer_out",
    "margin_utilization",
    "positions",
]
POSITION_FIELDS = [
    "symbol",
    "side",
    "quantity",
    "entry_price",
    "mark_price",
    "notional",
    "unrealized_pnl",
    "initial_margin",
    "maintenance_margin",
    "bracket",
    "liquidation_price",
    "distance",
    "bankruptcy_price",
    "max_position_quantity",
]
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def report(held: Account, scope: str, prices: FixedMarket, last: MarginStatus | None = None) -> dict[str, Any]:
    """Return the report of a scope under the default ladder."""
    return scope_report(held, scope, prices, LADDER, last)


def test_a_report_by_hand() -> None:
    """A long of 0.5 BTC at 60 000 with 1000 USDT, marked at 61 000."""
    held = account(position("0.5", "60000", leverage="20"), balances={"USDT": "2000"})
    found = report(held, "cross:USDT", market(instrument(brackets=BTC_USDT), marks={"X": "61000"}))
    assert list(found) == SCOPE_FIELDS
    [only] = found.pop("positions")
    assert list(only) == POSITION_FIELDS
    liquidation = (Fraction(30000) - 2000) / (Fraction(1, 2) * Fraction("0.996"))
    assert abs(Fraction(only.pop("liquidation_price")) - liquidation) < Fraction(1, 10**30)
    assert abs(Fraction(only.pop("distance")) - (liquidation / 61000 - 1)) < Fraction(1, 10**30)
    assert Fraction(only.pop("max_position_quantity")) - Fraction(50000, 61000) < Fraction(1, 10**30)
    assert only == {
        "symbol": "X",
        "side": "both",
        "quantity": "0.5",
        "entry_price": "60000",
        "mark_price": "61000",
        "notional": "30500",
        "unrealized_pnl": "500",
        "initial_margin": "1525",
        "maintenance_margin": "122",
        "bracket": 0,
        "bankruptcy_price": "56000",
    }
    assert found["margin_ratio"].startswith("20.4918032786885245901639344262")
    assert found["risk_ratio"] == found["margin_utilization"] == "0.0488"
    del found["margin_ratio"], found["risk_ratio"], found["margin_utilization"]
    assert found == {
        "scope": "cross:USDT",
        "margin_mode": "single_asset",
        "equity": "2500",
        "wallet_balance": "2000",
        "unrealized_pnl": "500",
        "initial_margin": "1525",
        "maintenance_margin": "122",
        "available_margin": "975",
        "status": "healthy",
        "degraded": [],
        "unknown_because": [],
        "deposit_to_clear": "0",
        "max_transfer_out": "975",
    }


@pytest.mark.parametrize(
    ("wallet", "ratio", "risk"), [("0", "0", None), ("-10", "-10", None), ("10", "10", "0.1"), ("4", "4", "0.25")]
)
def test_ratios_exist_where_they_mean_something(wallet: str, ratio: str, risk: str | None) -> None:
    """Equity over requirement always, requirement over equity only where there is some."""
    held = account(position("1", "100"), balances={"USDT": wallet})
    found = report(held, "cross:USDT", market(instrument(), marks={"X": "100"}))
    assert (found["margin_ratio"], found["risk_ratio"], found["margin_utilization"]) == (ratio, risk, risk)


def test_a_scope_without_requirement() -> None:
    """No margin ratio, a risk of 0, healthy; a debt of a dollar or more is bankrupt and asks for itself."""
    rich, poor = (report(account(balances={"USDT": each}), "cross:USDT", market()) for each in ("5", "-1.5"))
    assert (rich["margin_ratio"], rich["risk_ratio"], rich["status"], rich["max_transfer_out"]) == (
        None,
        "0",
        "healthy",
        "5",
    )
    assert (poor["status"], poor["deposit_to_clear"], poor["risk_ratio"], poor["available_margin"]) == (
        "bankrupt",
        "1.5",
        None,
        "0",
    )


def test_the_debt_floor_is_that_of_the_asset() -> None:
    """Half a BTC of debt is no small one, whatever the unit."""
    held = account(balances={"BTC": "-0.5", "DUST": "-0.5"})
    prices = market(assets=(asset("BTC", "3000"),))
    assert [report(held, f"cross:{name}", prices)["status"] for name in ("BTC", "DUST")] == ["bankrupt", "healthy"]


def test_hysteresis_only_with_a_last_status() -> None:
    """At 1.1·MM a margin call stays until 1.1055·MM; without memory, or after unknown, it does not."""
    held = account(position("1", "100"), balances={"USDT": "1.102"})
    prices = market(instrument(), marks={"X": "100"})
    assert [report(held, "cross:USDT", prices, last)["status"] for last in (None, *MarginStatus)] == [
        "warning",
        "warning",
        "warning",
        "warning",
        "margin_call",
        "margin_call",
        "margin_call",
        "margin_call",
        "margin_call",
        "warning",
    ]
    assert raw_status(assess(held, "cross:USDT", prices), LADDER) is MarginStatus.WARNING


def test_an_unknown_scope_states_what_is_known() -> None:
    """Null where the missing mark is needed, the rest as it is."""
    held = account(position("1", "10"), position("1", "20", symbol="Y"), balances={"USDT": "100"})
    found = report(held, "cross:USDT", market(instrument(), instrument("Y"), marks={"X": "11"}), MarginStatus.WATCH)
    assert (found["status"], found["unknown_because"], found["wallet_balance"]) == (
        "unknown",
        ["missing_price:Y"],
        "100",
    )
    nulls = {key for key, value in found.items() if value is None}
    assert nulls == {
        "equity",
        "unrealized_pnl",
        "initial_margin",
        "maintenance_margin",
        "available_margin",
        "margin_ratio",
        "risk_ratio",
        "deposit_to_clear",
        "max_transfer_out",
        "margin_utilization",
    }
    known, unknown = found["positions"]
    assert (known["unrealized_pnl"], known["maintenance_margin"], known["liquidation_price"]) == ("1", "0.11", None)
    assert {key for key, value in unknown.items() if value is not None} == {"symbol", "side", "quantity", "entry_price"}


def test_a_portfolio_scope_has_no_method_yet() -> None:
    """Its equity stands, its status is unknown."""
    held = account(position("1", "10"), balances={"USDT": "100"}, mode=MarginMode.PORTFOLIO)
    found = report(held, "portfolio", market(instrument(), marks={"X": "11"}, assets=(asset("USDT"),)))
    assert (found["status"], found["unknown_because"], found["equity"]) == (
        "unknown",
        ["portfolio_method_missing"],
        "101",
    )


def test_a_scope_below_its_line_says_where_it_recovers() -> None:
    """`recovery` stands beside the price of every leg that brings the scope back, and nowhere else."""
    legs = (position("3", "100", side=Side.LONG), position("-1", "100", side=Side.SHORT))
    prices = market(instrument(), marks={"X": "100"})
    below, above = (
        report(account(*legs, balances={"USDT": wallet}), "cross:USDT", prices)["positions"] for wallet in ("3", "5")
    )
    assert [each["recovery"] for each in below] == [True, True]
    assert below[0]["liquidation_price"] == below[1]["liquidation_price"]
    assert not any("recovery" in each for each in above)


def test_collateral_left_alone_is_a_figure_of_its_own() -> None:
    """`liquidation_price_mark_only` stands where it differs, also when one of both does not exist."""
    held = account(position("1", "3000"), balances={"USDT": "-2000", "BTC": "1"}, mode=MarginMode.MULTI_ASSET)
    coins = (asset("USDT"), asset("BTC", "3000"))
    for base, differs in (("BTC", True), (None, False)):
        terms = instrument(base=base)
        [only] = report(held, "cross:USD", market(terms, marks={"X": "3000"}, assets=coins))["positions"]
        assert ("liquidation_price_mark_only" in only) is differs


@pytest.mark.parametrize(
    ("wallet", "leverage", "quantity"), [("50", "10", "5"), ("50", None, "0.5"), ("50", "200", "10"), ("-1", "10", "0")]
)
def test_the_largest_position_the_equity_carries(wallet: str, leverage: str | None, quantity: str) -> None:
    """Equity times effective leverage over the mark, nothing without equity."""
    held = account(position("1", "100", leverage=leverage), balances={"USDT": wallet})
    prices = market(instrument(brackets=(("0", "0.01", "", "20"),)), marks={"X": "100"})
    [only] = report(held, "cross:USDT", prices)["positions"]
    assert only["max_position_quantity"] == quantity


def test_the_largest_position_in_coins_and_in_dollars() -> None:
    """Inverse: coins times mark over the face; in a scope in USD the equity is taken over the settle asset's index."""
    coins = (asset("USDT", "0.5"), asset("BTC", "2000"))
    prices = market(inverse(), instrument("Y"), marks={"X": "2000", "Y": "100"}, assets=coins)
    held = account(position("1", "2000", leverage="10"), balances={"BTC": "2"})
    [only] = report(held, "cross:BTC", prices)["positions"]
    assert only["max_position_quantity"] == "400"
    both = (position("1", "2000", leverage="10"), position("1", "100", symbol="Y", leverage="5"))
    held = account(*both, balances={"USDT": "8000"}, mode=MarginMode.MULTI_ASSET)
    found = report(held, "cross:USD", prices)["positions"]
    assert [each["max_position_quantity"] for each in found] == ["400", "400"]


@given(books())
def test_reports_are_plain_json(book: Book) -> None:
    """Fields in order, numbers as plain text with the digits a quotient has at least, nothing else."""
    found = scope_report(book.held, book.scope, book.prices, LADDER, None)
    assert list(found) == SCOPE_FIELDS
    assert json.loads(json.dumps(found)) == found
    for each in (found, *found["positions"]):
        for key, value in each.items():
            if key in ("scope", "margin_mode", "status", "symbol", "side", "degraded", "unknown_because", "positions"):
                continue
            assert value is None or isinstance(value, (int, bool)) or PLAIN.fullmatch(value), (key, value)
    assert all(list(each)[: len(POSITION_FIELDS)] == POSITION_FIELDS for each in found["positions"])


@given(books())
def test_a_report_repeats_its_assessment(book: Book) -> None:
    """A report from figures at hand is the report; its status is that of the ladder on the exact figures."""
    figures = book.assessed()
    found = scope_report(book.held, book.scope, book.prices, LADDER, MarginStatus.WATCH, figures)
    assert found == scope_report(book.held, book.scope, book.prices, LADDER, MarginStatus.WATCH)
    assert found["status"] == status_of(figures, LADDER, MarginStatus.WATCH)
    if isinstance(figures.equity, Decimal):
        assert Decimal(found["equity"]) == figures.equity
