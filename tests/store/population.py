"""A seeded book of accounts like those of a large venue: Zipf popularity, few positions for most, many for some.

Used by tests in small and by benches in large. Counts of one seed are the same everywhere; nothing here is a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import numpy as np

from monitor.core.instruments import Asset, Contract, Instrument, chain_deductions
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    Method,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)
from monitor.core.store import CellFacts, MarginStore, PartFacts, ScopeFacts

POSITIONS_PER_ACCOUNT = 5
D = Decimal
_ONE = Decimal(1)


@dataclass(frozen=True)
class Shares:
    """Hold which share of the accounts (or positions) is of which kind."""

    inverse: float = 0.0
    multi_asset: float = 0.0
    isolated: float = 0.0
    portfolio: float = 0.0


class Population:
    """Hold the contracts and coins of a venue and draw accounts from them.

    Popularity falls as rank^-0.71; the number of positions of an account is log-normal with a mean of five.
    """

    def __init__(self, symbols: int = 400, seed: int = 1, shares: Shares | None = None, groups: int = 10) -> None:
        self.shares = shares or Shares()
        self.groups = groups
        self.rng = np.random.default_rng(seed)
        self.names = [f"S{rank:04d}USDT" for rank in range(symbols)]
        inverse = self.rng.random(symbols) < self.shares.inverse
        self.prices = np.round(np.exp(self.rng.uniform(np.log(0.01), np.log(60_000), symbols)), 4) + 0.0001
        self.instruments = [self._instrument(name, bool(coin)) for name, coin in zip(self.names, inverse, strict=True)]
        weight = np.arange(1, symbols + 1) ** -0.71
        self._popularity = np.cumsum(weight / weight.sum())

    def _instrument(self, name: str, inverse: bool) -> Instrument[Decimal]:
        count = int(self.rng.integers(5, 13))
        top = Decimal(int(self.rng.integers(20, 100)) * 500)
        brackets = [(Decimal(0), Decimal("0.004"), None, None)]
        brackets += [
            (top * 4 ** (tier - 1), Decimal("0.005") * 2 ** min(tier - 1, 6), None, None) for tier in range(1, count)
        ]
        if inverse:
            brackets = [(floor / 1000, rate, None, None) for floor, rate, _, _ in brackets]
        return Instrument(
            name,
            Contract.INVERSE if inverse else Contract.LINEAR,
            "BTC" if inverse else "USDT",
            chain_deductions(brackets),
            Decimal(100) if inverse else _ONE,
            Decimal(0),
            Decimal(0),
        )

    def marks(self) -> list[Decimal]:
        """Return the first mark of every symbol."""
        return [Decimal(str(price)) for price in self.prices]

    def moved(self, share: float) -> list[Decimal]:
        """Return marks that have moved by a random share, with the digits of a venue."""
        factors = 1 + share * self.rng.standard_normal(len(self.prices))
        return [Decimal(f"{price:.6g}") for price in self.prices * factors]

    def prepare(self, store: MarginStore) -> None:
        """Give a store the terms and first prices."""
        for terms, mark in zip(self.instruments, self.marks(), strict=True):
            store.set_instrument(terms.symbol, terms)
            store.set_mark(terms.symbol, mark)
        for name, asset in self.assets().items():
            store.set_asset(name, asset)
        store.set_portfolio(self.portfolio())

    def portfolio(self, method: Method = Method.SCENARIO) -> PortfolioTerms:
        """Return a method over groups of symbols, all settled in BTC in one; each fiftieth symbol is in none."""
        members: list[list[str]] = [[] for _ in range(self.groups)]
        for rank, terms in enumerate(self.instruments):
            if rank % 50 != 49:
                members[0 if terms.settle_asset == "BTC" else rank % self.groups].append(terms.symbol)
        groups = tuple(
            Group(f"G{number}", tuple(names), daily_volume=D(50_000_000), allow_mixed=True)
            for number, names in enumerate(members)
        )
        names = [group.name for group in groups]
        pairs = tuple(Credit(pair, D("0.6")) for pair in pairwise(names))
        bundles = tuple(Bundle(f"P{n}", tuple(names[n : n + 3]), D("0.5")) for n in range(0, len(names), 3))
        methods: Mapping[Method, Terms] = {
            Method.SCENARIO: ScenarioTerms(groups),
            Method.SPAN: SpanTerms(groups, credits=pairs),
            Method.TIMS: TimsTerms(groups, bundles),
            Method.HYPERLIQUID: HyperliquidTerms(
                (Token("USDT", borrowable=True, ltv=D("0.9")), Token("BTC", borrowable=True, ltv=D("0.5")))
            ),
        }
        instruments = dict(zip(self.names, self.instruments, strict=True))
        return PortfolioTerms(method, {method: methods[method]}).resolved(instruments)

    def assets(self) -> dict[str, Asset[Decimal]]:
        """Return the coins with their haircuts."""
        worth = {"USDT": "1", "BTC": "60000", "BNB": "600", "ETH": "3000"}
        buffer = Decimal("0.05")
        return {
            name: Asset(name, Decimal(index), bid_buffer=buffer, ask_buffer=buffer) for name, index in worth.items()
        }

    def accounts(self, count: int) -> Iterator[tuple[int, list[ScopeFacts]]]:
        """Yield (number, scopes) of accounts."""
        for begin in range(0, count, 4096):
            end = min(begin + 4096, count)
            sizes = np.exp(self.rng.normal(np.log(3), 1.02, end - begin)).astype(int) + 1
            for number, size in zip(range(begin, end), np.minimum(sizes, 200).tolist(), strict=True):
                yield number, self._account(size)

    def _account(self, size: int) -> list[ScopeFacts]:
        rng = self.rng
        symbols = sorted(set(np.searchsorted(self._popularity, rng.random(size)).tolist()))
        notionals = np.exp(rng.normal(6.5, 2.0, len(symbols)))
        signs = np.where(rng.random(len(symbols)) < 0.5, -1.0, 1.0)
        drifts = 1 + 0.05 * rng.standard_normal(len(symbols))
        kinds = rng.random(len(symbols) + 2)
        cells: dict[str, list[CellFacts]] = {}
        scopes, gross = [], {"USDT": 0.0, "BTC": 0.0}
        rows = zip(symbols, notionals.tolist(), signs.tolist(), drifts.tolist(), kinds.tolist(), strict=False)
        for symbol, notional, sign, drift, kind in rows:
            terms, price = self.instruments[symbol], float(self.prices[symbol])
            quantity = Decimal(
                f"{sign * (notional / 100 if terms.contract is Contract.INVERSE else notional / price):.5g}"
            )
            cell = CellFacts(terms.symbol, _ONE, quantity, Decimal(f"{price * drift:.6g}"))
            held = notional / price if terms.contract is Contract.INVERSE else notional
            if kind < self.shares.isolated:
                part = PartFacts(terms.settle_asset, Decimal(f"{held * 0.15:.8f}"), (cell,))
                name = f"isolated:{terms.symbol}:both"
                scopes.append(ScopeFacts(name, 0, in_usd=False, blocked=False, parts=(part,)))
            else:
                cells.setdefault(terms.settle_asset, []).append(cell)
                gross[terms.settle_asset] += held
        return [*self._cross(cells, gross, float(kinds[-1]), float(kinds[-2])), *scopes]

    def _cross(
        self, cells: dict[str, list[CellFacts]], gross: dict[str, float], kind: float, margin: float
    ) -> list[ScopeFacts]:
        share = 0.06 + 0.5 * margin
        parts = [
            PartFacts(asset, Decimal(f"{gross[asset] * share + 1e-4:.8f}"), tuple(cells.get(asset, ())))
            for asset in ("USDT", "BTC")
            if asset == "USDT" or cells.get(asset)
        ]
        is_portfolio = self.shares.multi_asset <= kind < self.shares.multi_asset + self.shares.portfolio
        if is_portfolio:
            parts = [PartFacts(part.asset, part.wallet * 4, part.cells) for part in parts]
            return [ScopeFacts("portfolio", 0, in_usd=True, blocked=False, parts=tuple(parts), portfolio=True)]
        if kind < self.shares.multi_asset:
            parts.append(PartFacts("BNB", Decimal("0.5"), ()))
            return [ScopeFacts("cross:USD", 0, in_usd=True, blocked=False, parts=tuple(parts))]
        return [ScopeFacts(f"cross:{part.asset}", 0, in_usd=False, blocked=False, parts=(part,)) for part in parts]
