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
from monitor.core.store_facts import PartFacts, ScopeFacts
from monitor.core.store_terms import Contracts
from monitor.core.store_write import Batch

Facts = Iterable[tuple[int, Sequence[ScopeFacts]]]

_ONE: Final = Decimal(1)
_QUOTIENT: Final = Context(prec=250, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
"""Divides so finely that the error is below 1e-60 of any notional: see `kernels`."""


class BatchBuilder:
    """Collect the columns of one batch; `finish` makes arrays of them."""

    def __init__(self, contracts: Contracts, assets: Assets, names: dict[str, int]) -> None:
        self._contracts = contracts
        self._assets = assets
        self._names = names
        self.accounts: list[int] = []
        self.scope_ends: list[int] = []
        self.scopes: list[tuple[int, int, bool, bool, int]] = []
        self.parts: list[tuple[int, float, float, int]] = []
        self.codes: list[int] = []
        self.sizes: list[float] = []

    @exactly
    def add_all(self, facts: Facts) -> None:
        """Add accounts with all their scopes."""
        names = self._names
        for account, scopes in facts:
            for scope in scopes:
                name = names.get(scope.name)
                if name is None:
                    name = names[scope.name] = len(names)
                if scope.in_usd:
                    for part in scope.parts:
                        if part.cells or part.wallet:
                            self._add_part(part)
                else:
                    self._add_only_part(scope.parts)
                self.scopes.append((name, scope.ladder, scope.in_usd, scope.blocked, len(self.parts)))
            self.accounts.append(account)
            self.scope_ends.append(len(self.scopes))

    def _add_only_part(self, parts: Sequence[PartFacts]) -> None:
        if len(parts) > 1:
            raise ValueError("a scope that is not in USD has one settle asset")
        if parts:
            self._add_part(parts[0])
        else:
            self.parts.append((0, 0.0, 0.0, len(self.codes)))

    def _add_part(self, part: PartFacts) -> None:
        """Add a row: B = wallet − Σ Q·entry (inverse: + Σ Q/entry), exactly."""
        base, fixed, known = part.wallet, Fraction(0), True
        contracts, codes, sizes = self._contracts, self.codes, self.sizes
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
            base = base + _QUOTIENT.divide(size, entry_price) if symbol.inverse else base - size * entry_price
            if symbol.terms is None:
                known = False
            elif symbol.at_entry:
                fixed += _required_at_entry(symbol.terms, size, entry_price, multiplier)
            codes.append(line << 4)
            sizes.append(float(size))
        number = self._assets.number(part.asset)
        self.parts.append((number, float(base) if known else nan, float(fixed), len(codes)))

    def finish(self) -> Batch:
        """Return the columns."""
        scopes = np.array(self.scopes, dtype=np.int64).reshape(-1, 5)
        parts = np.array(self.parts, dtype=np.float64).reshape(-1, 4)
        return Batch(
            account=np.array(self.accounts, dtype=np.int64),
            scope_end=np.array(self.scope_ends, dtype=np.int64),
            name=scopes[:, 0].astype(np.uint32),
            ladder=scopes[:, 1].copy(),
            in_usd=scopes[:, 2].astype(np.uint8),
            blocked=scopes[:, 3].astype(np.uint8),
            part_end=scopes[:, 4].copy(),
            asset=parts[:, 0].astype(np.uint32),
            base=parts[:, 1].copy(),
            fixed=parts[:, 2].copy(),
            cell_end=parts[:, 3].astype(np.int64),
            code=np.array(self.codes, dtype=np.uint32),
            size=np.array(self.sizes, dtype=np.float64),
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
