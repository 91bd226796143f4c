"""The facts the store is given: what each margin scope of an account is made of, in exact numbers.

Only their shape lives here. Which scopes an account has is decided in `scopes`, what the store makes of them in
`store_batch`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class CellFacts(NamedTuple):
    """Hold one position: `quantity` in contracts, signed; `multiplier` stretches the brackets of this account."""

    symbol: str
    multiplier: Decimal
    quantity: Decimal
    entry_price: Decimal


class PartFacts(NamedTuple):
    """Hold what a scope has in one settle asset: its wallet and the positions settled in it."""

    asset: str
    wallet: Decimal
    cells: tuple[CellFacts, ...]


class ScopeFacts(NamedTuple):
    """Hold one margin scope.

    `ladder` is the index of its ladder in the store. `in_usd`: the parts are valued in USD by the assets' terms;
    otherwise there is at most one part and its own asset is the unit. `blocked`: unknown for a reason that prices do
    not change, so never a candidate. `portfolio`: in USD, and margined by the portfolio method in force.
    """

    name: str
    ladder: int
    in_usd: bool
    blocked: bool
    parts: tuple[PartFacts, ...]
    portfolio: bool = False
