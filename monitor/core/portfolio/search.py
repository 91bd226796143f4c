"""The zero nearest to a point of a function that bends one way only between known cuts.

Only the search lives here. Between two cuts the function must be concave: then Newton's step from where it is negative
never passes the zero, and a function made of straight lines is solved in finitely many steps. Places are
measured in a natural unit: the start is of the order of 1, or 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from monitor.core.portfolio.dual import Dual

Function = Callable[[Any], Dual]
"""Maps a float, or a decimal, to value and slope there."""

_INSIDE: Final = 1e-12
"""How far inside its edges a piece is looked at, as a share of the edge: on a cut the function may jump."""
_STEPS: Final = 200
_SAME: Final = 1e-15
_NOTHING: Final = 1e-9
"""What rounding leaves of a 0, beside the slope; what is more was never below 0: there the function bends up."""
_AS_NEAR: Final = 1e-9
"""Two zeros are compared exactly where floats do not tell which is nearer."""
_POLISHING: Final = 20
_FINELY: Final = Decimal("1e-50")
"""A Newton step smaller than this share of the place ends the polishing."""


class Range(NamedTuple):
    """Hold where zeros are looked for; the start lies inside."""

    low: float
    high: float


def nearest_zeros(
    function: Function,
    start: float,
    is_above: bool,
    cuts: Iterable[Decimal],
    within: Range,
    how_far: Callable[[float], float],
) -> list[Decimal | float]:
    """Return the zero nearest to `start`, or the two on either side that are as near; a cut where it jumps over 0.

    `is_above`: whether the function is above 0 at the start, decided exactly by the caller. `how_far` measures how far
    a place is from the start.
    """
    edges = sorted({float(cut): cut for cut in cuts if within.low < cut < within.high}.items())
    below = [edge for edge in reversed(edges) if edge[0] < start]
    above = [edge for edge in edges if edge[0] > start]
    found = (
        _walk(function, start, is_above, below, within.low),
        _walk(function, start, is_above, above, within.high),
    )
    zeros = [zero for zero in found if zero is not None]
    nearest = min((how_far(float(zero)) for zero in zeros), default=0.0)
    return [zero for zero in zeros if how_far(float(zero)) <= nearest * (1 + _AS_NEAR)]


def _walk(
    function: Function, start: float, is_above: bool, cuts: Sequence[tuple[float, Decimal]], end: float
) -> Decimal | float | None:
    """Return the first zero on the way from the start over the cuts to the end."""
    side = 1.0 if end > start else -1.0
    before = start + side * (abs(start) or 1.0) * _INSIDE  # the function may bend at the start itself
    if (function(before).value > 0) is not is_above:
        return start
    for far, cut in cuts:
        after = far - side * abs(far) * _INSIDE
        zero = _in_piece(function, before, is_above, after)
        if zero is not None:
            return zero
        before = far + side * abs(far) * _INSIDE
        was_above, is_above = function(after).value > 0, function(before).value > 0
        if was_above is not is_above:
            return cut
    return _in_piece(function, before, is_above, end)


def _in_piece(function: Function, near: float, is_above: bool, far: float) -> float | None:
    """Return the zero of a concave piece that is nearest to `near`."""
    if not is_above:
        return _newton(function, near, far)
    here = function(near)
    if here.slope:  # the tangent lies above the function: where it is 0, the function is not above 0
        guess: float = near - here.value / here.slope
        if min(near, far) < guess < max(near, far) and (zero := _newton(function, guess, near)) is not None:
            return zero
    return None if function(far).value > 0 else _newton(function, far, near)


def _newton(function: Function, place: float, towards: float) -> float | None:
    """Return the zero that Newton's steps reach from a place where the function is not above 0; None past `towards`."""
    side = 1.0 if towards > place else -1.0
    for _ in range(_STEPS):
        here = function(place)
        if here.value >= 0:
            return place if here.value <= _NOTHING * abs(here.slope) * max(1.0, abs(place)) else None
        if here.slope * side <= 0:
            return None
        following: float = place - here.value / here.slope
        if (following - towards) * side > 0:
            return None
        if abs(following - place) <= _SAME * abs(following):
            return following
        place = following
    return place


def polished(function: Function, zero: Decimal | float) -> Decimal:
    """Return a zero found in floats to fifty digits. The context must carry more digits than that."""
    place = Decimal(zero)
    if isinstance(zero, Decimal):
        sides = [function(place * (1 + side * _FINELY)).value > 0 for side in (-1, 1)]
        if sides[0] is not sides[1]:
            return place
    for _ in range(_POLISHING):
        here = function(place)
        if not here.value or not here.slope:
            return place
        following: Decimal = place - here.value / here.slope
        if abs(following - place) <= _FINELY * abs(following):
            return following
        place = following
    return place
