"""A seeded population of accounts as flat arrays: who holds what, at which entry price, with which wallet.

Popularity falls like Zipf's law, holdings have a heavy tail: most accounts hold few positions, some hold hundreds.
Amounts are integers; what they mean in decimals the venue says. As accounts of the daemon they are in `facts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.sizes import Mix, Sizes
from bench.venue import CONTRACT_USD, F8, I8, TOP_SHARE, Tables, Venue, zipf_exponent

SINGLE_ASSET, MULTI_ASSET, PORTFOLIO = range(3)
"""Modes of an account."""
WALLET_DECIMALS = 4
_DEEPER = 4.0
"""How much more a portfolio account has in its wallet: it has to stand the worst of sixteen scenarios."""


@dataclass(frozen=True)
class Population:
    """Hold accounts and positions, by account and in it by contract.

    `ends` says where the positions of each account end (a 0 in front). Quantities are in lots, entries in the price's
    last decimal, wallets in 10^-4 USD.
    """

    sizes: Sizes
    mix: Mix
    exponent: float
    venue: Venue
    ends: I8
    symbols: NDArray[np.uint16]
    quantities: I8
    entries: I8
    isolated: NDArray[np.bool_]
    wallets: I8
    modes: NDArray[np.uint8]

    @property
    def owners(self) -> I8:
        """The account of every position."""
        return np.repeat(np.arange(len(self.modes)), np.diff(self.ends))

    def holders(self, rank: int) -> int:
        """Return how many accounts hold a contract."""
        return int(np.count_nonzero(self.symbols == rank))

    def amounts(self) -> F8:
        """Return quantities as floats: exact integers divided once."""
        amounts: F8 = self.quantities / 10.0 ** self.venue.lots[self.symbols]
        return amounts

    def entry_prices(self) -> F8:
        """Return entry prices as floats."""
        prices: F8 = self.entries / 10.0 ** self.venue.decimals[self.symbols]
        return prices

    def shape(self) -> dict[str, float]:
        """Return figures that describe the population."""
        held = np.diff(self.ends)
        gross = np.abs(self.amounts() * self.venue.prices(0)[self.symbols])
        return {
            "accounts": len(held),
            "positions": len(self.symbols),
            "symbols": len(self.venue.names),
            "zipf_exponent": round(self.exponent, 4),
            "positions_mean": round(float(held.mean()), 3),
            "positions_median": float(np.median(held)),
            "positions_p99": float(np.percentile(held, 99)),
            "positions_max": int(held.max()),
            "share_above_first_bracket": round(float((gross >= self.venue.tables.floors[self.symbols, 1]).mean()), 4),
        }


def draw(sizes: Sizes, mix: Mix) -> Population:
    """Return the population of a size, seed and mix."""
    rng = np.random.default_rng(sizes.seed)
    venue = Venue(sizes.symbols, mix, rng)
    exponent = zipf_exponent(sizes.symbols, sizes.positions, sizes.accounts)
    owners, symbols = _holdings(sizes, exponent, rng)
    count = len(owners)
    ends = np.zeros(sizes.accounts + 1, np.int64)
    np.cumsum(np.bincount(owners, minlength=sizes.accounts), out=ends[1:])
    scale = np.exp(rng.normal(np.log(400.0), 1.8, sizes.accounts))
    notional = scale[owners] * np.exp(rng.normal(0.0, 0.8, count))
    price, inverse = venue.prices(0)[symbols], venue.inverse[symbols]
    lots = np.maximum(np.rint(notional / np.where(inverse, CONTRACT_USD, price) * 10.0 ** venue.lots[symbols]), 1)
    quantities = (lots * np.where(rng.random(count) < 0.56, 1, -1)).astype(np.int64)
    drift = np.exp(rng.normal(0.0, 0.04, count))
    entries = np.maximum(np.rint(venue.marks[0][symbols] * drift), 1).astype(np.int64)
    isolated = rng.random(count) < mix.isolated
    kind = rng.random(sizes.accounts)
    modes = np.select([kind < mix.multi_asset, kind < mix.multi_asset + mix.portfolio], [MULTI_ASSET, PORTFOLIO], 0)
    leverage = np.clip(np.exp(rng.normal(np.log(5.0), 1.0, sizes.accounts)), 0.3, 150.0)
    made = Population(
        sizes, mix, exponent, venue, ends, symbols, quantities, entries, isolated, ends[1:], modes.astype(np.uint8)
    )
    return replace(made, wallets=_wallets(made, owners, leverage))


def _holdings(sizes: Sizes, exponent: float, rng: np.random.Generator) -> tuple[I8, NDArray[np.uint16]]:
    """Return the account and the contract of every position, by account; active accounts hold more contracts.

    The holders of a contract are drawn one after the other by activity, whoever is drawn twice only once.
    """
    activity = np.cumsum(rng.lognormal(0.0, 1.0, sizes.accounts))
    ranks = np.arange(1, sizes.symbols + 1)
    wanted = np.maximum(np.rint(TOP_SHARE * sizes.accounts * ranks**-exponent), 1).astype(int).tolist()
    holders: list[I8] = []
    for count in wanted:
        met = np.zeros(0, np.int64)
        while len(met) < count:
            more = np.searchsorted(activity, rng.random(count + 8) * activity[-1], side="right")
            both = np.concatenate([met, more])
            _, first = np.unique(both, return_index=True)
            met = both[np.sort(first)]
        holders.append(met[:count])
    owners = np.concatenate(holders)
    symbols = np.repeat(np.arange(sizes.symbols, dtype=np.uint16), wanted)
    order = np.lexsort((symbols, owners))
    return owners[order], symbols[order]


def requirement(tables: Tables, symbols: NDArray[np.uint16], notionals: F8) -> F8:
    """Return notional·rate − deduction of the bracket each notional is in."""
    bracket = np.zeros(len(symbols), np.int64)
    for number in range(1, tables.floors.shape[1]):
        bracket += notionals >= tables.floors[symbols, number]
    required: F8 = notionals * tables.rates[symbols, bracket] - tables.deductions[symbols, bracket]
    return required


def _wallets(population: Population, owners: I8, leverage: F8) -> I8:
    """Return wallets by which most accounts are healthy, and a few stand on each rung of the ladder."""
    venue, symbols = population.venue, population.symbols
    price, amounts, accounts = venue.prices(0)[symbols], population.amounts(), population.sizes.accounts
    dollars = np.where(venue.inverse[symbols], CONTRACT_USD, price) * amounts
    gross = np.bincount(owners, np.abs(dollars), accounts)
    entry = population.entry_prices()
    gain = np.bincount(owners, dollars * (1.0 - entry / price), accounts)
    unit = np.where(venue.inverse[symbols], price, 1.0)
    needed = np.bincount(owners, requirement(venue.tables, symbols, np.abs(dollars) / unit) * unit, accounts)
    equity = np.maximum(gross / leverage, needed * 1.02)
    equity = np.where(population.modes == PORTFOLIO, _DEEPER * equity, equity)
    wallet = np.where(gross > 0, equity - gain, 100.0 * leverage)
    return np.maximum(np.rint(wallet * 10.0**WALLET_DECIMALS), 1).astype(np.int64)
