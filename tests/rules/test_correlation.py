"""Tests of the rules on correlations: sectors in one direction, the sides of a hedge, and the windows behind them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.core.amounts import EXACT, exactly
from monitor.core.freshness import FreshnessSettings
from monitor.core.rules.correlation import correlation
from monitor.core.rules.settings import RuleSettings
from monitor.core.rules.windows import Windows
from tests.rules.bench import Bench

RULES = RuleSettings(sample_ms=1_000, window_samples=8, interval_ms=1_000, correlation_window_ms=4_000)
UP, DOWN = Decimal("1.1"), Decimal("0.9")


class Market:
    """Move two contracts by a tenth at each step and let the clock turn after it."""

    def __init__(self, settings: dict[str, Any], held: str, rules: RuleSettings = RULES) -> None:
        self.bench = Bench(rules)
        self.bench.instrument("A", sector="one")
        self.bench.instrument("B", sector="two")
        self.marks = {"A": Decimal(100), "B": Decimal(100)}
        self.bench.price(A="100", B="100")
        positions = {"A": ("1", "100"), "B": (held, "100")}
        self.bench.account(balances={"USDT": "1000000"}, positions=positions, settings=settings)
        self.bench.clock(1_000)

    def step(self, a: str, b: str) -> list[str]:
        """Move A and B up (+) or down (-); return what the turn of the clock tells."""
        for symbol, way in (("A", a), ("B", b)):
            self.marks[symbol] *= UP if way == "+" else DOWN
        self.bench.price(**{symbol: str(mark) for symbol, mark in self.marks.items()})
        return self.bench.clock(1_000)

    def steps(self, a: str, b: str) -> list[list[str]]:
        """Make several steps."""
        return [self.step(one, other) for one, other in zip(a, b, strict=True)]


def test_two_sectors_that_move_as_one() -> None:
    """Both long and always together: 1. Three returns are enough to say so, more than half of the window of four."""
    market = Market({"correlation_spike": "0.8"}, "1")
    assert market.steps("+-+", "+-+") == [[], [], ["a correlation_spike one/two@0.8"]]
    body = market.bench.told[0]
    assert (body["value"], body["samples"], body["sectors"]) == ("1", 3, ["one", "two"])
    assert body["evidence"]["remembered"]["returns"] == {"A": ["0.1", "-0.1", "0.1"], "B": ["0.1", "-0.1", "0.1"]}


def test_a_coefficient_by_hand() -> None:
    """X = + − + −, y = + − + +: 8/√(16·12) = 1/√3 = 0.57735…; 0.5773 is reached, 0.5774 is not."""
    for level, told in (("0.5773", ["a correlation_spike one/two@0.5773"]), ("0.5774", [])):
        market = Market({"correlation_spike": {"levels": [level]}}, "1", RuleSettings(
            sample_ms=1_000, window_samples=8, correlation_window_ms=7_000
        ))  # fmt: skip
        assert market.steps("+-+-", "+-++")[-1] == told
        if told:
            assert market.bench.told[0]["value"].startswith("0.577350269189625764509148780501957455")


def test_opposite_directions_are_no_spike() -> None:
    """Long one sector, short the other: their moving together is a hedge, not a danger."""
    market = Market({"correlation_spike": "0.8"}, "-1")
    assert market.steps("+-+-", "+-+-") == [[], [], [], []]


def test_a_hedge_that_comes_apart() -> None:
    """The correlation of the long and the short side falls to 0.57735: below 0.6; armed again at 0.64, not before."""
    market = Market({"hedge_decorrelation": "0.6"}, "-1")
    assert market.steps("+-+-", "+-+-") == [[], [], [], []]
    assert market.step("+", "-") == ["a hedge_decorrelation@0.6"]
    body = market.bench.told[0]
    assert (body["long"], body["short"], body["rearm_threshold"]) == (["A"], ["B"], "0.64")
    assert market.bench.restart() == []
    assert market.steps("-+-+", "-+-+") == [[], [], [], []]
    assert market.step("-", "+") == ["a hedge_decorrelation@0.6"]


def test_a_small_opposite_position_is_no_hedge() -> None:
    """What is below a tenth of the other side is not relied on."""
    for held, told in (("-0.01", False), ("-1", True)):
        market = Market({"hedge_decorrelation": "0.6"}, held)
        assert any(market.steps("+-+-", "-+-+")) is told


def test_windows_live_on_in_another_engine() -> None:
    """After a restart the next sample joins those that were written: the value is the same as without."""
    through, restarted = (Market({"correlation_spike": "0.99"}, "1") for _ in range(2))
    for market in (through, restarted):
        assert market.steps("+-", "+-") == [[], []]
    restarted.bench.restart()
    assert through.step("+", "+") == restarted.step("+", "+") == ["a correlation_spike one/two@0.99"]
    assert through.bench.told[0]["event_id"] == restarted.bench.told[0]["event_id"]
    assert through.bench.told[0]["evidence"]["remembered"] == restarted.bench.told[0]["evidence"]["remembered"]


def test_nobody_samples_for_nobody() -> None:
    """Without an account that asks for correlations no mark is sampled and no record written."""
    market = Market({"distance_limit": "0.01"}, "1")
    market.steps("+-+-", "+-+-")
    assert market.bench.shard.windows == {}


def test_the_ring_is_bounded() -> None:
    """As many records as samples are kept, however long it goes on."""
    market = Market({"correlation_spike": "0.99"}, "1")
    market.steps("+-" * 10, "+-" * 10)
    assert len(market.bench.shard.windows) == 8


def test_no_return_is_taken_across_a_gap() -> None:
    """Where a slot has no sample the step over it does not count."""
    windows = Windows(1_000, 10)
    for slot, mark in ((1, "100"), (2, "110"), (4, "50"), (5, "55")):
        windows.sample({"A": Decimal(mark)}, slot * 1_000)
    with_context = exactly(lambda: windows.returns(["A"], 9_000))
    assert with_context() == {"A": [Decimal("0.1"), Decimal("0.1")]}


def test_returns_are_rounded_to_twelve_places() -> None:
    """1/3 is 0.333333333333; evidence states it so, and it is what the correlation is made of."""
    windows = Windows(1_000, 10)
    windows.sample({"A": Decimal(3)}, 1_000)
    windows.sample({"A": Decimal(4)}, 2_000)
    assert exactly(lambda: windows.returns(["A"], 9_000))() == {"A": [Decimal("0.333333333333")]}


def test_a_stale_mark_is_not_sampled() -> None:
    """A contract whose price is too old has a gap in its window."""
    bench = Bench(RULES, FreshnessSettings(500, 900))
    bench.instrument("A", sector="one")
    bench.instrument("B", sector="two")
    bench.price(A="1", B="1")
    positions = {"A": ("1", "1"), "B": ("1", "1")}
    bench.account(balances={"USDT": "100"}, positions=positions, settings={"correlation_spike": "0.1"})
    bench.clock(1_000)
    assert b"A" not in b"".join(bench.shard.windows.values())


@pytest.mark.parametrize(
    ("level", "sign"),
    [("-1", 1), ("-0.001", 1), ("0", 1), ("0.57735", 1), ("0.57736", -1), ("1", -1)],
)
def test_comparing_is_exact_on_both_sides(level: str, sign: int) -> None:
    """1/√3 is above 0.57735 and below 0.57736, and the mirrored series the mirror of that."""
    x = [Decimal(one) for one in (1, -1, 1, -1)]
    y = [Decimal(one) for one in (1, -1, 1, 1)]
    found, mirrored = exactly(lambda: (correlation(x, y), correlation(x, [-one for one in y])))()
    assert found is not None
    assert mirrored is not None
    assert exactly(found.against)(Decimal(level)) == sign
    assert exactly(mirrored.against)(-Fraction(level)) == -sign
    assert mirrored.text() == "-" + found.text()


def test_a_series_that_stands_still_has_no_correlation() -> None:
    """Where one side does not move there is nothing to divide by: it is not known."""
    still = [Decimal(1)] * 4
    moving = [Decimal(one) for one in (1, -1, 1, 1)]
    assert exactly(lambda: correlation(still, moving))() is None
    assert EXACT.prec > 1_000
