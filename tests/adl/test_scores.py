"""Tests of the ADL scores: published formulas against values worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.adl.scores import Figures, score_of
from monitor.core.adl.settings import AdlRanking
from monitor.core.amounts import exactly

AMOUNTS = st.decimals("-1e9", "1e9", allow_nan=False, places=6)
PRICES = st.decimals("0.0001", "1e6", places=4)


def figures(
    pnl: str, wallet: str, equity: str, required: str, *, is_long: bool = True, **more: str
) -> Figures[Fraction]:
    """Return the figures of a holder: entry and mark 100 and a notional of 1,000 unless stated."""
    return Figures(
        is_long,
        Fraction(pnl),
        Fraction(more.get("notional", "1000")),
        Fraction(more.get("entry", "100")),
        Fraction(more.get("mark", "100")),
        Fraction(wallet),
        Fraction(equity),
        Fraction(required),
    )


TABLE_2019 = [
    # uPnL, wallet, equity, requirement, score
    ("200", "1000", "1200", "30", "0.005"),  # 0.2 · 0.025
    ("50", "0.5", "50.5", "1.01", "1"),  # wallet counts as 1: 50 · 0.02
    ("50", "-10", "40", "2", "2.5"),  # 50 · 0.05
    ("10", "90", "100", "0", "0"),  # no requirement: last among winners
    ("0", "100", "100", "5", None),  # does not win
    ("-20", "100", "80", "5", None),
    ("20", "-30", "-10", "5", None),  # nothing is left to take from
]
TABLE_V2 = [
    # uPnL, equity, notional, score
    ("200", "1200", "3000", Fraction(1, 6)),  # 0.0667 · 2.5
    ("0", "1000", "500", Fraction(0)),
    ("-30", "600", "3000", Fraction(-1, 500)),  # −0.01 ÷ 5
    ("-30", "6000", "3000", Fraction(-1, 50)),  # −0.01 ÷ 0.5: the less leverage, the later
    ("5", "0", "100", None),
]
TABLE_HYPERLIQUID = [
    # long?, entry, mark, notional, equity, score
    (True, "100", "125", "2500", "1000", "3.125"),  # 1.25 · 2.5
    (True, "100", "80", "1600", "1000", "1.28"),  # a loser stands further back
    (False, "100", "80", "1600", "1000", "2"),  # a short wins where the mark falls: 1.25 · 1.6
    (False, "100", "125", "2500", "1000", "2"),  # 0.8 · 2.5
    (True, "100", "125", "2500", "-1", None),
]


@pytest.mark.parametrize(("pnl", "wallet", "equity", "required", "expected"), TABLE_2019)
def test_the_formula_of_2019(pnl: str, wallet: str, equity: str, required: str, expected: str | None) -> None:
    """PnLpct times margin ratio, winners only, with a wallet of at least 1."""
    found = score_of(AdlRanking.LEVERAGE_PNL_2019, figures(pnl, wallet, equity, required))
    assert found == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(("pnl", "equity", "notional", "expected"), TABLE_V2)
def test_the_present_formula(pnl: str, equity: str, notional: str, expected: Fraction | None) -> None:
    """Leverage speeds winners up and slows losers down; who has no equity is in no queue."""
    found = score_of(AdlRanking.BINANCE_V2, figures(pnl, "1", equity, "1", notional=notional))
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert abs(Fraction(found) - expected) <= abs(expected) / 10**39


@pytest.mark.parametrize(("is_long", "entry", "mark", "notional", "equity", "expected"), TABLE_HYPERLIQUID)
def test_the_formula_of_hyperliquid(
    *, is_long: bool, entry: str, mark: str, notional: str, equity: str, expected: str | None
) -> None:
    """Gain times leverage, the gain of a short being entry over mark."""
    given = figures("0", "1", equity, "1", is_long=is_long, entry=entry, mark=mark, notional=notional)
    found = score_of(AdlRanking.HYPERLIQUID, given)
    assert found == (None if expected is None else Decimal(expected))


def test_a_score_has_forty_digits_and_is_rounded_half_even() -> None:
    """What is compared is text-stable: 1/3 and 2/3 end after 40 digits."""
    third = score_of(AdlRanking.BINANCE_V2, figures("1", "1", "3", "1"))
    assert third == Decimal("0." + "3" * 40)
    assert score_of(AdlRanking.BINANCE_V2, figures("2", "1", "3", "1")) == Decimal("0." + "6" * 39 + "7")


@exactly
@given(
    st.sampled_from(list(AdlRanking)),
    st.booleans(),
    st.tuples(AMOUNTS, PRICES, PRICES, PRICES),
    st.tuples(*[AMOUNTS] * 3),
)
def test_decimals_score_as_fractions_do(
    ranking: AdlRanking, is_long: bool, own: tuple[Decimal, ...], whole: tuple[Decimal, ...]
) -> None:
    """The kind of number changes no digit of a score."""
    found = score_of(ranking, Figures(is_long, *own, *whole))
    assert str(found) == str(score_of(ranking, Figures(is_long, *map(Fraction, own), *map(Fraction, whole))))
