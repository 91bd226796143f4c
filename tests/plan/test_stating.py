"""Liquidation rules as documents, configurations and profiles state them, and the plan in a report."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from monitor.adapters.wire.document import Base, decode_document
from monitor.app.codec import BadMessage
from monitor.cli.assembly import engine_settings
from monitor.cli.documents import base_of
from monitor.cli.evaluate import report_of
from monitor.cli.margin_table import print_table
from monitor.config import ConfigError, load
from monitor.core.evidence import rule_object
from monitor.core.limits import Limits
from monitor.core.plan.rule import LiquidationRule, RuleName

LIMITS = Limits()
EVERYTHING = {
    "rule": "share",
    "share": "0.25",
    "share_above": "50000",
    "target": "10/9",
    "brackets": 3,
    "fund_share": "0.5",
    "spread_to_maintenance": "2",
    "bankruptcy_adjustment": "1.5",
    "maximum_fee_rate": "0.01",
    "cancel_orders": False,
}
RULE = LiquidationRule(
    RuleName.SHARE,
    Decimal("0.25"),
    Decimal(50000),
    Fraction(10, 9),
    3,
    Decimal("0.5"),
    Decimal(2),
    Decimal("1.5"),
    Decimal("0.01"),
    cancel_orders=False,
)
BOOK = {
    "instruments": {
        "BTCUSDT": {
            "contract": "linear",
            "settle_asset": "USDT",
            "brackets": [{"floor": "0", "rate": "0.01"}],
            "liquidation_fee_rate": "0.002",
        }
    },
    "prices": {"BTCUSDT": {"mark_price": "100"}},
    "accounts": [
        {
            "account_id": "a1",
            "balances": {"USDT": "9"},
            "positions": [{"symbol": "BTCUSDT", "quantity": "10", "entry_price": "100"}],
        }
    ],
}


def rule_of(liquidation: dict[str, Any], base: Base | None = None) -> LiquidationRule:
    """Return the rule of a document that states this."""
    return decode_document(json.dumps({"accounts": [], "liquidation": liquidation}).encode(), LIMITS, base).liquidation


def test_a_document_states_a_rule() -> None:
    """Every parameter is read as what it is, and written back the same."""
    assert rule_of(EVERYTHING) == RULE
    assert rule_object(RULE) == EVERYTHING
    assert rule_of(rule_object(LiquidationRule())) == LiquidationRule()


def test_a_document_states_what_differs() -> None:
    """What a document leaves out is the profile's; null takes what is absent by default away."""
    assert rule_of({"share": "0.3"}, Base(liquidation=RULE)).rule is RuleName.SHARE
    assert rule_of({"target": None, "maximum_fee_rate": None, "brackets": None}, Base(liquidation=RULE)).target is None
    assert rule_of({}, Base(liquidation=RULE)) == RULE


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("share", "0", "out_of_range"),
        ("share", "2", "out_of_range"),
        ("fund_share", "-1", "out_of_range"),
        ("target", "0", "out_of_range"),
        ("target", "1/0", "bad_amount"),
        ("share_above", "many", "bad_amount"),
    ],
)
def test_a_bad_parameter_is_named(name: str, value: str, code: str) -> None:
    """The complaint names the place inside the document."""
    with pytest.raises(BadMessage) as bad:
        rule_of({name: value})
    assert (str(bad.value.code), bad.value.path) == (code, f"$.liquidation.{name}")


@pytest.mark.parametrize("liquidation", [{"rules": "whole"}, {"rule": "half"}, {"brackets": 0}, {"share": 0.2}])
def test_what_is_unknown_is_refused(liquidation: dict[str, Any]) -> None:
    """Unknown keys and rules, and floats, are errors."""
    with pytest.raises(BadMessage):
        rule_of(liquidation)


def test_a_configuration_states_a_rule() -> None:
    """The section reaches the engine and the documents that say nothing."""
    settings = load(overrides={f"liquidation.{name}": value for name, value in EVERYTHING.items()})
    assert settings.liquidation == RULE
    assert engine_settings(settings).liquidation == RULE
    assert base_of(settings).liquidation == RULE


@pytest.mark.parametrize(
    ("name", "value"), [("share", "0"), ("fund_share", "1.5"), ("brackets", "0"), ("rule", "half"), ("targets", "1")]
)
def test_a_bad_configuration_is_named(name: str, value: str) -> None:
    """Each bound of the rule is one of the configuration."""
    with pytest.raises(ConfigError) as bad:
        load(overrides={f"liquidation.{name}": value})
    assert [complaint.path for complaint in bad.value.complaints] == [f"liquidation.{name}"]


def test_a_profile_may_state_a_rule(tmp_path: Path) -> None:
    """What a venue does is for its profile to say; the file that names the profile outranks it."""
    (tmp_path / "venues").mkdir()
    (tmp_path / "venues" / "mine.toml").write_text('[liquidation]\nrule = "by_bracket"\nfund_share = "0.5"\n')
    config = tmp_path / "monitor.toml"
    config.write_text('venue.profile = "mine"\n[liquidation]\nfund_share = "0.25"\n')
    assert load(config).liquidation == LiquidationRule(RuleName.BY_BRACKET, fund_share=Decimal("0.25"))


@pytest.mark.parametrize(
    ("liquidation", "quantity"),
    [
        ({}, "10"),
        ({"rule": "large_order"}, "1.25"),
        ({"rule": "large_order", "target": "1.1"}, "2.222222222222222222222222222222222222223"),
    ],
)
def test_a_report_shows_the_plan(liquidation: dict[str, Any], quantity: str) -> None:
    """A scope in liquidation or worse has a plan by the rule of the document: 10 needed, 9 there, 0.2 % fee.

    To 8.75 = 9 − 0.25 it is 1.25 contracts; to 1.1·MM it is 2 ÷ 0.9: 9 − 0.2·x = 1.1·(10 − x).
    """
    document = decode_document(json.dumps({**BOOK, "liquidation": liquidation}).encode(), LIMITS)
    [scope] = report_of(document)["accounts"][0]["scopes"]
    assert scope["status"] in ("liquidation", "critical")
    assert scope["plan"]["reductions"][0]["quantity"] == quantity


def test_the_table_shows_the_plan() -> None:
    """People are shown the steps, rounded, and whether they help."""
    document = decode_document(json.dumps({**BOOK, "liquidation": {"rule": "large_order"}}).encode(), LIMITS)
    console = Console(file=StringIO(), width=120)
    print_table(report_of(document), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "plan by large_order, which brings the scope back:" in shown
    assert "reduce BTCUSDT both by 1.25: 8.75 left, equity 8.75, maintenance 8.75" in shown


def test_a_healthy_scope_shows_none() -> None:
    """Where nothing is liquidated nothing is planned."""
    rich = json.loads(json.dumps(BOOK))
    rich["accounts"][0]["balances"]["USDT"] = "100"
    [scope] = report_of(decode_document(json.dumps(rich).encode(), LIMITS))["accounts"][0]["scopes"]
    assert "plan" not in scope
