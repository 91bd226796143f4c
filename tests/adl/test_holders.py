"""Tests of what stands in the queue: which holdings, on which side, with which figures."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from monitor.core.accounts import Account, MarginMode, Side
from monitor.core.adl.holders import Holding, holding_of
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from tests.core.building import account, asset, instrument, inverse, market, position

LINEAR = instrument("X", brackets=(("0", "0.01"),))
AT_120 = market(LINEAR, marks={"X": "120"})


def holdings(given: Account, scope: str = "cross:USDT", world: FixedMarket = AT_120) -> list[Holding]:
    """Return the holdings of one scope, by its symbols in their order."""
    assessment = assess(given, scope, world)
    symbols = dict.fromkeys(leg.position.symbol for leg in assessment.legs)
    found = (holding_of(assessment, symbol) for symbol in symbols)
    return [holding for holding in found if holding is not None]


def test_a_one_way_holder_has_the_figures_of_its_scope() -> None:
    """UPnL and notional are the position's; wallet, equity and requirement the scope's."""
    other = instrument("Y", brackets=(("0", "0.02"),))
    world = market(LINEAR, other, marks={"X": "120", "Y": "10"})
    held = account(position("3", "100"), position("-5", "12", symbol="Y"), balances={"USDT": "50"})
    [x, y] = holdings(held, world=world)
    assert (x.symbol, x.side, x.position_side, x.quantity) == ("X", "long", Side.BOTH, 3)
    assert (y.symbol, y.side, y.position_side, y.quantity) == ("Y", "short", Side.BOTH, 5)
    assert (x.figures.unrealized_pnl, x.figures.notional) == (60, 360)
    assert (y.figures.unrealized_pnl, y.figures.notional) == (10, 50)
    for one in (x, y):
        assert (one.figures.wallet_balance, one.figures.equity) == (50, 120)
        assert one.figures.maintenance_margin == Fraction(46, 10)
    assert x.figures.is_long
    assert not y.figures.is_long


def test_cross_hedge_legs_are_one_holding_on_the_net() -> None:
    """The net counts, with the profit of both legs, and the larger leg is what would be reduced."""
    held = account(
        position("5", "100", side=Side.LONG), position("-2", "110", side=Side.SHORT), balances={"USDT": "1000"}
    )
    [net] = holdings(held)
    assert (net.side, net.position_side, net.quantity) == ("long", Side.LONG, 3)
    assert net.figures.unrealized_pnl == 5 * 20 - 2 * 10
    assert (net.figures.notional, net.figures.entry_price) == (360, 100)


def test_equal_hedge_legs_are_nobodys_counterparty() -> None:
    """A net of nothing can lose nothing."""
    held = account(
        position("5", "100", side=Side.LONG), position("-5", "90", side=Side.SHORT), balances={"USDT": "1000"}
    )
    assert holdings(held) == []


def test_isolated_legs_stand_for_themselves() -> None:
    """Each isolated leg is ranked on its own wallet, equity and requirement, the cross wallet left out."""
    held = account(
        position("5", "100", side=Side.LONG, wallet="30"),
        position("-5", "90", side=Side.SHORT, wallet="200"),
        balances={"USDT": "1000"},
    )
    [long] = holdings(held, "isolated:X:long")
    [short] = holdings(held, "isolated:X:short")
    assert (long.side, long.figures.wallet_balance, long.figures.equity) == ("long", 30, 130)
    assert (short.side, short.figures.wallet_balance, short.figures.equity) == ("short", 200, 50)
    assert long.figures.maintenance_margin == short.figures.maintenance_margin == 6


def test_a_scope_in_usd_counts_in_usd() -> None:
    """Profit and notional are at the index of their asset, the wallet at index, the equity after its haircut."""
    usdt = asset("USDT", "0.9", bid="0.01")
    held = account(position("3", "100"), balances={"USDT": "200"}, mode=MarginMode.MULTI_ASSET)
    [one] = holdings(held, "cross:USD", market(LINEAR, marks={"X": "120"}, assets=(usdt,)))
    assert (one.figures.unrealized_pnl, one.figures.notional) == (54, 324)
    assert one.figures.wallet_balance == 180
    assert one.figures.equity == Fraction("260") * Fraction("0.9") * Fraction("0.99")


def test_an_inverse_holding_counts_in_its_coin() -> None:
    """100 contracts of 100 at 100 have won 100·100·(1/100 − 1/125) = 20 coins at a notional of 80."""
    held = account(position("100", "100"), balances={"BTC": "50"})
    [one] = holdings(held, "cross:BTC", market(inverse("X"), marks={"X": "125"}))
    assert (one.figures.unrealized_pnl, one.figures.notional, one.figures.equity) == (20, 80, 70)


@pytest.mark.parametrize("wallet", ["-60", "-61"])
def test_without_equity_there_is_nothing_to_take_from(wallet: str) -> None:
    """A scope whose equity is not above 0 is in no queue."""
    assert holdings(account(position("3", "100"), balances={"USDT": wallet})) == []


def test_a_scope_that_is_unknown_is_in_no_queue() -> None:
    """Without a mark, terms or a snapshot nobody is ranked."""
    held = account(position("3", "100"), balances={"USDT": "100"})
    assert holdings(held, world=market(LINEAR)) == []
    assert holdings(account(position("3", "100"), balances={"USDT": "100"}, complete=False)) == []


def test_quantities_are_contracts() -> None:
    """What can be lost is stated in contracts, whatever their size."""
    sized = instrument("X", size="0.001")
    [one] = holdings(account(position("-2000", "130"), balances={"USDT": "100"}), world=market(sized, marks={"X": "1"}))
    assert (one.quantity, one.figures.notional) == (Decimal(2000), 2)
