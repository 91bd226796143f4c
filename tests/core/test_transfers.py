"""What may be taken out of a scope, what is free in it, and what clears a margin call."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from monitor.core.accounts import Account, MarginMode
from monitor.core.amounts import Number
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.margin import assess
from monitor.core.market import FixedMarket
from monitor.core.transfers import available_margin, deposit_to_clear, max_transfer_out
from tests.core.building import account, asset, instrument, market, position

D, F = Decimal, Fraction
PRICES = market(
    instrument(), instrument("Y"), instrument("Z", settle="USDC"), marks={"X": "100", "Y": "100", "Z": "100"}
)


def taken_out(held: Account, scope: str = "cross:USDT", prices: FixedMarket = PRICES) -> Number | None:
    """Return what may be taken out of a scope."""
    return max_transfer_out(held, assess(held, scope, prices), prices)


@pytest.mark.parametrize(
    ("entry", "wallet", "expected"),
    [("100", "50", "40"), ("90", "50", "49"), ("70", "50", "49"), ("110", "50", "30"), ("110", "15", "0")],
)
def test_a_profit_cannot_be_taken_out_but_a_loss_is_kept_back(entry: str, wallet: str, expected: str) -> None:
    """The lesser of W − MM and W + uPnL − IM, and never below 0, for cross and isolated alike."""
    cross = account(position("1", entry, leverage="10"), balances={"USDT": wallet})
    isolated = account(position("1", entry, leverage="10", wallet=wallet))
    assert taken_out(cross) == taken_out(isolated, "isolated:X:both") == D(expected)


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ({}, "40"),
        ({"cross:USDT": "7"}, "33"),
        ({"isolated:Y:both": "7"}, "33"),
        ({"isolated:Z:both": "7"}, "40"),
        ({"isolated:Q:both": "7"}, "33"),
        ({"cross:USDT": "1", "isolated:Y:both": "2", "cross:USDC": "4"}, "37"),
        ({"cross:USDT": "50"}, "0"),
    ],
)
def test_open_orders_are_kept_back(orders: dict[str, str], expected: str) -> None:
    """Its own open orders, and the isolated ones of its asset; those of a contract without terms count everywhere."""
    held = account(position("1", "100", leverage="10"), balances={"USDT": "50"}, orders=orders)
    assert taken_out(held) == D(expected)


def test_an_isolated_scope_has_its_own_orders() -> None:
    """What is open elsewhere does not touch it."""
    held = account(position("1", "100", leverage="10", wallet="50"), orders={"cross:USDT": "7", "isolated:X:both": "3"})
    assert taken_out(held, "isolated:X:both") == 37


def test_a_scope_in_dollars() -> None:
    """After haircuts; isolated open orders at the ask of their asset, at 1:1 where that has no terms."""
    prices = market(
        instrument(),
        instrument("Z", settle="USDC"),
        marks={"X": "100"},
        assets=(asset("USDT", "0.5", bid="0.1", ask="0.2"),),
    )
    orders = {"isolated:X:both": "10", "isolated:Z:both": "3"}
    held = account(balances={"USDT": "100"}, mode=MarginMode.MULTI_ASSET, orders=orders)
    assert taken_out(held, "cross:USD", prices) == D(45) - 6 - 3


def test_unknown_figures_give_no_amount() -> None:
    """Without a mark nothing may be promised."""
    held = account(position("1", "100"), balances={"USDT": "50"})
    assert taken_out(held, prices=market(instrument())) is None
    assert available_margin(held, assess(held, "cross:USDT", market(instrument()))) is None


@pytest.mark.parametrize(("orders", "expected"), [("0", "40"), ("39.99", "0.01"), ("40", "0"), ("41", "0")])
def test_available_margin(orders: str, expected: str) -> None:
    """Equity less initial margin and the open orders of the scope, not below 0."""
    held = account(position("1", "100", leverage="10"), balances={"USDT": "50"}, orders={"cross:USDT": orders})
    assert available_margin(held, assess(held, "cross:USDT", PRICES)) == D(expected)


@pytest.mark.parametrize(
    ("equity", "requirement", "expected"),
    [("110.55", "100", "0"), ("110.54", "100", "0.01"), ("0", "0", "0"), ("-5", "0", "5"), ("-5", "100", "115.55")],
)
def test_what_clears_a_margin_call(equity: str, requirement: str, expected: str) -> None:
    """What is missing to 1.1·1.005·MM; a debt without requirement is missing itself."""
    assert deposit_to_clear(D(equity), D(requirement), Ladder.build()) == D(expected)


def test_a_deposit_takes_the_margin_call_back() -> None:
    """With exactly the deposit the margin call is left, with the least less it is not."""
    ladder, requirement = Ladder.build(), F(1, 3)
    equity = requirement
    deposit = F(deposit_to_clear(equity, requirement, ladder))
    for paid, status in ((deposit, MarginStatus.WARNING), (deposit - F(1, 10**30), MarginStatus.MARGIN_CALL)):
        assert ladder.told(MarginStatus.MARGIN_CALL, equity + paid, requirement, F(1)) is status


def test_without_a_margin_call_the_deposit_aims_at_liquidation() -> None:
    """Where margin_call is null, k is liquidation's; a k that does not end stays exact."""
    ladder = Ladder.build({MarginStatus.MARGIN_CALL: None, MarginStatus.LIQUIDATION: F(20, 19)}, F(0))
    assert deposit_to_clear(D(10), D(19), ladder) == 10
    assert deposit_to_clear(D(0), D(1), ladder) == F(20, 19)
