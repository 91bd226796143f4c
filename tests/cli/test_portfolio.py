"""Portfolio margin as a user meets it: where parameters come from, who is eligible, and what is refused."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from monitor.adapters.wire.schemas import schemas
from monitor.cli.exits import Exit
from tests.cli.conftest import Run

BRACKETS = [{"floor": "0", "rate": "0.01"}]
DOCUMENT: dict[str, Any] = {
    "instruments": {
        symbol: {"contract": "linear", "settle_asset": "USDT", "base_asset": symbol[:3], "brackets": BRACKETS}
        for symbol in ("BTCUSDT", "ETHUSDT")
    },
    "assets": {"USDT": {"index_price": "1"}},
    "prices": {"BTCUSDT": {"mark_price": "100000"}, "ETHUSDT": {"mark_price": "3000"}},
    "accounts": [
        {
            "account_id": "hedged",
            "margin_mode": "portfolio",
            "balances": {"USDT": "500000"},
            "settings": {"vip_level": 2},
            "positions": [
                {"symbol": "BTCUSDT", "quantity": "10", "entry_price": "100000"},
                {"symbol": "ETHUSDT", "quantity": "-300", "entry_price": "3000"},
            ],
        }
    ],
}
SPAN = {
    "method": "span",
    "groups": {"BTC": {"members": ["BTCUSDT"]}, "ETH": {"members": ["ETHUSDT"]}},
    "basis_rate": "0",
    "credits": [{"legs": ["BTC", "ETH"], "ratio": ["1", "1"], "credit": "0.6"}],
}
TOML = """
[portfolio]
method = "span"
basis_rate = 0
credits = [{ legs = ["BTC", "ETH"], ratio = [1, 1], credit = 0.6 }]
[portfolio.groups.BTC]
members = ["BTCUSDT"]
[portfolio.groups.ETH]
members = ["ETHUSDT"]
"""
ON_INELIGIBLE = '[portfolio_rules]\nminimum_vip_level = 3\non_ineligible = "multi_asset"\n'


def evaluated(liqmon: Run, folder: Path, document: dict[str, Any], config: str | None = None) -> dict[str, Any]:
    """Return the one scope of the report on a document, its form checked against the published schema."""
    path = folder / "document.json"
    path.write_text(json.dumps(document))
    arguments = ["evaluate", str(path)]
    if config is not None:
        (folder / "monitor.toml").write_text(config)
        arguments += ["--config", str(folder / "monitor.toml")]
    ran = liqmon(*arguments)
    assert ran.code == Exit.GOOD, ran.err
    report = json.loads(ran.out)
    Draft202012Validator(json.loads(schemas()["report.json"])).validate(report)
    scope: dict[str, Any] = report["accounts"][0]["scopes"][0]
    return scope


def test_parameters_of_the_document(liqmon: Run, tmp_path: Path) -> None:
    """The worked example of span, from a document: 131,200, with what it is made of."""
    scope = evaluated(liqmon, tmp_path, DOCUMENT | {"portfolio": SPAN})
    assert (scope["scope"], scope["maintenance_margin"], scope["status"]) == ("portfolio", "131200", "healthy")
    told = scope["portfolio"]
    assert (told["components"]["worst_loss"], told["components"]["credit"]) == ("304000", "172800")
    assert [one["euler"] for one in told["contributions"]] == ["160000", "144000"]


def test_parameters_of_the_configuration(liqmon: Run, tmp_path: Path) -> None:
    """Where the document has none, those of the configuration count: the same figures to the last digit."""
    stated = evaluated(liqmon, tmp_path, DOCUMENT | {"portfolio": SPAN})
    assert evaluated(liqmon, tmp_path, DOCUMENT, TOML) == stated
    other = {"method": "tims", "classes": SPAN["groups"]}
    assert evaluated(liqmon, tmp_path, DOCUMENT | {"portfolio": other}, TOML)["portfolio"]["method"] == "tims"


def test_parameters_of_a_profile(liqmon: Run, tmp_path: Path) -> None:
    """A document's own profile brings its method and rules, whatever is configured."""
    scope = evaluated(liqmon, tmp_path, DOCUMENT | {"profile": "aster"}, TOML)
    assert scope["portfolio"]["method"] == "scenario"
    assert scope["portfolio"]["ineligible"] == ["vip_level 2 < 3"]


