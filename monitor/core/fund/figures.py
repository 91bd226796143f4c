"""Figures of a fund for those who watch: level, what is left, drawdown, and how long it will last.

Only what is shown lives here, as floats; decisions are made from exact figures.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.core.fund.decision import FundView
from monitor.core.fund.entries import Book
from monitor.core.funds import FundShelf

_LEAST_PARTS = 3
"""A rate needs figures in so many parts of the window; a balance that comes once a day never has them."""


class FundFigures(NamedTuple):
    """Hold the figures of one fund, amounts in its asset; None where a figure cannot be told."""

    fund: str
    balance: float
    left: float
    drawdown: float | None
    open_claims: int
    runway_seconds: float | None


def figures_of(fund: str, view: FundView, book: Book, shelf: FundShelf, now_ms: int) -> FundFigures:
    """Return the figures of a fund; the drawdown is that of what is left, from the peak of the window."""
    left, peak = float(view.left), float(view.peak)
    drawdown = (peak - left) / peak if peak > 0 else None
    runway = runway_seconds(fund, left, float(view.balance), shelf, now_ms)
    return FundFigures(fund, float(view.balance), left, drawdown, book.covered, runway)


def runway_seconds(fund: str, left: float, balance: float, shelf: FundShelf, now_ms: int) -> float | None:
    """Return how long what is left lasts at the rate the balance has fallen since its peak; infinite where it has not.

    None where figures come too seldom to tell a rate.
    """
    oldest = shelf.grain(now_ms - shelf.window_ms)
    levels = {part: float(level) for part, level in shelf.levels(fund).items() if part >= oldest}
    if len(levels) < _LEAST_PARTS:
        return None
    part, peak = max(levels.items(), key=lambda item: (item[1], item[0]))
    elapsed_ms = (shelf.grain(now_ms) - part) * max(1, shelf.window_ms // shelf.GRAINS)
    fallen = peak - balance
    if fallen <= 0 or elapsed_ms <= 0:
        return float("inf")
    return max(0.0, left) / (fallen / (elapsed_ms / 1000))
