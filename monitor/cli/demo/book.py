"""The demo's book: a seeded population of accounts in every mode, from comfortable to almost liquidated.

Only made-up accounts live here. Their margin is estimated in floats, to choose wallets by; the monitor computes it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.cli.demo.market import INSTRUMENTS

_LINEAR = ("BTCUSDT", "ETHUSDT")
_INVERSE = ("BTCUSD_PERP", "ETHUSD_PERP")
_MODES = {"one_way": 50, "multi_asset": 16, "isolated": 14, "inverse": 12, "hedge": 8}
_LEVERAGES = (2, 3, 5, 10, 20, 25, 50, 75, 100)
_TWO_SYMBOLS = 0.35
_ON_THE_EDGE = 0.06
_COIN_HAIRCUT = 0.95


class _Held(NamedTuple):
    """Hold a position as it is stated, and what it needs and has gained, in its settle asset."""

    stated: dict[str, Any]
    asset: str
    required: float
    gained: float


def accounts(count: int, seed: int, marks: Mapping[str, Decimal]) -> Iterator[dict[str, Any]]:
    """Yield snapshots of `count` accounts; the same seed and marks give the same book."""
    chance = random.Random(seed)  # noqa: S311  # a reproducible book, not a secret
    at = {symbol: float(mark) for symbol, mark in marks.items()}
    modes = chance.choices(tuple(_MODES), tuple(_MODES.values()), k=count)
    for number, mode in enumerate(modes):
        yield _account(chance, f"demo-{number:06d}", mode, at)


def _account(chance: random.Random, account_id: str, mode: str, marks: Mapping[str, float]) -> dict[str, Any]:
    comfort = _comfort(chance)
    held = _positions(chance, mode, comfort, marks)
    balances: dict[str, float] = {}
    if mode == "isolated":
        balances["USDT"] = chance.uniform(0, 500)
        for one in held:
            wallet = max(0.01, comfort * one.required - one.gained)
            one.stated.update(margin_type="isolated", isolated_wallet=f"{wallet:.4f}")
    else:
        for one in held:
            balances[one.asset] = balances.get(one.asset, 0.0) + comfort * one.required - one.gained
    if mode == "multi_asset":
        share = balances["USDT"] / 4
        balances = {"USDT": 2 * share, "USDC": share, "BTC": share / _COIN_HAIRCUT / marks["BTCUSDT"]}
    return {
        "account_id": account_id,
        "version": 1,
        "event_time_ms": 0,
        "snapshot": True,
        "margin_mode": "multi_asset" if mode == "multi_asset" else "single_asset",
        "position_mode": "hedge" if mode == "hedge" else "one_way",
        "balances": {asset: f"{max(0.0, amount):.8f}" for asset, amount in balances.items()},
        "positions": [one.stated for one in held],
    }


def _positions(chance: random.Random, mode: str, comfort: float, marks: Mapping[str, float]) -> list[_Held]:
    symbols: tuple[str, ...] = _INVERSE if mode == "inverse" else _LINEAR
    if chance.random() > _TWO_SYMBOLS:
        symbols = (chance.choice(symbols),)
    sides = ("long", "short") if mode == "hedge" else ("both",)
    return [_position(chance, symbol, side, comfort, marks[symbol]) for symbol in symbols for side in sides]


def _position(chance: random.Random, symbol: str, side: str, comfort: float, mark: float) -> _Held:
    sign = {"long": 1, "short": -1}.get(side) or chance.choice((1, 1, -1))
    dollars = math.exp(chance.gauss(8.5, 1.6))
    entry = round(mark * chance.uniform(0.99, 1.01), 2)
    terms = INSTRUMENTS[symbol]
    if symbol in _INVERSE:
        size = float(terms["contract_size"])
        quantity = float(max(1, round(dollars / size)))
        notional, gained = quantity * size / mark, sign * quantity * size * (1 / entry - 1 / mark)
        text = f"{sign * quantity:.0f}"
    else:
        quantity = max(0.001, round(dollars / mark, 3))
        notional, gained = quantity * mark, sign * quantity * (mark - entry)
        text = f"{sign * quantity:.3f}"
    rate = next(float(tier["rate"]) for tier in reversed(terms["brackets"]) if float(tier["floor"]) <= notional)
    used = 1 / (comfort * rate)
    stated = {
        "symbol": symbol,
        "side": side,
        "quantity": text,
        "entry_price": f"{entry:.2f}",
        "leverage": str(next((leverage for leverage in _LEVERAGES if leverage >= used), _LEVERAGES[-1])),
    }
    return _Held(stated, terms["settle_asset"], notional * rate, gained)


def _comfort(chance: random.Random) -> float:
    """Return how many times its requirement an account holds: some are near the edge, most are not."""
    if chance.random() < _ON_THE_EDGE:
        return chance.uniform(1.02, 3.0)
    return max(3.0, math.exp(chance.gauss(math.log(40), 0.9)))
