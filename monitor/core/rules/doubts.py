"""Doubts: which prices an account's rules stand on are aged, and whether one is too old to be used.

How old prices are is the board's to say; what a scope is degraded by is in `verdict`.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.core.accounts import Account, MarginType
from monitor.core.board import MarketBoard
from monitor.core.freshness import Age
from monitor.core.market import Market
from monitor.core.verdict import doubts


class Doubts(NamedTuple):
    """Hold what is degraded, in the words of a status, and whether a price is stale: then nothing is measured."""

    degraded: tuple[str, ...] = ()
    stale: bool = False


def assets_in_use(account: Account, market: Market) -> set[str]:
    """Return the assets an account's money is in, its positions are settled in, or it has transferred."""
    settled = {
        terms.settle_asset
        for position in account.positions.values()
        if (terms := market.instrument(position.symbol)) is not None
    }
    moved = {
        name for amounts in (account.balances, account.net_transfers) for name, amount in amounts.items() if amount
    }
    return settled | moved


def doubts_of_account(account: Account, board: MarketBoard) -> Doubts:
    """Return the doubts about the prices of everything an account has."""
    if not board.aged_symbols() and not board.aged_assets():
        return Doubts()
    symbols = sorted({symbol for symbol, _ in account.positions})
    ages = [(f"{board.doubt(symbol)}:{symbol}", board.symbol_age(symbol)) for symbol in symbols]
    ages += [
        (f"{board.doubt(name, is_asset=True)}:{name}", board.asset_age(name))
        for name in sorted(assets_in_use(account, board))
    ]
    degraded = tuple(name for name, age in ages if age is not Age.FRESH)
    return Doubts(degraded, any(age is Age.STALE for _, age in ages))


def doubts_of_scope(account: Account, scope: str, board: MarketBoard) -> Doubts:
    """Return the doubts about the prices one scope needs."""
    degraded, bands = doubts(account, scope, board)
    return Doubts(degraded, bool(bands))


def lacks_terms(account: Account, board: MarketBoard) -> bool:
    """Return whether a cross position could be settled in any asset: then nobody knows which scopes there are."""
    return any(
        position.margin_type is MarginType.CROSS and board.instrument(position.symbol) is None
        for position in account.positions.values()
    )
