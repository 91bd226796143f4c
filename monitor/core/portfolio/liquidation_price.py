"""The liquidation price of a position in a portfolio scope: the mark at which the scope meets its liquidation line.

What moves with the mark and where its margin may bend or jump is said here; the walk is `journey`'s, the search
`search`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from monitor.core.portfolio.dual import Dual
from monitor.core.portfolio.journey import Book, Journey, Moved, Way
from monitor.core.portfolio.search import Range, nearest_zeros, polished

_WITHIN = Range(1e-12, 1e12)
"""How far from the present mark is looked, as a share of it."""


def liquidation_price(book: Book, symbol: str, coupled: str | None, *, is_above: bool) -> Decimal | None:
    """Return the mark of `symbol` nearest to the present one at which E = k·MM; None where there is none.

    The index of `coupled` (the contract's base asset, where the scope holds it) moves in proportion. `is_above` says
    whether the scope is above its line now. An inverse contract whose coin does not move is solved in 1/mark, where its
    margin is made of straight lines. A linear contract settled in the coin that moves with it bends the other way:
    there a zero behind another one may be missed. Needs `FINE_DIGITS`.
    """
    moving = next(leg for leg in book.legs if leg.symbol == symbol)
    mark: Decimal = moving.mark
    flipped = moving.is_inverse and moving.terms.settle_asset != coupled
    quick, exact = (Journey(one, _way(one, symbol, coupled, flipped=flipped)) for one in (book.in_floats(), book))
    cuts = [cut for cut in _cuts(book, exact, symbol, flipped=flipped) if cut > 0]
    zeros = nearest_zeros(
        quick.margin, 1.0, is_above, cuts, _WITHIN, lambda place: abs((1 / place if flipped else place) - 1)
    )
    found = [place for zero in zeros if (place := polished(exact.margin, zero)) > 0]
    prices = [mark / place if flipped else mark * place for place in found]
    return min(prices, key=lambda price: (abs(price - mark), price), default=None)


def _way(book: Book, symbol: str, coupled: str | None, *, flipped: bool) -> Way:
    """Return how the mark, and what is coupled to it, moves: in proportion with the place, or with its reciprocal."""

    def moved(price: Any) -> Moved:
        def at(place: Any) -> Dual:
            if flipped:
                return Dual(price / place, -price / (place * place))
            return Dual(price * place, price + place * 0)

        return at

    indices = {} if coupled is None else {coupled: moved(book.coins[coupled].index)}
    mark = next(leg.mark for leg in book.legs if leg.symbol == symbol)
    return Way({symbol: moved(mark)}, indices)


def _cuts(book: Book, exact: Journey, symbol: str, *, flipped: bool) -> Iterator[Decimal]:
    """Yield where the margin may bend the other way, or jump: at floors, where a delta or an amount becomes 0."""
    for leg in book.legs:
        if leg.symbol == symbol and leg.group is None:
            yield from (leg.mark / floor if flipped else floor / leg.mark for floor in leg.floors())
    yield from exact.bends(Decimal(1))
