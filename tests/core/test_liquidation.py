"""Liquidation prices against published figures and on every boundary of the search."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from monitor.core.accounts import Account, MarginMode, Side
from monitor.core.amounts import Number
from monitor.core.instruments import Contract, MaintenanceBasis
from monitor.core.liquidation import LiquidationPrice, liquidation_price
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.scopes import MULTI_ASSET, scope_names
from tests.core.building import Bracket, account, asset, instrument, inverse, market, position

D, F = Decimal, Fraction
MULTI = MarginMode.MULTI_ASSET
ONE = F(1)


def solve(held: Account, prices: FixedMarket, scope: str | None = None, k: Fraction = ONE) -> LiquidationPrice:
    """Return the liquidation price of X in a scope, the first one by default."""
    scope = scope or scope_names(held, prices)[0]
    return liquidation_price(held, assess(held, scope, prices), "X", k)


def same(price: Number | None, exact: Fraction) -> bool:
    """Return whether a price is the exact one to 55 digits."""
    return price is not None and abs(F(price) - exact) <= exact / 10**55


def near(found: LiquidationPrice, text: str) -> bool:
    """Return whether a price is the published one to its last digit."""
    assert found.price is not None
    return abs(F(found.price) - F(text)) <= F(5, 10) * F(1, 10 ** len(text.partition(".")[2]))


def test_a_published_isolated_position_of_aster() -> None:
    """Long 20 BTC @6563.665 with a wallet of 13200.70726908 is liquidated at 5930.783554 (golden vector G1)."""
    held = account(position("20", "6563.665", wallet="13200.70726908"))
    terms = instrument(brackets=(("0", "0.005", "50"),))
    assert near(solve(held, market(terms, marks={"X": "6679.50671178"})), "5930.783554")


@pytest.mark.parametrize(
    ("quantity", "entry", "rate", "others", "price"),
    [
        ("1", "199.53", "0.0065", ("0.19", "-0.06"), "190.2969"),
        ("-0.005", "9451.53", "0.004", ("1.3", "0.47"), "11383.9940"),
    ],
)
def test_a_published_cross_account_of_binance(
    quantity: str, entry: str, rate: str, others: tuple[str, str], price: str
) -> None:
    """With 10.72 in the wallet and another position beside it (golden vector G4)."""
    requirement, profit = others
    beside = instrument("Y", brackets=(("0", "0", f"-{requirement}"),))
    prices = market(instrument(brackets=(("0", rate),)), beside, marks={"X": entry, "Y": str(1 + D(profit))})
    held = account(position(quantity, entry), position("1", "1", symbol="Y"), balances={"USDT": "10.72"})
    assert near(solve(held, prices), price)


@pytest.mark.parametrize(("sign", "price"), [("", "89294.871795"), ("-", "90670.731707")])
def test_the_bracket_is_chosen_anew_at_the_price(sign: str, price: str) -> None:
    """Hyperliquid's BTC tiers: 2000 BTC at 90 000 with 4 000 000 of equity end in the second one (golden vector G5)."""
    terms = instrument(brackets=(("0", "0.0125"), ("150000000", "0.025")))
    held = account(position(f"{sign}2000", "90000"), balances={"USDT": "4000000"})
    assert near(solve(held, market(terms, marks={"X": "90000"})), price)


def test_the_example_of_dydx() -> None:
    """Short 3 at 3000 with 1000 of equity and 5 % is liquidated at 3174.603175 (golden vector G11)."""
    held = account(position("-3", "3000"), balances={"USDT": "1000"})
    terms = instrument(brackets=(("0", "0.05"),))
    assert near(solve(held, market(terms, marks={"X": "3000"})), "3174.603175")


@pytest.mark.parametrize(
    ("wallet", "price", "recovery"),
    [
        ("1000", None, False),
        ("100", None, False),
        ("50.5", F("49.5") / F("0.99"), False),
        ("2", F(98) / F("0.99"), False),
        ("1", F(100), False),
        ("0.5", F("99.5") / F("0.99"), True),
        ("-50", F(150) / F("0.99"), True),
    ],
)
def test_a_long_against_its_wallet(wallet: str, price: Fraction | None, recovery: bool) -> None:
    """Below the mark, at it when E = MM now, above it where the scope recovers, nowhere when fully covered."""
    found = solve(account(position("1", "100", wallet=wallet)), market(instrument(), marks={"X": "100"}))
    assert (found.recovery, found.price) == (recovery, found.mark_only)
    assert (found.price is None) is (price is None)
    assert price is None or same(found.price, price)


