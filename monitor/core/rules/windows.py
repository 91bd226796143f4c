"""Windows: the marks of a shard's contracts, sampled at a fixed interval and kept for a bounded time.

The interval is cut into slots of the wall clock; a return is taken between the samples of two slots that follow each
other, never across a gap. What returns are used for is in `correlation`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

_FORMAT = "1"
_SECTION = "\x1e"
_FIELD = "\x1f"
_PLACES = Decimal("1e-12")
_FINE = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""Enough for 12 places of the largest quotient of two prices, 1e60."""


class Windows:
    """Hold the last samples of all contracts that are asked for."""

    def __init__(self, sample_ms: int, most: int) -> None:
        self.sample_ms = sample_ms
        self._most = most
        self._samples: dict[int, Mapping[str, Decimal]] = {}

    @property
    def last_slot(self) -> int:
        """The slot of the last sample, −1 before the first."""
        return max(self._samples, default=-1)

    def is_due(self, now_ms: int) -> bool:
        """Return whether a slot has begun that has no sample yet."""
        return now_ms // self.sample_ms > self.last_slot

    def sample(self, marks: Mapping[str, Decimal], now_ms: int) -> tuple[str, bytes]:
        """Keep the marks of this moment; return the place and the record that remember them: a ring of records."""
        slot = now_ms // self.sample_ms
        self._samples[slot] = dict(marks)
        self._forget(slot)
        return str(slot % self._most), _pack(slot, marks)

    def restore(self, records: Collection[bytes]) -> None:
        """Take over what another owner has sampled; of rings of different lengths what is recent enough counts."""
        self._samples = dict(sorted(map(_unpack, records), key=lambda one: one[0]))
        self._forget(self.last_slot)

    def _forget(self, slot: int) -> None:
        for old in [one for one in self._samples if one <= slot - self._most]:
            del self._samples[old]

    def steps(self, window_ms: int) -> int:
        """Return how many returns a window holds when none is missing."""
        return min(window_ms // self.sample_ms, self._most - 1)

    def returns(self, symbols: Collection[str], window_ms: int) -> dict[str, list[Decimal]]:
        """Return the returns of some contracts over the last samples of a window, side by side.

        A step is taken where all of them have both marks. A return is p₁/p₀ − 1, rounded half-even to 12 places: it is
        what evidence states.
        """
        last = self.last_slot
        found: dict[str, list[Decimal]] = {symbol: [] for symbol in symbols}
        for slot in range(last - self.steps(window_ms) + 1, last + 1):
            before, after = self._samples.get(slot - 1), self._samples.get(slot)
            if before is None or after is None or not all(name in before and name in after for name in symbols):
                continue
            for name in symbols:
                step = _FINE.divide(after[name] - before[name], before[name])
                found[name].append(step.quantize(_PLACES, context=_FINE))
        return found


def _pack(slot: int, marks: Mapping[str, Decimal]) -> bytes:
    lines = (f"{symbol}{_FIELD}{mark}" for symbol, mark in sorted(marks.items()))
    return _SECTION.join((f"{_FORMAT}{_FIELD}{slot}", *lines)).encode()


def _unpack(record: bytes) -> tuple[int, Mapping[str, Decimal]]:
    head, *lines = record.decode().split(_SECTION)
    form, slot = head.split(_FIELD)
    if form != _FORMAT:
        raise ValueError(f"samples in format {form!r}, this version reads {_FORMAT!r}")
    pairs = (line.split(_FIELD) for line in lines)
    return int(slot), {symbol: Decimal(mark) for symbol, mark in pairs}
