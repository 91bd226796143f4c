"""Each figure of docs/quality.md computed by hand, in exact arithmetic: a price at the line, and the next beyond it.

Limits are powers of two where a line is held exactly, so that no rounding of the gate's doubles can hide a digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import pytest

from monitor.core.board import MarketBoard
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import Origin
from monitor.core.prices import PriceUpdate
from monitor.core.quality.gate import PartitionGate
from monitor.core.quality.judging import Quality, weighted_median
from monitor.core.quality.pegs import Peg, Reference
from monitor.core.quality.settings import QualitySettings, Source

MINUTE_MS = 28_000_000 * 60_000
"""The beginning of a minute of the log."""
Price = tuple[int, float, float | None]
"""Milliseconds since then, mark, index."""


class Told:
    """Show a gate one price after another."""

    def __init__(self, sources: Sequence[Source] = (), **settings: Any) -> None:
        known = {name: Decimal(value) if isinstance(value, float) else value for name, value in settings.items()}
        self.gate = PartitionGate(QualitySettings(**known), {"S": sources} if sources else {})
        self.count = 0

    def all(self, prices: Iterable[Price], symbol: str = "S") -> list[Quality]:
        """Return what is said of prices, each its own message."""
        return [self.one(*price, symbol=symbol) for price in prices]

    def one(self, at_ms: int, mark: float, index: float | None = None, *, symbol: str = "S", late: int = 0) -> Quality:
        """Return what is said of one price."""
        self.count += 1
        exact = None if index is None else Decimal(index)
        update = PriceUpdate(symbol, Decimal(mark), exact, None, None, MINUTE_MS + at_ms - late)
        return self.gate.judge((update,), Origin("m", 0, self.count), MINUTE_MS + at_ms)[0][0]


def seconds(first: int, last: int, mark: float, index: float | None = None) -> list[Price]:
    """Return the same price once a second."""
    return [(1_000 * second, mark, index) for second in range(first, last)]


def reasons(told: Told, *price: Any, **more: Any) -> tuple[str, ...]:
    """Return why one more price is doubted."""
    return told.one(*price, **more).reasons


def edge(
    calm: Sequence[Price], at: tuple[float, float | None], beyond: float, at_ms: int, **settings: Any
) -> list[Any]:
    """Return the reasons for a price at a line, and for the mark next to it towards `beyond`."""
    found = []
    for mark in (at[0], nextafter(at[0], beyond)):
        told = Told(**settings)
        told.all(calm)
        found.append(reasons(told, at_ms, mark, at[1]))
    return found


FIVE = (512, 128, 256, 300, 200)
EIGHTEEN = tuple(range(470, 110, -20))


@pytest.mark.parametrize(
    ("step", "sigmas", "minutes"),
    [(1, "10", FIVE), (2, "10", FIVE), (1, "6.5", FIVE), (3, "4", FIVE), (2, "8", EIGHTEEN)],
)
def test_a_jump_begins_where_sigma_times_the_root_of_time_ends(
    step: int, sigmas: str, minutes: tuple[int, ...]
) -> None:
    """σ² is the median of the last fifteen minutes' Σr² ÷ Σt, elapsed what samples reach back: to a part in 10⁹."""
    amplitudes, now = [Fraction(1, part) for part in minutes], 60 * len(minutes)
    marks = [
        Fraction(100) * (1 + (amplitudes[second // 60] if second // step % 2 else 0)) for second in range(0, now, step)
    ]
    doubles = [Fraction(float(mark)) for mark in marks]
    inside: dict[int, list[Fraction]] = {}
    for number in range(1, len(doubles)):
        inside.setdefault(number * step // 60, []).append((doubles[number] / doubles[number - 1] - 1) ** 2)
    kept = [sum(squares) / (step * len(squares)) for squares in inside.values()][-15:]
    variance = sorted(kept)[(len(kept) - 1) // 2]
    reference = sorted(doubles[-11:])[5]
    elapsed = now - step * (len(doubles) - 11)
    with localcontext(prec=60):
        squared = Fraction(sigmas) ** 2 * variance * elapsed
        limit = Fraction((Decimal(squared.numerator) / squared.denominator).sqrt())
    assert Fraction("0.03") < limit < Fraction("0.5"), "neither floor nor ceiling"
    calm = [(1_000 * step * number, float(mark), None) for number, mark in enumerate(doubles)]
    for side in (1, -1):
        for far, expected in ((1 - Fraction(1, 10**9), ()), (1 + Fraction(1, 10**9), ("jump",))):
            told = Told(jump_sigmas=Decimal(sigmas))
            told.all(calm)
            assert reasons(told, 1_000 * now, float(reference * (1 + side * far * limit))) == expected


def test_a_jump_has_a_floor_and_a_ceiling() -> None:
    """What stands still may still move by the floor; before three minutes are known anything up to the ceiling."""
    jumped = [(), ("jump",)]
    assert edge(seconds(0, 240, 128), (160, None), inf, 240_000, jump_floor=0.25) == jumped
    assert edge(seconds(0, 240, 128), (96, None), 0, 240_000, jump_floor=0.25) == jumped
    assert edge(seconds(0, 179, 128), (160, None), inf, 179_000, jump_floor=0.125, jump_ceiling=0.25) == jumped
    assert edge(seconds(0, 180, 128), (144, None), inf, 180_000, jump_floor=0.125, jump_ceiling=0.25) == jumped
    wild = [(1_000 * second, 128.0 if second % 2 else 160.0, None) for second in range(240)]
    assert edge(wild, (160 * 1.5, None), inf, 240_000, jump_ceiling=0.875, unit_factor=64.0) == jumped
    assert edge(seconds(0, 20, 128), (192, None), inf, 20_000) == jumped


def test_the_first_price_of_all_has_nothing_to_jump_from() -> None:
    """A price is compared with the last ones of seconds before its own: the first has none, nor has one beside it."""
    told = Told()
    assert [quality.reasons for quality in told.all([(0, 100, None), (999, 250, None), (1_000, 100, None)])] == [
        (),
        (),
        ("jump",),
    ]


def test_an_index_confirms_as_far_as_it_agrees_and_while_it_moves() -> None:
    """Mark ÷ index may leave its usual value by the agreement, not by more; beyond the ceiling it confirms nothing."""
    limits = {"jump_floor": 0.0625, "index_agreement": 0.125, "index_divergence": 9.0}
    limits |= {"constant_move": 9.0, "constant_divergence": 9.0}
    calm = seconds(0, 240, 256, 128)
    assert edge(calm, (288 * 1.25, 160), inf, 240_000, **limits) == [(), ("jump",)]
    assert edge(calm, (224 * 1.25, 160), 0, 240_000, **limits, jump_ceiling=0.75) == [(), ("jump",)]
    assert edge(calm, (384, 192), inf, 240_000, **limits) == [(), ("jump",)], "the ceiling"
    assert edge(calm, (288, 128), 0, 240_000, **limits) == [("jump",), ("jump",)], "an index that stands"
    moved = [*seconds(0, 200, 256, 120), *seconds(200, 260, 256, 128)]
    for at_ms, found in ((259_999, ()), (260_000, ("jump",))):
        told = Told(**limits)
        told.all([price for price in moved if price[0] < at_ms])
        assert reasons(told, at_ms, 288, 128) == found, "it stands from its 60th second on"


def test_mark_and_index_may_be_so_far_apart() -> None:
    """At the divergence nothing is said, beyond it, on either side, it is."""
    far = [(), ("index_divergence",)]
    assert edge([], (160, 128), inf, 0, index_divergence=0.25) == far
    assert edge([], (96, 128), 0, 0, index_divergence=0.25) == far
    assert edge([], (1.05 * 1024 * (1 - 2**-50), 1024), inf, 0)[0] == ()
    assert reasons(Told(), 0, 1.05 * 1024 * (1 + 2**-50), 1024.0) == far[1]


def test_a_constant_index_is_held_against_the_mark_that_leaves_it() -> None:
    """From the 60th second of standing: by the level of the minutes, or by the index itself, at the line not."""
    limits = {"jump_floor": 8.0, "jump_ceiling": 8.0, "index_divergence": 64.0, "unit_factor": 64.0}
    kept = [(), ("index_constant",)]
    for mark, beyond in ((144.0, inf), (112.0, 0)):
        move = {"constant_move": 0.125, "constant_divergence": 9.0}
        assert edge(seconds(0, 60, 128, 64), (mark, 64), beyond, 60_000, **limits, **move) == kept
    for mark, beyond in ((160.0, inf), (96.0, 0)):
        apart = {"constant_move": 9.0, "constant_divergence": 0.25}
        assert edge(seconds(0, 60, 128, 128), (mark, 128), beyond, 60_000, **limits, **apart) == kept
    for at_ms, found in ((59_999, ()), (60_000, kept[1])):
        told = Told(**limits)
        told.all(seconds(0, 59, 128, 128))
        assert reasons(told, at_ms, 256, 128) == found


def test_a_price_so_many_times_its_level_is_in_another_unit() -> None:
    """At the factor it is so, either way; not where a price was seen on the way there."""
    limits = {"jump_floor": 1e6, "jump_ceiling": 1e6, "unit_factor": 8.0}
    assert edge(seconds(0, 60, 128), (1024, None), 0, 60_000, **limits) == [("unit_change",), ()]
    assert edge(seconds(0, 60, 128), (16, None), inf, 60_000, **limits) == [("unit_change",), ()]
    for way, found in ((256, ("unit_change",)), (nextafter(256, inf), ()), (nextafter(1024, 0), ())):
        told = Told(**(limits | {"unit_factor": 16.0}))
        told.all([*seconds(0, 60, 128), (60_000, way, None)])
        assert reasons(told, 61_000, 2048) == found, "nothing lies beyond the fourth root from either end"


@pytest.mark.parametrize(("index", "others"), [(True, 0), (False, 10)])
def test_a_mark_is_stuck_while_its_index_or_the_others_move(*, index: bool, others: int) -> None:
    """From the 60th second on; an index that moved by the limit, or just half of the others, makes nothing stuck."""
    for at_ms, far, moving, found in (
        (120_000, 128 * (1 + 2**-6), others, ()),
        (119_999, 144, 2 * others, ()),
        (120_000, nextafter(128 * (1 + 2**-6), inf), others + 1, ("stuck",)),
    ):
        told = Told(stuck_move=2.0**-6, index_divergence=9.0)
        told.all(seconds(0, 60, 100, 128.0 if index else None))
        for second in range(60, 120 if at_ms == 120_000 else 119):
            told.one(1_000 * second, 200.0, 128.0 if index else None)
            for other in range(2 * others - 1 if others else 0):
                told.one(1_000 * second, 10.0 + (second if other < moving else 0) / 100, symbol=f"O{other}")
        quality = told.one(at_ms, 200.0, far if index else None)
        assert quality.reasons == found


def test_few_others_say_nothing() -> None:
    """Beside fewer than six symbols, itself counted, a mark that stands is not called stuck."""
    for others, found in ((4, ()), (5, ("stuck",))):
        told = Told()
        for second in range(121):
            last = told.one(1_000 * second, 100.0)
            for other in range(others):
                told.one(1_000 * second, 10 + second / 100, symbol=f"O{other}")
        assert last.reasons == found


def test_other_venues_count_by_age_number_and_weight() -> None:
    """Two within ten seconds are enough; beyond the divergence from their weighted median the mark is refused."""
    sources = [Source("A", Decimal(1)), Source("B", Decimal(2)), Source("C", Decimal(1))]
    for age_ms, found in ((10_000, ()), (10_001, ("too_few_sources",))):
        told = Told(sources)
        told.one(10_001 - age_ms, 100, symbol="A")
        told.one(10_001, 100, symbol="B")
        assert reasons(told, 10_001, 100) == found
    for mark, found in ((160, ()), (nextafter(160, inf), ("venue_divergence",)), (96, ()), (95, ("venue_divergence",))):
        told = Told(sources, venue_divergence=0.25)
        for name, price in (("A", 64), ("B", 128), ("C", 1024)):
            told.one(0, price, symbol=name)
        assert reasons(told, 0, mark) == found
    told = Told(sources, index_agreement=0.125, venue_divergence=9.0)
    told.all(seconds(0, 200, 128))
    for name in "ABC":
        told.one(200_000, 160, symbol=name)
    assert reasons(told, 200_000, 180) == ()
    assert reasons(told, 200_000, nextafter(180, inf)) == ("jump",)
    assert reasons(told, 209_999, 160) == reasons(told, 210_000, 160) == ()
    assert reasons(told, 210_001, 165) == ("jump", "too_few_sources")


def test_a_weighted_median_is_where_half_of_the_weight_is_reached() -> None:
    """The first value up to which half of it lies, exactly half included; of none there is none."""
    assert weighted_median([(128, 1), (64, 1)]) == 64
    assert weighted_median([(64, 2), (128, 3)]) == weighted_median([(256, 1), (128, 3), (64, 2)]) == 128
    assert weighted_median([]) is None


def test_a_doubt_lasts_so_many_milliseconds_or_messages() -> None:
    """It is over at the delay, not a millisecond before, or with the tenth message; its end is stated beforehand."""
    for at_ms, believed in ((204_999, False), (205_000, True)):
        told = Told()
        told.all(seconds(0, 200, 100))
        first, second = told.one(200_000, 80), told.one(at_ms, 80)
        assert (first.verdict, first.until_ms, first.is_believed) == ("suspect", MINUTE_MS + 205_000, False)
        assert second.is_believed is believed
        assert second.until_ms == (None if believed else MINUTE_MS + 205_000)
    told = Told()
    told.all(seconds(0, 200, 100))
    found = told.all([(200_000 + 100 * number, 80, None) for number in range(12)])
    assert [quality.is_believed for quality in found] == [False] * 9 + [True] * 3


def test_a_believed_price_is_shaky_for_the_reasons_that_are_displayed() -> None:
    """Of what is doubted and believed all the same only `quality.display` makes scopes degraded."""
    for display, shaky in ((("stuck",), False), (("stuck", "index_divergence"), True), ((), False)):
        told = Told(display=display, delay=("jump",))
        quality = told.one(0, 90, 100)
        assert (quality.reasons, quality.is_believed, quality.verdict) == (("index_divergence",), True, "suspect")
        assert quality.is_shaky is shaky
    assert not Told().one(0, 100, 100).is_shaky
    told = Told(display=("stuck",), delay=("jump",))
    told.all(seconds(0, 61, 90, 100))
    last = told.all(seconds(61, 121, 90, 110))[-1]
    assert (last.reasons, last.is_shaky) == (("index_divergence", "stuck"), True), "one of them is enough"


def test_a_price_is_late_below_the_latest_time_only() -> None:
    """The same time again is not back in time; one millisecond less is, never believed, and remembered by nothing."""
    told = Told()
    told.all(seconds(0, 200, 100))
    late = told.one(200_000, 90, late=1_001)
    assert (late.reasons, late.is_believed, late.verdict) == (("time_back",), False, "bad")
    assert reasons(told, 200_000, 100, late=1_000) == ()


def take(board: MarketBoard, symbol: str, quality: Quality | None, mark: int, offset: int, log_ms: int) -> Decimal:
    """Show a board a price, and return what X counts for afterwards."""
    update = PriceUpdate(symbol, Decimal(mark), None, None, None, log_ms)
    board.take_all((update,), 0, offset, log_ms, (quality,))
    counted = board.mark("X")
    assert counted is not None
    return counted


def test_a_quarantined_price_is_taken_at_its_time_and_superseded_by_a_later_one() -> None:
    """By the next message whose log time has reached it; its band is last·(1 ± band); no price above it is kept."""
    told = Told()
    told.all(seconds(0, 200, 100))
    doubted, until_ms = told.one(200_000, 80), MINUTE_MS + 205_000
    board = MarketBoard(FreshnessSettings(stale_band=Decimal("0.25")))
    assert take(board, "X", None, 100, 1, MINUTE_MS) == 100
    assert take(board, "X", doubted, 80, 2, MINUTE_MS + 200_000) == 100
    assert board.band(Decimal(100)) == (75, 125)
    assert (board.doubt("X"), board.doubt("Y")) == ("quarantined_price", "stale_price")
    assert take(board, "Y", None, 5, 3, until_ms - 1) == 100
    assert take(board, "Y", None, 5, 4, until_ms) == 80
    taken = board.quarantine.qualities["X"]
    assert (taken.is_believed, taken.released_ms, taken.until_ms) == (True, until_ms, until_ms)
    assert take(board, "X", doubted, 70, 5, until_ms + 1) == 80
    assert take(board, "X", None, 81, 6, until_ms + 2) == 81
    assert take(board, "Y", None, 5, 7, until_ms + 9_000) == 81
    assert board.doubt("X") == "stale_price"
    shown = Told(display=("index_divergence",), delay=()).one(0, 90, 100)
    assert take(board, "X", shown, 90, 8, until_ms + 10_000) == 90
    assert board.doubt("X") == "doubtful_price"


def test_a_peg_holds_to_its_limit() -> None:
    """An index may be so much of the reference away from it, on either side, and no digit more."""
    reference = Reference(Decimal("1.08"), "ETHUSDT", Decimal("0.05"))
    worth = Decimal("1.08") * 2_500
    for index, holds in (("2835", True), ("2835.0001", False), ("2565", True), ("2564.9999", False)):
        peg = Peg(Decimal(index), Decimal(2_500), reference)
        assert (peg.value, peg.holds) == (worth, holds)
        assert peg.body()["reasons"] == ([] if holds else ["depeg"])
