"""Latencies: percentiles, and histograms whose bins grow by a tenth of a decade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Final

PERCENTILES: Final = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))
_BINS_A_DECADE: Final = 10
_WIDTH: Final = 50
_LEAST_SECONDS: Final = 1e-4


@dataclass(frozen=True)
class Bin:
    """Hold how many latencies lie between two, in milliseconds."""

    low_ms: float
    high_ms: float
    count: int

    def __str__(self) -> str:
        return f"{_plain(self.low_ms)}–{_plain(self.high_ms)} ms"


@dataclass(frozen=True)
class Latencies:
    """Hold latencies of one kind, in seconds."""

    name: str
    seconds: Sequence[float]

    def percentile(self, share: float) -> float:
        """Return the latency that such a share of them is not above, in milliseconds; NaN of none."""
        ordered = sorted(self.seconds)
        if not ordered:
            return float("nan")
        place = max(0, min(len(ordered) - 1, -floor(-share * len(ordered)) - 1))
        return ordered[place] * 1000

    def bins(self) -> list[Bin]:
        """Return the histogram, from the first bin that holds anything to the last."""
        places = Counter(floor(_BINS_A_DECADE * log10(max(one, _LEAST_SECONDS))) for one in self.seconds)
        if not places:
            return []
        counts = [places[place] for place in range(min(places), max(places) + 1)]
        edges = [1000 * 10 ** (place / _BINS_A_DECADE) for place in range(min(places), max(places) + 2)]
        return [Bin(low, high, count) for low, high, count in zip(edges, edges[1:], counts, strict=False)]

    def lines(self) -> list[str]:
        """Return percentiles and histogram for the terminal; bars as long as the logarithm of their counts."""
        figures = ", ".join(f"{name} {self.percentile(share):,.1f} ms" for name, share in PERCENTILES)
        lines = [f"{self.name}: {len(self.seconds):,} events, {figures}"]
        most = max((log10(1 + one.count) for one in self.bins()), default=1.0)
        lines += [
            f"  {one!s:>18} {one.count:>8,} {'#' * round(_WIDTH * log10(1 + one.count) / most)}" for one in self.bins()
        ]
        return lines

    def body(self) -> dict[str, object]:
        """Return the same for JSON."""
        return {
            "events": len(self.seconds),
            "milliseconds": {name: self.percentile(share) for name, share in PERCENTILES},
            "bins": [[one.low_ms, one.high_ms, one.count] for one in self.bins()],
        }


def quantile_of(buckets: Sequence[tuple[float, float]], share: float) -> float:
    """Return the edge of the histogram bucket in which such a share is reached; NaN where nothing was counted."""
    total = buckets[-1][1] if buckets else 0.0
    return next((edge for edge, count in buckets if total and count >= share * total), float("nan"))


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
