"""Lines: what plain contenders need to know of a contract, looked up once for all of them.

What is copied here of terms and marks is forgotten when any of them changes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from monitor.core.board import MarketBoard
from monitor.core.instruments import Contract, Instrument, MaintenanceBasis

_ZERO: Final = Decimal(0)
_NO_END: Final = Decimal("Infinity")


class Line(NamedTuple):
    """Hold a contract: its mark, and what of its terms is asked for all the time.

    In a simple bracket the requirement is nothing but the notional at mark times `rate`. The first one mostly is: up to
    the notional `simple_below`, which is 0 where it is not. A `contract_size` of 1 is None: products cost.
    """

    settle_asset: str
    is_linear: bool
    mark_price: Decimal | None
    contract_size: Decimal | None
    simple_below: Decimal
    rate: Decimal
    base_asset: str | None
    terms: Instrument[Decimal]


class Lines:
    """Keep the lines of a board: one for each contract that was asked for since a price or a term has changed."""

    def __init__(self, board: MarketBoard) -> None:
        self._board = board
        self._serials = board.serials
        self.known: dict[str, Line] = {}
        """Those looked up so far."""

    def refresh(self) -> None:
        """Forget everything if a price or a term has changed."""
        if self._serials != self._board.serials:
            self._serials = self._board.serials
            self.known.clear()

    def line(self, symbol: str) -> Line | None:
        """Return the line of a contract as of the last `refresh`, None without terms. Needs the exact context."""
        known = self.known.get(symbol)
        if known is None:
            terms = self._board.instrument(symbol)
            if terms is None:
                return None
            known = self.known[symbol] = _line_of(terms, self._board.mark(symbol))
        return known


def _line_of(terms: Instrument[Decimal], mark_price: Decimal | None) -> Line:
    first, *others = terms.tiers
    rate = first.rate + terms.closing_fee_rate
    is_simple = not first.deduction and rate >= 0 and terms.maintenance_basis is MaintenanceBasis.MARK
    end = others[0].floor if others else _NO_END
    return Line(
        terms.settle_asset,
        terms.contract is Contract.LINEAR,
        mark_price,
        None if terms.contract_size == 1 else terms.contract_size,
        end if is_simple else _ZERO,
        rate,
        terms.base_asset,
        terms,
    )
