"""Portfolio scopes of whole accounts: what is a delta, what is held, what is missing, and what each position does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.wire.outputs import ScopeReport
from monitor.core.accounts import Account, MarginMode, Position
from monitor.core.ladder import Ladder
from monitor.core.margin import Assessment, assess
from monitor.core.market import FixedMarket
from monitor.core.portfolio.contributions import Contribution, contributions
from monitor.core.portfolio.exposure import GroupSums
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    Method,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)
from monitor.core.report import scope_report
from monitor.core.scopes import PORTFOLIO
from tests.core.building import account, asset, instrument, inverse, market, position
from tests.core.portfolio.parameters import bare_scenario

D = Decimal
BTCUSDT = instrument("BTCUSDT", base="BTC")
ETHUSDT = instrument("ETHUSDT", base="ETH")
BTCUSD = inverse("BTCUSD", size="100")
ALONE = instrument("ALONE", settle="EURX")
MARKET = market(
    BTCUSDT,
    ETHUSDT,
    BTCUSD,
    ALONE,
    marks={"BTCUSDT": "100000", "ETHUSDT": "3000", "BTCUSD": "100000", "ALONE": "50"},
    assets=(
        asset("USDT", "0.99", bid="0.01", ask="0.02"),
        asset("BTC", "100000", ratio="0.95"),
        asset("EURX", "1.1", ask="0.5"),
        asset("USDC"),
    ),
)
BTC = Group("BTC", ("BTCUSDT", "BTCUSD"), ("BTC",))
ETH = Group("ETH", ("ETHUSDT",))


def priced(terms: Terms, base: FixedMarket = MARKET) -> FixedMarket:
    """Return the market with a method in force."""
    method = {ScenarioTerms: Method.SCENARIO, SpanTerms: Method.SPAN, TimsTerms: Method.TIMS}
    portfolio = PortfolioTerms(method.get(type(terms), Method.HYPERLIQUID), {})
    return replace(base, portfolio=replace(portfolio, of={portfolio.method: terms}).resolved(base.instruments))


def held(*positions: Position, **balances: str) -> Account:
    """Return a portfolio account."""
    return account(*positions, balances=balances, mode=MarginMode.PORTFOLIO)


def assessed(book: Account, terms: Terms) -> Assessment:
    """Return the figures of an account's portfolio scope."""
    return assess(book, PORTFOLIO, priced(terms))


def sums(book: Account) -> tuple[GroupSums[Fraction], ...]:
    """Return the sums of the groups BTC and ETH."""
    found = assessed(book, bare_scenario(BTC, ETH)).portfolio
    assert found is not None
    return found.exposure.groups


def test_deltas_are_in_usd() -> None:
    """Linear: q·size·mark·index of the settle asset (no haircut, no ask price); inverse: q·size."""
    book = held(position("2", "90000", symbol="BTCUSDT"), position("-300", "100000", symbol="BTCUSD"), USDT="1")
    btc, eth = sums(book)
    assert btc == GroupSums(
        Fraction(2 * 100_000) * Fraction("0.99") - 30_000,
        Fraction(2 * 100_000) * Fraction("0.99") + 30_000,
        Fraction(2 * 100_000) * Fraction("0.99"),
        Fraction(30_000),
    )
    assert eth == GroupSums(0, 0, 0, 0)


def test_spot_hedges_a_short_perpetual() -> None:
    """Held assets count at the index without haircut in delta, long and short, not in gross."""
    btc, _ = sums(held(position("-2", "100000", symbol="BTCUSDT"), BTC="1.5"))
    assert btc.delta == 150_000 - 198_000
    assert (btc.gross, btc.long, btc.short) == (198_000, 150_000, 198_000)


def test_a_coin_wallet_hedges_its_inverse_contract() -> None:
    """20 BTC, short 1,000,000 USD of inverse BTC from 50,000 at 100,000: the equity is 10 BTC, the delta 0."""
    book = held(position("-10000", "50000", symbol="BTCUSD"), BTC="20")
    named = replace(BTC, assets=())
    found = assessed(book, bare_scenario(named))
    assert found.portfolio is not None
    [btc] = found.portfolio.exposure.groups
    assert btc == GroupSums(0, 1_000_000, 1_000_000, 1_000_000)
    assert found.equity == 10 * 100_000 * D("0.95")
    assert found.maintenance_margin == 0


def test_a_debt_in_a_held_asset_is_short() -> None:
    """What is owed of an asset counts as short."""
    btc, _ = sums(held(BTC="-2"))
    assert btc == GroupSums(-200_000, 0, 0, 200_000)


