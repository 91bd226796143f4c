"""Price messages as a venue sends them: all contracts, walking at random, the same walk for the same seed.

The walk has the same speed whatever the pace: between two of many messages a second prices move less.
"""

from __future__ import annotations

import json
from typing import Final

import numpy as np

from bench import facts
from bench.venue import Venue
from monitor.adapters.wire import WireCodec
from monitor.core.inputs import Origin, Prices
from monitor.core.limits import Limits

_A_SECOND: Final = 1e-4
"""Standard deviation of what a price moves by in a second, relatively: 56 % a year."""


class Market:
    """Make messages of all prices, and read them as a shard does."""

    def __init__(self, venue: Venue, seed: int) -> None:
        self._venue = venue
        self._rng = np.random.default_rng(seed)
        self._at = np.log(venue.marks[0].astype(np.float64))
        self._now_ms, self._offset = facts.START_MS, 1_000_000
        self._codec = WireCodec(Limits())

    def message(self, pace: int) -> bytes:
        """Return the next message where there are so many a second."""
        self._at += self._rng.standard_normal(len(self._at)) * _A_SECOND / pace**0.5
        self._now_ms += 1_000 // pace
        marks = np.maximum(np.rint(np.exp(self._at)), 1).astype(np.int64).tolist()
        decimals = self._venue.decimals.tolist()
        body = [
            {"symbol": name, "mark_price": f"{mark / 10**places:.{places}f}", "event_time_ms": self._now_ms}
            for name, mark, places in zip(self._venue.names, marks, decimals, strict=True)
        ]
        return json.dumps(body, separators=(",", ":")).encode()

    def read(self, value: bytes) -> Prices:
        """Decode and check a message."""
        self._offset += 1
        message = self._codec.prices(value)
        return Prices(message.prices, Origin("mark-prices", 0, self._offset), self._now_ms)
