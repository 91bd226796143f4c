"""One book under every method: what each would require of it, and what that saves.

Only the comparison lives here; each requirement is the exact one of its own room. The whole book is taken: positions
that are isolated now stand in the pool as well, with what is in their wallets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Account, MarginMode, MarginType
from monitor.core.amounts import Number, exactly, fraction_of
from monitor.core.margin import Assessment, assess
from monitor.core.market import Market
from monitor.core.portfolio.terms import Method
from monitor.core.scopes import IN_USD, PORTFOLIO, scope_names
from monitor.core.shifted import Shifted

ISOLATED = "isolated"
CROSS = "cross"

_ZERO = Decimal(0)


class Compared(NamedTuple):
    """Hold what one method makes of the book, in USD; None where something is missing, `unknown_because` says what.

    A saving is 1 − requirement ÷ the other's requirement: below 0 where this method asks more.
    """

    method: str
    equity: Fraction | None = None
    maintenance_margin: Fraction | None = None
    initial_margin: Fraction | None = None
    unknown_because: tuple[str, ...] = ()

    def saving_against(self, other: Compared) -> Fraction | None:
        """Return the share of another method's maintenance margin that this one saves."""
        mine, theirs = self.maintenance_margin, other.maintenance_margin
        return None if mine is None or not theirs else 1 - mine / theirs


@exactly
def comparison(account: Account, market: Market) -> tuple[Compared, ...]:
    """Return the book under `isolated`, `cross` and every portfolio method that has parameters, in this order.

    `isolated` adds up every position alone, `cross` is single- or multi-asset as the account has it (multi-asset for a
    portfolio account): brackets know no offsets, so both require the same but for the asset a requirement is owed in.
    """
    pooled = _pooled(account, market)
    own = MarginMode.SINGLE_ASSET if account.margin_mode is MarginMode.SINGLE_ASSET else MarginMode.MULTI_ASSET
    alone = [_in_usd(ISOLATED, replace(pooled, margin_mode=MarginMode.SINGLE_ASSET), market)]
    cross = [_in_usd(CROSS, replace(pooled, margin_mode=own), market)]
    return *alone, *cross, *_by_methods(replace(pooled, margin_mode=MarginMode.PORTFOLIO, ineligible=()), market)


def _by_methods(account: Account, market: Market) -> Iterator[Compared]:
    terms = market.portfolio
    for method in Method if terms is not None else ():
        if terms is not None and method in terms.of:
            under = Shifted(market, {}, {}, replace(terms, method=method))
            yield _compared(str(method), [assess(account, PORTFOLIO, under)], market)


def _in_usd(name: str, account: Account, market: Market) -> Compared:
    return _compared(name, [assess(account, scope, market) for scope in scope_names(account, market)], market)


def _compared(name: str, scopes: list[Assessment], market: Market) -> Compared:
    reasons = dict.fromkeys(reason for scope in scopes for reason in scope.unknown_because)
    rates = [Fraction(1) if scope.kind in IN_USD else _rate(scope, market) for scope in scopes]
    reasons |= {
        f"missing_asset:{scope.scope.partition(':')[2]}": None
        for scope, rate in zip(scopes, rates, strict=True)
        if rate is None
    }
    if reasons:
        return Compared(name, unknown_because=tuple(reasons))
    equity, maintenance, initial = (
        sum((_worth(number, rate) for number, rate in zip(numbers, rates, strict=True)), Fraction(0))
        for numbers in zip(*((one.equity, one.maintenance_margin, one.initial_margin) for one in scopes), strict=True)
    )
    return Compared(name, equity, maintenance, initial)


def _rate(scope: Assessment, market: Market) -> Fraction | None:
    """Return what a unit of a scope's asset is worth in USD; anything where the scope is empty."""
    terms = market.asset(scope.scope.partition(":")[2])
    if terms is not None and terms.index_price is not None:
        return fraction_of(terms.index_price)
    return Fraction(0) if not scope.legs and not scope.wallet_balance else None


def _worth(number: Number | None, rate: Fraction | None) -> Fraction:
    assert number is not None and rate is not None, "asked only of known scopes"
    return fraction_of(number) * rate


def _pooled(account: Account, market: Market) -> Account:
    """Return the account with every position in the pool, its isolated wallet in the balance of its settle asset."""
    balances = dict(account.balances)
    positions = {}
    for key, position in account.positions.items():
        positions[key] = replace(position, margin_type=MarginType.CROSS, isolated_wallet=None)
        instrument = market.instrument(position.symbol)
        if position.isolated_wallet is not None and instrument is not None:
            asset = instrument.settle_asset
            balances[asset] = balances.get(asset, _ZERO) + position.isolated_wallet
    return replace(account, balances=balances, positions=positions)