def test_the_line_is_the_liquidation_threshold() -> None:
    """With k = 1/0.95 the price is where 0.95·E = MM."""
    held = account(position("1", "100", wallet="10"))
    price = solve(held, market(instrument(), marks={"X": "100"}), k=F(20, 19)).price
    assert price is not None
    assert abs((F(10) + F(price) - 100) * F(19, 20) - F(price) / 100) < F(1, 10**50)


def test_a_flat_requirement_moves_only_the_equity() -> None:
    """With the requirement taken at the entry price E falls to a constant."""
    terms = instrument(basis=MaintenanceBasis.ENTRY)
    for quantity, price in (("2", "96"), ("-2", "104")):
        held = account(position(quantity, "100", wallet="10"))
        assert solve(held, market(terms, marks={"X": "101"})).price == D(price)


JUMPS: tuple[Bracket, ...] = (("0", "0.01", "0"), ("1000", "0.02", "0"), ("2000", "0.02", "30"))


def test_the_floor_counts_from_both_sides() -> None:
    """A long worth 15 at a floor where the requirement jumps from 10 to 20 crosses the line there, from either side."""
    held = account(position("1", "1000", wallet="15"))
    for mark, recovery in (("999", False), ("1001", True)):
        found = solve(held, market(instrument(brackets=JUMPS), marks={"X": mark}))
        assert (found.price, found.recovery) == (D(1000), recovery)


def test_where_the_requirement_leaves_zero() -> None:
    """A deduction above the rate asks nothing at first: a short dies where equity is gone or the requirement met."""
    terms = instrument(brackets=(("0", "0.1", "20"),))
    prices = market(terms, marks={"X": "100"})
    assert solve(account(position("-1", "100", wallet="50")), prices).price == D(150)
    assert solve(account(position("-1", "100", wallet="210")), prices).price == D(300)
    assert solve(account(position("1", "100", wallet="20")), prices).price == D(80)


def test_both_hedge_legs_move_and_share_the_price() -> None:
    """Binance's formula with both legs: LP = (WB − L·e_L + S·e_S) / (L·r + S·r − L + S)."""
    legs = (position("3", "100", side=Side.LONG), position("-1", "110", side=Side.SHORT))
    held = account(*legs, balances={"USDT": "50"})
    prices = market(instrument(), marks={"X": "105"})
    assert solve(held, prices).price == (F(50) - 300 + 110) / (F("0.04") - 2)


def test_a_perfect_hedge_dies_of_its_requirement() -> None:
    """Equal legs have no profit, but their requirement grows with the price."""
    legs = (position("1", "100", side=Side.LONG), position("-1", "100", side=Side.SHORT))
    held = account(*legs, balances={"USDT": "50"})
    assert solve(held, market(instrument(), marks={"X": "100"})).price == 2500


def test_inverse_contracts() -> None:
    """A long of 3000 USD dies where W + S/e − S/p = r·S/p; a short covered by its wallet has no such price."""
    prices = market(inverse(), marks={"X": "3000"})
    long = account(position("30", "3000"), balances={"BTC": "0.02"})
    assert solve(long, prices).price == F(3000) * F("1.01") / F("1.02")
    short = account(position("-30", "3000"), balances={"BTC": "1"})
    assert solve(short, prices).price is None


def test_inverse_floors_lie_in_coins() -> None:
    """The notional of an inverse long grows as the price falls: a higher bracket is in force at the price."""
    terms = inverse(brackets=(("0", "0.01"), ("1.2", "0.05"), ("3", "0.1")))
    held = account(position("30", "3000"), balances={"BTC": "0.3"})
    found = solve(held, market(terms, marks={"X": "3000"})).price
    assert found is not None
    notional = 3000 / F(found)
    assert F("1.2") < notional < 3
    assert F("0.3") + 1 - notional == notional * F("0.05") - F("0.048")


