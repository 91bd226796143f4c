"""Tests of what a deleveraging would uncover: which positions count as hedged, and the equity that stands at risk."""

from __future__ import annotations

from decimal import Decimal

from monitor.core.accounts import Account, MarginMode, Side
from monitor.core.adl.candidates import Candidate
from monitor.core.adl.listing import Contender
from monitor.core.adl.settings import AdlRanking
from monitor.core.market import FixedMarket
from monitor.core.portfolio.terms import Group, Method, PortfolioTerms, ScenarioTerms
from tests.core.building import account, asset, instrument, market, position

BTC_USDT = instrument("BTCUSDT", base="BTC")
BTC_USDC = instrument("BTCUSDC", base="BTC", settle="USDC")
ETH = instrument("ETHUSDT", base="ETH")
MARKS = {"BTCUSDT": "100", "BTCUSDC": "100", "ETHUSDT": "10"}
WORLD = market(BTC_USDT, BTC_USDC, ETH, marks=MARKS, assets=(asset("USDT", "1"), asset("USDC", "0.5")))


def btc(given: Account, scope: str = "cross:USDT", world: FixedMarket = WORLD) -> Candidate:
    """Return the candidate of a scope among the longs of BTCUSDT."""
    found = Contender(given, scope, world, AdlRanking.HYPERLIQUID).candidate(("BTCUSDT", "long"))
    assert found is not None
    return found


def test_a_position_alone_is_no_hedge() -> None:
    """Nothing on the other side of the same coin: nothing is broken."""
    held = account(
        position("2", "90", symbol="BTCUSDT"), position("-5", "9", symbol="ETHUSDT"), balances={"USDT": "90"}
    )
    assert (btc(held).breaks_hedge, btc(held).equity_at_risk) == (False, None)


def test_the_same_coin_in_another_contract_is_covered() -> None:
    """A long of 200 covers a short of 300 USDC, worth 150; the equity behind that short, 80 USDC, is worth 40."""
    held = account(
        position("2", "90", symbol="BTCUSDT"),
        position("-3", "90", symbol="BTCUSDC"),
        balances={"USDT": "500", "USDC": "110"},
    )
    assert (btc(held).breaks_hedge, btc(held).equity_at_risk) == (True, 40)


def test_no_more_is_at_risk_than_loses_its_cover() -> None:
    """With plenty of equity it is the covered notional that can be lost; of a small hedge the hedge's own."""
    short = position("-3", "90", symbol="BTCUSDC")
    wealth = {"USDT": "500", "USDC": "9000"}
    assert btc(account(position("2", "90", symbol="BTCUSDT"), short, balances=wealth)).equity_at_risk == 150
    assert btc(account(position("1", "90", symbol="BTCUSDT"), short, balances=wealth)).equity_at_risk == 100


def test_legs_that_are_netted_cover_nothing_more() -> None:
    """What is taken of a net holding leaves its two legs equal: the smaller one stays covered."""
    held = account(
        position("5", "90", symbol="BTCUSDT", side=Side.LONG),
        position("-2", "90", symbol="BTCUSDT", side=Side.SHORT),
        balances={"USDT": "500"},
    )
    assert btc(held).quantity == 3
    assert not btc(held).breaks_hedge


def test_isolated_legs_cover_each_other() -> None:
    """Two isolated legs of one symbol are scopes of their own: taking one uncovers the other, worth its equity."""
    held = account(
        position("5", "90", symbol="BTCUSDT", side=Side.LONG, wallet="100"),
        position("-4", "90", symbol="BTCUSDT", side=Side.SHORT, wallet="60"),
    )
    one = btc(held, "isolated:BTCUSDT:long")
    assert (one.breaks_hedge, one.equity_at_risk) == (True, 20)


def test_what_is_not_priced_is_not_guessed() -> None:
    """A covered position without a mark is a broken hedge of unknown risk."""
    marks = {"BTCUSDT": "100", "ETHUSDT": "10"}
    held = account(
        position("2", "90", symbol="BTCUSDT"), position("-3", "90", symbol="BTCUSDC"), balances={"USDT": "500"}
    )
    one = btc(held, world=market(BTC_USDT, BTC_USDC, ETH, marks=marks))
    assert (one.breaks_hedge, one.equity_at_risk) == (True, None)


def test_members_of_a_portfolio_group_cover_each_other() -> None:
    """In portfolio mode a group is one risk: a short of another coin in it is covered by the long."""
    group = Group("majors", ("BTCUSDT", "ETHUSDT"), allow_mixed=True)
    terms = PortfolioTerms(Method.SCENARIO, {Method.SCENARIO: ScenarioTerms((group,))})
    world = FixedMarket(WORLD.instruments, WORLD.marks, assets=WORLD.assets, portfolio=terms)
    held = account(
        position("2", "90", symbol="BTCUSDT"),
        position("-5", "10", symbol="ETHUSDT"),
        balances={"USDT": "900"},
        mode=MarginMode.PORTFOLIO,
    )
    one = btc(held, "portfolio", world)
    assert (one.breaks_hedge, one.equity_at_risk) == (True, Decimal(50))
    alone = FixedMarket(WORLD.instruments, WORLD.marks, assets=WORLD.assets)
    multi = account(*held.positions.values(), balances={"USDT": "900"}, mode=MarginMode.MULTI_ASSET)
    assert not btc(multi, "cross:USD", alone).breaks_hedge
