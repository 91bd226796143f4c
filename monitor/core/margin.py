"""The exact margin of one scope: equity, requirement, initial margin, and what is missing to know them.

This is the definition that everything else is measured against. Formulas of one position are in `positions`, the status
that follows in `ladder`, figures only a report shows in `liquidation`, `bankruptcy`, `transfers` and `report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Account, Position, Settings
from monitor.core.amounts import N, Number, exactly, plus, times, total
from monitor.core.collateral import ask_price, coin_value
from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis, MarginTier
from monitor.core.market import Market
from monitor.core.positions import (
    effective_leverage,
    initial_margin,
    maintenance_margin,
    notional,
    signed_size,
    unrealized_pnl,
)
from monitor.core.scopes import IN_USD, Member, ScopeKind, kind_of, members, parse_scope

NO_SNAPSHOT = "no_snapshot"
PORTFOLIO_METHOD_MISSING = "portfolio_method_missing"

_ONE = Decimal(1)
_ZERO = Decimal(0)
_INVERSE = Contract.INVERSE
_AT_ENTRY = MaintenanceBasis.ENTRY


class NoSuchScope(ValueError):
    """A scope was asked for that the account does not have: our own mistake."""


class Leg(NamedTuple):
    """Hold the figures of one position in its settle asset; None where an input is missing.

    `bracket` is the index of the bracket in force for the requirement, `leverage` what counts after the cap.
    """

    position: Position
    instrument: Instrument[Decimal] | None = None
    mark_price: Decimal | None = None
    notional: Number | None = None
    unrealized_pnl: Number | None = None
    maintenance_margin: Number | None = None
    initial_margin: Number | None = None
    bracket: int | None = None
    leverage: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Hold the figures of one scope, in the asset it is named after (USD for `cross:USD` and `portfolio`).

    A figure that needs what is missing is None; `unknown_because` says what that is. `index_price` is the USD price of
    the scope's asset (None: counts 1:1), `assets` the terms a scope in USD valued its coins by.
    """

    scope: str
    kind: ScopeKind
    unknown_because: tuple[str, ...]
    equity: Number | None
    maintenance_margin: Number | None
    initial_margin: Number | None
    wallet_balance: Number | None
    unrealized_pnl: Number | None
    legs: tuple[Leg, ...]
    index_price: Decimal | None
    assets: Mapping[str, Asset[Decimal]]


class _Sums(NamedTuple):
    """Hold the figures of a scope before what makes it unknown is weighed in."""

    equity: Number | None = None
    maintenance_margin: Number | None = None
    initial_margin: Number | None = None
    wallet_balance: Number | None = None
    unrealized_pnl: Number | None = None


@exactly
def assess(account: Account, scope: str, market: Market) -> Assessment:
    """Return the figures of a scope, exactly: decimals, or fractions where a price is divided by.

    Raises `NoSuchScope` for an isolated scope without its position.
    """
    kind = kind_of(account, scope)
    missing: list[str] = []
    found = members(account, scope, market, missing)
    if kind is ScopeKind.ISOLATED and not found:
        raise NoSuchScope(f"{account.account_id} has no {scope}")
    reasons = [] if account.complete else [NO_SNAPSHOT]
    reasons += [f"missing_instrument:{symbol}" for symbol in dict.fromkeys(missing)]
    unpriced: dict[str, None] = {}
    legs = tuple([_leg(member, account.settings, market, unpriced) for member in found])
    reasons += [f"missing_price:{symbol}" for symbol in unpriced]
    assets: dict[str, Asset[Decimal]] = {}
    if kind in IN_USD:
        sums = _sums_in_usd(account, legs, market, assets, reasons)
        index_price = None
        if kind is ScopeKind.PORTFOLIO:
            reasons.append(PORTFOLIO_METHOD_MISSING)
            sums = sums._replace(maintenance_margin=None, initial_margin=None)
    else:
        wallet = found[0].position.isolated_wallet if kind is ScopeKind.ISOLATED else _wallet(account, scope)
        sums = _sums_in_asset(wallet or _ZERO, legs)
        index_price = _index_of(scope, found, market)
    if not account.complete:
        sums = _Sums()
    elif missing:
        sums = _Sums(wallet_balance=sums.wallet_balance)
    return Assessment(
        scope,
        kind,
        tuple(reasons),
        sums.equity,
        sums.maintenance_margin,
        sums.initial_margin,
        sums.wallet_balance,
        sums.unrealized_pnl,
        legs,
        index_price,
        assets,
    )


