"""Tests of the profiles that ship: each is good, states its sources, and draws the line where its venue does."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.adapters.wire.document import document_of, read_document
from monitor.cli.documents import base_of
from monitor.cli.evaluate import report_of
from monitor.config import Settings, load, term_defaults, warnings_of
from monitor.config.places import profile_names, shipped_folder
from monitor.core.adl.settings import AdlPrice, AdlRanking, AdlTrigger
from monitor.core.ladder import RUNGS, MarginStatus
from monitor.core.plan.rule import RuleName
from monitor.core.portfolio.eligibility import OnIneligible
from monitor.core.portfolio.terms import Method
from tests.house.source import ROOT

PROFILES = profile_names()
SHIPPED = ["aster", "binance-coinm", "binance-usdm", "bybit", "dydx", "generic", "hyperliquid", "okx"]
TIERS = ROOT.parent / "shared" / "cases" / "05_binance_leverage_tiers.json"

INCLUSIVE = {"bybit", "okx"}
"""Venues whose text says that reaching the line is enough."""
CLOSING_FEE = {"bybit": "0.00055", "okx": "0.0005"}
"""Venues that put the fee to close into the requirement."""
LINES = {
    "aster": {"watch": "1.5", "warning": "1.25", "margin_call": "1.1", "critical": "10/11", "takeover": "2/3"},
    "generic": {"watch": "1.5", "warning": "1.25", "margin_call": "1.1", "critical": "10/11", "takeover": "2/3"},
    "binance-usdm": {"warning": "1.25"},
    "binance-coinm": {"warning": "1.25"},
    "hyperliquid": {"takeover": "2/3"},
    "bybit": {},
    "okx": {},
    "dydx": {},
}
"""Lines beside liquidation that a venue (or for the first two we) has, as health."""
ADL = {
    "aster": ("shortfall", "bankruptcy", "leverage_pnl_2019"),
    "generic": ("shortfall", "bankruptcy", "leverage_pnl_2019"),
    "binance-usdm": ("shortfall", "bankruptcy", "binance_v2"),
    "binance-coinm": ("shortfall", "bankruptcy", "binance_v2"),
    "hyperliquid": ("shortfall", "previous_mark", "hyperliquid"),
    "bybit": ("symbol_pnl_drawdown", "bankruptcy", "binance_v2"),
    "okx": ("fund_drawdown", "mark", "binance_v2"),
    "dydx": ("shortfall", "bankruptcy", "leverage_pnl_2019"),
}


def profile(name: str) -> Settings:
    """Return what a profile gives over the defaults."""
    return load(overrides={"venue.profile": name})


def reported(document: dict[str, Any]) -> dict[str, Any]:
    """Return the first scope of a document evaluated over the profile it names, as `liqmon evaluate` does."""
    settings = profile(document["profile"])
    body = read_document(json.dumps(document).encode())
    report = report_of(document_of(body, settings.limits, base_of(settings)))
    scope: dict[str, Any] = report["accounts"][0]["scopes"][0]
    return scope


def at_equity(name: str, equity: Decimal, rate: str = "0.01") -> dict[str, Any]:
    """Return a document with 1 coin at 100,000 and this equity; the requirement is 1,000 plus the closing fee."""
    terms = {"contract": "linear", "settle_asset": "USDX", "brackets": [{"floor": "0", "rate": rate}]}
    held = {"symbol": "X", "quantity": "1", "entry_price": "100000"}
    return {
        "profile": name,
        "instruments": {"X": terms},
        "prices": {"X": {"mark_price": "100000"}},
        "accounts": [{"account_id": "a", "balances": {"USDX": f"{equity:f}"}, "positions": [held]}],
    }


def test_the_profiles_that_ship_are_these() -> None:
    """Every venue that is modelled has its file."""
    assert PROFILES == SHIPPED


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_passes_the_check(name: str) -> None:
    """A shipped profile is without an error and without a warning."""
    assert list(warnings_of(profile(name))) == []


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "generic"])
def test_a_profile_says_where_its_values_come_from(name: str) -> None:
    """Every value has its reason beside it; the tags used there are the ones listed with source and date."""
    head, _, body = (shipped_folder() / "venues" / f"{name}.toml").read_text().partition("\n[ladder]")
    listed = re.findall(r"(?m)^# ([a-z]+(?:-[a-zA-Z]+)?) {2,}\S", head)
    assert listed
    assert re.search(r"20\d\d-\d\d", head)
    comments = " ".join(line.partition("#")[2] for line in (head + body).splitlines() if not line.startswith("# "))
    comments += " ".join(line for line in body.splitlines() if line.startswith("# "))
    assert {tag for tag in listed if re.search(rf"\b{tag}\b", comments)} == set(listed)
    bare = re.findall(r'(?m)^\w+ = (?!"none"|\[|\{)[^#\n]+$', body)
    assert all(line.startswith(("convention",)) for line in bare), bare


@pytest.mark.parametrize("name", PROFILES)
def test_the_lines_are_the_venues(name: str) -> None:
    """In the health convention each line is where the venue has it, and null where it has none."""
    settings = profile(name)
    for ladder in (settings.ladder.cross, settings.ladder.isolated):
        lines = {str(rung): k for rung in RUNGS if (k := ladder.threshold(rung)) is not None}
        expected = {rung: Fraction(k) for rung, k in LINES[name].items()}
        assert lines == expected | {"liquidation": 1}
        assert ladder.inclusive is (name in INCLUSIVE)
        assert str(ladder.adl_watch) in lines, "subscribers of ADL hear of a line that exists"


@pytest.mark.parametrize("name", PROFILES)
def test_the_line_itself_is_decided_as_the_venue_says(name: str) -> None:
    """At E = k·MM a strict venue does not liquidate and an inclusive one does; a hair on either side decides alike."""
    requirement = Decimal(1000) + 100_000 * Decimal(CLOSING_FEE.get(name, "0"))
    hair = Decimal("1e-20")
    statuses = [reported(at_equity(name, requirement + off))["status"] for off in (-hair, Decimal(0), hair)]
    margin_call = "margin_call" if "margin_call" in LINES[name] else "warning" if LINES[name].get("warning") else None
    above = margin_call or "healthy"
    assert statuses == ["liquidation", "liquidation" if name in INCLUSIVE else above, above]


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("margin_type", ["cross", "isolated"])
def test_the_line_holds_for_an_inverse_contract(name: str, margin_type: str) -> None:
    """3 contracts of 100,000 at 300,000 are 1 coin: at E = 0.01 coins and the fee, cross or isolated, the same rule."""
    requirement = Decimal("0.01") + Decimal(CLOSING_FEE.get(name, "0"))
    terms = {"contract": "inverse", "settle_asset": "BTC", "contract_size": "100000"}
    held = {"symbol": "XUSD", "quantity": "-3", "entry_price": "300000", "margin_type": margin_type}
    document = at_equity(name, requirement) | {
        "instruments": {"XUSD": terms | {"brackets": [{"floor": "0", "rate": "0.01"}]}},
        "prices": {"XUSD": {"mark_price": "300000"}},
    }
    wallet = {"isolated_wallet": f"{requirement:f}"} if margin_type == "isolated" else {}
    balances = {} if wallet else {"BTC": f"{requirement:f}"}
    document["accounts"] = [{"account_id": "a", "balances": balances, "positions": [held | wallet]}]
    scope = reported(document)
    assert Decimal(scope["equity"]) == Decimal(scope["maintenance_margin"]) == requirement
    assert (scope["status"] == "liquidation") is (name in INCLUSIVE)


def test_the_fee_to_close_is_in_the_requirement_where_the_venue_puts_it() -> None:
    """OKX and Bybit add the fee to the maintenance margin, the others do not."""
    asked = {name: reported(at_equity(name, Decimal(5000)))["maintenance_margin"] for name in PROFILES}
    assert asked == dict.fromkeys(PROFILES, "1000") | {"okx": "1050", "bybit": "1055"}


def test_an_operators_number_is_read_in_the_profiles_convention() -> None:
    """A file over a profile in the risk convention writes risk too, unless it says otherwise."""
    over = {"venue.profile": "binance-usdm", "ladder": {"margin_call": "0.9"}}
    assert load(overrides=over).ladder.cross.threshold(MarginStatus.MARGIN_CALL) == Fraction(10, 9)
    over = {"venue.profile": "binance-usdm", "ladder": {"convention": "health", "margin_call": "1.1"}}
    assert load(overrides=over).ladder.cross.threshold(MarginStatus.MARGIN_CALL) == Fraction(11, 10)


def test_a_document_keeps_its_own_convention() -> None:
    """A document's ladder is health unless it says risk, whatever its profile shows."""
    document = at_equity("binance-usdm", Decimal(1040)) | {"ladder": {"liquidation": "1.05"}}
    assert reported(document)["status"] == "liquidation"


