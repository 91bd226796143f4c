"""The demo's book: the same for the same seed, all modes in it, and nobody in trouble before the market moves."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import orjson
import pytest

from monitor.adapters.wire.codec import WireCodec
from monitor.cli.demo.book import accounts
from monitor.cli.demo.market import ASSETS, INSTRUMENTS, recorded
from monitor.core.accounts import after
from monitor.core.instruments import Asset, Instrument, with_index
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.limits import Limits
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.report import raw_status
from monitor.core.scopes import scope_names

MARKS = recorded()[0].marks
COUNT = 400
CODEC = WireCodec(Limits())


@pytest.fixture(scope="module")
def book() -> list[dict[str, Any]]:
    """Return a small book."""
    return list(accounts(COUNT, 3, MARKS))


def market_of_the_demo() -> FixedMarket:
    """Return the terms and the first marks of the demo."""
    instruments: dict[str, Instrument[Decimal]] = {}
    assets: dict[str, Asset[Decimal]] = {}
    for symbol, terms in INSTRUMENTS.items():
        found = CODEC.instrument(orjson.dumps({"symbol": symbol, **terms}), symbol.encode()).instrument
        assert found is not None
        instruments[symbol] = found
    for name, body in ASSETS.items():
        asset = CODEC.asset(orjson.dumps({"asset": name, "event_time_ms": 0, **body}), name.encode()).asset
        assert asset is not None
        assets[name] = asset if asset.index_symbol is None else with_index(asset, MARKS[asset.index_symbol])
    return FixedMarket(instruments, MARKS, MARKS, assets)


def test_a_seed_gives_one_book(book: list[dict[str, Any]]) -> None:
    """The same seed gives the same accounts, another seed others."""
    assert book == list(accounts(COUNT, 3, MARKS))
    assert book != list(accounts(COUNT, 4, MARKS))


def test_every_mode_is_in_the_book(book: list[dict[str, Any]]) -> None:
    """Cross and isolated, one-way and hedge, multi-asset, linear and inverse, long and short: all occur."""
    found = Counter[str]()
    for account in book:
        found[account["margin_mode"]] += 1
        found[account["position_mode"]] += 1
        for position in account["positions"]:
            found[position.get("margin_type", "cross")] += 1
            found[position["symbol"]] += 1
            found["short" if position["quantity"].startswith("-") else "long"] += 1
            found[f"{position['leverage']}x"] += 1
    wanted = {"single_asset", "multi_asset", "one_way", "hedge", "cross", "isolated", "long", "short", *INSTRUMENTS}
    assert wanted | {"2x", "10x", "50x", "100x"} <= found.keys()
    assert min(found[name] for name in wanted) >= COUNT / 20


def test_nobody_starts_in_liquidation(book: list[dict[str, Any]]) -> None:
    """At the first marks every scope stands above its liquidation line, most are healthy and some are not."""
    market, ladder, statuses = market_of_the_demo(), Ladder.build(), Counter[MarginStatus]()
    for stated in book:
        event = CODEC.account_event(orjson.dumps(stated), stated["account_id"].encode())
        account = after(event, None)
        for scope in scope_names(account, market):
            statuses[raw_status(assess(account, scope, market), ladder)] += 1
    early = {MarginStatus.HEALTHY, MarginStatus.WATCH, MarginStatus.WARNING, MarginStatus.MARGIN_CALL}
    assert statuses.keys() <= early
    assert statuses[MarginStatus.HEALTHY] > COUNT * 0.9
    assert statuses.total() > statuses[MarginStatus.HEALTHY]
