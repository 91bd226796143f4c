"""Bins: where on a logarithmic scale a score lies, so that distributions of many shards can be added up.

The scale and the lights read from it live here. A bin is a sixteenth of an octave, found without rounding: the same
score lies in the same bin wherever it is counted. `ranks` finds the bins of many scores at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import frexp
from typing import Final

OCTAVES: Final = 64
"""Scores beyond 2^±64 count as that."""
PARTS: Final = 16
LIGHTS: Final = 5


def bin_of(score: float) -> int:
    """Return the bin of a score: 0 for 0, above it for positive scores, below it for negative ones; rising."""
    if score == 0:
        return 0
    fraction, exponent = frexp(abs(score))
    if exponent > OCTAVES:
        fraction, exponent = 0.5, OCTAVES + 1
    elif exponent <= -OCTAVES:
        fraction, exponent = 0.5, 1 - OCTAVES
    place = (exponent + OCTAVES) * PARTS + int((fraction - 0.5) * 2 * PARTS)
    return place if score > 0 else -place


def light_of(above: int, total: int) -> int:
    """Return the light 0 … 4 of a holder that `above` of `total` holders outrank: the first fifth shows 4.

    Source: Aster API, `GET adlQuantile`: quantile = rank ÷ all users, shown in five steps, 4 is taken first.
    """
    return (LIGHTS * (total - above) - 1) // total


def thresholds(distribution: Mapping[int, int], total: int) -> tuple[int, int, int, int]:
    """Return the lowest bins that show 1, 2, 3 and 4; `total` also counts holders that are in no bin.

    Holders of one bin share the place of its first. `light_of` is at least n where no more than ((5 − n)·total − 1)/5
    are above.
    """
    falling = sorted(distribution, reverse=True)
    above = list(accumulate((distribution[place] for place in falling), initial=0))[:-1]
    lowest = (_NEVER, *falling)
    first, second, third, fourth = (
        lowest[bisect_right(above, ((LIGHTS - light) * total - 1) // LIGHTS)] for light in range(1, LIGHTS)
    )
    return first, second, third, fourth


_NEVER: Final = 1 << 30
"""A bin no score lies in."""
