"""The contracts of the bench's venue: prices, brackets, and how many accounts hold each.

Exact terms and the float tables the baselines look up are made from the same integers. Accounts are in `population`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.sizes import Mix
from monitor.core.instruments import Asset, Contract, Instrument, chain_deductions
from monitor.core.portfolio.terms import Group, Method, PortfolioTerms, ScenarioTerms

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

MOST_TIERS: Final = 12
FEWEST_TIERS: Final = 5
RATES: Final = ("0.004", "0.005", "0.0065", "0.01", "0.02", "0.025", "0.05", "0.1", "0.125", "0.15", "0.25", "0.5")
STEPS: Final = (2, 4, 5)
COINS: Final = {"BTC": "61200", "ETH": "3050", "BNB": "590", "SOL": "160"}
"""The coins that inverse contracts are settled in and multi-asset accounts hold, with their prices in USD."""
CONTRACT_USD: Final = 100
"""What one inverse contract is worth."""
HAIRCUT: Final = Decimal("0.05")
GROUPS: Final = 3
"""Groups of the portfolio method: 8 shocks of everything, 2 spikes, and 2 breaks for each group make 16 scenarios."""
TOP_SHARE: Final = 0.30
"""Share of the accounts that hold the most popular contract."""
_MOVE: Final = 2e-4
_SIGNIFICANT: Final = 7


def zipf_exponent(symbols: int, positions: int, accounts: int) -> float:
    """Return a with Σ top·rank^-a = positions: how fast popularity falls."""
    ranks, low, high = np.arange(1, symbols + 1), 0.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        if (TOP_SHARE * accounts * ranks**-middle).sum() > positions:
            low = middle
        else:
            high = middle
    return low


@dataclass(frozen=True)
class Tables:
    """Hold the terms as floats: floors (inf where there is none), rates and deductions by contract and bracket."""

    floors: F8
    rates: F8
    deductions: F8


class Venue:
    """Hold the contracts of a seed. A price is mark·10^-decimals, a quantity a whole number of 10^-lots."""

    def __init__(self, symbols: int, mix: Mix, rng: np.random.Generator) -> None:
        self.names = [f"S{rank:04d}USDT" for rank in range(symbols)]
        self.coins = list(COINS)
        price = np.exp(rng.uniform(np.log(0.01), np.log(3_000.0), symbols))
        price[:2] = (61_234.5, 3_051.25)[:symbols]
        self.inverse = rng.random(symbols) < mix.inverse
        self.coin_of = np.arange(symbols) % len(COINS)
        coin_prices = np.array([float(text) for text in COINS.values()])[self.coin_of]
        price = np.where(self.inverse, coin_prices * rng.uniform(0.98, 1.02, symbols), price)
        self.decimals = (_SIGNIFICANT - 1 - np.floor(np.log10(price))).astype(np.int64)
        self.lots = np.where(self.inverse, 0, np.clip(np.ceil(np.log10(price / 0.05)), 0, 6)).astype(np.int64)
        first = np.rint(price * 10.0**self.decimals).astype(np.int64)
        second = np.rint(first * (1.0 + _MOVE * rng.standard_normal(symbols))).astype(np.int64)
        self.marks: tuple[I8, I8] = (first, second)
        """Two prices of every contract: ticks go from one to the other and back, so that the book stays as it is."""
        self.instruments = [self._instrument(rank, rng) for rank in range(symbols)]
        self.settles = {terms.symbol: terms.settle_asset for terms in self.instruments}

    def _instrument(self, rank: int, rng: np.random.Generator) -> Instrument[Decimal]:
        count = MOST_TIERS if rank < 10 else int(rng.integers(FEWEST_TIERS, MOST_TIERS + 1))
        rates = [RATES[place] for place in np.sort(rng.choice(len(RATES), count, replace=False)).tolist()]
        base = 50_000 if rank < 10 else 20_000 if rank < 60 else 5_000
        coin = self.coins[int(self.coin_of[rank])] if self.inverse[rank] else "USDT"
        unit = Decimal(COINS[coin]) if self.inverse[rank] else Decimal(1)
        floors = [Decimal(0)]
        for step in (1, *rng.choice(STEPS, count - 2).tolist()):
            base *= step
            floors.append((Decimal(base) / unit).quantize(Decimal("1e-4")))
        brackets = [(floor, Decimal(rate), None, None) for floor, rate in zip(floors, rates, strict=True)]
        return Instrument(
            self.names[rank],
            Contract.INVERSE if self.inverse[rank] else Contract.LINEAR,
            coin,
            chain_deductions(brackets),
            Decimal(CONTRACT_USD) if self.inverse[rank] else Decimal(1),
            Decimal(0),
            Decimal(0),
            base_asset=coin if self.inverse[rank] else f"C{rank:04d}",
        )

    @cached_property
    def tables(self) -> Tables:
        """The terms as floats."""
        shape = len(self.names), MOST_TIERS
        made = Tables(np.full(shape, np.inf), np.zeros(shape), np.zeros(shape))
        for rank, terms in enumerate(self.instruments):
            for number, tier in enumerate(terms.tiers):
                made.floors[rank, number] = float(tier.floor)
                made.rates[rank, number] = float(tier.rate)
                made.deductions[rank, number] = float(tier.deduction)
        return made

    def prices(self, which: int) -> F8:
        """Return one of the two prices of every contract: exact integers divided once, so the nearest floats."""
        return self.marks[which] / 10.0**self.decimals

    def exact_prices(self, which: int) -> list[Decimal]:
        """Return the same exactly."""
        pairs = zip(self.marks[which].tolist(), self.decimals.tolist(), strict=True)
        return [Decimal(mark).scaleb(-places) for mark, places in pairs]

    def assets(self) -> list[Asset[Decimal]]:
        """Return what is held as collateral."""
        coins = {"USDT": "1", **COINS}
        return [Asset(name, Decimal(index), bid_buffer=HAIRCUT, ask_buffer=HAIRCUT) for name, index in coins.items()]

    def portfolio(self) -> PortfolioTerms:
        """Return the scenario method over groups of contracts."""
        groups = tuple(
            Group(f"G{number}", tuple(self.names[number::GROUPS]), daily_volume=Decimal(50_000_000), allow_mixed=True)
            for number in range(GROUPS)
        )
        terms = PortfolioTerms(Method.SCENARIO, {Method.SCENARIO: ScenarioTerms(groups)})
        return terms.resolved(dict(zip(self.names, self.instruments, strict=True)))
