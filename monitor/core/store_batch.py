"""From exact facts to a flat batch: base and fixed requirement of every row computed exactly, each rounded once.

Nothing is written here; `store_write` does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import nan
from typing import Final

import numpy as np

from monitor.core.amounts import exactly
from monitor.core.instruments import Contract, Instrument
from monitor.core.positions import maintenance_margin
from monitor.core.store_coins import Assets
from monitor.core.store_columns import GROUP, PORTFOLIO, SINGLE, Batch
from monitor.core.store_facts import PartFacts, ScopeFacts
from monitor.core.store_terms import Contracts

Facts = Iterable[tuple[int, Sequence[ScopeFacts]]]

_ONE: Final = Decimal(1)
_NOTHING: Final = Fraction(0)
_QUOTIENT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
"""Divides so finely that the error is below 1e-20 of the notional at any price: see `kernels`."""


class BatchBuilder:
    """Collect the columns of one batch; `finish` makes arrays of them."""

    def __init__(self, contracts: Contracts, assets: Assets, names: dict[str, int]) -> None:
        self._contracts = contracts
        self._assets = assets
        self._names = names
        self._accounts: list[int] = []
        self._scopes: list[int] = []
        self._parts: list[int] = []
        self._amounts: list[float] = []
        self._codes: list[int] = []
        self._sizes: list[float] = []
        self.costs: list[float] = []
        """Q·v(entry) of every position: what `kernels_adl` counts profit from."""
        self.highest = -1
        """The highest account."""
        self.widest = 0
        """The most positions of a part, or parts of a scope."""
        self.most = 0
        """The most positions of a scope."""

    @exactly
    def add_all(self, facts: Facts) -> None:
        """Add accounts with all their scopes."""
        names, parts, codes = self._names, self._parts, self._codes
        scope_count = 0
        for account, scopes in facts:
            for scope in scopes:
                name = names.get(scope.name)
                if name is None:
                    name = names[scope.name] = len(names)
                cells, part_count = len(codes), len(parts)
                if scope.in_usd:
                    for part in scope.parts:
                        if part.cells or part.wallet:
                            self._add_part(part, in_portfolio=scope.portfolio)
                    self.widest = max(self.widest, (len(parts) - part_count) >> 1)
                else:
                    self._add_only_part(scope.parts)
                kind = SINGLE if not scope.in_usd else PORTFOLIO if scope.portfolio else GROUP
                self._scopes += (name, scope.ladder, kind, scope.blocked, len(parts) >> 1)
                self.most = max(self.most, len(codes) - cells)
                scope_count += 1
            self._accounts += (account, scope_count)
            self.highest = max(self.highest, account)

    def _add_only_part(self, parts: Sequence[PartFacts]) -> None:
        if len(parts) > 1:
            raise ValueError("a scope that is not in USD has one settle asset")
        if parts:
            self._add_part(parts[0], in_portfolio=False)
        else:
            self._parts += (0, len(self._codes))
            self._amounts += (0.0, 0.0)

    def _add_part(self, part: PartFacts, *, in_portfolio: bool) -> None:
        """Add a row: B = wallet − Σ Q·entry (inverse: + Σ Q/entry), exactly; grouped positions require nothing."""
        base, fixed, known = part.wallet, _NOTHING, True
        contracts, codes, sizes = self._contracts, self._codes, self._sizes
        first = len(codes)
        for cell in part.cells:
            name, multiplier, size, entry_price = cell
            symbol = contracts.symbols.get(name) or contracts.symbol(name)
            line = symbol.line_of_one if multiplier == _ONE else -1
            if line < 0:
                line = contracts.line(symbol, multiplier)
            if not size:
                continue
            if symbol.size is not None:
                size = size * symbol.size
            cost = -_QUOTIENT.divide(size, entry_price) if symbol.inverse else size * entry_price
            base = base - cost
            if symbol.terms is None:
                known = False
            elif symbol.at_entry and not (in_portfolio and symbol.group >= 0):
                fixed += _required_at_entry(symbol.terms, size, entry_price, multiplier)
            codes.append(line << 4)
            sizes.append(float(size))
            self.costs.append(float(cost))
        self._parts += (self._assets.number(part.asset), len(codes))
        self._amounts += (float(base) if known else nan, float(fixed) if fixed else 0.0)
        self.widest = max(self.widest, len(codes) - first)

    def finish(self) -> Batch:
        """Return the columns."""
        return Batch(
            np.array(self._accounts, dtype=np.int64).reshape(-1, 2),
            np.array(self._scopes, dtype=np.int64).reshape(-1, 5),
            np.array(self._parts, dtype=np.int64).reshape(-1, 2),
            np.array(self._amounts, dtype=np.float64).reshape(-1, 2),
            np.array(self._codes, dtype=np.uint32),
            np.array(self._sizes, dtype=np.float64),
        )


def _required_at_entry(
    terms: Instrument[Decimal], size: Decimal, entry_price: Decimal, multiplier: Decimal
) -> Fraction:
    """Return the requirement of a position whose notional is taken at its entry price."""
    entry = Fraction(entry_price)
    at_entry = abs(Fraction(size)) / entry if terms.contract is Contract.INVERSE else abs(Fraction(size)) * entry
    stretch = Fraction(multiplier)
    tier = terms.rational.tiers[terms.rational.tier_index(at_entry, stretch)]
    return maintenance_margin(at_entry, tier, terms.rational.closing_fee_rate, stretch)
