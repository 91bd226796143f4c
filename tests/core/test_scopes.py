"""Which scopes an account has, how they are named, and what stands in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.core.accounts import MarginMode, Side
from monitor.core.scopes import (
    MULTI_ASSET,
    PORTFOLIO,
    BadScope,
    ParsedScope,
    ScopeKind,
    cross_scope,
    isolated_scope,
    kind_of,
    parse_scope,
    positions_of,
    scope_names,
    symbol_of_isolated,
)
from tests.core.building import account, instrument, inverse, market, position

MARKET = market(instrument("X"), instrument("Y", settle="USDC"), inverse("Z"))
HELD = account(
    position("1", "10", symbol="Y"),
    position("1", "10", symbol="Z", wallet="1"),
    position("1", "10", symbol="X"),
    position("0", "10", symbol="W"),
    balances={"USDT": "0", "BNB": "1"},
)


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (MarginMode.SINGLE_ASSET, ("cross:BNB", "cross:USDC", "cross:USDT", "isolated:Z:both")),
        (MarginMode.MULTI_ASSET, ("cross:USD", "isolated:Z:both")),
        (MarginMode.PORTFOLIO, ("portfolio", "isolated:Z:both")),
    ],
)
def test_scopes_follow_from_mode_balances_and_positions(mode: MarginMode, names: tuple[str, ...]) -> None:
    """Cross scopes stand for balance entries (zero included) and settle assets in use, isolated ones for positions."""
    assert scope_names(replace(HELD, margin_mode=mode), MARKET) == names


def test_an_account_without_anything() -> None:
    """Nothing held: no scope in single-asset mode, the one scope of the others, none once deleted."""
    assert scope_names(account(), MARKET) == ()
    assert scope_names(account(mode=MarginMode.MULTI_ASSET), MARKET) == (MULTI_ASSET,)
    assert scope_names(account(mode=MarginMode.PORTFOLIO), MARKET) == (PORTFOLIO,)
    assert scope_names(replace(HELD, deleted=True), MARKET) == ()


def test_hedge_legs_alone_are_scopes_of_their_own() -> None:
    """Isolated legs are named by symbol and side."""
    legs = (
        position("1", "10", side=Side.LONG, wallet="1"),
        position("-1", "10", side=Side.SHORT, wallet="1"),
    )
    assert scope_names(account(*legs), MARKET) == ("isolated:X:long", "isolated:X:short")


@pytest.mark.parametrize(
    ("scope", "symbols"),
    [("cross:USDT", ["X"]), ("cross:USDC", ["Y"]), ("cross:BNB", []), ("isolated:Z:both", ["Z"])],
)
def test_positions_stand_in_the_scope_they_are_settled_in(scope: str, symbols: list[str]) -> None:
    """A cross scope holds the live cross positions of its settle asset, an isolated one its position."""
    assert [each.symbol for each in positions_of(HELD, scope, MARKET)] == symbols


def test_one_scope_holds_all_cross_positions() -> None:
    """In multi-asset mode every live cross position stands in cross:USD, also without terms."""
    held = replace(HELD, margin_mode=MarginMode.MULTI_ASSET)
    assert [each.symbol for each in positions_of(held, MULTI_ASSET, market())] == ["Y", "X"]


def test_the_kind_follows_the_account() -> None:
    """cross:USD is a single-asset scope in a single-asset account that holds USD."""
    single, multi = account(balances={"USD": "1"}), account(mode=MarginMode.MULTI_ASSET)
    assert kind_of(single, "cross:USD") is ScopeKind.CROSS
    assert kind_of(multi, "cross:USD") is ScopeKind.MULTI_ASSET
    assert kind_of(account(mode=MarginMode.PORTFOLIO), PORTFOLIO) is ScopeKind.PORTFOLIO
    assert kind_of(multi, "isolated:X:both") is ScopeKind.ISOLATED


@pytest.mark.parametrize(
    ("scope", "parsed"),
    [
        ("portfolio", ParsedScope("portfolio")),
        (cross_scope("USDT"), ParsedScope("cross:USDT", asset="USDT")),
        (isolated_scope("xyz:S0", Side.LONG), ParsedScope("isolated:xyz:S0:long", symbol="xyz:S0", side=Side.LONG)),
    ],
)
def test_names_are_read_back(scope: str, parsed: ParsedScope) -> None:
    """The side is what follows the last colon, whatever the symbol holds."""
    assert parse_scope(scope) == parsed
    assert symbol_of_isolated(scope) == parsed.symbol


@pytest.mark.parametrize("scope", ["", "cross:", "isolated:X", "isolated::both", "isolated:X:up", "USDT", "portfolios"])
def test_other_texts_name_no_scope(scope: str) -> None:
    """What is no scope is refused."""
    with pytest.raises(BadScope):
        parse_scope(scope)
