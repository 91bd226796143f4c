"""Tests of liquidation prices and moves in portfolio scopes: at the stated mark the scope stands on its line."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.adapters.wire.document import decode_document
from monitor.core.document import Document
from monitor.core.limits import Limits
from monitor.core.margin import Assessment, assess
from monitor.core.market import FixedMarket
from monitor.core.report import scope_report

F = Fraction
STABLE = {"USDT": {"index_price": "0.9995", "bid_buffer": "0.001", "ask_buffer": "0.001"}, "USDC": {"index_price": "1"}}
BRACKETS = [{"floor": "0", "rate": "0.004"}, {"floor": "50000", "rate": "0.005"}, {"floor": "500000", "rate": "0.02"}]
METHODS: dict[str, dict[str, Any]] = {
    "scenario": {
        "method": "scenario",
        "groups": {
            "BTC": {"members": ["BTCUSDT", "BTCUSD"], "move": "0.16", "daily_volume": "5000000"},
            "ETH": {"members": ["ETHUSDC"], "move": "0.2"},
        },
    },
    "span": {
        "method": "span",
        "groups": {"BTC": {"members": ["BTCUSDT", "BTCUSD"]}, "ETH": {"members": ["ETHUSDC"], "price_scan": "0.2"}},
        "credits": [{"legs": ["BTC", "ETH"], "ratio": ["1", "1"], "credit": "0.6"}],
    },
    "tims": {
        "method": "tims",
        "classes": {"BTC": {"members": ["BTCUSDT", "BTCUSD"]}, "ETH": {"members": ["ETHUSDC"]}},
        "product_groups": {"major": {"classes": ["BTC", "ETH"], "offset": "0.5"}},
    },
    "hyperliquid": {
        "method": "hyperliquid",
        "tokens": {"USDC": {"borrowable": True}, "USDT": {"borrowable": True}, "BTC": {"ltv": "0.5"}},
    },
}


def instrument(settle: str, base: str, contract: str = "linear", size: str = "1") -> dict[str, Any]:
    """Return the terms of a contract."""
    terms = {"contract": contract, "settle_asset": settle, "base_asset": base, "contract_size": size}
    return terms | {"brackets": BRACKETS if contract == "linear" else [{"floor": "0", "rate": "0.005"}]}


def document(method: str, positions: list[dict[str, str]], balances: dict[str, str]) -> dict[str, Any]:
    """Return a document with one portfolio account."""
    return {
        "instruments": {
            "BTCUSDT": instrument("USDT", "BTC"),
            "ETHUSDC": instrument("USDC", "ETH"),
            "BTCUSD": instrument("BTC", "BTC", "inverse", "100"),
            "XRPUSDT": instrument("USDT", "XRP"),
        },
        "assets": STABLE | {"BTC": {"index_price": "60010", "collateral_ratio": "0.95", "ask_buffer": "0.01"}},
        "prices": {
            "BTCUSDT": {"mark_price": "60000"},
            "BTCUSD": {"mark_price": "60020"},
            "ETHUSDC": {"mark_price": "3000"},
            "XRPUSDT": {"mark_price": "0.5"},
        },
        "portfolio": METHODS[method],
        "accounts": [
            {"account_id": "a", "margin_mode": "portfolio", "balances": balances, "positions": positions},
        ],
    }


def held(symbol: str, quantity: str, entry: str) -> dict[str, str]:
    """Return a position."""
    return {"symbol": symbol, "quantity": quantity, "entry_price": entry}


BOOKS: dict[str, Callable[[], tuple[list[dict[str, str]], dict[str, str]]]] = {
    "one long": lambda: ([held("BTCUSDT", "2", "59000")], {"USDT": "40000"}),
    "one short": lambda: ([held("BTCUSDT", "-2", "59000")], {"USDT": "40000"}),
    "two coins": lambda: ([held("BTCUSDT", "2", "59000"), held("ETHUSDC", "-30", "3100")], {"USDT": "50000"}),
    "coin against a short": lambda: ([held("BTCUSDT", "-1", "50000")], {"BTC": "1", "USDT": "5000"}),
    "inverse and linear": lambda: (
        [held("BTCUSD", "-900", "61000"), held("BTCUSDT", "1.4", "60500")],
        {"BTC": "0.4", "USDC": "9000"},
    ),
    "with an ungrouped one": lambda: (
        [held("BTCUSDT", "1", "60000"), held("XRPUSDT", "90000", "0.51")],
        {"USDT": "25000"},
    ),
    "below its line": lambda: ([held("BTCUSDT", "3", "66000"), held("ETHUSDC", "10", "3000")], {"USDT": "35000"}),
}


def read(method: str, book: str) -> Document:
    """Return a document read."""
    positions, balances = BOOKS[book]()
    return decode_document(json.dumps(document(method, positions, balances)).encode(), Limits())


def moved(market: FixedMarket, marks: dict[str, Fraction], indices: dict[str, Fraction]) -> FixedMarket:
    """Return a market with prices moved, to sixty digits."""
    return FixedMarket(
        instruments=market.instruments,
        marks={**market.marks, **{name: decimal(price) for name, price in marks.items()}},
        assets={
            name: terms
            if name not in indices
            else type(terms)(**{**vars(terms), "index_price": decimal(indices[name])})
            for name, terms in market.assets.items()
        },
        usd_assets=market.usd_assets,
        portfolio=market.portfolio,
    )


def decimal(number: Fraction) -> Decimal:
    """Return a fraction rounded to forty places."""
    scaled = round(number * 10**40)
    return Decimal(scaled).scaleb(-40)


def room(document: Document, market: FixedMarket) -> tuple[Fraction, Assessment]:
    """Return E − k·MM of the one account."""
    found = assess(document.accounts[0].account, "portfolio", market)
    assert found.equity is not None
    assert found.maintenance_margin is not None
    k = document.ladders.portfolio.liquidation
    if found.portfolio is not None and found.portfolio.requirement.equity is not None:
        parts = found.portfolio.requirement.parts
        return min(part.value - k * part.requirement for part in parts), found
    return F(found.equity) - k * F(found.maintenance_margin), found


def price_market(document: Document, symbol: str, price: Fraction) -> FixedMarket:
    """Return the market with one mark moved and the index of its base asset in proportion."""
    market = document.market
    instrument = market.instruments[symbol]
    base, now = instrument.base_asset, F(market.marks[symbol])
    indices = {}
    if base in market.assets and document.accounts[0].account.balances.get(base, 0) != 0:
        indices[base] = F(market.assets[base].index_price or 0) * price / now
    return moved(market, {symbol: price}, indices)


def report(document: Document) -> dict[str, Any]:
    """Return the report of the portfolio scope."""
    account = document.accounts[0].account
    return scope_report(account, "portfolio", document.market, document.ladders.portfolio, None)


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("method", METHODS)
def test_at_the_liquidation_price_the_scope_stands_on_its_line(method: str, book: str) -> None:
    """With the stated mark put in, E = k·MM; and on a grid from there to the present mark no other sign is met."""
    document = read(method, book)
    here, _ = room(document, document.market)
    for position in report(document)["positions"]:
        symbol = position["symbol"]
        if position["liquidation_price"] is None:
            continue
        price, now = F(position["liquidation_price"]), F(document.market.marks[symbol])
        left, figures = room(document, price_market(document, symbol, price))
        assert abs(left) < F(1, 10**24) * F(figures.maintenance_margin or 1)
        for step in range(1, 40):
            between = now + (price - now) * F(step, 40)
            assert (room(document, price_market(document, symbol, between))[0] > 0) is (here > 0)


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("method", METHODS)
def test_without_a_liquidation_price_the_sign_never_changes(method: str, book: str) -> None:
    """Where none is stated, a wide grid of marks never crosses the line; where one is, none nearer lies on it."""
    document = read(method, book)
    here, _ = room(document, document.market)
    for position in report(document)["positions"]:
        symbol = position["symbol"]
        now = F(document.market.marks[symbol])
        stated = position["liquidation_price"]
        limit = None if stated is None else abs(F(stated) - now)
        for power in range(-40, 41):
            price = now * F(1.3**power).limit_denominator(10**6)
            if limit is not None and abs(price - now) >= limit:
                continue
            assert (room(document, price_market(document, symbol, price))[0] > 0) is (here > 0), (symbol, price)


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("method", METHODS)
def test_at_the_liquidation_move_the_scope_stands_on_its_line(method: str, book: str) -> None:
    """With every group moved by its share of the stated move, E = k·MM; within it no other sign is met."""
    document = read(method, book)
    market = document.market
    stated = report(document)["portfolio"]["liquidation_move"]
    here, _ = room(document, market)

    def at(move: Fraction) -> FixedMarket:
        if method == "hyperliquid":
            shares = dict.fromkeys(market.marks, F(1))
            coins = {"BTC": F(1)}
        else:
            most = F("0.15") if method == "tims" else F("0.2")
            own = {"tims": ("0.15", "0.15"), "span": ("0.16", "0.2"), "scenario": ("0.16", "0.2")}[method]
            btc, eth = F(own[0]) / most, F(own[1]) / most
            shares, coins = {"BTCUSDT": btc, "BTCUSD": btc, "ETHUSDC": eth}, {"BTC": btc}
        return moved(
            market,
            {name: F(market.marks[name]) * (1 + share * move) for name, share in shares.items()},
            {name: F(market.assets[name].index_price or 0) * (1 + share * move) for name, share in coins.items()},
        )

    if stated is not None:
        left, figures = room(document, at(F(stated)))
        assert abs(left) < F(1, 10**24) * F(figures.maintenance_margin or 1)
    for step in range(-99, 1000, 7):
        move = F(step, 100)
        if stated is None or abs(move) < abs(F(stated)):
            assert (room(document, at(move))[0] > 0) is (here > 0), move


def test_a_scope_on_its_line_says_its_own_mark() -> None:
    """A scope exactly on its line has the present mark for liquidation price, and a liquidation move of 0."""
    body = document("tims", [held("BTCUSDT", "1", "60000")], {"USDC": "9000"})
    body["assets"]["USDT"] = {"index_price": "1"}
    document_read = decode_document(json.dumps(body).encode(), Limits())
    found = report(document_read)
    assert (found["equity"], found["maintenance_margin"]) == ("9000", "9000")
    assert found["positions"][0]["liquidation_price"] == "60000"
    assert found["portfolio"]["liquidation_move"] == "0"


@pytest.mark.parametrize("seed", range(12))
def test_random_books_stand_on_their_line(seed: int) -> None:
    """The same of random books of all methods: at every stated mark, E = k·MM."""
    draw = random.Random(seed)
    method = draw.choice(sorted(METHODS))
    positions = [
        held(
            symbol, f"{draw.choice((-1, 1)) * draw.uniform(0.5, 1) * size:.3f}", f"{price * draw.uniform(0.8, 1.2):.4f}"
        )
        for symbol, size, price in (("BTCUSDT", 3, 60000), ("ETHUSDC", 60, 3000), ("BTCUSD", 2000, 60000))
        if draw.random() < 0.8
    ]
    balances = {
        "USDT": f"{draw.uniform(-5e3, 6e4):.2f}",
        "USDC": f"{draw.uniform(0, 6e4):.2f}",
        "BTC": f"{draw.random():.4f}",
    }
    read_ = decode_document(json.dumps(document(method, positions, balances)).encode(), Limits())
    for position in report(read_)["positions"]:
        if position["liquidation_price"] is not None:
            price = F(position["liquidation_price"])
            left, figures = room(read_, price_market(read_, position["symbol"], price))
            assert abs(left) < F(1, 10**22) * F(figures.maintenance_margin or 1)
