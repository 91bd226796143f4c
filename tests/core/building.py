"""Small words to build terms, facts and markets with: amounts as text, everything else by default."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from monitor.core.accounts import Account, MarginMode, MarginType, Position, PositionMode, Settings, Side
from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis, chain_deductions
from monitor.core.market import FixedMarket

Bracket = tuple[str, ...]
"""floor, rate, then deduction ("" for the chained one) and max leverage if given."""

BTC_USDT: tuple[Bracket, ...] = (
    ("0", "0.004", "", "125"),
    ("50000", "0.005", "", "100"),
    ("600000", "0.0065", "", "75"),
    ("3000000", "0.01", "", "50"),
    ("12000000", "0.02", "", "25"),
)
"""The lower brackets of BTC/USDT at Binance (mechanics of USD-M contracts, 2024)."""
FLAT: tuple[Bracket, ...] = (("0", "0.01"),)


def amount(text: str | None) -> Decimal | None:
    """Return the amount a text states, None for no text."""
    return Decimal(text) if text else None


def instrument(
    symbol: str = "X",
    *,
    brackets: tuple[Bracket, ...] = FLAT,
    contract: Contract = Contract.LINEAR,
    settle: str = "USDT",
    size: str = "1",
    fee: str = "0",
    base: str | None = None,
    basis: MaintenanceBasis = MaintenanceBasis.MARK,
) -> Instrument[Decimal]:
    """Return the terms of a contract."""
    rows = []
    for bracket in brackets:
        floor, rate, deduction, cap = (*bracket, "", "")[:4]
        rows.append((Decimal(floor), Decimal(rate), amount(deduction), amount(cap)))
    return Instrument(
        symbol=symbol,
        contract=contract,
        settle_asset=settle,
        tiers=chain_deductions(rows),
        contract_size=Decimal(size),
        closing_fee_rate=Decimal(fee),
        liquidation_fee_rate=Decimal(0),
        base_asset=base,
        maintenance_basis=basis,
    )


def inverse(symbol: str = "X", *, brackets: tuple[Bracket, ...] = FLAT, size: str = "100") -> Instrument[Decimal]:
    """Return the terms of a contract settled in BTC whose base asset is BTC."""
    contract = Contract.INVERSE
    return instrument(symbol, brackets=brackets, contract=contract, settle="BTC", size=size, base="BTC")


def position(
    quantity: str,
    entry: str,
    *,
    symbol: str = "X",
    side: Side = Side.BOTH,
    wallet: str | None = None,
    leverage: str | None = None,
) -> Position:
    """Return a position: isolated if it has a wallet."""
    kind = MarginType.CROSS if wallet is None else MarginType.ISOLATED
    return Position(symbol, side, Decimal(quantity), Decimal(entry), kind, amount(wallet), amount(leverage))


def account(
    *positions: Position,
    balances: Mapping[str, str] | None = None,
    mode: MarginMode = MarginMode.SINGLE_ASSET,
    orders: Mapping[str, str] | None = None,
    multipliers: Mapping[str, str] | None = None,
    leverages: Mapping[str, str] | None = None,
    complete: bool = True,
) -> Account:
    """Return an account that is known in full."""
    hedged = any(each.side is not Side.BOTH for each in positions)
    return Account(
        "a1",
        margin_mode=mode,
        position_mode=PositionMode.HEDGE if hedged else PositionMode.ONE_WAY,
        balances=amounts(balances or {}),
        positions={each.key: each for each in positions},
        open_order_initial_margin=amounts(orders or {}),
        settings=Settings(bracket_multiplier=amounts(multipliers or {}), leverage=amounts(leverages or {})),
        complete=complete,
    )


def amounts(texts: Mapping[str, str]) -> dict[str, Decimal]:
    """Return the amounts that texts state, by name."""
    return {name: Decimal(text) for name, text in texts.items()}


def asset(
    name: str,
    index: str = "1",
    *,
    bid: str | None = None,
    ask: str | None = None,
    ratio: str | None = None,
    margin_available: bool = True,
) -> Asset[Decimal]:
    """Return the terms of an asset."""
    return Asset(name, Decimal(index), None, amount(bid), amount(ask), amount(ratio), margin_available)


def market(
    *instruments: Instrument[Decimal], marks: Mapping[str, str] | None = None, assets: tuple[Asset[Decimal], ...] = ()
) -> FixedMarket:
    """Return a market of these terms at these marks."""
    return FixedMarket(
        instruments={each.symbol: each for each in instruments},
        marks=amounts(marks or {}),
        assets={each.asset: each for each in assets},
    )