def test_portfolio_lines_of_the_venues() -> None:
    """Hyperliquid liquidates portfolio accounts above a ratio of 0.95, Binance at a uniMMR of 105 % or less."""
    hyperliquid, binance = profile("hyperliquid").ladder.portfolio, profile("binance-usdm").ladder.portfolio
    assert (hyperliquid.liquidation, hyperliquid.inclusive) == (Fraction(100, 95), False)
    assert hyperliquid.threshold(MarginStatus.TAKEOVER) is None
    assert (binance.liquidation, binance.inclusive) == (Fraction(105, 100), True)
    assert (binance.threshold(MarginStatus.WATCH), binance.call) == (Fraction(3, 2), Fraction(6, 5))


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_how_the_venue_deleverages(name: str) -> None:
    """Trigger, price and ranking are the venue's; where a drawdown triggers, it is 30 % in 8 hours."""
    adl = profile(name).adl
    trigger, price, ranking = ADL[name]
    assert (adl.trigger, adl.price, adl.ranking) == (AdlTrigger(trigger), AdlPrice(price), AdlRanking(ranking))
    assert (adl.drawdown, adl.window_ms) == (Decimal("0.3"), 8 * 3600 * 1000)


def test_only_two_venues_have_a_portfolio_method() -> None:
    """Aster's is a model of ours with the admission that an affiliate claims, Hyperliquid's reads its own page."""
    methods = {name: terms.method for name in PROFILES if (terms := profile(name).portfolio) is not None}
    assert methods == {"aster": Method.SCENARIO, "hyperliquid": Method.HYPERLIQUID}
    aster, hyperliquid = profile("aster").portfolio_rules, profile("hyperliquid").portfolio_rules
    assert (aster.minimum_vip_level, aster.on_ineligible) == (3, OnIneligible.REPORT)
    assert (hyperliquid.minimum_equity, hyperliquid.maximum_equity) == (10_000, 25_000_000)