def test_a_position_in_no_group_adds_its_cross_requirement() -> None:
    """Its requirement counts at the index, outside minimum and buffer, and it is listed as ungrouped."""
    terms = ScenarioTerms((BTC,), buffer=D("0.5"))
    book = held(position("10", "50", symbol="ALONE"), EURX="1000")
    found = assessed(book, terms)
    assert found.maintenance_margin == 500 * Fraction("0.01") * Fraction("1.1")
    assert found.initial_margin == found.maintenance_margin * Fraction("1.25")
    report = scope_report(book, PORTFOLIO, priced(terms), Ladder.build(), None)
    assert report["portfolio"]["components"]["ungrouped"] == "5.5"
    assert report["portfolio"]["contributions"] == [
        {"symbol": "ALONE", "side": "both", "euler": "0", "marginal": "5.5", "ungrouped": True}
    ]


def test_the_equity_is_that_of_multi_asset() -> None:
    """Wallet and profit of each asset after its haircut, whatever the method (but hyperliquid)."""
    book = held(position("1", "99000", symbol="BTCUSDT"), USDT="500", BTC="0.5")
    pooled = assess(replace(book, margin_mode=MarginMode.MULTI_ASSET), "cross:USD", MARKET)
    found = assessed(book, bare_scenario(BTC))
    assert found.equity == pooled.equity
    assert found.wallet_balance == pooled.wallet_balance
    assert found.unrealized_pnl == pooled.unrealized_pnl


def test_without_a_method_the_scope_is_unknown() -> None:
    """No parameters: equity is known, the requirement is not, and the reason says why."""
    found = assess(held(position("1", "1", symbol="BTCUSDT"), USDT="5"), PORTFOLIO, MARKET)
    assert found.unknown_because == ("portfolio_method_missing",)
    assert found.maintenance_margin is None
    assert found.equity is not None
    assert found.portfolio is None


@pytest.mark.parametrize(
    ("book", "reason"),
    [
        (held(position("1", "1", symbol="GONE"), USDT="1"), "missing_instrument:GONE"),
        (held(position("1", "1", symbol="BTCUSDT"), XYZ="1"), "missing_asset:XYZ"),
        (held(position("1", "1", symbol="DARK"), USDT="1"), "missing_price:DARK"),
        (replace(held(USDT="1"), complete=False), "no_snapshot"),
    ],
)
def test_what_is_missing_makes_the_scope_unknown(book: Account, reason: str) -> None:
    """A needed price, contract or asset that is missing leaves the requirement unknown, never 0."""
    dark = replace(MARKET, instruments={**MARKET.instruments, "DARK": instrument("DARK")})
    found = assess(book, PORTFOLIO, priced(bare_scenario(BTC), dark))
    assert found.unknown_because[0] == reason
    assert found.maintenance_margin is None
    assert found.portfolio is None


def test_a_group_of_mixed_bases_is_known_to_nobody_who_uses_it() -> None:
    """A group whose members have different bases makes those unknown who hold a member or an asset of it."""
    mixed = ScenarioTerms((Group("M", ("BTCUSDT", "ETHUSDT"), ("BTC",)), Group("OTHER", ("ALONE",))))
    for book in (held(position("1", "1", symbol="ETHUSDT"), USDT="1"), held(BTC="1")):
        assert assessed(book, mixed).unknown_because == ("mixed_bases:M",)
    assert assessed(held(position("1", "50", symbol="ALONE"), EURX="1"), mixed).unknown_because == ()
    allowed = ScenarioTerms((replace(mixed.groups[0], allow_mixed=True),))
    assert assessed(held(BTC="1"), allowed).unknown_because == ()


def test_the_token_that_binds_gives_equity_and_requirement() -> None:
    """hyperliquid: the scope's equity is the binding token's value, initial is maintenance."""
    terms = HyperliquidTerms((Token("USDC", borrowable=True), Token("BTC", ltv=D("0.5"))))
    usdc = instrument("BTCUSDC", settle="USDC", brackets=(("0", "0.0125"),))
    base = replace(
        MARKET,
        instruments={**MARKET.instruments, "BTCUSDC": usdc},
        marks={**MARKET.marks, "BTCUSDC": D(100_000)},
    )
    book = held(position("1", "110000", symbol="BTCUSDC"), USDC="-2000", BTC="1")
    found = assess(book, PORTFOLIO, priced(terms, base))
    assert found.equity == 100_000 * Fraction("0.75")
    assert found.maintenance_margin == found.initial_margin == 20 + 1250 + 12_000


