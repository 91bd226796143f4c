"""Terms of contracts and assets: brackets, their chain, and what contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.instruments import BadTerms, chain_deductions, check_asset, check_instrument, usd_asset, with_index
from monitor.core.positions import maintenance_margin
from tests.core.building import BTC_USDT, Bracket, amount, asset, instrument

ONE = Decimal(1)

BINANCE_BTC = [
    ("0", "0.004", "0"),
    ("50000", "0.005", "50"),
    ("600000", "0.0065", "950"),
    ("3000000", "0.01", "11450"),
    ("12000000", "0.02", "131450"),
    ("70000000", "0.025", "481450"),
    ("100000000", "0.05", "2981450"),
    ("230000000", "0.1", "14481450"),
    ("480000000", "0.125", "26481450"),
    ("600000000", "0.15", "41481450"),
    ("800000000", "0.25", "121481450"),
    ("1200000000", "0.5", "421481450"),
]


def test_chained_deductions_are_the_published_ones() -> None:
    """The chain reproduces the whole `cum` column of Binance's BTC/USDT table (golden vector G8)."""
    tiers = chain_deductions([(Decimal(floor), Decimal(rate), None, None) for floor, rate, _ in BINANCE_BTC])
    assert [tier.deduction for tier in tiers] == [Decimal(cum) for _, _, cum in BINANCE_BTC]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("0", "0.004", None), ("50000", "0.005", "50"), ("250000", "0.01", None)], "1300"),
        ([("0", "0.025", "0.56"), ("50", "0.05", None)], "1.81"),
    ],
    ids=["G9", "G10"],
)
def test_a_missing_deduction_chains_on_a_given_one(rows: list[tuple[str, str, str | None]], expected: str) -> None:
    """A deduction that is left out continues from the one before, given or not."""
    tiers = chain_deductions([(Decimal(floor), Decimal(rate), amount(given), None) for floor, rate, given in rows])
    assert tiers[-1].deduction == Decimal(expected)


@pytest.mark.parametrize("multiplier", ["1", "4", "0.5"])
@pytest.mark.parametrize("index", range(1, len(BTC_USDT)))
def test_a_floor_belongs_to_its_own_bracket(index: int, multiplier: str) -> None:
    """At a floor its bracket is in force, one unit below it the one before."""
    terms, times = instrument(brackets=BTC_USDT), Decimal(multiplier)
    floor, unit = terms.tiers[index].floor * times, Decimal("1e-8")
    assert terms.tier_index(floor, times) == index
    assert terms.tier_index(floor + unit, times) == index
    assert terms.tier_index(floor - unit, times) == index - 1
    assert terms.rational.tier_index(Fraction(floor), Fraction(times)) == index


def test_the_first_and_the_last_bracket_have_no_end() -> None:
    """A notional of 0 lies in the first bracket, any large one in the last."""
    terms = instrument(brackets=BTC_USDT)
    assert terms.tier_index(Decimal(0), ONE) == 0
    assert terms.tier_index(Decimal("1e40"), ONE) == len(BTC_USDT) - 1


rates = st.integers(0, 10_000).map(lambda per: Decimal(per) / 10_000)
tables = st.lists(st.tuples(st.integers(1, 10**6), rates), min_size=1, max_size=6)


@given(tables, rates)
def test_a_chained_requirement_is_continuous(steps: list[tuple[int, Decimal]], first: Decimal) -> None:
    """At every floor of a chained table both neighbouring brackets ask the same, whatever the fee."""
    floor, rows = Decimal(0), [(Decimal(0), first, None, None)]
    for step, rate in steps:
        floor += step
        rows.append((floor, rate, None, None))
    tiers = chain_deductions(rows)
    for below, above in pairwise(tiers):
        fee = Decimal("0.0005")
        assert maintenance_margin(above.floor, below, fee, ONE) == maintenance_margin(above.floor, above, fee, ONE)


GOOD = instrument(brackets=BTC_USDT)


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("contract_size", {"contract_size": Decimal(0)}),
        ("contract_size", {"contract_size": Decimal(-1)}),
        ("closing_fee_rate", {"closing_fee_rate": Decimal("1.1")}),
        ("liquidation_fee_rate", {"liquidation_fee_rate": Decimal("-0.1")}),
        ("tick_size", {"tick_size": Decimal(0)}),
        ("brackets", {"tiers": ()}),
    ],
)
def test_contradicting_terms_are_refused(path: str, changed: dict[str, Decimal]) -> None:
    """Sizes and ticks are above 0, fees within 0 and 1, and there is a bracket; the path names the field."""
    with pytest.raises(BadTerms) as caught:
        check_instrument(replace(GOOD, **changed))
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("path", "brackets"),
    [
        ("brackets[0].floor", (("1", "0.01"),)),
        ("brackets[1].floor", (("0", "0.01"), ("0", "0.02"))),
        ("brackets[2].floor", (("0", "0.01"), ("5", "0.02"), ("4", "0.02"))),
        ("brackets[0].rate", (("0", "1.01"),)),
        ("brackets[0].rate", (("0", "-0.01"),)),
        ("brackets[0].max_leverage", (("0", "0.01", "", "-1"),)),
        ("brackets[1].deduction", (("0", "0.01"), ("10", "0.02", "0.21"))),
    ],
)
def test_contradicting_brackets_are_refused(path: str, brackets: tuple[Bracket, ...]) -> None:
    """Floors start at 0 and rise, rates lie within 0 and 1, no requirement is below 0 at its own floor."""
    with pytest.raises(BadTerms) as caught:
        check_instrument(instrument(brackets=brackets))
    assert caught.value.path == path


def test_a_published_case_may_state_only_the_bracket_in_force() -> None:
    """A document accepts a requirement below 0 at a bracket's own floor, a message does not."""
    terms = instrument(brackets=(("0", "0.005", "50"),))
    check_instrument(terms, published_case=True)
    with pytest.raises(BadTerms):
        check_instrument(terms)


def test_the_edges_of_what_is_allowed_pass() -> None:
    """Rates of 0 and 1 and a requirement of exactly 0 at a floor are terms."""
    check_instrument(instrument(brackets=(("0", "0"), ("10", "0.5", "5"), ("20", "1"))))
    check_instrument(GOOD)


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("index_price", {"index_price": None}),
        ("index_price", {"index_price": Decimal(0)}),
        ("bid_buffer", {"bid_buffer": Decimal("1.1")}),
        ("collateral_ratio", {"collateral_ratio": Decimal(-1)}),
        ("ask_buffer", {"ask_buffer": Decimal("-0.1")}),
    ],
)
def test_contradicting_assets_are_refused(path: str, changed: dict[str, Decimal | None]) -> None:
    """An index is above 0, haircuts lie within 0 and 1, and a debt is never worth less than itself."""
    with pytest.raises(BadTerms) as caught:
        check_asset(replace(asset("BTC"), **changed))
    assert caught.value.path == path


def test_an_asset_may_take_its_index_from_an_instrument() -> None:
    """An index symbol stands for the index price; moving the index changes nothing else."""
    check_asset(replace(asset("BTC"), index_price=None, index_symbol="BTCUSDT"))
    moved = with_index(asset("BTC", "5", bid="0.1"), Decimal(7))
    assert (moved.index_price, moved.bid_buffer) == (Decimal(7), Decimal("0.1"))
    assert usd_asset("USD").index_price == 1
