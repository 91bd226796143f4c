"""How large a population is, and of which kinds of accounts it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Mix:
    """Hold which share of the contracts is inverse, of the positions isolated, of the accounts in another mode."""

    name: str
    inverse: float = 0.0
    isolated: float = 0.0
    multi_asset: float = 0.0
    portfolio: float = 0.0


LINEAR = Mix("linear")
PORTFOLIOS = Mix("portfolio", portfolio=1.0)
MIXES = (
    Mix("inverse", inverse=0.3),
    Mix("multi-asset", multi_asset=0.3),
    Mix("isolated", isolated=0.3),
)


@dataclass(frozen=True)
class Sizes:
    """Hold how many accounts, positions and contracts there are, and the seed they are drawn with."""

    accounts: int
    positions: int
    symbols: int
    seed: int

    def with_accounts(self, accounts: int) -> Sizes:
        """Return a population of fewer (or more) accounts that hold as much each."""
        return replace(self, accounts=accounts, positions=round(self.positions * accounts / self.accounts))