def test_without_any_the_scope_is_unknown(liqmon: Run, tmp_path: Path) -> None:
    """No parameters anywhere: unknown, and it says so."""
    scope = evaluated(liqmon, tmp_path, DOCUMENT)
    assert (scope["status"], scope["portfolio"]) == ("unknown", None)
    assert scope["unknown_because"] == ["portfolio_method_missing"]


def test_an_ineligible_account_is_margined_otherwise(liqmon: Run, tmp_path: Path) -> None:
    """`on_ineligible = "multi_asset"` decides at evaluation; what a document states as decided stands."""
    scope = evaluated(liqmon, tmp_path, DOCUMENT, TOML + ON_INELIGIBLE)
    assert (scope["scope"], scope["margin_mode"], scope["ineligible"]) == (
        "cross:USD",
        "portfolio",
        ["vip_level 2 < 3"],
    )
    assert scope["maintenance_margin"] == "19000"
    decided = deepcopy(DOCUMENT)
    decided["accounts"][0] |= {"ineligible": ["as the operator said"]}
    assert evaluated(liqmon, tmp_path, decided, TOML)["ineligible"] == ["as the operator said"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"groups": {"BTC": {"members": ["BTCUSDT", "ETHUSDT"]}}}, "$.portfolio.groups.BTC.members[1]: mixed bases"),
        ({"credits": [{"legs": ["BTC", "X"]}]}, "$.portfolio.credits[0].legs[1]: there is no group X"),
        ({"buffer": "0.1"}, "$.portfolio.buffer: is no parameter of span"),
    ],
)
def test_bad_parameters_end_with_2(liqmon: Run, tmp_path: Path, change: dict[str, Any], place: str) -> None:
    """File, path and reason stand on standard error."""
    path = tmp_path / "document.json"
    path.write_text(json.dumps(DOCUMENT | {"portfolio": {**SPAN, "credits": [], **change}}))
    ran = liqmon("evaluate", str(path))
    assert ran.code == Exit.BAD_INPUT
    assert f"{path}: {place}" in ran.err


def test_a_bad_configuration_names_key_and_source(liqmon: Run, tmp_path: Path) -> None:
    """`config check` names the key's path and the file."""
    path = tmp_path / "monitor.toml"
    path.write_text(TOML + '[portfolio.liquidity]\nrate = "0.1"\n')
    ran = liqmon("config", "check", "--config", str(path), "--json")
    assert ran.code == Exit.BAD_INPUT
    [error] = json.loads(ran.out)["errors"]
    assert (error["path"], error["source"]) == ("portfolio.liquidity", str(path))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_table_says_how_the_requirement_came_about(
    liqmon: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Method, worst scenario, components and eligibility are shown, and no amount is cut at any width."""
    monkeypatch.setenv("COLUMNS", str(width))
    document = DOCUMENT | {"portfolio": SPAN, "portfolio_rules": {"minimum_vip_level": 3}}
    path = tmp_path / "document.json"
    path.write_text(json.dumps(document))
    out = liqmon("evaluate", str(path), "--format", "table").out
    assert max(len(line) for line in out.splitlines()) <= width
    flat = " ".join(out.split())
    for shown in ("method span, worst price_down_3/3_volatility_up_BTC", "worst loss 304,000", "credit 172,800"):
        assert shown in flat
    for shown in ("131,200", "500,000", "368,800", "not eligible: vip_level 2 < 3"):
        assert shown in flat
    assert "…" not in out


def test_rules_that_nobody_can_keep_are_refused(liqmon: Run, tmp_path: Path) -> None:
    """A greatest equity below the least is an error that names its key, as in the configuration."""
    document = DOCUMENT | {"portfolio": SPAN, "portfolio_rules": {"minimum_equity": "10", "maximum_equity": "5"}}
    path = tmp_path / "document.json"
    path.write_text(json.dumps(document))
    ran = liqmon("evaluate", str(path))
    assert ran.code == Exit.BAD_INPUT
    assert "$.portfolio_rules.maximum_equity: must not be below minimum_equity" in ran.err
