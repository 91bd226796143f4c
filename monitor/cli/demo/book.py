"""The demo's book: a seeded population of accounts in every mode, from comfortable to almost liquidated.

Only made-up accounts live here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from monitor.cli.demo.market import INSTRUMENTS

_LINEAR = ("BTCUSDT", "ETHUSDT")
_INVERSE = ("BTCUSD_PERP", "ETHUSD_PERP")
_MODES = ("cross", "cross", "cross", "cross", "hedge", "isolated", "multi_asset", "inverse")
_FIRST_RATE = Decimal("0.0045")
"""What a requirement is of a notional, roughly: wallets are set from it, margin is not computed by it."""


def accounts(count: int, seed: int, marks: Mapping[str, Decimal]) -> Iterator[dict[str, Any]]:
    """Yield snapshots of `count` accounts; the same seed gives the same book."""
    chance = random.Random(seed)  # noqa: S311  # a reproducible book, not a secret
    for number in range(count):
        yield _account(chance, f"demo-{number:06d}", marks)


def _account(chance: random.Random, account_id: str, marks: Mapping[str, Decimal]) -> dict[str, Any]:
    mode = chance.choice(_MODES)
    positions = _positions(chance, mode, marks)
    balances: dict[str, Decimal] = {}
    for position, notional in positions:
        asset = INSTRUMENTS[position["symbol"]]["settle_asset"]
        wallet = notional * _FIRST_RATE * _comfort(chance)
        if mode == "isolated":
            position.update(margin_type="isolated", isolated_wallet=f"{wallet:.6f}")
            wallet = Decimal(chance.randint(0, 500))
        balances[asset] = balances.get(asset, Decimal(0)) + wallet
    if mode == "multi_asset":
        half = balances.pop("USDT") / 2
        balances = {"USDT": half, "USDC": half / 2, "BTC": half / 2 / marks["BTCUSDT"]}
    return {
        "account_id": account_id,
        "version": 1,
        "event_time_ms": 0,
        "snapshot": True,
        "margin_mode": "multi_asset" if mode == "multi_asset" else "single_asset",
        "position_mode": "hedge" if mode == "hedge" else "one_way",
        "balances": {asset: f"{amount:.8f}" for asset, amount in balances.items()},
        "positions": [position for position, _ in positions],
    }


def _positions(chance: random.Random, mode: str, marks: Mapping[str, Decimal]) -> list[tuple[dict[str, Any], Decimal]]:
    """Return positions, each with its notional in its settle asset."""
    symbols = chance.sample(_INVERSE if mode == "inverse" else _LINEAR, chance.randint(1, 2))
    made = []
    for symbol in symbols:
        sides = ("long", "short") if mode == "hedge" else ("both",)
        for side in sides:
            sign = {"long": 1, "short": -1, "both": chance.choice((1, 1, -1))}[side]
            made.append(_position(chance, symbol, side, sign, marks[symbol]))
    return made


def _position(
    chance: random.Random, symbol: str, side: str, sign: int, mark: Decimal
) -> tuple[dict[str, Any], Decimal]:
    dollars = Decimal(str(round(math.exp(chance.gauss(8.5, 1.6)), 2)))
    size = Decimal(INSTRUMENTS[symbol]["contract_size"])
    if symbol in _INVERSE:
        quantity = max(Decimal(1), (dollars / size).quantize(Decimal(1)))
        notional = quantity * size / mark
    else:
        quantity = max(Decimal("0.001"), (dollars / mark).quantize(Decimal("0.001")))
        notional = quantity * mark
    entry = round(mark * Decimal(str(round(chance.uniform(0.995, 1.005), 5))), 2)
    position = {
        "symbol": symbol,
        "side": side,
        "quantity": str(sign * quantity),
        "entry_price": str(entry),
        "leverage": str(chance.choice((2, 3, 5, 10, 20, 20, 50))),
    }
    return position, notional


def _comfort(chance: random.Random) -> Decimal:
    """Return how many times its requirement an account holds: a few are near the edge, most are not."""
    if chance.random() < 0.08:
        return Decimal(str(round(chance.uniform(1.05, 3.0), 4)))
    return Decimal(str(round(math.exp(chance.uniform(math.log(3), math.log(200))), 4)))
