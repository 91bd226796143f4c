"""What becomes of a price in the store when its age passes a line: a stale one is only known within its band.

How old prices are is the board's to say, what follows for a scope the verdict's.
"""

from __future__ import annotations

from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.freshness import Age
from monitor.core.store import MarginStore


@exactly
def band_age(name: str, board: MarketBoard, store: MarginStore, *, is_asset: bool) -> None:
    """Widen a price that has become stale to its band, or narrow it again."""
    if not is_asset:
        stale = board.symbol_age(name) is Age.STALE
        mark = board.mark(name)
        ends = board.band(mark) if stale and mark is not None else (None, None)
        store.set_band(name, *ends)
        return
    terms = board.asset(name)
    stale = board.asset_age(name) is Age.STALE
    if stale and terms is not None and terms.index_price is not None:
        low, high = board.band(terms.index_price)
        store.set_asset(name, terms, low=low, high=high)
    else:
        store.set_asset(name, terms)
