"""The account document: a market and accounts by value, and the plain objects that state them.

What a document holds and how terms and facts are written into one lives here; reading a document is the wire's
business, evaluating it the report's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from monitor.core.accounts import Account, MarginType, Position
from monitor.core.amounts import exactly, format_amount
from monitor.core.instruments import Asset, Instrument
from monitor.core.ladder import MarginStatus
from monitor.core.market import FixedMarket
from monitor.core.plan.rule import LiquidationRule
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.verdict import Ladders


@dataclass(frozen=True)
class DocumentAccount:
    """Hold one account of a document; `previous_status` maps a scope to the last known status, for hysteresis."""

    account: Account
    previous_status: Mapping[str, MarginStatus] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """Hold a document that has been read: everything an evaluation needs, and nothing else."""

    market: FixedMarket
    accounts: tuple[DocumentAccount, ...]
    ladders: Ladders
    liquidation: LiquidationRule = field(default_factory=LiquidationRule)
    profile: str | None = None

    @property
    def portfolio(self) -> PortfolioTerms | None:
        """What portfolio accounts are margined by, resolved over the contracts of the document."""
        return self.market.portfolio


@exactly
def instrument_object(instrument: Instrument[Decimal]) -> dict[str, Any]:
    """Return the terms of a contract as they stand in a document.

    A deduction that is the chained one is left out: the chain may have more digits than an amount may state, and it
    comes out the same when it is read again.
    """
    out: dict[str, Any] = {
        "contract": str(instrument.contract),
        "settle_asset": instrument.settle_asset,
        "contract_size": format_amount(instrument.contract_size),
        "brackets": _brackets(instrument),
        "maintenance_basis": str(instrument.maintenance_basis),
        "closing_fee_rate": format_amount(instrument.closing_fee_rate),
        "liquidation_fee_rate": format_amount(instrument.liquidation_fee_rate),
        "status": str(instrument.status),
    }
    if instrument.base_asset is not None:
        out["base_asset"] = instrument.base_asset
    if instrument.tick_size is not None:
        out["tick_size"] = format_amount(instrument.tick_size)
    if instrument.sector is not None:
        out["sector"] = instrument.sector
    return out


def _brackets(instrument: Instrument[Decimal]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    chained, last_rate = Decimal(0), None
    for tier in instrument.tiers:
        row = {"floor": format_amount(tier.floor), "rate": format_amount(tier.rate)}
        if last_rate is not None:
            chained += tier.floor * (tier.rate - last_rate)
        if tier.deduction != chained:
            row["deduction"] = format_amount(tier.deduction)
        if tier.max_leverage is not None:
            row["max_leverage"] = format_amount(tier.max_leverage)
        rows.append(row)
        chained, last_rate = tier.deduction, tier.rate
    return rows


def asset_object(asset: Asset[Decimal]) -> dict[str, Any]:
    """Return the terms of an asset as they stand in a document."""
    out: dict[str, Any] = {}
    if asset.index_price is not None:
        out["index_price"] = format_amount(asset.index_price)
    if asset.index_symbol is not None:
        out["index_symbol"] = asset.index_symbol
    for name in ("bid_buffer", "ask_buffer", "collateral_ratio"):
        value = getattr(asset, name)
        if value is not None:
            out[name] = format_amount(value)
    if not asset.margin_available:
        out["margin_available"] = False
    return out


def account_object(account: Account) -> dict[str, Any]:
    """Return the facts of an account as they stand in a document: no version, no memory."""
    out: dict[str, Any] = {
        "account_id": account.account_id,
        "margin_mode": str(account.margin_mode),
        "position_mode": str(account.position_mode),
        "balances": _amounts(account.balances),
        "positions": [position_object(position) for position in account.positions.values()],
    }
    if account.open_order_initial_margin:
        out["open_order_initial_margin"] = _amounts(account.open_order_initial_margin)
    if account.net_transfers:
        out["net_transfers"] = _amounts(account.net_transfers)
    if account.ineligible:
        out["ineligible"] = list(account.ineligible)
    if account.settings.raw:
        out["settings"] = dict(account.settings.raw)
    return out


def position_object(position: Position) -> dict[str, str]:
    """Return one position as it stands in a document."""
    out = {
        "symbol": position.symbol,
        "side": str(position.side),
        "quantity": format_amount(position.quantity),
        "entry_price": format_amount(position.entry_price),
        "margin_type": str(position.margin_type),
    }
    if position.margin_type is MarginType.ISOLATED and position.isolated_wallet is not None:
        out["isolated_wallet"] = format_amount(position.isolated_wallet)
    if position.leverage is not None:
        out["leverage"] = format_amount(position.leverage)
    return out


def _amounts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: format_amount(amount) for name, amount in amounts.items()}
