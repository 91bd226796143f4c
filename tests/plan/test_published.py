"""Tables that venues have published, where the shared folder with them lies beside the repository.

The cases are read from there by path; nothing of them is copied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from monitor.core.accounts import Account, MarginMode
from monitor.core.bankruptcy import bankruptcy_prices
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.plan.rule import LiquidationRule, RuleName
from tests.core.building import account, asset, instrument, market, position
from tests.plan.planning import charged, planned

FOLDER = Path(__file__).parents[3] / "shared" / "cases"
SCOPE = "cross:USDC"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the published cases are not beside this repository")


def cases(file: str, prefix: str) -> list[Any]:
    """Return the cases of a file whose id begins so; none where the file is absent."""
    path = FOLDER / file
    found = json.loads(path.read_text())["cases"] if path.is_file() else []
    return [pytest.param(case, id=case["id"]) for case in found if case["id"].startswith(prefix)]


def book(inputs: Mapping[str, Any]) -> tuple[Account, FixedMarket]:
    """Return an account of the venue as it counts: USDC that were paid for the positions are a negative balance."""
    positions = [position(size, inputs[symbol], symbol=symbol) for symbol, size in inputs["positions"]]
    cost = sum(Decimal(size) * Decimal(inputs[symbol]) for symbol, size in inputs["positions"])
    flat = (("0", inputs["mmf"]),)
    terms = [instrument(symbol, brackets=flat, settle="USDC") for symbol in ("BTC", "ETH")]
    marks = {symbol: inputs[symbol] for symbol in ("BTC", "ETH")}
    who = account(*positions, balances={"USDC": f"{Decimal(inputs['usdc']) + cost:f}"})
    return who, market(*terms, marks=marks)


@pytest.mark.parametrize("case", cases("03_engine_tables.json", "DYDX-FP"))
def test_dydx_fillable_prices(case: Mapping[str, Any]) -> None:
    """The limit price of a liquidation order is the chain's fillable price."""
    inputs = case["inputs"]
    who, prices = book(inputs)
    rule = LiquidationRule(
        RuleName.FILLABLE_PRICE,
        spread_to_maintenance=Decimal(inputs["spread_to_mmr"]),
        bankruptcy_adjustment=Decimal(inputs["bankruptcy_adjustment"]),
    )
    [step] = planned(who, prices, rule, SCOPE)["reductions"]
    assert step["limit_price"] == case["expected"]["price"]


@pytest.mark.parametrize("case", cases("03_engine_tables.json", "DYDX-BK"))
def test_dydx_bankruptcy_quotes(case: Mapping[str, Any]) -> None:
    """What a (partial) close pays at the bankruptcy price is the chain's quote, rounded up to a millionth as there."""
    who, prices = book(case["inputs"])
    symbol, closed = case["inputs"]["close"]
    assessment = assess(who, SCOPE, prices)
    shared = zip(assessment.legs, bankruptcy_prices(assessment), strict=True)
    [price] = [price for leg, price in shared if leg.position.symbol == symbol]
    assert price is not None
    quote = -Fraction(closed) * Fraction(price)
    millionths = -((-quote * 10**6) // 1)
    assert abs(Fraction(millionths) / 10**6 - Fraction(case["expected"]["quote"])) <= Fraction(1, 10**6)
    body = planned(who, prices, LiquidationRule(RuleName.FILLABLE_PRICE), SCOPE)
    [stated] = [each["bankruptcy_price"] for each in body["positions"] if each["symbol"] == symbol]
    assert abs(Fraction(stated) - Fraction(price)) < Fraction(1, 10**30)


@pytest.mark.parametrize("case", cases("02_account_margin.json", "BN-MULTI-EXCH"))
def test_binance_automatic_exchange(case: Mapping[str, Any]) -> None:
    """20,000 owed are raised by selling 20,000 ÷ 0.975 worth of the coin."""
    inputs = case["inputs"]
    coin = asset("BTC", "60000", ratio=inputs["btc_collateral_rate"])
    held = position("10", "60000", symbol="BTCUSDT")
    balances = {"USDT": inputs["negative_balance_usd"], "BTC": "0.35"}
    who = account(held, balances=balances, mode=MarginMode.MULTI_ASSET)
    prices = market(charged(instrument("BTCUSDT"), "0.01"), marks={"BTCUSDT": "60000"}, assets=(coin, asset("USDT")))
    [exchange] = planned(who, prices, LiquidationRule(RuleName.LARGE_ORDER))["exchanges"]
    [sale] = exchange["sales"]
    assert round(Decimal(sale["value"])) == int(case["expected"]["btc_converted_usd"])
    assert sale["value"].startswith(case["reproduced"]["btc_converted_usd"][:15])
    assert (exchange["owed"], sale["raises"], exchange["uncovered"]) == ("20000", "20000", "0")
