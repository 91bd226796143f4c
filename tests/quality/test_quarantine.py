"""What a board keeps of prices that are not believed, what is late among them, and what a doubt reaches back to."""

from __future__ import annotations

from decimal import Decimal
from math import inf, nextafter

from monitor.core.board import MarketBoard
from monitor.core.freshness import FreshnessSettings
from monitor.core.prices import PriceUpdate
from monitor.core.quality.judging import Quality
from tests.quality.test_formulas import MINUTE_MS, Told, seconds

AT_MS = MINUTE_MS + 202_000
"""Before the delay of what is doubted is over."""


def verdicts() -> tuple[Quality, Quality]:
    """Return a verdict that believes a price, and one that does not yet."""
    told = Told()
    told.all(seconds(0, 200, 100))
    return told.one(200_000, 100), told.one(201_000, 80)


def shown(board: MarketBoard, quality: Quality | None, mark: int, event_ms: int, offset: int) -> int:
    """Show a price of X to a board; return how many were late."""
    update = PriceUpdate("X", Decimal(mark), None, None, None, AT_MS + event_ms)
    return board.take_all((update,), 0, offset, AT_MS, (quality,)).late


def kept(board: MarketBoard) -> tuple[Decimal | None, int | None, Quality | None]:
    """Return the mark that counts, the offset of the one in quarantine, and the verdict on the first."""
    doubted = board.quarantine.doubted.get("X")
    return board.mark("X"), None if doubted is None else doubted.offset, board.quarantine.qualities.get("X")


def test_the_highest_quarantined_price_is_kept_and_lower_ones_are_late() -> None:
    """By event time, partition and offset: what is at or below what counts, or is quarantined already, is late."""
    good, bad = verdicts()
    board = MarketBoard(FreshnessSettings())
    assert shown(board, good, 100, 10, 1) == 0
    assert kept(board) == (100, None, good)
    assert [shown(board, bad, 80, event_ms, 2) for event_ms in (9, 20)] == [1, 0]
    assert kept(board) == (100, 2, good)
    assert [shown(board, bad, 70, 20, offset) for offset in (1, 2, 3)] == [1, 1, 0]
    assert kept(board) == (100, 3, good)
    assert shown(board, good, 101, 15, 4) == 0, "above what counts, below what is quarantined"
    assert kept(board) == (101, 3, good)
    assert shown(board, bad, 60, 15, 4) == 1, "where the one that counts stands"


def test_the_verdict_is_that_of_the_price_that_counts() -> None:
    """A late price changes nothing about it; one without a verdict has none; at its place a quarantine ends."""
    good, bad = verdicts()
    board = MarketBoard(FreshnessSettings())
    shown(board, good, 100, 10, 1)
    assert shown(board, good._replace(released_ms=1), 99, 5, 2) == 1
    assert kept(board) == (100, None, good)
    shown(board, bad, 80, 20, 3)
    shown(board, good, 81, 20, 3)
    assert kept(board) == (81, None, good)
    shown(board, None, 82, 30, 4)
    assert kept(board) == (82, None, None)
    both = [PriceUpdate(name, Decimal(83), None, None, None, AT_MS + 40) for name in ("X", "Y")]
    board.take_all(both, 0, 5, AT_MS, (good, bad))
    assert kept(board) == (83, None, good)
    assert (board.mark("Y"), board.quarantine.doubted["Y"].offset) == (None, 5)


def test_a_doubt_goes_on_within_the_ceiling_of_what_is_doubted() -> None:
    """From the lowest doubted price less the ceiling to the highest and it: a step beyond has a delay of its own."""
    for mark, goes_on in ((40, True), (nextafter(40, 0), False), (144, True), (nextafter(144, inf), False)):
        told = Told()
        told.all(seconds(0, 200, 128))
        told.all([(200_000, 96, None), (201_000, 80, None)])
        assert bool(told.one(202_000, mark).observed.doubts) is goes_on, mark


def test_an_index_has_moved_since_the_minute_in_which_the_mark_stood() -> None:
    """A mark that stands for three minutes is held against the index of three minutes ago, not of the last one."""
    told = Told(stuck_after_ms=180_000, index_divergence=9.0, constant_divergence=9.0)
    told.all([*seconds(0, 150, 100, 128), *seconds(150, 240, 100, 144)])
    quality = told.one(240_000, 100, 144)
    assert (quality.reasons, quality.observed.index_moved) == (("stuck",), 0.125)