def _wallet(account: Account, scope: str) -> Decimal | None:
    return account.balances.get(parse_scope(scope).asset or "")


def _index_of(scope: str, found: Sequence[Member], market: Market) -> Decimal | None:
    """Return the USD index of the one asset a scope is kept in, None where it has no terms (then it counts 1:1)."""
    asset = parse_scope(scope).asset
    if asset is None:
        instrument = found[0].instrument
        asset = None if instrument is None else instrument.settle_asset
    terms = None if asset is None else market.asset(asset)
    return None if terms is None else terms.index_price


# ------------------------------------------------------------------------------------------------------ positions
def _leg(member: Member, settings: Settings, market: Market, unpriced: dict[str, None]) -> Leg:
    position, instrument = member
    mark_price = market.mark(position.symbol)
    if mark_price is None:
        unpriced[position.symbol] = None
    if instrument is None:
        return Leg(position, None, mark_price)
    multiplier = settings.bracket_multiplier.get(position.symbol, _ONE)
    named = position.leverage or settings.leverage.get(position.symbol)
    if mark_price is None:
        return _unpriced_leg(position, instrument, multiplier)
    if instrument.contract is _INVERSE:
        return _priced_leg(
            position,
            instrument,
            instrument.rational,
            mark_price,
            Fraction(position.quantity),
            Fraction(position.entry_price),
            Fraction(mark_price),
            Fraction(multiplier),
            named,
        )
    return _priced_leg(
        position,
        instrument,
        instrument,
        mark_price,
        position.quantity,
        position.entry_price,
        mark_price,
        multiplier,
        named,
    )


def _priced_leg(
    position: Position,
    instrument: Instrument[Decimal],
    terms: Instrument[N],
    mark_price: Decimal,
    quantity: N,
    entry: N,
    mark: N,
    multiplier: N,
    named_leverage: Decimal | None,
) -> Leg:
    """Return all figures of a position; `terms` are the instrument's in the kind of number to calculate in."""
    contract = terms.contract
    size = signed_size(quantity, terms.contract_size)
    at_mark = notional(contract, size, mark)
    bracket = bracket_at_mark = terms.tier_index(at_mark, multiplier)
    margined = at_mark
    if terms.maintenance_basis is _AT_ENTRY:
        margined = notional(contract, size, entry)
        bracket = terms.tier_index(margined, multiplier)
    tier: MarginTier[N] = terms.tiers[bracket]
    leverage = effective_leverage(named_leverage, instrument.tiers[bracket_at_mark].max_leverage)
    return Leg(
        position,
        instrument,
        mark_price,
        at_mark,
        unrealized_pnl(contract, size, entry, mark),
        maintenance_margin(margined, tier, terms.closing_fee_rate, multiplier),
        initial_margin(at_mark, leverage),
        bracket,
        leverage,
    )


def _unpriced_leg(position: Position, instrument: Instrument[Decimal], multiplier: Decimal) -> Leg:
    """Return what is known of a position without a mark: its requirement, where that is taken at the entry price."""
    if instrument.maintenance_basis is not _AT_ENTRY:
        return Leg(position, instrument)
    at_entry = _priced_leg_at_entry(position, instrument, multiplier)
    return Leg(position, instrument, maintenance_margin=at_entry.maintenance_margin, bracket=at_entry.bracket)


