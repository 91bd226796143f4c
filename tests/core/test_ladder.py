"""The ladder: which status a ratio has, exactly on every line, and which one a scope keeps."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.amounts import Number
from monitor.core.ladder import (
    BY_RANK,
    DEFAULT_THRESHOLDS,
    RUNGS,
    BadLadder,
    Ladder,
    MarginStatus,
    debt_floor_in,
    is_breach,
    worse_of,
)

STRICT, INCLUSIVE = Ladder.build(), Ladder.build(inclusive=True)
S = MarginStatus
FLOOR = Fraction(1)
MILDER = dict(zip(RUNGS, (S.HEALTHY, *RUNGS), strict=False))
TINY = Fraction(1, 10**40)


@pytest.mark.parametrize("status", RUNGS)
@pytest.mark.parametrize("requirement", [Fraction(33), Fraction(1, 7), Fraction(10**12)])
def test_a_status_begins_exactly_below_its_line(status: MarginStatus, requirement: Fraction) -> None:
    """On E = k·MM a strict ladder still has the milder status, an inclusive one the worse; beside it both agree."""
    on_the_line = DEFAULT_THRESHOLDS[status] * requirement
    assert STRICT.raw(on_the_line, requirement, FLOOR) is MILDER[status]
    assert INCLUSIVE.raw(on_the_line, requirement, FLOOR) is status
    for ladder in (STRICT, INCLUSIVE):
        assert ladder.raw(on_the_line - TINY, requirement, FLOOR) is status
        assert ladder.raw(on_the_line + TINY, requirement, FLOOR) is MILDER[status]


@pytest.mark.parametrize(
    ("equity", "requirement", "status"),
    [
        ("0", "0", S.HEALTHY),
        ("5", "0", S.HEALTHY),
        ("-0.99", "0", S.HEALTHY),
        ("-1", "0", S.BANKRUPT),
        ("-5000", "0", S.BANKRUPT),
        ("0", "0.01", S.BANKRUPT),
        ("-0.01", "0.01", S.BANKRUPT),
        ("0.001", "0.01", S.TAKEOVER),
        ("15", "10", S.HEALTHY),
        ("14.99", "10", S.WATCH),
    ],
)
def test_equity_without_requirement_and_requirement_without_equity(
    equity: str, requirement: str, status: MarginStatus
) -> None:
    """Nothing at stake is healthy, a small debt too; a debt from the floor on or no equity at all is bankrupt."""
    for ladder in (STRICT, INCLUSIVE):
        expected = S.WATCH if ladder is INCLUSIVE and equity == "15" else status
        assert ladder.raw(Decimal(equity), Decimal(requirement), FLOOR) is expected


def test_the_debt_floor_is_worth_dollars() -> None:
    """A debt of half a coin at 4 USD is above a floor of 1 USD; without terms a coin counts as a dollar."""
    assert debt_floor_in(STRICT, Decimal(4)) == Fraction(1, 4)
    assert debt_floor_in(STRICT, None) == 1
    assert STRICT.raw(Decimal("-0.25"), Decimal(0), debt_floor_in(STRICT, Decimal(4))) is S.BANKRUPT
    assert STRICT.raw(Decimal("-0.2499"), Decimal(0), debt_floor_in(STRICT, Decimal(4))) is S.HEALTHY
    assert Ladder.build(debt_floor=Fraction(0)).raw(Decimal(0), Decimal(0), Fraction(0)) is S.HEALTHY


@pytest.mark.parametrize("status", RUNGS)
def test_a_status_is_left_at_its_widened_line(status: MarginStatus) -> None:
    """Upwards a status ends at E = k·(1+h)·MM: on it when strict, above it when inclusive, never below."""
    requirement = Fraction(1000)
    line = DEFAULT_THRESHOLDS[status] * Fraction(201, 200) * requirement
    assert STRICT.told(status, line, requirement, FLOOR) is MILDER[status]
    assert STRICT.told(status, line - TINY, requirement, FLOOR) is status
    assert INCLUSIVE.told(status, line, requirement, FLOOR) is status
    assert INCLUSIVE.told(status, line + TINY, requirement, FLOOR) is MILDER[status]


def test_a_fall_over_several_lines_is_told_at_once() -> None:
    """From healthy straight to the status the figures give, and back to what lies above the widened lines."""
    assert STRICT.told(S.HEALTHY, Decimal("0.5"), Decimal(1), FLOOR) is S.TAKEOVER
    assert STRICT.told(S.TAKEOVER, Decimal("1.2"), Decimal(1), FLOOR) is S.WARNING
    assert STRICT.told(S.TAKEOVER, Decimal("1.5"), Decimal(1), FLOOR) is S.WATCH


def test_bankruptcy_has_no_band() -> None:
    """The least equity above 0 ends bankruptcy, and a repaid debt without requirement is healthy at once."""
    assert STRICT.told(S.BANKRUPT, TINY, Fraction(1), FLOOR) is S.TAKEOVER
    assert STRICT.told(S.BANKRUPT, Fraction(0), Fraction(1), FLOOR) is S.BANKRUPT
    assert STRICT.told(S.BANKRUPT, Fraction(0), Fraction(0), FLOOR) is S.HEALTHY


equities = st.fractions(min_value=-3, max_value=5, max_denominator=1000)
requirements = st.fractions(min_value=0, max_value=3, max_denominator=1000)


@given(equities, requirements, st.sampled_from(BY_RANK[:8]), st.booleans())
def test_memory_only_ever_delays_an_improvement(
    equity: Fraction, requirement: Fraction, last: MarginStatus, inclusive: bool
) -> None:
    """The told status is never milder than the figures, and lies between them and the last one."""
    ladder = INCLUSIVE if inclusive else STRICT
    raw, told = ladder.raw(equity, requirement, FLOOR), ladder.told(last, equity, requirement, FLOOR)
    assert raw.rank <= told.rank <= max(raw.rank, last.rank)
    assert ladder.told(told, equity, requirement, FLOOR) is told


@given(equities, equities, requirements, st.booleans())
def test_more_equity_is_never_worse(one: Fraction, other: Fraction, requirement: Fraction, inclusive: bool) -> None:
    """The status without memory falls with the equity alone."""
    ladder = INCLUSIVE if inclusive else STRICT
    low, high = min(one, other), max(one, other)
    assert ladder.raw(high, requirement, FLOOR).rank <= ladder.raw(low, requirement, FLOOR).rank


@given(st.decimals(-5, 5, places=6), st.decimals(0, 5, places=6), st.sampled_from(BY_RANK[:8]))
def test_decimals_and_fractions_are_judged_alike(equity: Decimal, requirement: Decimal, last: MarginStatus) -> None:
    """The kind of number does not matter."""
    twins: list[tuple[Number, Number]] = [(equity, requirement), (Fraction(equity), Fraction(requirement))]
    assert len({STRICT.told(last, *pair, FLOOR) for pair in twins}) == 1


def test_a_status_may_be_left_out() -> None:
    """Without watch and margin call their neighbours reach further, and deposits aim at liquidation."""
    ladder = Ladder.build({S.WATCH: None, S.MARGIN_CALL: None})
    assert ladder.raw(Decimal("1.4"), Decimal(1), FLOOR) is S.HEALTHY
    assert ladder.raw(Decimal("1.05"), Decimal(1), FLOOR) is S.WARNING
    assert (ladder.threshold(S.WATCH), ladder.call, ladder.clear) == (None, Fraction(1), Fraction(201, 200))
    assert STRICT.clear == Fraction("1.1055")


@pytest.mark.parametrize(
    ("path", "thresholds", "hysteresis"),
    [
        ("warning", {S.WARNING: Fraction(3, 2)}, "0.005"),
        ("takeover", {S.TAKEOVER: Fraction(0)}, "0.005"),
        ("liquidation", {S.LIQUIDATION: None}, "0.005"),
        ("hysteresis", {}, "0.1"),
        ("hysteresis", {}, "-0.001"),
    ],
)
def test_contradicting_ladders_are_refused(
    path: str, thresholds: dict[MarginStatus, Fraction | None], hysteresis: str
) -> None:
    """Lines fall strictly, stay above 0, liquidation exists, and no widened line reaches the next."""
    with pytest.raises(BadLadder) as caught:
        Ladder.build(thresholds, Fraction(hysteresis))
    assert caught.value.path == path


def test_the_debt_floor_is_not_below_zero() -> None:
    """A negative floor would call a surplus a debt."""
    with pytest.raises(BadLadder):
        Ladder.build(debt_floor=Fraction(-1))


def test_the_order_of_statuses() -> None:
    """Healthy and unknown are no breach, and the worse of two is the one further down."""
    assert [status for status in S if not is_breach(status)] == [S.HEALTHY, S.UNKNOWN]
    assert worse_of(S.WATCH, S.BANKRUPT) is worse_of(S.BANKRUPT, S.WATCH) is S.BANKRUPT
