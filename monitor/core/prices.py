"""Price updates: what one message says about the price of one contract.

Only the statement lives here; which of two statements counts is decided by the market board, how old a price may be by
freshness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


class TakenPrices(NamedTuple):
    """Hold what of a message was taken over: the marks, what was before each of them, and how many prices were late.

    `turned` names the symbols that are quarantined or called doubtful now and were not, or the other way round.
    """

    marks: dict[str, Decimal]
    before: dict[str, Decimal | None]
    late: int
    turned: tuple[str, ...] = ()


class RelativeMoves(Mapping[str, Decimal]):
    """Hold by how much of itself each price has moved, roughly: it only says which moved most.

    Each is worked out when somebody asks, for hardly any message is asked about.
    """

    def __init__(self, before: Mapping[str, Decimal | None], marks: Mapping[str, Decimal]) -> None:
        self._before = before
        self._marks = marks
        self._known: dict[str, Decimal] = {}

    def __getitem__(self, symbol: str) -> Decimal:
        """Return the move of a symbol, 0 where it had no price before."""
        known = self._known.get(symbol)
        if known is None:
            last, mark = self._before[symbol], self._marks[symbol]
            known = Decimal(0) if last is None else Decimal(float(abs(mark - last)) / float(last))
            self._known[symbol] = known
        return known

    def __contains__(self, symbol: object) -> bool:
        """Return whether a symbol was priced."""
        return symbol in self._marks

    def __iter__(self) -> Iterator[str]:
        """Return the symbols that were priced."""
        return iter(self._marks)

    def __len__(self) -> int:
        """Return how many symbols were priced."""
        return len(self._marks)
