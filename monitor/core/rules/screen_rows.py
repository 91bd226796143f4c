"""Rows of the screen: one account with rules as plain numbers, to be laid beside all others.

Only the translation lives here; the arithmetic over the rows is in `screen_judging`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from monitor.core.accounts import Account, MarginMode, MarginType, Position
from monitor.core.instruments import Contract, Instrument
from monitor.core.market import Market
from monitor.core.rules.parameters import RuleParameters
from monitor.core.rules.screen_prices import TIERS
from monitor.core.scopes import cross_scope, isolated_scope, scope_names

Cell = tuple[str, str, float, float, bool, float, float, float, bool, int, int]
"""Symbol, settle asset, q·size, entry price, inverse, leverage named (1 where none is), bracket multiplier, isolated
wallet, isolated, place of its pool and of its sector (−1: none) within the account."""
Pool = tuple[str, float, bool, int]
"""Asset, wallet, valued in USD, place of its scope within the account."""
Wallet = tuple[str, float, float]
"""Asset, balance less net transfers, and the sum of the magnitudes of both."""


@dataclass(slots=True)
class AccountRows:
    """Hold the rows of one account.

    `single`: it has to do with one asset only; `linear_in_one`: so have its linear positions.
    """

    scopes: tuple[str, ...]
    sectors: list[str] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)
    single: bool = False
    linear_in_one: bool = False


def rows_of(account: Account, parameters: RuleParameters, market: Market) -> AccountRows | None:
    """Return the rows of an account, None where only exact arithmetic can tell: terms missing, a portfolio's margin."""
    by_scope = bool(parameters.account or parameters.funding)
    if by_scope and account.margin_mode is MarginMode.PORTFOLIO:
        return None
    rows = AccountRows(scope_names(account, market))
    places = {name: place for place, name in enumerate(rows.scopes)}
    pools: dict[tuple[str, str], int] = {}
    in_usd = account.margin_mode is not MarginMode.SINGLE_ASSET
    for asset, balance in account.balances.items():
        scope = rows.scopes[0] if in_usd else cross_scope(asset)
        pools[scope, asset] = len(rows.pools)
        rows.pools.append((asset, float(balance), in_usd, places[scope]))
    for position in account.positions.values():
        instrument = market.instrument(position.symbol)
        if instrument is None or len(instrument.tiers) > TIERS:
            return None
        if position.quantity:
            _add(rows, pools, places, account, position, instrument)
    for asset in {**account.balances, **account.net_transfers}:
        own, moved = (float(given.get(asset, 0)) for given in (account.balances, account.net_transfers))
        if own or moved:
            rows.wallets.append((asset, own - moved, abs(own) + abs(moved)))
    rows.single = len({cell[1] for cell in rows.cells} | {wallet[0] for wallet in rows.wallets}) == 1
    rows.linear_in_one = len({cell[1] for cell in rows.cells if not cell[4]}) == 1
    return rows


def _add(
    rows: AccountRows,
    pools: dict[tuple[str, str], int],
    places: dict[str, int],
    account: Account,
    position: Position,
    instrument: Instrument[Decimal],
) -> None:
    isolated, asset = position.margin_type is MarginType.ISOLATED, instrument.settle_asset
    in_usd = not isolated and account.margin_mode is not MarginMode.SINGLE_ASSET
    if isolated:
        scope = isolated_scope(position.symbol, position.side)
    else:
        scope = rows.scopes[0] if in_usd else cross_scope(asset)
    wallet = float(position.isolated_wallet or 0) if isolated else 0.0
    if (scope, asset) not in pools:
        pools[scope, asset] = len(rows.pools)
        rows.pools.append((asset, wallet, in_usd, places[scope]))
    sector = -1
    if instrument.sector is not None:
        if instrument.sector not in rows.sectors:
            rows.sectors.append(instrument.sector)
        sector = rows.sectors.index(instrument.sector)
    leverage = position.leverage or account.settings.leverage.get(position.symbol)
    rows.cells.append(
        (
            position.symbol,
            asset,
            float(position.quantity * instrument.contract_size),
            float(position.entry_price),
            instrument.contract is Contract.INVERSE,
            float(leverage or 1),
            float(account.settings.bracket_multiplier.get(position.symbol, 1)),
            wallet,
            isolated,
            pools[scope, asset],
            sector,
        )
    )
