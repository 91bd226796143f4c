"""Tests of the market board: which price counts, what an asset is worth, and how old each price is."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest

from monitor.core.board import MarketBoard
from monitor.core.freshness import Age, AgeChange, FreshnessSettings
from monitor.core.instruments import Asset
from monitor.core.prices import PriceUpdate, RelativeMoves

D = Decimal


def update(mark: str, time_ms: int, index: str | None = None, symbol: str = "S") -> PriceUpdate:
    """Return a price."""
    return PriceUpdate(symbol, D(mark), None if index is None else D(index), None, None, time_ms)


ORDERED = [(10, 0, 5), (20, 0, 1), (20, 0, 2), (20, 1, 0), (21, 0, 0)]
"""(event time, partition, offset), each counting more than those before it."""


@pytest.mark.parametrize("order", list(permutations(range(len(ORDERED))))[::7])
def test_the_highest_time_partition_and_offset_counts(order: tuple[int, ...]) -> None:
    """Whatever the order they come in, the price with the highest (event time, partition, offset) is in force."""
    board, best = MarketBoard(FreshnessSettings()), -1
    for rank in order:
        time_ms, partition, offset = ORDERED[rank]
        assert board.take(update(str(rank + 1), time_ms), partition, offset, 0) is (rank > best)
        best = max(best, rank)
    assert board.mark("S") == len(ORDERED)


def test_a_price_twice_is_late() -> None:
    """The same message again changes nothing."""
    board = MarketBoard(FreshnessSettings())
    assert board.take(update("5", 1), 0, 0, 0)
    assert not board.take(update("6", 1), 0, 0, 0)
    assert board.mark("S") == 5


def test_the_prices_of_a_message_are_taken_one_after_the_other() -> None:
    """What a later price of a message does not state an earlier one of it has said; each late one is counted."""
    board = MarketBoard(FreshnessSettings())
    board.take(update("4", 5, symbol="T"), 0, 0, 0)
    prices = [update("5", 1, index="7"), update("6", 2), update("3", 4, symbol="T"), update("8", 1)]
    taken = board.take_all(prices, 0, 1, 0)
    assert taken == ({"S": D(6)}, {"S": D(5)}, 2, ())
    assert (board.mark("S"), board.quotes["S"].index_price, board.mark("T")) == (6, 7, 4)


def test_moves_are_worked_out_from_what_was_before() -> None:
    """A price that went from 4 to 5 has moved by a quarter either way, one that is new not at all."""
    moves = RelativeMoves({"A": D(4), "B": D(4), "C": None}, {"A": D(5), "B": D(3), "C": D(1)})
    assert dict(moves) == {"A": D("0.25"), "B": D("0.25"), "C": D(0)}
    assert "A" in moves
    assert "D" not in moves
    assert not RelativeMoves({}, {})


def test_what_a_price_does_not_state_stays() -> None:
    """A message without an index price leaves the last one."""
    board = MarketBoard(FreshnessSettings())
    board.take(update("5", 1, index="4"), 0, 0, 0)
    board.take(update("6", 2), 0, 1, 0)
    assert (board.mark("S"), board.quotes["S"].index_price) == (6, 4)


def test_what_an_asset_is_worth() -> None:
    """Terms come first, then the list of assets that count as USD; a followed index needs a price, or one stated."""
    board = MarketBoard(FreshnessSettings(), ("USD",))
    assert board.asset("USD") == Asset("USD", D(1))
    assert board.asset("X") is None
    board.set_asset("USD", Asset("USD", D("0.9")), 1)
    assert board.asset("USD") == Asset("USD", D("0.9"))
    board.set_asset("X", Asset("X", None, "S"), 1)
    board.set_asset("Y", Asset("Y", D(7), "S"), 1)
    assert (board.asset("X"), board.asset("Y")) == (None, Asset("Y", D(7), "S"))
    board.take(update("5", 1, index="4"), 0, 0, 0)
    assert (board.asset("X"), board.asset("Y")) == (Asset("X", D(4), "S"), Asset("Y", D(4), "S"))
    assert board.followers(["S"]) == ["X", "Y"]
    board.set_asset("X", None, 1)
    assert (board.asset("X"), board.followers(["S"])) == (None, ["Y"])


AGES = [
    # (max age, unknown after, age, expected)
    (10, 60, 10, Age.FRESH),
    (10, 60, 11, Age.AGED),
    (10, 60, 60, Age.AGED),
    (10, 60, 61, Age.STALE),
    (0, 60, 50, Age.FRESH),
    (0, 60, 61, Age.STALE),
    (10, 0, 1000, Age.AGED),
    (0, 0, 1000, Age.FRESH),
    (10, 60, -5, Age.FRESH),
]


@pytest.mark.parametrize(("max_age_ms", "unknown_after_ms", "age_ms", "expected"), AGES)
def test_ages(max_age_ms: int, unknown_after_ms: int, age_ms: int, expected: Age) -> None:
    """A price is as old as its record: on a line it is still what it was; 0 switches a line off."""
    settings = FreshnessSettings(max_age_ms, unknown_after_ms, assets_max_age_ms=max_age_ms)
    board = MarketBoard(settings)
    board.take(update("5", 1), 0, 0, 1000)
    board.set_asset("X", Asset("X", D(1)), 1000)
    board.refresh(1000 + age_ms)
    assert board.symbol_age("S") is expected
    assert board.asset_age("X") is (expected if max_age_ms else Age.FRESH)


def test_each_line_is_passed_once() -> None:
    """A price is reported when it passes a line, and when it is fresh again, not in between."""
    board = MarketBoard(FreshnessSettings(10, 60))
    board.take(update("5", 1), 0, 0, 0)
    assert board.refresh(11) == [AgeChange("S", is_asset=False, age=Age.AGED)]
    assert board.refresh(12) == []
    assert board.refresh(61) == [AgeChange("S", is_asset=False, age=Age.STALE)]
    board.take(update("5", 2), 0, 1, 61)
    assert board.freshen(["S"])
    assert not board.freshen(["S"])
    assert board.refresh(62) == []


def test_news_of_an_asset_makes_it_fresh() -> None:
    """New terms, or an index price that it follows, are young at once; terms that go leave no age behind."""
    board = MarketBoard(FreshnessSettings(10, 60, assets_max_age_ms=10), ("X",))
    board.set_asset("X", Asset("X", D(1)), 0)
    board.set_asset("Y", Asset("Y", D(1), "S"), 0)
    board.refresh(100)
    assert (board.asset_age("X"), board.asset_age("Y")) == (Age.STALE, Age.STALE)
    board.take(update("5", 1, index="4"), 0, 0, 100)
    board.freshen(["S"])
    board.set_asset("X", None, 100)
    assert (board.asset_age("X"), board.asset_age("Y")) == (Age.FRESH, Age.FRESH)
    assert board.refresh(101) == []


def test_the_band() -> None:
    """A stale price is believed to lie within last·(1 ± band)."""
    assert MarketBoard(FreshnessSettings(stale_band=D("0.25"))).band(D(80)) == (60, 100)
