"""Figures that are known beforehand: worked examples of the methods, of their sources, and of venues.

What a method asks of random books is in `test_agreement`.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from tests.house.source import ROOT
from tests.portfolio.evaluating import inverse, linear, position, reports
from tests.portfolio.oracle import Accounts

CASES = ROOT.parent / "shared" / "cases" / "02_account_margin.json"
WITHOUT = "the shared folder with the published cases is not beside the repository"

BTC_AND_ETH: dict[str, Any] = {
    "instruments": {"BTCUSDT": linear("BTC"), "ETHUSDT": linear("ETH")},
    "assets": {"USDT": {"index_price": "1"}},
    "prices": {"BTCUSDT": {"mark_price": "100000"}, "ETHUSDT": {"mark_price": "3000"}},
    "accounts": [
        {
            "account_id": "a",
            "margin_mode": "portfolio",
            "balances": {"USDT": "500000"},
            "positions": [position("BTCUSDT", "10", "100000"), position("ETHUSDT", "-300", "3000")],
        }
    ],
}
"""Long 10 BTC, short 300 ETH: deltas of +1,000,000 and −900,000."""


def requirement(document: dict[str, Any]) -> Fraction:
    """Return the requirement of the only portfolio, on which the oracle agrees."""
    stated = Fraction(reports(document)["a", "portfolio"]["maintenance_margin"])
    assert Accounts(document).scopes()["a", "portfolio"].maintenance == stated
    return stated


def test_span_with_a_credit() -> None:
    """Scan 304,000 less a credit of 172,800: 131,200."""
    groups = {name: {"members": [f"{name}USDT"], "price_scan": "0.16"} for name in ("BTC", "ETH")}
    credit = {"legs": ["BTC", "ETH"], "ratio": ["1", "1"], "credit": "0.6"}
    terms = {"method": "span", "groups": groups, "credits": [credit]}
    assert requirement(BTC_AND_ETH | {"portfolio": terms}) == 131_200


@pytest.mark.parametrize(("offset", "expected"), [("0.5", 82_500), ("0.9", 28_500)])
def test_tims_with_an_offset(offset: str, expected: int) -> None:
    """The same book by valuation points of ±15 %, gains counted in part."""
    classes = {name: {"members": [f"{name}USDT"], "down": "-0.15", "up": "0.15"} for name in ("BTC", "ETH")}
    bundle = {"major": {"classes": ["BTC", "ETH"], "offset": offset}}
    terms = {"method": "tims", "classes": classes, "product_groups": bundle}
    assert requirement(BTC_AND_ETH | {"portfolio": terms}) == expected


def test_scenarios_of_one_directional_position() -> None:
    """Long 10 BTC alone: worst 160,000, liquidity 1 %, a tenth on top: 187,000; to open it, a quarter more."""
    account = BTC_AND_ETH["accounts"][0] | {"positions": [position("BTCUSDT", "10", "100000")]}
    terms = {"method": "scenario", "groups": {"BTC": {"members": ["BTCUSDT"]}}}
    document = BTC_AND_ETH | {"portfolio": terms, "accounts": [account]}
    assert requirement(document) == 187_000
    scope = reports(document)["a", "portfolio"]
    assert Fraction(scope["initial_margin"]) == 233_750
    assert scope["portfolio"]["worst_scenario"] == "directional_down_100"
    assert Fraction(scope["portfolio"]["components"]["worst_loss"]) == 160_000


def test_long_and_short_of_one_coin() -> None:
    """Long and short 10 BTC cost no scan: liquidity on 2,000,000, basis on 1,000,000, and the buffer."""
    both = [position("BTCUSDT", "10", "100000"), position("BTCUSDC", "-10", "100000")]
    account = BTC_AND_ETH["accounts"][0] | {"positions": both}
    document = BTC_AND_ETH | {
        "instruments": {"BTCUSDT": linear("BTC"), "BTCUSDC": linear("BTC", settle="USDC")},
        "assets": {"USDT": {"index_price": "1"}, "USDC": {"index_price": "1"}},
        "prices": {name: {"mark_price": "100000"} for name in ("BTCUSDT", "BTCUSDC")},
        "portfolio": {"method": "scenario", "groups": {"BTC": {"members": ["BTCUSDT", "BTCUSDC"]}}},
        "accounts": [account],
    }
    assert requirement(document) == Fraction("1.1") * (20_000 + 2_000)


def test_multi_asset_collateral_and_requirement() -> None:
    """200 USDT at the bid of 0.9801 and 220 USDC are worth 416.02, in a portfolio too; 199.596 of it is required."""
    two = [
        position("BTCUSDT", "0.5", "20000", leverage="100"),
        position("ETHUSDC", "20", "600", leverage="50"),
    ]
    account = {"balances": {"USDT": "200", "USDC": "220"}, "positions": two}
    document: dict[str, Any] = {
        "instruments": {
            "BTCUSDT": linear("BTC", rate="0.008"),
            "ETHUSDC": linear("ETH", settle="USDC", most="50"),
        },
        "assets": {
            "USDT": {"index_price": "0.99", "bid_buffer": "0.01", "ask_buffer": "0.005"},
            "USDC": {"index_price": "1"},
        },
        "prices": {"BTCUSDT": {"mark_price": "20000"}, "ETHUSDC": {"mark_price": "600"}},
        "portfolio": {"method": "scenario", "groups": {"ETH": {"members": ["ETHUSDC"]}}},
        "accounts": [
            {"account_id": "a", "margin_mode": "portfolio", **account},
            {"account_id": "m", "margin_mode": "multi_asset", **account},
        ],
    }
    found = reports(document)
    multi = found["m", "cross:USD"]
    names = ("equity", "maintenance_margin", "initial_margin", "available_margin")
    assert [multi[name] for name in names] == ["416.02", "199.596", "339.495", "76.525"]
    portfolio = found["a", "portfolio"]
    assert portfolio["equity"] == "416.02"
    assert Fraction(portfolio["portfolio"]["components"]["ungrouped"]) == Fraction("79.2")
    assert requirement(document) == Fraction("1.1") * (1920 + 120) + Fraction("79.2")


@pytest.mark.parametrize("method", ["scenario", "span"])
def test_a_coin_wallet_against_a_short_of_the_coin(method: str) -> None:
    """20 BTC, 10 of them lost to a short of 1,000,000 USD from 50,000: nothing is left that could move."""
    document: dict[str, Any] = {
        "instruments": {"BTCUSD": inverse("BTC", "100")},
        "assets": {"BTC": {"index_price": "100000", "collateral_ratio": "0.95"}},
        "prices": {"BTCUSD": {"mark_price": "100000"}},
        "portfolio": {"method": method, "groups": {"BTC": {"members": ["BTCUSD"]}}},
        "accounts": [
            {
                "account_id": "a",
                "margin_mode": "portfolio",
                "balances": {"BTC": "20"},
                "positions": [position("BTCUSD", "-10000", "50000")],
            }
        ],
    }
    scope = reports(document)["a", "portfolio"]
    assert Fraction(scope["equity"]) == 950_000
    assert scope["portfolio"]["components"]["worst_loss"] == "0"
    assert {one["loss"] for one in scope["portfolio"]["scenarios"]} == {"0"}
    needed = {"scenario": Fraction("1.1") * (10_000 + 2_000), "span": Fraction(5_000)}
    assert requirement(document) == needed[method]


def test_spot_against_a_short_perpetual() -> None:
    """A coin that is held hedges a linear short only where the group names it."""
    account = {
        "account_id": "a",
        "margin_mode": "portfolio",
        "balances": {"BTC": "10"},
        "positions": [position("BTCUSDT", "-10", "100000")],
    }
    worst = {}
    for assets in ((), ("BTC",)):
        group = {"members": ["BTCUSDT"], "assets": list(assets)}
        document = BTC_AND_ETH | {
            "assets": {"USDT": {"index_price": "1"}, "BTC": {"index_price": "100000"}},
            "portfolio": {"method": "scenario", "groups": {"BTC": group}},
            "accounts": [account],
        }
        requirement(document)
        worst[assets] = reports(document)["a", "portfolio"]["portfolio"]["components"]["worst_loss"]
    assert worst == {(): "160000", ("BTC",): "0"}


# -------------------------------------------------------------------------------------------------- published cases
def published(case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return inputs and expected figures of a case of the shared folder."""
    if not CASES.exists():
        pytest.skip(WITHOUT)
    found = next(each for each in json.loads(CASES.read_text())["cases"] if each["id"] == case)
    return found["inputs"], found["expected"]