# ----------------------------------------------------------------------------------------------- contributions
QUANTITIES = st.integers(-20, 20).map(str)
TERMS: dict[str, Terms] = {
    "scenario": ScenarioTerms((BTC, replace(ETH, daily_volume=D(10_000)))),
    "span": SpanTerms((BTC, ETH), credits=(Credit(("BTC", "ETH"), D("0.6")),)),
    "tims": TimsTerms((BTC, ETH), (Bundle("major", ("BTC", "ETH"), D("0.5")),), basis_rate=D("0.001")),
    "hyperliquid": HyperliquidTerms(
        (Token("USDT", borrowable=True, ltv=D("0.9")), Token("BTC", borrowable=True, ltv=D("0.5"), supply_cap=D(3)))
    ),
}


@pytest.mark.parametrize("name", TERMS)
@given(
    btc=QUANTITIES,
    eth=QUANTITIES,
    coins=st.integers(-9_000, 9_000).map(str),
    alone=QUANTITIES,
    wallet=st.integers(-3, 3).map(str),
)
@settings(max_examples=30, deadline=None)
def test_what_positions_contribute(name: str, btc: str, eth: str, coins: str, alone: str, wallet: str) -> None:
    """Euler shares sum to the worst loss; a marginal is the requirement less that without the position."""
    given_ = {"BTCUSDT": btc, "ETHUSDT": eth, "BTCUSD": coins, "ALONE": alone}
    positions = [position(quantity, "40", symbol=symbol) for symbol, quantity in given_.items() if quantity != "0"]
    book = held(*positions, USDT="100000", BTC=wallet, EURX="1")
    found = assessed(book, TERMS[name])
    assert found.portfolio is not None
    required = found.portfolio.requirement
    listed = contributions(found.portfolio)
    assert sum(one.euler for one in listed) == required.components.worst_loss
    for one in listed:
        assert one.marginal == required.maintenance - _without(book, one, TERMS[name])


def _without(book: Account, one: Contribution, terms: Terms) -> Fraction:
    """Return the requirement of an account that does not have a position, or nothing of a held asset."""
    if one.side != "asset":
        left = {key: each for key, each in book.positions.items() if key[0] != one.symbol}
        found = assessed(replace(book, positions=left), terms)
    else:
        profits = assessed(replace(book, balances={**book.balances, one.symbol: D(0)}), terms)
        own = [
            leg.unrealized_pnl for leg in profits.legs if leg.instrument and leg.instrument.settle_asset == one.symbol
        ]
        settled = sum(Fraction(pnl) for pnl in own if pnl is not None)
        found = assessed(replace(book, balances={**book.balances, one.symbol: _decimal(-settled)}), terms)
    assert found.portfolio is not None
    return found.portfolio.requirement.maintenance


def _decimal(number: Fraction) -> Decimal:
    """Return a fraction that ends in decimals: marks and entries are chosen so that profits do."""
    found = D(number.numerator) / D(number.denominator)
    assert Fraction(found) == number
    return found


def test_a_hedge_has_a_negative_marginal() -> None:
    """What lowers the requirement is shown as such, and what is held of a coin is listed with side `asset`."""
    book = held(position("-1", "100000", symbol="BTCUSDT"), BTC="1", USDT="1000")
    report = scope_report(book, PORTFOLIO, priced(bare_scenario(BTC)), Ladder.build(), None)
    short, coin = report["portfolio"]["contributions"]
    assert (coin["symbol"], coin["side"]) == ("BTC", "asset")
    assert short["marginal"].startswith("-")
    assert coin["marginal"].startswith("-")
    assert Fraction(coin["euler"]) + Fraction(short["euler"]) == Fraction(
        report["portfolio"]["components"]["worst_loss"]
    )


@pytest.mark.parametrize("name", TERMS)
def test_the_report_has_the_promised_form(name: str) -> None:
    """Every method fills the portfolio object of the contract, and its form is the one of the schema."""
    book = held(position("1", "90000", symbol="BTCUSDT"), position("-9", "3000", symbol="ETHUSDT"), USDT="90000")
    report: dict[str, Any] = scope_report(book, PORTFOLIO, priced(TERMS[name]), Ladder.build(), None)
    assert msgspec.convert(report, ScopeReport).scope == PORTFOLIO
    told = report["portfolio"]
    promised = {
        "method",
        "worst_scenario",
        "scenarios",
        "components",
        "contributions",
        "liquidation_move",
        "ineligible",
    }
    assert promised <= set(told)
    assert {"worst_loss", "liquidity", "basis", "minimum", "buffer", "ungrouped"} <= set(told["components"])
    assert told["method"] == name
    assert report["initial_margin"] is not None
    unknown = scope_report(replace(book, complete=False), PORTFOLIO, priced(TERMS[name]), Ladder.build(), None)
    assert unknown["portfolio"] is None
