"""Scopes: the units that are margined and judged, how they are named, and which positions stand in which.

Names and membership live here; figures of a scope and its status do not.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from monitor.core.accounts import Account, MarginMode, MarginType, Position, Side
from monitor.core.instruments import Instrument
from monitor.core.market import Market

MULTI_ASSET = "cross:USD"
"""The one cross scope of an account in multi-asset mode."""
PORTFOLIO = "portfolio"
"""The one cross scope of an account in portfolio mode."""

_CROSS = "cross:"
_ISOLATED = "isolated:"
_SIDES = {str(side): side for side in Side}


class ScopeKind(StrEnum):
    """Name how a scope is margined."""

    CROSS = "cross"
    MULTI_ASSET = "multi_asset"
    PORTFOLIO = "portfolio"
    ISOLATED = "isolated"


IN_USD = frozenset((ScopeKind.MULTI_ASSET, ScopeKind.PORTFOLIO))
"""The kinds of scope whose figures are in USD; the others' are in one asset."""


class ParsedScope(NamedTuple):
    """Hold what a scope's name says: the asset of a cross scope, or symbol and side of an isolated one."""

    name: str
    asset: str | None = None
    symbol: str | None = None
    side: Side | None = None


Member = tuple[Position, Instrument[Decimal] | None]
"""A live position of a scope with the terms of its contract, None where they are not known."""


class BadScope(ValueError):
    """A text that names no scope."""


def cross_scope(asset: str) -> str:
    """Return the name of the cross scope of a settle asset."""
    return _CROSS + asset


def asset_of_cross(scope: str) -> str:
    """Return the asset a cross scope of a single-asset account is named after."""
    return scope[len(_CROSS) :]


def isolated_scope(symbol: str, side: Side) -> str:
    """Return the name of the scope of an isolated position."""
    return f"{_ISOLATED}{symbol}:{side}"


def symbol_of_isolated(scope: str) -> str | None:
    """Return the symbol an isolated scope is named after, None for any other text."""
    return scope.removeprefix(_ISOLATED).rpartition(":")[0] if scope.startswith(_ISOLATED) else None


def parse_scope(scope: str) -> ParsedScope:
    """Return what a scope's name says; a symbol may hold `:`, the side follows the last one. Raises `BadScope`."""
    if scope == PORTFOLIO:
        return ParsedScope(scope)
    if scope.startswith(_CROSS) and len(scope) > len(_CROSS):
        return ParsedScope(scope, asset=scope.removeprefix(_CROSS))
    symbol, _, side = scope.removeprefix(_ISOLATED).rpartition(":")
    if not scope.startswith(_ISOLATED) or not symbol or side not in _SIDES:
        raise BadScope(f"{scope[:80]!r} is no scope")
    return ParsedScope(scope, symbol=symbol, side=_SIDES[side])


def margined_as(account: Account) -> MarginMode:
    """Return the mode an account is margined in: its own, multi_asset where it is not eligible for a portfolio."""
    if account.margin_mode is MarginMode.PORTFOLIO and account.ineligible:
        return MarginMode.MULTI_ASSET
    return account.margin_mode


def kind_of(account: Account, scope: str) -> ScopeKind:
    """Return how a scope of this account is margined (a single-asset account may hold an asset named USD)."""
    if scope.startswith(_ISOLATED):
        return ScopeKind.ISOLATED
    if account.margin_mode is MarginMode.SINGLE_ASSET:
        return ScopeKind.CROSS
    return ScopeKind.PORTFOLIO if margined_as(account) is MarginMode.PORTFOLIO else ScopeKind.MULTI_ASSET


def scope_names(account: Account, market: Market) -> tuple[str, ...]:
    """Return every scope of an account: its cross scopes by asset, then the isolated ones in the order of positions.

    A cross scope exists for each asset with a balance entry (zero included) and each settle asset of a live cross
    position; multi-asset and portfolio accounts always have exactly one.
    """
    isolated: list[str] = []
    assets = set(account.balances)
    for position in account.positions.values():
        if not position.quantity:
            continue
        if position.margin_type is MarginType.ISOLATED:
            isolated.append(isolated_scope(position.symbol, position.side))
        elif (instrument := market.instrument(position.symbol)) is not None:
            assets.add(instrument.settle_asset)
    if account.deleted:
        return ()
    mode = margined_as(account)
    if mode is MarginMode.MULTI_ASSET:
        return MULTI_ASSET, *isolated
    if mode is MarginMode.PORTFOLIO:
        return PORTFOLIO, *isolated
    return *(cross_scope(asset) for asset in sorted(assets)), *isolated


def members(account: Account, scope: str, market: Market, missing: list[str]) -> list[Member]:
    """Return the live positions of a scope, and add the symbols whose terms it would need to `missing`.

    A cross position without an instrument could be settled in any asset: every cross scope of its account misses it. It
    is listed where the account has one cross scope only.
    """
    if scope.startswith(_ISOLATED):
        return _isolated_member(account, scope, market, missing)
    asset = asset_of_cross(scope) if account.margin_mode is MarginMode.SINGLE_ASSET else None
    found: list[Member] = []
    for position in account.positions.values():
        if position.margin_type is MarginType.ISOLATED or not position.quantity:
            continue
        instrument = market.instrument(position.symbol)
        if instrument is None:
            missing.append(position.symbol)
        if asset is None or (instrument is not None and instrument.settle_asset == asset):
            found.append((position, instrument))
    return found


def _isolated_member(account: Account, scope: str, market: Market, missing: list[str]) -> list[Member]:
    symbol, _, side = scope.removeprefix(_ISOLATED).rpartition(":")
    position = account.positions.get((symbol, _SIDES[side]))
    if position is None or position.margin_type is not MarginType.ISOLATED or not position.quantity:
        return []
    instrument = market.instrument(symbol)
    if instrument is None:
        missing.append(symbol)
    return [(position, instrument)]


def scope_of(account: Account, position: Position, market: Market) -> str | None:
    """Return the scope a position stands in; None where it is a cross one whose settle asset is not known."""
    if position.margin_type is MarginType.ISOLATED:
        return isolated_scope(position.symbol, position.side)
    instrument = market.instrument(position.symbol)
    if instrument is None:
        return None
    mode = margined_as(account)
    if mode is MarginMode.SINGLE_ASSET:
        return cross_scope(instrument.settle_asset)
    return PORTFOLIO if mode is MarginMode.PORTFOLIO else MULTI_ASSET


def positions_of(account: Account, scope: str, market: Market) -> tuple[Position, ...]:
    """Return the live positions that stand in a scope."""
    return tuple(position for position, _ in members(account, scope, market, []))