def borrower(prices: dict[str, str], balances: dict[str, str], weight: str) -> dict[str, Any]:
    """Return a document of a borrower of USDC against tokens of one weight, no borrow offset."""
    ltv = str(2 * Fraction(weight) - 1)
    tokens: dict[str, Any] = {name: {"ltv": ltv} for name in prices}
    return {
        "assets": {name: {"index_price": price} for name, price in prices.items()} | {"USDC": {"index_price": "1"}},
        "portfolio": {
            "method": "hyperliquid",
            "tokens": {"USDC": {"borrowable": True}, **tokens},
            "borrow_offset": "0",
        },
        "accounts": [{"account_id": "a", "margin_mode": "portfolio", "balances": balances}],
    }


def test_borrowing_against_tokens_at_hyperliquid() -> None:
    """The published health factor comes out where its weight stands for our threshold (0.5 + 0.5·ltv)."""
    inputs, expected = published("HL-PM-HEALTH")
    most = {"HYPE": inputs["hype"], "USDC": f"-{expected['borrowable']}"}
    [all_borrowed] = reports(borrower({"HYPE": inputs["hype_px"]}, most, inputs["ltv"])).values()
    assert Fraction(all_borrowed["margin_ratio"]) == 1
    second = inputs["second"]
    prices = {"BTC": second["btc_px"], "HYPE": second["hype_px"]}
    balances = {"BTC": second["btc"], "HYPE": second["hype"], "USDC": f"-{second['borrowed']}"}
    [found] = reports(borrower(prices, balances, inputs["ltv"])).values()
    assert Fraction(found["equity"]) == Fraction(expected["weighted_value"])
    assert abs(100 * Fraction(found["margin_ratio"]) - Fraction(expected["health_factor_pct"])) < Fraction("0.005")
    assert found["status"] == "margin_call"


