"""Incidents as scripts: what a venue's feed said, second by second, and what a sound feed would have said beside it.

Shapes as published, figures between the published ones are ours: XPL at Aster on 2025-09-25 (the index pinned at 1, the
mark from 1.30 to near 4, other venues at 1.3), Paradex on 2026-01-19 (prices of 0 after a migration of its database).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

CALM_SECONDS = 240
"""So long a market is calm before anything befalls it: the gate knows its volatility then."""


class Second(NamedTuple):
    """Hold what a feed states of one contract in one second."""

    mark: str
    index: str | None


@dataclass(frozen=True)
class Incident:
    """Hold one contract's feed through an incident, and the feed of a sound venue at the same time."""

    name: str
    symbol: str
    begins: int
    told: list[Second]
    sound: list[Second]


def xpl() -> Incident:
    """Return XPL at Aster: a constant index, and a mark that goes with it until its cap is lifted."""
    sound = _walk(1.30, 0.0006, CALM_SECONDS + 45, seed=1)
    told = [Second(f"{price:.4f}", "1") for price in sound]
    for second in range(36):
        up = min((second + 1) / 10, 1.0) if second < 30 else 0.3
        told[CALM_SECONDS + second] = Second(f"{1.30 + 2.70 * up:.4f}", "1")
    return Incident("XPL at Aster, 2025-09-25", "XPLUSDT", CALM_SECONDS, told, [_fair(price) for price in sound])


def paradex(price: str) -> Incident:
    """Return Paradex: some seconds in which a contract is said to be worth nothing, or next to nothing."""
    sound = [_fair(price) for price in _walk(92_500.0, 0.0002, CALM_SECONDS + 30, seed=2)]
    told = [*sound]
    told[CALM_SECONDS : CALM_SECONDS + 20] = [Second(price, price)] * 20
    return Incident(f"Paradex, 2026-01-19, price {price}", "BTCUSDT", CALM_SECONDS, told, sound)


def crash() -> Incident:
    """Return a true crash of 20 % within a minute, which the index follows with a small lag and as much noise."""
    rng, prices = Random(3), _walk(100.0, 0.0004, CALM_SECONDS, seed=3)
    for second in range(60):
        prices.append(prices[CALM_SECONDS - 1] * (1 - 0.2 * (second + 1) / 60))
    prices += [prices[-1] * (1 + rng.gauss(0, 0.0008)) for _ in range(4)]
    told = [
        Second(f"{price:.4f}", f"{prices[max(second - 1, 0)] * (1 + rng.gauss(0, 0.0004)):.4f}")
        for second, price in enumerate(prices)
    ]
    return Incident("a true crash of 20 % in 60 s", "XUSDT", CALM_SECONDS, told, told)


def cliff() -> Incident:
    """Return a true crash of 20 % from one second to the next of which no index tells."""
    prices = _walk(100.0, 0.0004, CALM_SECONDS, seed=4)
    prices += [price * 0.8 for price in _walk(prices[-1], 0.0004, 12, seed=5)]
    told = [Second(f"{price:.4f}", None) for price in prices]
    return Incident("a true crash of 20 % in one second, without an index", "XUSDT", CALM_SECONDS, told, told)


PEGGED = {"USDE": ("1", None), "WBETH": ("1.08", "ETHUSDT"), "BNSOL": ("1.09", "SOLUSDT")}
"""The collateral of 2025-10-10: what each can be redeemed for."""
_OUTSIDE = {"ETHUSDT": 3_850.0, "SOLUSDT": 190.0, "BTCUSDT": 112_000.0}


class Collateral(NamedTuple):
    """Hold one second of a venue: the prices of its contracts, and the index prices of collateral."""

    prices: dict[str, Second]
    indices: dict[str, str]


def dislocation(*, sound: bool) -> list[Collateral]:
    """Return 2025-10-10: all contracts fall by a twentieth, three assets on this venue by far more, then come back.

    As published: USDE to 0.65, WBETH to 430, BNSOL to 35, for some minutes; elsewhere they kept near redemption.
    """
    lowest = {"USDE": 0.65, "WBETH": 430.0, "BNSOL": 35.0}
    seconds: list[Collateral] = []
    for second in range(28):
        fall = 1 - 0.05 * min(second / 14, 1.0)
        prices = {name: _fair(price * fall) for name, price in _OUTSIDE.items()}
        depth = min(max(second - 5, 0) / 5, 1.0) if second < 22 else 0.0
        indices = {}
        for name, (rate, symbol) in PEGGED.items():
            worth = float(rate) * (1.0 if symbol is None else _OUTSIDE[symbol] * fall)
            indices[name] = f"{worth if sound else worth + (lowest[name] - worth) * depth:.4f}"
        seconds.append(Collateral(prices, indices))
    return seconds


FALSE_PRICES: tuple[Callable[[], Incident], ...] = (xpl, lambda: paradex("0"), lambda: paradex("0.00003"))
TRUE_CRASHES: tuple[Callable[[], Incident], ...] = (crash, cliff)


def _walk(begin: float, sigma: float, seconds: int, seed: int) -> list[float]:
    return list(_steps(begin, sigma, seconds, Random(seed)))


def _steps(price: float, sigma: float, seconds: int, rng: Random) -> Iterator[float]:
    mean = price
    for _ in range(seconds):
        price *= 1 + rng.gauss(0, sigma)
        price += (mean - price) * 0.02
        yield price


def _fair(price: float) -> Second:
    return Second(f"{price:.4f}", f"{price * 1.0002:.4f}")