COINS = (asset("USDT"), asset("BTC", "3000"))


def test_collateral_moves_with_the_mark_of_its_coin() -> None:
    """A long BTC contract backed by BTC dies earlier than with the collateral left alone."""
    held = account(position("1", "3000"), balances={"USDT": "-2000", "BTC": "1"}, mode=MULTI)
    terms = instrument(base="BTC")
    found = solve(held, market(terms, marks={"X": "3000"}, assets=COINS))
    assert same(found.price, F(5000) / F("1.99"))
    assert same(found.mark_only, F(2000) / F("0.99"))
    assert found.moves_collateral
    assert not found.recovery


def test_collateral_of_another_coin_stays() -> None:
    """Without a base asset, or one the scope does not hold, there is one price."""
    for base in (None, "ETH"):
        held = account(position("1", "3000"), balances={"USDT": "-2000", "BTC": "1"}, mode=MULTI)
        found = solve(held, market(instrument(base=base), marks={"X": "3000"}, assets=COINS))
        assert same(found.price, F(2000) / F("0.99"))
        assert not found.moves_collateral


def test_an_inverse_contract_moves_its_own_collateral() -> None:
    """1 BTC against a short of 3000 USD is a hedge, worth 3000 at any mark; its requirement in USD stays too."""
    held = account(position("-30", "3000"), balances={"USDT": "-2985", "BTC": "1"}, mode=MULTI)
    found = solve(held, market(inverse(), marks={"X": "3000"}, assets=COINS))
    assert (found.price, found.recovery, found.moves_collateral) == (None, True, True)
    assert found.mark_only is not None


def test_requirements_of_other_contracts_move_with_the_coin() -> None:
    """Another contract settled in the moving coin changes requirement and profit in USD along with it."""
    other = instrument("Y", settle="BTC", brackets=(("0", "0", "-0.1"),))
    held = account(
        position("1", "3000"), position("1", "1", symbol="Y"), balances={"USDT": "1000", "BTC": "0.2"}, mode=MULTI
    )
    prices = market(instrument(base="BTC"), other, marks={"X": "3000", "Y": "0.8"}, assets=COINS)
    found = solve(held, prices)
    assert same(found.price, F(2000) / (F("0.99") - F("0.1")))
    assert same(found.mark_only, F(2300) / F("0.99"))


def test_a_coin_that_turns_negative_is_valued_at_the_ask() -> None:
    """Where the settle asset's amount changes its sign the form changes, and the root lies beyond."""
    terms = (asset("USDT", bid="0.5", ask="1"), asset("BTC", "3000"))
    held = account(position("1", "1000"), balances={"USDT": "100", "BTC": "0.1"}, mode=MULTI)
    found = solve(held, market(instrument(), marks={"X": "1000"}, assets=terms))
    assert same(found.price, F(300 - 2 * 900) / (F("0.02") - 2))


def test_a_quadratic_case() -> None:
    """An inverse contract settled in dollars beside a coin that moves with it: a/p + b + c·p = 0, to 60 digits."""
    terms = instrument(contract=Contract.INVERSE, base="BTC", size="1000000")
    held = account(position("3", "3000"), balances={"USDT": "-2600", "BTC": "1"}, mode=MULTI)
    found = solve(held, market(terms, marks={"X": "3000"}, assets=COINS)).price
    assert found is not None
    p = F(found)
    assert abs(-2600 + 1000 - 3_000_000 / p + p - 30_000 / p) < F(1, 10**50)


def test_what_is_not_known_has_no_price() -> None:
    """A scope without equity, or a symbol that does not stand in it, has none."""
    held = account(position("1", "100"), balances={"USDT": "5"})
    assert solve(held, market(instrument())) == LiquidationPrice()
    assert liquidation_price(held, assess(held, "cross:USDT", market()), "Y", F(1)) == LiquidationPrice()
    assert solve(account(position("1", "5"), mode=MULTI), market(), MULTI_ASSET) == LiquidationPrice()
