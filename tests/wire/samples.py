"""Messages the tests of the wire start from, and what they are refused with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from monitor.adapters.wire import BadMessage, Code
from monitor.core.limits import Limits

LIMITS = Limits()

PRICE = {"symbol": "BTCUSDT", "mark_price": "61000.5", "event_time_ms": 1723161599123}
POSITION = {
    "symbol": "BTCUSDT",
    "side": "both",
    "quantity": "0.5",
    "entry_price": "60000",
    "margin_type": "isolated",
    "isolated_wallet": "-3",
    "leverage": "20",
}
SETTINGS = {
    "vip_level": 3,
    "portfolio_enabled": True,
    "assessment_passed": False,
    "volume_30d": "0",
    "adl_exempt": False,
    "bracket_multiplier": {"BTCUSDT": "4"},
    "leverage": {"xyz:A": 20},
    "drawdown_profile": "moderate",
    "drawdown_stops": ["0.1", "0.2"],
    "reference_equity": "1000",
    "account_limit": "0.8",
    "concentration_limit": {"layer1": "0.5"},
    "distance_limit": "0.02",
    "funding_limit": True,
    "correlation_spike": {"levels": ["0.9"], "window_ms": 60000},
    "hedge_decorrelation": "0.5",
    "labels": {"desk": "7"},
}
ACCOUNT = {
    "account_id": "a|1",
    "version": 17,
    "event_time_ms": 1723161599123,
    "epoch": 2,
    "snapshot": True,
    "margin_mode": "multi_asset",
    "position_mode": "one_way",
    "settings": SETTINGS,
    "balances": {"USDT": "1000", "BTC": "-0.5"},
    "positions": [POSITION],
    "open_order_initial_margin": {"cross:USD": "5", "isolated:xyz:A:long": 0},
    "net_transfers": {"USDT": "-2000"},
}
TERMS = {
    "contract": "linear",
    "settle_asset": "USDT",
    "base_asset": "BTC",
    "contract_size": "1",
    "tick_size": "0.1",
    "brackets": [
        {"floor": "0", "rate": "0.004", "max_leverage": "125"},
        {"floor": "50000", "rate": "0.005", "deduction": "50", "max_leverage": "100"},
    ],
    "maintenance_basis": "mark",
    "closing_fee_rate": "0",
    "liquidation_fee_rate": "0.005",
}
INSTRUMENT = {**TERMS, "symbol": "BTCUSDT", "status": "trading", "sector": "layer1", "confirm": True}
COLLATERAL = {"index_price": "0.9995", "bid_buffer": "0.01", "ask_buffer": "0.02", "collateral_ratio": "0.9"}
ASSET = {**COLLATERAL, "asset": "USDT", "event_time_ms": 1}
FUND = {"fund": "main", "asset": "USDT", "balance": "-5", "event_time_ms": 1, "symbols": ["BTCUSDT"]}
DOCUMENT = {
    "profile": "generic",
    "ladder": {"liquidation": "1.0", "inclusive": False, "cross": {"watch": None}, "isolated": {"critical": "10/11"}},
    "instruments": {"BTCUSDT": TERMS, "xyz:A": {**TERMS, "status": "closed", "sector": "x"}},
    "assets": {"USDT": COLLATERAL, "BTC": {"index_symbol": "BTCUSDT", "margin_available": False}},
    "usd_assets": ["USD", "USDC"],
    "prices": {"BTCUSDT": {"mark_price": "61000", "index_price": "60990"}},
    "accounts": [
        {name: part for name, part in ACCOUNT.items() if name not in {"version", "event_time_ms", "epoch", "snapshot"}}
        | {"previous_status": {"cross:USD": "watch"}}
    ],
    "portfolio": {"method": "scenario", "groups": {"BTC": {"members": ["BTCUSDT"], "move": "0.16"}}},
    "portfolio_rules": {"minimum_vip_level": 3},
}


def text(message: object) -> bytes:
    """Return a message as bytes."""
    return json.dumps(message).encode()


def but(message: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy of a message with another value at a path of names and indices like `positions.0.side`."""
    copy: Any = json.loads(json.dumps(message))
    *outer, last = path.split(".")
    node = copy
    for step in outer:
        node = node[int(step) if isinstance(node, list) else step]
    node[int(last) if isinstance(node, list) else last] = value
    return copy  # type: ignore[no-any-return]  # it was a dict


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a message that lacks a field."""
    return {key: value for key, value in message.items() if key != name}


def refusal(decode: Callable[[], object]) -> tuple[Code, str]:
    """Return code and path of the refusal a decoder ends with."""
    with pytest.raises(BadMessage) as caught:
        decode()
    assert caught.value.message
    assert str(caught.value) == f"{caught.value.path}: {caught.value.message}"
    return caught.value.code, caught.value.path
