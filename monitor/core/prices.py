"""Price updates: what one message says about the price of one contract.

Only the statement lives here; which of two statements counts is decided by the market board, how old a price may be by
freshness.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class PriceUpdate(NamedTuple):
    """State the prices of one contract; None where the message does not state a figure.

    Among the updates of one symbol the one with the highest (event_time_ms, partition, offset) counts: the venue's time
    first, then the place in the log, so that every reader of the log comes to the same price. A tuple, not a dataclass:
    a message makes hundreds of them.
    """

    symbol: str
    mark_price: Decimal
    index_price: Decimal | None
    funding_rate: Decimal | None
    next_funding_time_ms: int | None
    event_time_ms: int


def relative_move(last: Decimal | None, mark: Decimal) -> Decimal:
    """Return by how much of itself a price has moved, roughly: it only says which moved most."""
    return Decimal(0) if last is None else Decimal(float(abs(mark - last)) / float(last))
