"""The liquidation move: the common move of all groups at which a portfolio scope reaches its liquidation line.

What moves, and how far each group does, is said here; the requirement along the way is the methods'.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from monitor.core.portfolio.dual import Dual
from monitor.core.portfolio.journey import Book, Journey, Moved, Way
from monitor.core.portfolio.search import Range, nearest_zeros, polished
from monitor.core.portfolio.terms import HyperliquidTerms

_ALL = Decimal(1)
_WITHIN = Range(-1 + 1e-9, 10.0)
"""From a fall of (all but) the whole price to eleven times of it."""


def liquidation_move(book: Book, *, is_above: bool) -> Decimal | None:
    """Return the common move nearest to 0 at which E = k·MM, the lower of two as near; None within −100 % … +1000 %.

    Each group moves by its own move over the greatest one, its assets with its members; equity and requirement are
    taken anew at the moved prices. Without groups (hyperliquid) all marks move alike, and all tokens nobody borrows.
    Needs `FINE_DIGITS`.
    """
    floats = book.in_floats()
    ways = [_way(one) for one in (floats, book)]
    if not ways[0].marks and not ways[0].indices:
        return None
    quick, exact = Journey(floats, ways[0]), Journey(book, ways[1])
    zeros = nearest_zeros(quick.margin, 0.0, is_above, list(_cuts(book, exact)), _WITHIN, abs)
    moves = [move for move in (polished(exact.margin, zero) for zero in zeros) if -1 < move <= 10]
    return min(moves, key=lambda move: (abs(move), move), default=None)


def _way(book: Book) -> Way:
    shares = {name: book.kind(share) for name, share in _shares(book).items() if share}
    marks = {leg.symbol: _moved(leg.mark, shares[leg.symbol]) for leg in book.legs if leg.symbol in shares}
    indices = {name: _moved(coin.index, shares[name]) for name, coin in book.coins.items() if name in shares}
    return Way(marks, indices)


def _shares(book: Book) -> dict[str, Decimal]:
    """Return by symbol and asset how far it goes in a common move of 1."""
    terms = book.terms
    if isinstance(terms, HyperliquidTerms):
        borrowed = {token.asset for token in terms.tokens if token.borrowable}
        moving = {token.asset for token in terms.tokens} - borrowed
        return dict.fromkeys([*(leg.symbol for leg in book.legs), *moving], _ALL)
    greatest = max((group.up for group in terms.groups), default=Decimal(0))
    if not greatest:
        return {}
    return {name: group.up / greatest for group in terms.groups for name in (*group.members, *group.assets)}


def _moved(price: Any, share: Any) -> Moved:
    slope = price * share

    def at(place: Any) -> Dual:
        return Dual(price + place * slope, slope + place * 0)

    return at


def _cuts(book: Book, exact: Journey) -> Iterator[Decimal]:
    """Yield where the margin may bend the other way, or jump: where a bracket begins, a delta or an amount is 0."""
    shares = _shares(book)
    for leg in book.legs:
        share = shares.get(leg.symbol)
        if leg.group is None and share:
            yield from ((floor / leg.mark - 1) / share for floor in leg.floors())
    yield from exact.bends(Decimal(0))
