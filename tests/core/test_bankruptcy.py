"""Bankruptcy prices: isolated, shared, inverse, and where there is none."""

from __future__ import annotations

from fractions import Fraction

import pytest

from monitor.core.accounts import MarginMode
from monitor.core.amounts import Number
from monitor.core.bankruptcy import bankruptcy_prices
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.scopes import scope_names
from tests.core.building import account, asset, instrument, inverse, market, position

F = Fraction


def prices_of(held: object, prices: FixedMarket) -> list[Number | None]:
    """Return the bankruptcy price of every position of the first scope."""
    found = assess(held, scope_names(held, prices)[0], prices)  # type: ignore[arg-type]
    return list(bankruptcy_prices(found))


@pytest.mark.parametrize(
    ("quantity", "wallet", "price"),
    [("2", "50", 75), ("-2", "50", 125), ("2", "0", 100), ("2", "-10", 105), ("2", "200", None), ("2", "300", None)],
)
def test_an_isolated_position_is_bankrupt_where_its_equity_is_gone(
    quantity: str, wallet: str, price: int | None
) -> None:
    """Entry ∓ wallet ÷ size, whatever the mark; none where that is not above 0."""
    held = account(position(quantity, "100", wallet=wallet))
    for mark in ("80", "100", "130"):
        assert prices_of(held, market(instrument(), marks={"X": mark})) == [price]


def test_an_isolated_inverse_position() -> None:
    """Where 1/p has moved by the wallet over the size; a short with more than its notional has no such price."""
    prices = market(inverse(), marks={"X": "3000"})
    assert prices_of(account(position("30", "3000", wallet="0.5")), prices) == [2000]
    assert prices_of(account(position("-30", "3000", wallet="0.5")), prices) == [6000]
    assert prices_of(account(position("-30", "3000", wallet="1")), prices) == [None]


def test_a_cross_scope_shares_its_equity_by_requirement() -> None:
    """An equity of 100 over requirements of 1 and 3: shares of 25 and 75."""
    held = account(position("1", "100"), position("-3", "100", symbol="Y"), balances={"USDT": "100"})
    prices = market(instrument(), instrument("Y"), marks={"X": "100", "Y": "100"})
    assert prices_of(held, prices) == [75, 125]


def test_a_scope_in_dollars_shares_in_coins() -> None:
    """The share of an equity in USD is divided by the index of each settle asset; requirements count at the ask."""
    both = (position("1", "100"), position("100", "100", symbol="Y"))
    held = account(*both, balances={"USDT": "400"}, mode=MarginMode.MULTI_ASSET)
    terms = (asset("USDT", "0.5"), asset("BTC", "100", ask="1"))
    prices = market(instrument(), inverse("Y"), marks={"X": "100", "Y": "100"}, assets=terms)
    per_requirement = 200 / (F(1, 2) + 200)
    in_usdt, in_btc = per_requirement * F(1, 2) / F(1, 2), per_requirement * 200 / 100
    assert prices_of(held, prices) == [100 - in_usdt, 1 / (F(1, 100) + in_btc / 10_000)]


def test_without_requirement_or_figures_there_is_none() -> None:
    """Nothing to share by, or nothing known."""
    free = instrument(brackets=(("0", "0"),))
    held = account(position("1", "100"), balances={"USDT": "10"})
    assert prices_of(held, market(free, marks={"X": "100"})) == [None]
    assert prices_of(held, market(free)) == [None]
