"""The exact margin of one scope: equity, requirement, initial margin, and what is missing to know them.

This is the definition that everything else is measured against. Formulas of one position are in `positions`, the status
that follows in `ladder`, figures only a report shows in `liquidation`, `bankruptcy`, `transfers` and `report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, cast

from monitor.core.accounts import EMPTY, Account
from monitor.core.amounts import Number, exactly, plus, times, total
from monitor.core.collateral import ask_price, coin_value
from monitor.core.instruments import Asset
from monitor.core.legs import Leg, leg_of
from monitor.core.market import Market
from monitor.core.portfolio.methods import Margined, margined, portfolio_doubts
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.scopes import IN_USD, ScopeKind, asset_of_cross, kind_of, members

NO_SNAPSHOT = "no_snapshot"

_ZERO = Decimal(0)


class NoSuchScope(ValueError):
    """A scope was asked for that the account does not have: our own mistake."""


class Assessment(NamedTuple):
    """Hold the figures of one scope, in the asset it is named after (USD for `cross:USD` and `portfolio`).

    A figure that needs what is missing is None; `unknown_because` says what that is. `index_price` is the USD price of
    the scope's asset (None: counts 1:1), `assets` the terms a scope in USD valued its coins by. `portfolio` says how a
    portfolio scope was margined.
    """

    scope: str
    kind: ScopeKind
    unknown_because: tuple[str, ...]
    wallet_balance: Number | None
    equity: Number | None
    maintenance_margin: Number | None
    initial_margin: Number | None
    unrealized_pnl: Number | None
    legs: tuple[Leg, ...]
    index_price: Decimal | None
    assets: Mapping[str, Asset[Decimal]]
    portfolio: Margined | None = None


class _Sums(NamedTuple):
    """Hold the figures of a scope before what makes it unknown is weighed in."""

    wallet_balance: Number | None = None
    equity: Number | None = None
    maintenance_margin: Number | None = None
    initial_margin: Number | None = None
    unrealized_pnl: Number | None = None
    held: Mapping[str, Number | None] = EMPTY
    """What a scope in USD holds of each asset: wallet and profit settled in it."""


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
    settings = account.settings
    legs = tuple([leg_of(position, instrument, settings, market) for position, instrument in found])
    assets: dict[str, Asset[Decimal]] = {}
    reasons: list[str] = []
    book = None
    if kind in IN_USD:
        sums = _sums_in_usd(account, legs, market, assets, reasons)
        index_price = None
        if kind is ScopeKind.PORTFOLIO:
            book = _margined(market.portfolio, legs, sums, assets, reasons)
            sums = _by_method(sums, book)
    else:
        if kind is ScopeKind.ISOLATED:
            position, instrument = found[0]
            wallet = position.isolated_wallet or _ZERO
            asset = None if instrument is None else instrument.settle_asset
        else:
            asset = asset_of_cross(scope)
            wallet = account.balances.get(asset, _ZERO)
        sums = _sums_in_asset(wallet, legs)
        terms = None if asset is None else market.asset(asset)
        index_price = None if terms is None else terms.index_price
    if missing or not account.complete or sums.equity is None or sums.initial_margin is None:
        reasons = _reasons(account, missing, legs) + reasons
        sums = sums if account.complete and not missing else _Sums(sums.wallet_balance if account.complete else None)
    figures = (sums.wallet_balance, sums.equity, sums.maintenance_margin, sums.initial_margin, sums.unrealized_pnl)
    known = book if sums.maintenance_margin is not None else None
    return Assessment(scope, kind, tuple(reasons), *figures, legs, index_price, assets, known)


def _margined(
    terms: PortfolioTerms | None,
    legs: Sequence[Leg],
    sums: _Sums,
    assets: Mapping[str, Asset[Decimal]],
    reasons: list[str],
) -> Margined | None:
    """Return the book of a portfolio scope margined by the method in force, None where that is not known."""
    known = {name: amount for name, amount in sums.held.items() if amount is not None}
    doubts = portfolio_doubts(terms, legs, known)
    reasons += doubts
    if terms is None or doubts or sums.equity is None or sums.initial_margin is None:
        return None
    return margined(terms.method, terms.terms, legs, known, assets)


def _by_method(sums: _Sums, book: Margined | None) -> _Sums:
    """Return the sums of a portfolio scope with what its method says instead of the brackets."""
    if book is None:
        return sums._replace(maintenance_margin=None, initial_margin=None)
    required = book.requirement
    equity = sums.equity if required.equity is None else required.equity
    return sums._replace(equity=equity, maintenance_margin=required.maintenance, initial_margin=required.initial)


def _reasons(account: Account, missing: Sequence[str], legs: Sequence[Leg]) -> list[str]:
    """Return what is not known of an account, of its contracts and of their prices, each once."""
    snapshot = [] if account.complete else [NO_SNAPSHOT]
    instruments = [f"missing_instrument:{symbol}" for symbol in dict.fromkeys(missing)]
    unpriced = dict.fromkeys(leg.position.symbol for leg in legs if leg.mark_price is None)
    return snapshot + instruments + [f"missing_price:{symbol}" for symbol in unpriced]


def _sums_in_asset(wallet: Decimal, legs: Sequence[Leg]) -> _Sums:
    """Return the sums of a scope kept in one asset: E = wallet + Σ uPnL, MM = Σ, IM = Σ."""
    pnl = total_known([leg.unrealized_pnl for leg in legs])
    return _Sums(
        wallet,
        None if pnl is None else plus(wallet, pnl),
        total_known([leg.maintenance_margin for leg in legs]),
        total_known([leg.initial_margin for leg in legs]),
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
        total_known([_at_index(amount, assets.get(asset)) for asset, amount in account.balances.items() if amount]),
        total_known([_valued(amount, assets.get(asset)) for asset, amount in needed.items()]),
        total_known([_required(leg, leg.maintenance_margin, assets) for leg in legs]),
        total_known([_required(leg, leg.initial_margin, assets) for leg in legs]),
        total_known([_at_index(leg.unrealized_pnl, _terms_of(leg, assets)) for leg in legs]),
        held,
    )


def held_amounts(account: Account, assessment: Assessment) -> dict[str, Number]:
    """Return what a scope in USD holds of each asset: the wallet, and the profit settled in it as far as it is known.

    Needs the exact context.
    """
    held: dict[str, Number] = dict(account.balances)
    for leg in assessment.legs:
        if leg.instrument is not None and leg.unrealized_pnl is not None:
            asset = leg.instrument.settle_asset
            held[asset] = plus(held.get(asset, _ZERO), leg.unrealized_pnl)
    return held


def total_known(numbers: Sequence[Number | None]) -> Number | None:
    """Return the sum, None where a term is not known."""
    try:
        return sum(cast("Sequence[Decimal]", numbers), _ZERO)
    except TypeError:  # not all decimals: the rare case
        known = [number for number in numbers if number is not None]
        return total(known) if len(known) == len(numbers) else None


def _plus_known(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else plus(one, other)


def _terms_of(leg: Leg, assets: Mapping[str, Asset[Decimal]]) -> Asset[Decimal] | None:
    return None if leg.instrument is None else assets.get(leg.instrument.settle_asset)


def _valued(amount: Number | None, terms: Asset[Decimal] | None) -> Number | None:
    return None if amount is None or terms is None else coin_value(amount, terms)


def _at_index(amount: Number | None, terms: Asset[Decimal] | None) -> Number | None:
    if amount is None or terms is None or terms.index_price is None:
        return None
    return times(amount, terms.index_price)


def _required(leg: Leg, requirement: Number | None, assets: Mapping[str, Asset[Decimal]]) -> Number | None:
    terms = _terms_of(leg, assets)
    return None if requirement is None or terms is None else times(requirement, ask_price(terms))
