"""The liquidation price of a position in a portfolio scope: the mark at which the scope meets its liquidation line.

What moves with the mark and where its margin may bend or jump is said here; the walk is `journey`'s, the search
`search`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from monitor.core.portfolio.dual import Dual
from monitor.core.portfolio.journey import Book, Journey, Way
from monitor.core.portfolio.search import Range, nearest_zeros, polished

_FARTHEST = 1e12
"""Prices this many times above and below the present one are looked at."""


def liquidation_price(book: Book, symbol: str, coupled: str | None, *, is_above: bool) -> Fraction | None:
    """Return the mark of `symbol` nearest to the present one at which E = k·MM; None where there is none.

    The index of `coupled` (the contract's base asset, where the scope holds it) moves in proportion. `is_above` says
    whether the scope is above its line now. An inverse contract whose coin does not move is solved in 1/mark, where its
    margin is made of straight lines.
    """
    moving = [leg for leg in book.legs if leg.symbol == symbol]
    mark = moving[0].mark
    flipped = moving[0].is_inverse and moving[0].terms.settle_asset != coupled
    way = _way(book, symbol, coupled, mark, flipped=flipped)
    start = 1 / mark if flipped else mark
    quick, exact = Journey(book.in_floats(), way), Journey(book, way)
    cuts = [cut for cut in _cuts(book, exact, symbol, start, flipped=flipped) if cut > 0]
    within = Range(float(start) / _FARTHEST, float(start) * _FARTHEST)
    zeros = nearest_zeros(quick.margin, float(start), is_above, cuts, within)
    found = [polished(exact.margin, zero) for zero in zeros]
    prices = [1 / zero if flipped else zero for zero in found if zero > 0]
    return min(prices, key=lambda price: (abs(price - mark), price), default=None)


def _way(book: Book, symbol: str, coupled: str | None, mark: Fraction, *, flipped: bool) -> Way:
    def price(place: Any) -> Dual:
        return Dual(1 / place, -1 / (place * place)) if flipped else Dual(place, place - place + 1)

    if coupled is None:
        return Way({symbol: price}, {})
    share = book.coins[coupled].index / mark
    return Way({symbol: price}, {coupled: lambda place: price(place) * share})


def _cuts(book: Book, exact: Journey, symbol: str, start: Fraction, *, flipped: bool) -> Iterator[Fraction]:
    """Yield where the margin may bend the other way, or jump: at floors, where a delta or an amount becomes 0."""
    for leg in book.legs:
        if leg.symbol == symbol and leg.group is None:
            yield from (1 / floor if flipped else floor for floor in leg.floors())
    yield from exact.bends(start)