def _priced_leg_at_entry(position: Position, instrument: Instrument[Decimal], multiplier: Decimal) -> Leg:
    terms, entry = instrument.rational, Fraction(position.entry_price)
    size = signed_size(Fraction(position.quantity), terms.contract_size)
    return _priced_leg(
        position, instrument, terms, position.entry_price, size, entry, entry, Fraction(multiplier), None
    )


# ----------------------------------------------------------------------------------------------------------- sums
def _sums_in_asset(wallet: Decimal, legs: Sequence[Leg]) -> _Sums:
    """Return the sums of a scope kept in one asset: E = wallet + Σ uPnL, MM = Σ, IM = Σ."""
    pnl = total_known([leg.unrealized_pnl for leg in legs])
    return _Sums(
        None if pnl is None else plus(wallet, pnl),
        total_known([leg.maintenance_margin for leg in legs]),
        total_known([leg.initial_margin for leg in legs]),
        wallet,
        pnl,
    )


def _sums_in_usd(
    account: Account,
    legs: Sequence[Leg],
    market: Market,
    assets: dict[str, Asset[Decimal]],
    reasons: list[str],
) -> _Sums:
    """Return the sums of a multi-asset scope in USD, and fill `assets` with the terms they were valued by.

    Equity values what is held of each asset, wallet and uPnL together, after its haircut; wallet balance and uPnL alone
    are at the index, without one. Source: Binance FAQ "Multi-Assets Mode", Aster docs "Multi-asset mode".
    """
    held: dict[str, Number | None] = dict(account.balances)
    for leg in legs:
        if leg.instrument is not None:
            asset = leg.instrument.settle_asset
            held[asset] = _plus_known(held.get(asset, _ZERO), leg.unrealized_pnl)
    settled = {leg.instrument.settle_asset for leg in legs if leg.instrument is not None}
    for asset, amount in held.items():
        if amount == 0 and asset not in settled and not account.balances.get(asset):
            continue
        terms = market.asset(asset)
        if terms is None or terms.index_price is None:
            reasons.append(f"missing_asset:{asset}")
        else:
            assets[asset] = terms
    needed = {asset: amount for asset, amount in held.items() if amount != 0}
    return _Sums(
        total_known([_valued(amount, assets.get(asset)) for asset, amount in needed.items()]),
        total_known([_required(leg, leg.maintenance_margin, assets) for leg in legs]),
        total_known([_required(leg, leg.initial_margin, assets) for leg in legs]),
        total_known([_at_index(amount, assets.get(asset)) for asset, amount in account.balances.items() if amount]),
        total_known([_at_index(leg.unrealized_pnl, _terms_of(leg, assets)) for leg in legs]),
    )


def total_known(numbers: Sequence[Number | None]) -> Number | None:
    """Return the sum, None where a term is not known."""
    known = [number for number in numbers if number is not None]
    return total(known) if len(known) == len(numbers) else None


def _plus_known(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else plus(one, other)


def _terms_of(leg: Leg, assets: Mapping[str, Asset[Decimal]]) -> Asset[Decimal] | None:
    return None if leg.instrument is None else assets.get(leg.instrument.settle_asset)


def _valued(amount: Number | None, terms: Asset[Decimal] | None) -> Number | None:
    if amount is None or terms is None or terms.index_price is None:
        return None
    return coin_value(amount, terms, terms.index_price)


def _at_index(amount: Number | None, terms: Asset[Decimal] | None) -> Number | None:
    if amount is None or terms is None or terms.index_price is None:
        return None
    return times(amount, terms.index_price)


def _required(leg: Leg, requirement: Number | None, assets: Mapping[str, Asset[Decimal]]) -> Number | None:
    terms = _terms_of(leg, assets)
    return None if requirement is None or terms is None else times(requirement, ask_price(terms))
