"""Quotes: the price of a symbol that counts, and where it came from.

Which of two counts is the board's to say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

Place = tuple[int, int, int]
"""(event_time_ms, partition, offset): the highest counts."""


class Quote(NamedTuple):
    """Hold the price of a symbol that counts now, and where it came from."""

    mark_price: Decimal
    index_price: Decimal | None
    funding_rate: Decimal | None
    next_funding_time_ms: int | None
    event_time_ms: int
    partition: int
    offset: int
    timestamp_ms: int

    @property
    def place(self) -> Place:
        """Where it stands among the prices of its symbol: the highest counts."""
        return self.event_time_ms, self.partition, self.offset
