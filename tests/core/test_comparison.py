"""Tests of one book under every method: figures worked out by hand, and what is said where something is missing."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from monitor.adapters.wire.document import decode_document
from monitor.core.comparison import Compared, comparison
from monitor.core.limits import Limits

F = Fraction


def linear(rate: str, base: str, settle: str = "USDT") -> dict[str, Any]:
    """Return a linear contract with one bracket."""
    brackets = [{"floor": "0", "rate": rate, "max_leverage": "5"}]
    return {"contract": "linear", "settle_asset": settle, "base_asset": base, "brackets": brackets}


def compared(account: dict[str, Any], portfolio: dict[str, Any] | None = None, **more: Any) -> dict[str, Compared]:
    """Return the comparison of an account, by method."""
    body = {
        "usd_assets": ["USD", "USDT"],
        "instruments": {"BTCUSDT": linear("0.15", "BTC"), "ETHUSDT": linear("0.15", "ETH")},
        "prices": {"BTCUSDT": {"mark_price": "100000"}, "ETHUSDT": {"mark_price": "3000"}},
        "accounts": [{"account_id": "a", **account}],
        **({"portfolio": portfolio} if portfolio else {}),
        **more,
    }
    document = decode_document(json.dumps(body).encode(), Limits())
    return {one.method: one for one in comparison(document.accounts[0].account, document.market)}


PAIR = [
    {"symbol": "BTCUSDT", "quantity": "10", "entry_price": "100000", "leverage": "5"},
    {"symbol": "ETHUSDT", "quantity": "-300", "entry_price": "3000", "leverage": "5"},
]
SPAN = {
    "method": "span",
    "groups": {"BTC": {"members": ["BTCUSDT"]}, "ETH": {"members": ["ETHUSDT"]}},
    "credits": [{"legs": ["BTC", "ETH"], "ratio": ["1", "1"], "credit": "0.6"}],
}


def test_a_hedged_pair_saves_what_span_credits() -> None:
    """1,000,000 long and 900,000 short at 15 %: 285,000 by brackets, 131,200 by SPAN, a saving of 153,800/285,000."""
    found = compared({"balances": {"USDT": "500000"}, "positions": PAIR}, SPAN)
    assert list(found) == ["isolated", "cross", "span"]
    assert (found["isolated"].maintenance_margin, found["cross"].maintenance_margin) == (285_000, 285_000)
    assert (found["isolated"].initial_margin, found["span"].initial_margin) == (380_000, 131_200)
    assert found["span"].maintenance_margin == 131_200
    assert found["span"].saving_against(found["cross"]) == F(153_800, 285_000)
    assert {one.equity for one in found.values()} == {F(500_000)}


def test_a_method_that_asks_more_saves_less_than_nothing() -> None:
    """A single long of 1,000,000 at 15 %: SPAN's 160,000 is 6.7 % more than 150,000."""
    found = compared({"balances": {"USDT": "500000"}, "positions": PAIR[:1]}, SPAN)
    assert found["span"].saving_against(found["isolated"]) == F(-10_000, 150_000)


def test_isolated_positions_come_into_the_pool_with_their_wallets() -> None:
    """An account of isolated positions is compared whole: its wallets are the equity of every method."""
    alone = [{**position, "margin_type": "isolated", "isolated_wallet": "200000"} for position in PAIR]
    found = compared({"balances": {"USDT": "100000"}, "positions": alone}, SPAN)
    assert {one.equity for one in found.values()} == {F(500_000)}
    assert found["span"].maintenance_margin == 131_200


def test_a_multi_asset_account_is_crossed_with_its_haircuts() -> None:
    """Cross is multi-asset where the account is so: collateral after haircuts, requirements at the ask."""
    assets = {"USDT": {"index_price": "1", "bid_buffer": "0.01", "ask_buffer": "0.02"}}
    account = {"margin_mode": "multi_asset", "balances": {"USDT": "1000"}, "positions": []}
    found = compared(account, assets=assets)
    assert (found["isolated"].equity, found["cross"].equity) == (1000, 990)
    positions = [{"symbol": "BTCUSDT", "quantity": "1", "entry_price": "100000"}]
    found = compared({**account, "positions": positions}, assets=assets)
    assert (found["isolated"].maintenance_margin, found["cross"].maintenance_margin) == (15_000, 15_300)


def test_what_is_missing_is_named_and_nothing_is_claimed() -> None:
    """Money without an index, or a contract without a price, leaves a method unknown and its savings unsaid."""
    found = compared({"balances": {"USDT": "1", "ABC": "5"}, "positions": PAIR}, SPAN)
    assert found["isolated"] == Compared("isolated", unknown_because=("missing_asset:ABC",))
    assert found["span"].saving_against(found["isolated"]) is None
    unpriced = compared({"balances": {"USDT": "1"}, "positions": PAIR}, prices={})
    assert unpriced["cross"].unknown_because == ("missing_price:BTCUSDT", "missing_price:ETHUSDT")


def test_a_book_that_requires_nothing_saves_nothing() -> None:
    """Without positions no requirement can be saved."""
    found = compared({"balances": {"USDT": "5"}}, SPAN)
    assert found["span"].maintenance_margin == 0
    assert found["span"].saving_against(found["isolated"]) is None
