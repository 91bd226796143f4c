"""The formulas of one position against published figures and on their boundaries."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

import pytest

from monitor.core.amounts import exactly
from monitor.core.instruments import Contract, MaintenanceBasis, MarginTier
from monitor.core.legs import Leg, leg_of
from monitor.core.positions import (
    effective_leverage,
    initial_margin,
    maintenance_margin,
    notional,
    signed_size,
    unrealized_pnl,
)
from tests.core.building import BTC_USDT, Bracket, account, instrument, inverse, market, position

D, F = Decimal, Fraction
ONE, ZERO = D(1), D(0)
LINEAR, INVERSE = Contract.LINEAR, Contract.INVERSE


def test_a_published_position_of_binance() -> None:
    """ADAUSDT 30 @0.385 at 0.41047590 with 0.65 % (golden vector G6)."""
    size = signed_size(D(30), ONE)
    at_mark = notional(LINEAR, size, D("0.41047590"))
    assert at_mark == D("12.31427700")
    assert maintenance_margin(at_mark, MarginTier(ZERO, D("0.0065"), ZERO), ZERO, ONE) == D("0.0800428005")
    assert unrealized_pnl(LINEAR, size, D("0.385"), D("0.41047590")) == D("0.764277")


def test_a_published_margin_call() -> None:
    """1.327 ETH at 187.17127 with a requirement of 1.614445 is a rate of 0.65 % (golden vector G7)."""
    at_mark = notional(LINEAR, signed_size(D("1.327"), ONE), D("187.17127"))
    requirement = maintenance_margin(at_mark, MarginTier(ZERO, D("0.0065"), ZERO), ZERO, ONE)
    assert requirement.quantize(D("1e-6"), ROUND_DOWN) == D("1.614445")


def test_a_published_position_of_aster() -> None:
    """Long 20 BTC @6563.665 at 6679.50671178 has won 2316.83423560 (golden vector G1)."""
    assert unrealized_pnl(LINEAR, D(20), D("6563.665"), D("6679.50671178")) == D("2316.83423560")


@pytest.mark.parametrize(
    ("quantity", "linear_pnl", "inverse_pnl"),
    [("3", "30", F(3 * 100 * 1, 20) - F(300, 30)), ("-3", "-30", F(300, 30) - F(300, 20))],
)
def test_profit_of_long_and_short(quantity: str, linear_pnl: str, inverse_pnl: Fraction) -> None:
    """From 20 to 30 a long wins, in quote units (linear) and in coins (inverse), and a short loses the same."""
    assert unrealized_pnl(LINEAR, signed_size(D(quantity), ONE), D(20), D(30)) == D(linear_pnl)
    assert unrealized_pnl(INVERSE, signed_size(F(quantity), F(100)), F(20), F(30)) == inverse_pnl
    assert notional(INVERSE, signed_size(F(quantity), F(100)), F(30)) == 10
    assert notional(LINEAR, signed_size(D(quantity), D(100)), D(30)) == 9000


@pytest.mark.parametrize(
    ("rate", "fee", "deduction", "multiplier", "expected"),
    [
        ("0.005", "0", "50", "1", "200"),
        ("0.005", "0.0005", "50", "1", "225"),
        ("0.005", "0", "50", "4", "50"),
        ("0.005", "0", "250", "1", "0"),
        ("0.005", "0", "250.01", "1", "0"),
        ("0.005", "0", "-10", "1", "260"),
        ("0", "0", "0", "1", "0"),
    ],
)
def test_the_requirement(rate: str, fee: str, deduction: str, multiplier: str, expected: str) -> None:
    """50 000·(rate + fee) − deduction·multiplier, and never below 0."""
    tier = MarginTier(ZERO, D(rate), D(deduction))
    assert maintenance_margin(D(50_000), tier, D(fee), D(multiplier)) == D(expected)
    assert not maintenance_margin(D(50_000), tier, D(fee), D(multiplier)).is_signed()


@pytest.mark.parametrize(
    ("named", "cap", "expected"), [(None, None, "1"), ("20", None, "20"), ("20", "10", "10"), ("20", "20", "20")]
)
def test_leverage_is_capped(named: str | None, cap: str | None, expected: str) -> None:
    """No leverage is 1×, and the bracket's maximum is never passed."""
    assert effective_leverage(named and D(named), cap and D(cap)) == D(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("leverage", ["1", "2", "3", "7", "12.5", "15", "64", "125", "0.3"])
def test_initial_margin_is_exact(leverage: str) -> None:
    """The quotient by the leverage loses nothing, also where it does not end in decimals."""
    expected = F("12345.678") / F(leverage)
    assert F(exactly(initial_margin)(D("12345.678"), D(leverage))) == expected
    assert initial_margin(F("12345.678"), D(leverage)) == expected


FLOORS = [tier.floor for tier in instrument(brackets=BTC_USDT).tiers]


@pytest.mark.parametrize("step", ["-0.00000001", "0", "0.00000001"])
@pytest.mark.parametrize("index", range(1, len(FLOORS)))
def test_the_bracket_around_every_floor(index: int, step: str) -> None:
    """One unit below a floor the bracket before is in force, from the floor on its own; the requirement has no step."""
    price = FLOORS[index] + D(step)
    leg = at_mark(price, brackets=BTC_USDT)
    assert leg.bracket == (index - 1 if D(step) < 0 else index)
    edge = at_mark(FLOORS[index], brackets=BTC_USDT)
    assert leg.maintenance_margin is not None
    assert edge.maintenance_margin is not None
    assert abs(F(leg.maintenance_margin) - F(edge.maintenance_margin)) <= abs(F(step))


def at_mark(mark: Decimal, *, brackets: tuple[Bracket, ...], leverage: str | None = None) -> Leg:
    """Return a long of one unit at a mark."""
    terms = instrument(brackets=brackets)
    held = position("1", "50000", leverage=leverage)
    return exactly(leg_of)(held, terms, account().settings, market(terms, marks={"X": str(mark)}))


def test_the_cap_is_that_of_the_notional_at_the_mark() -> None:
    """With the requirement at the entry price the leverage is still capped by the bracket of the mark's notional."""
    terms = instrument(brackets=BTC_USDT, basis=MaintenanceBasis.ENTRY)
    held = position("10", "4000", leverage="125")
    leg = exactly(leg_of)(held, terms, account().settings, market(terms, marks={"X": "70000"}))
    assert (leg.bracket, leg.maintenance_margin) == (0, D(160))
    assert (leg.leverage, leg.initial_margin) == (D(75), F(700_000, 75))


def test_settings_stand_in_for_a_leverage_and_scale_brackets() -> None:
    """The account's leverage serves positions that name none, its multiplier scales floors and deductions."""
    terms = instrument(brackets=BTC_USDT)
    prices = market(terms, marks={"X": "150000"})
    settings = account(leverages={"X": "30"}, multipliers={"X": "4"}).settings
    leg = exactly(leg_of)(position("1", "50000"), terms, settings, prices)
    assert (leg.bracket, leg.leverage, leg.maintenance_margin) == (0, D(30), D(600))
    named = exactly(leg_of)(position("1", "50000", leverage="10"), terms, settings, prices)
    assert named.leverage == 10
    higher = exactly(leg_of)(position("2", "50000"), terms, settings, prices)
    assert (higher.bracket, higher.maintenance_margin) == (1, D(1300))


def test_a_leg_without_terms_or_mark() -> None:
    """Without terms only the mark is known; without a mark only a requirement taken at the entry price."""
    at_mark_terms, at_entry_terms = instrument(), instrument(basis=MaintenanceBasis.ENTRY)
    held, settings = position("2", "100"), account().settings
    assert leg_of(held, None, settings, market(marks={"X": "5"})) == Leg(held, None, D(5))
    assert leg_of(held, at_mark_terms, settings, market()) == Leg(held, at_mark_terms)
    known = leg_of(held, at_entry_terms, settings, market())
    assert (known.maintenance_margin, known.bracket, known.notional, known.initial_margin) == (2, 0, None, None)


def test_an_inverse_leg_is_rational() -> None:
    """Notional, profit and requirement of an inverse contract are exact fractions of a coin."""
    terms = inverse(brackets=(("0", "0.01"), ("2", "0.02")))
    leg = exactly(leg_of)(position("-70", "2500"), terms, account().settings, market(terms, marks={"X": "3000"}))
    assert (leg.notional, leg.unrealized_pnl) == (F(7, 3), F(7000, 3000) - F(7000, 2500))
    assert (leg.bracket, leg.maintenance_margin) == (1, F(7, 3) * F("0.02") - F("0.02"))
