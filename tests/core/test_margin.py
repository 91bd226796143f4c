"""The figures of a scope: cross, isolated, hedge and multi-asset, and what is missing to know them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from monitor.core.accounts import MarginMode, Side
from monitor.core.instruments import MaintenanceBasis
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.margin import Assessment, NoSuchScope, assess
from monitor.core.report import status_of
from monitor.core.scopes import MULTI_ASSET, PORTFOLIO, ScopeKind
from tests.core.building import BTC_USDT, account, asset, instrument, inverse, market, position

D, F = Decimal, Fraction
MULTI = MarginMode.MULTI_ASSET


def figures(assessment: Assessment) -> tuple[object, ...]:
    """Return equity, maintenance and initial margin."""
    return assessment.equity, assessment.maintenance_margin, assessment.initial_margin


def test_a_cross_scope_adds_up() -> None:
    """Wallet plus profits of the cross positions of one asset; isolated ones and other assets stay outside."""
    held = account(
        position("0.5", "60000", leverage="20"),
        position("-2", "3000", symbol="Y"),
        position("1", "100", symbol="Z", wallet="50"),
        position("1", "100", symbol="W"),
        balances={"USDT": "1000", "USDC": "7"},
    )
    prices = market(
        instrument("X", brackets=BTC_USDT),
        instrument("Y"),
        instrument("Z"),
        instrument("W", settle="USDC"),
        marks={"X": "61000", "Y": "2900", "Z": "90", "W": "99"},
    )
    cross = assess(held, "cross:USDT", prices)
    assert figures(cross) == (D(1700), D("122") + D(58), D(1525) + D(5800))
    assert (cross.wallet_balance, cross.unrealized_pnl, cross.unknown_because) == (D(1000), D(700), ())
    assert figures(assess(held, "cross:USDC", prices)) == (D(6), D("0.99"), D(99))
    isolated = assess(held, "isolated:Z:both", prices)
    assert (isolated.kind, *figures(isolated)) == (ScopeKind.ISOLATED, D(40), D("0.9"), D(90))


def test_a_scope_without_positions() -> None:
    """A balance alone is equity without requirement, a missing one is 0."""
    held = account(balances={"USDT": "-3"})
    assert figures(assess(held, "cross:USDT", market())) == (D(-3), D(0), D(0))
    assert figures(assess(held, "cross:USDC", market())) == (D(0), D(0), D(0))


def test_hedge_legs_net_their_profit_but_not_their_requirement() -> None:
    """Equal cross legs have no profit together and the requirement of both."""
    legs = (position("2", "100", side=Side.LONG), position("-2", "100", side=Side.SHORT))
    held = account(*legs, balances={"USDT": "10"})
    assert figures(assess(held, "cross:USDT", market(instrument(), marks={"X": "150"}))) == (D(10), D(6), D(600))


def test_isolated_hedge_legs_are_scopes_of_their_own() -> None:
    """Each isolated leg has its own wallet, profit and requirement."""
    legs = (
        position("2", "100", side=Side.LONG, wallet="30"),
        position("-2", "100", side=Side.SHORT, wallet="-5"),
    )
    prices = market(instrument(), marks={"X": "110"})
    assert figures(assess(account(*legs), "isolated:X:long", prices))[:2] == (D(50), D("2.2"))
    assert figures(assess(account(*legs), "isolated:X:short", prices))[:2] == (D(-25), D("2.2"))


USDT = asset("USDT", "0.5", bid="0.1", ask="0.2")
BTC = asset("BTC", "3000", ratio="0.9")


@pytest.mark.parametrize(
    ("usdt", "btc", "equity"),
    [
        ("100", "0", "45"),
        ("-100", "0", "-60"),
        ("0", "2", "5400"),
        ("0", "-2", "-6000"),
        ("-100", "2", "5340"),
    ],
)
def test_assets_are_valued_by_sign(usdt: str, btc: str, equity: str) -> None:
    """What is held counts less by its haircut, what is owed more by its buffer; absent terms are neutral."""
    held = account(balances={"USDT": usdt, "BTC": btc}, mode=MULTI)
    assert figures(assess(held, MULTI_ASSET, market(assets=(USDT, BTC))))[0] == D(equity)


def test_the_published_multi_asset_example() -> None:
    """200 USDT at 0.9801 and 220 of another are worth 416.02 (golden vector G12)."""
    held = account(balances={"USDT": "200", "USDC": "220"}, mode=MULTI)
    terms = (asset("USDT", "0.99", bid="0.01"), asset("USDC"))
    assert figures(assess(held, MULTI_ASSET, market(assets=terms)))[0] == D("416.02")


def test_haircuts_fall_on_wallet_and_profit_together() -> None:
    """A loss larger than the wallet is a debt at the ask; requirements count at the ask too."""
    held = account(position("1", "1000", leverage="4"), balances={"USDT": "100", "BTC": "1"}, mode=MULTI)
    prices = market(instrument(), marks={"X": "800"}, assets=(USDT, BTC))
    found = assess(held, MULTI_ASSET, prices)
    assert figures(found) == (D(2700) - D(60), D(8) * D("0.6"), D(200) * D("0.6"))
    assert (found.wallet_balance, found.unrealized_pnl) == (D(3050), D(-100))


def test_an_asset_that_is_no_margin_counts_only_as_debt() -> None:
    """With margin_available false what is held counts nothing, what is owed in full."""
    worthless = asset("BNB", "300", margin_available=False)
    for amount, equity in (("2", D(0)), ("-2", D(-600))):
        held = account(balances={"BNB": amount}, mode=MULTI)
        assert figures(assess(held, MULTI_ASSET, market(assets=(worthless,))))[0] == equity


def test_an_inverse_contract_makes_a_scope_rational() -> None:
    """Coins won or lost are added to the wallet in the coin and valued once, exactly."""
    held = account(position("3", "3000"), balances={"BTC": "0.01"}, mode=MULTI)
    found = assess(held, MULTI_ASSET, market(inverse(), marks={"X": "3100"}, assets=(BTC,)))
    amount = F("0.01") + 300 * (F(1, 3000) - F(1, 3100))
    assert figures(found) == (amount * 2700, F(300, 3100) / 100 * 3000, F(300, 3100) * 3000)


def test_debts_are_measured_at_the_index() -> None:
    """The index of a scope's asset is its own, of an isolated one the settle asset's, and none in USD."""
    held = account(position("1", "10", wallet="5"), balances={"BTC": "1", "XYZ": "1", "USD": "1"})
    prices = market(instrument(), marks={"X": "10"}, assets=(USDT, BTC))
    scopes = ("cross:BTC", "cross:XYZ", "cross:USD", "isolated:X:both")
    assert [assess(held, scope, prices).index_price for scope in scopes] == [D(3000), None, D(1), D("0.5")]
    assert assess(account(mode=MULTI), MULTI_ASSET, prices).index_price is None


# ------------------------------------------------------------------------------------------------------- unknown
def test_a_cross_position_without_terms_hides_every_cross_scope() -> None:
    """It could be settled in any asset; wallets and isolated scopes stand."""
    held = account(
        position("1", "10", symbol="Q"),
        position("1", "10"),
        position("1", "10", symbol="Y", wallet="5"),
        balances={"USDT": "100", "BTC": "1"},
    )
    prices = market(instrument(), instrument("Y"), marks={"X": "11", "Y": "12"})
    for scope, wallet in (("cross:USDT", D(100)), ("cross:BTC", D(1))):
        found = assess(held, scope, prices)
        assert (found.unknown_because[0], found.wallet_balance) == ("missing_instrument:Q", wallet)
        assert figures(found) == (None, None, None)
    assert [leg.unrealized_pnl for leg in assess(held, "cross:USDT", prices).legs] == [D(1)]
    assert assess(held, "isolated:Y:both", prices).unknown_because == ()


def test_an_isolated_position_without_terms_hides_its_own_scope() -> None:
    """The wallet is known, the rest is not, and the cross scopes stand."""
    held = account(position("1", "10", symbol="Q", wallet="5"), balances={"USDT": "100"})
    found = assess(held, "isolated:Q:both", market(marks={"Q": "3"}))
    assert (found.unknown_because, found.wallet_balance, found.index_price) == (("missing_instrument:Q",), D(5), None)
    assert figures(found) == (None, None, None)
    assert figures(assess(held, "cross:USDT", market())) == (D(100), D(0), D(0))


def test_a_missing_mark_leaves_what_does_not_need_it() -> None:
    """Equity is unknown; a requirement taken at the entry price is not; other positions keep their figures."""
    at_entry = instrument("Y", basis=MaintenanceBasis.ENTRY)
    held = account(position("1", "10"), position("1", "20", symbol="Y"), balances={"USDT": "100"})
    found = assess(held, "cross:USDT", market(instrument(), at_entry, marks={"X": "11"}))
    assert found.unknown_because == ("missing_price:Y",)
    assert figures(found) == (None, F("0.31"), None)
    assert [leg.unrealized_pnl for leg in found.legs] == [D(1), None]
    assert figures(assess(held, "cross:USDT", market(instrument(), at_entry, marks={"Y": "11"})))[1] is None


def test_a_requirement_at_entry_counts_the_contract_size_once_without_a_mark() -> None:
    """2 contracts of 10 at 20 are 400, of which 1 % is required, whether there is a mark or not."""
    at_entry = instrument(size="10", basis=MaintenanceBasis.ENTRY)
    held = account(position("2", "20"), balances={"USDT": "100"})
    without, priced = (assess(held, "cross:USDT", market(at_entry, marks=marks)) for marks in ({}, {"X": "21"}))
    assert (without.maintenance_margin, priced.maintenance_margin) == (D(4), D(4))


@pytest.mark.parametrize(
    ("balances", "missing"),
    [
        ({"BNB": "1"}, ("missing_asset:BNB",)),
        ({"BNB": "0"}, ()),
        ({"USD": "5"}, ()),
        ({"BNB": "1", "DOGE": "-1", "USDT": "1"}, ("missing_asset:BNB", "missing_asset:DOGE")),
    ],
)
def test_assets_without_terms_hide_a_scope_in_usd(balances: dict[str, str], missing: tuple[str, ...]) -> None:
    """A balance other than 0 needs terms, unless the asset counts as USD; requirements stand without them."""
    found = assess(account(balances=balances, mode=MULTI), MULTI_ASSET, market(assets=(USDT,)))
    assert found.unknown_because == missing
    assert (found.equity is None) is bool(missing)
    assert found.maintenance_margin == 0


def test_a_settle_asset_in_use_needs_terms_even_when_nothing_is_left_of_it() -> None:
    """A position settled in an asset without terms hides equity and requirement."""
    held = account(position("1", "10"), balances={}, mode=MULTI)
    found = assess(held, MULTI_ASSET, market(instrument(), marks={"X": "10"}))
    assert (found.unknown_because, found.maintenance_margin) == (("missing_asset:USDT",), None)


def test_before_its_first_snapshot_an_account_is_unknown() -> None:
    """Nothing is said of a scope as a whole; each position that is named stands."""
    held = account(position("1", "10"), position("1", "10", symbol="Y"), balances={"USDT": "5"}, complete=False)
    found = assess(held, "cross:USDT", market(instrument(), instrument("Y"), marks={"X": "11"}))
    assert found.unknown_because == ("no_snapshot", "missing_price:Y")
    assert (found.wallet_balance, *figures(found)) == (None, None, None, None)
    assert found.legs[0].unrealized_pnl == 1


def test_portfolio_scopes_have_equity_but_no_method_yet() -> None:
    """Equity is that of a multi-asset scope, the requirement is unknown."""
    held = account(position("1", "10"), balances={"USDT": "100"}, mode=MarginMode.PORTFOLIO)
    found = assess(held, PORTFOLIO, market(instrument(), marks={"X": "11"}, assets=(asset("USDT"),)))
    assert found.unknown_because == ("portfolio_method_missing",)
    assert figures(found) == (D(101), None, None)


def test_a_scope_that_is_not_there_is_our_mistake() -> None:
    """Asking for an isolated scope without a position raises."""
    with pytest.raises(NoSuchScope):
        assess(account(), "isolated:X:both", market())


# ---------------------------------------------------------------------------------------------- on the thresholds
LINES = [("watch", "1.5"), ("warning", "1.25"), ("margin_call", "1.1"), ("liquidation", "1")]


@pytest.mark.parametrize(("status", "k"), LINES)
@pytest.mark.parametrize(("step", "reached"), [("-0.000000000000000001", True), ("0", False), ("0.000000001", False)])
def test_a_wallet_exactly_on_a_line(status: str, k: str, step: str, reached: bool) -> None:
    """An account whose equity is k·MM to the last digit is not yet below it; the least amount less is."""
    prices = market(instrument(), marks={"X": "333.33"})
    wallet = D(k) * D("3.3333") + D(step) - D("33.33")
    found = assess(account(position("1", "300"), balances={"USDT": str(wallet)}), "cross:USDT", prices)
    strict, inclusive = (status_of(found, Ladder.build(inclusive=inclusive), None) for inclusive in (False, True))
    assert (strict == status) is reached
    assert (inclusive == status) is (reached or step == "0")


def test_an_inverse_wallet_exactly_on_the_line() -> None:
    """Where 1/p does not end, an account a hair below the requirement is below, one a hair above is not."""
    prices = market(inverse(), marks={"X": "3000"}, assets=(BTC,))
    requirement = F(300, 3000) / 100
    loss = 300 * (F(1, 2999) - F(1, 3000))
    for step, status in ((F(-1, 10**20), MarginStatus.LIQUIDATION), (F(1, 10**20), MarginStatus.MARGIN_CALL)):
        wallet = round(requirement + loss + step, 25)
        held = account(position("-3", "2999"), balances={"BTC": f"{D(wallet.numerator) / D(wallet.denominator):f}"})
        assert status_of(assess(held, "cross:BTC", prices), Ladder.build(), None) is status