def test_asters_model_nets_a_hedge_and_asks_more_of_a_direction() -> None:
    """Long against short 10 coins costs liquidity and basis; one coin alone 16 % and the charges on it."""
    document = at_equity("aster", Decimal(0), rate="0.004")
    document["instruments"] = {"BTCUSDT": document["instruments"]["X"]}
    document["prices"] = {"BTCUSDT": document["prices"]["X"]}
    document["assets"] = {"USDX": {"index_price": "1"}}
    held = {"symbol": "BTCUSDT", "entry_price": "100000"}
    account = {"account_id": "a", "margin_mode": "portfolio", "position_mode": "hedge"}
    pair = [held | {"side": "long", "quantity": "10"}, held | {"side": "short", "quantity": "-10"}]
    document["accounts"] = [account | {"balances": {"USDX": "50000"}, "positions": pair}]
    hedged = reported(document)
    assert hedged["maintenance_margin"] == "24200"
    assert hedged["initial_margin"] == "30250"
    document["accounts"] = [
        account | {"balances": {"USDX": "50000"}, "positions": [held | {"side": "long", "quantity": "1"}]}
    ]
    assert reported(document)["maintenance_margin"] == "18700"


def test_hyperliquids_collateral_carries_a_short() -> None:
    """A coin held against a short of one: three quarters of it count, and 20 and 1.25 % are required."""
    document = at_equity("hyperliquid", Decimal(0))
    document["instruments"] = {"BTC": {"contract": "linear", "settle_asset": "USDC", "base_asset": "BTC"}}
    document["prices"] = {"BTC": {"mark_price": "100000", "index_price": "100000"}}
    document["assets"] = {"BTC": {"index_price": "100000"}}
    short = {"symbol": "BTC", "quantity": "-1", "entry_price": "100000"}
    document["accounts"] = [
        {"account_id": "a", "margin_mode": "portfolio", "balances": {"BTC": "1"}, "positions": [short]}
    ]
    scope = reported(document)
    assert (scope["equity"], scope["maintenance_margin"]) == ("75000", "1270")
    assert scope["status"] == "healthy"