def test_profits_of_the_portfolio_at_binance() -> None:
    """The published profits of two positions stand in the report of a portfolio."""
    inputs, expected = published("BN-PM-INPUT")
    perpetual, quarterly = inputs["positions"][:2]
    document: dict[str, Any] = {
        "instruments": {one["symbol"]: linear("BTC", rate=one["mmr"]) for one in (perpetual, quarterly)},
        "assets": {"USDT": {"index_price": "1"}},
        "prices": {one["symbol"]: {"mark_price": one["mark"]} for one in (perpetual, quarterly)},
        "portfolio": {
            "method": "scenario",
            "groups": {"BTC": {"members": [perpetual["symbol"], quarterly["symbol"]]}},
        },
        "accounts": [
            {
                "account_id": "a",
                "margin_mode": "portfolio",
                "balances": {"USDT": inputs["um_wallet_usdt"]},
                "positions": [position(one["symbol"], one["size"], one["entry"]) for one in (perpetual, quarterly)],
            }
        ],
    }
    [scope] = reports(document).values()
    profits = {one["symbol"]: one["unrealized_pnl"] for one in scope["positions"]}
    assert profits == {
        perpetual["symbol"]: expected["unrealized_perp"],
        quarterly["symbol"]: expected["unrealized_qtr"],
    }
    assert Fraction(scope["equity"]) == Fraction(inputs["um_wallet_usdt"]) + 600 - 414


def test_what_a_debt_costs_in_discounted_coins() -> None:
    """The published amount of an automatic exchange is the first whole one whose discounted value covers the debt."""
    inputs, expected = published("BN-MULTI-EXCH")
    equity = []
    for worth in (int(expected["btc_converted_usd"]) - 1, int(expected["btc_converted_usd"])):
        document: dict[str, Any] = {
            "assets": {
                "BTC": {"index_price": worth, "collateral_ratio": inputs["btc_collateral_rate"]},
                "USDT": {"index_price": "1"},
            },
            "portfolio": {"method": "scenario", "groups": {"BTC": {"members": ["BTCUSDT"]}}},
            "instruments": {"BTCUSDT": linear("BTC")},
            "accounts": [
                {
                    "account_id": "a",
                    "margin_mode": "portfolio",
                    "balances": {"BTC": "1", "USDT": inputs["negative_balance_usd"]},
                }
            ],
        }
        equity.append(Fraction(reports(document)["a", "portfolio"]["equity"]))
    assert equity[0] < 0 <= equity[1]