RULES = {
    "aster": "large_order",
    "generic": "whole",
    "binance-usdm": "by_bracket",
    "binance-coinm": "by_bracket",
    "hyperliquid": "share",
    "bybit": "to_ratio",
    "okx": "brackets_down",
    "dydx": "fillable_price",
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_how_the_venue_liquidates(name: str) -> None:
    """The rule is the venue's, and so are its parameters."""
    rule = profile(name).liquidation
    assert (rule.rule, rule.cancel_orders) == (RuleName(RULES[name]), True)
    if name == "hyperliquid":
        assert (rule.share, rule.share_above) == (Decimal("0.2"), 100_000)
    if name == "dydx":
        assert (rule.spread_to_maintenance, rule.maximum_fee_rate) == (Decimal("1.5"), Decimal("0.015"))
    assert rule.step == (2 if name == "okx" else 1)
    assert rule.target == (Fraction(10, 9) if name == "bybit" else None)


@pytest.mark.skipif(
    not TIERS.exists(), reason="the shared folder with the published cases is not beside the repository"
)
def test_binance_brackets_are_the_published_ones() -> None:
    """All figures of all published tables are in the profile, and no other table is."""
    cases = json.loads(TIERS.read_text())["cases"]
    tables = profile("binance-usdm").brackets
    assert tables.keys() == {case["symbol"] for case in cases}
    for case in cases:
        expected = [(row[0], row[2], row[3], row[4]) for row in case["rows"]]
        assert [tuple(tier) for tier in tables[case["symbol"]]] == [tuple(map(Decimal, row)) for row in expected]


def test_hyperliquid_brackets_follow_its_leverages() -> None:
    """Each rate is half the initial margin at the tier's leverage; the published deductions come out of the chain."""
    tables = term_defaults(profile("hyperliquid")).brackets
    for tiers in tables.values():
        for tier in tiers:
            assert tier.max_leverage is not None
            assert abs(Fraction(tier.rate) - 1 / (2 * Fraction(tier.max_leverage))) < Fraction(1, 10**40)
    assert tables["BTC"][1].deduction == 1_875_000
    assert abs(Fraction(tables["ETH"][1].deduction) - Fraction(4_000_000, 3)) < Fraction(1, 10**30)
    assert (tables["HYPE"][1].floor, tables["ARB"][1].floor) == (20_000_000, 3_000_000)
    assert len(tables) == 4 + 21 + 11


def test_a_contract_of_a_profile_needs_no_brackets_of_its_own() -> None:
    """2,000 BTC on Hyperliquid at 90,000 are 180,000,000: 2.5 % of that less the deduction, with nothing stated."""
    document = at_equity("hyperliquid", Decimal(4_000_000))
    document["instruments"] = {"BTC": {"contract": "linear", "settle_asset": "USDC"}}
    document["prices"] = {"BTC": {"mark_price": "90000"}}
    held = {"symbol": "BTC", "quantity": "2000", "entry_price": "90000", "leverage": "40"}
    document["accounts"] = [{"account_id": "a", "balances": {"USDC": "4000000"}, "positions": [held]}]
    scope = reported(document)
    assert scope["maintenance_margin"] == "2625000"
    assert scope["initial_margin"] == "9000000"
    assert scope["positions"][0]["liquidation_price"].startswith("89294.87179487")


def test_an_assets_haircut_comes_from_the_profile() -> None:
    """Half a coin at 60,000 counts 95 % at Aster where its message states no haircut; at a neutral venue in full."""
    document = at_equity("aster", Decimal(0))
    document["assets"] = {"BTC": {"index_price": "60000"}, "USDX": {"index_price": "1"}}
    document["accounts"][0] |= {"margin_mode": "multi_asset", "balances": {"BTC": "0.5"}}
    assert reported(document)["equity"] == "28500"
    assert reported(document | {"profile": "generic"})["equity"] == "30000"
