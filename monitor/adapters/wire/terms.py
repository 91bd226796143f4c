"""Terms: instruments, assets and insurance funds as messages and as parts of a document.

Whether terms contradict themselves is checked here; whether a change of them is believed is decided by the doubt that
the core applies. These topics are compacted: a message is about the one thing its key names, and arrays are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from msgspec import UNSET, UnsetType

from monitor.adapters.wire.decoding import Reader
from monitor.adapters.wire.faults import BadMessage, Code
from monitor.adapters.wire.shapes import (
    AssetBody,
    BracketBody,
    CollateralBody,
    InstrumentBody,
    InsuranceFundBody,
    TermsBody,
)
from monitor.adapters.wire.values import amount_at, check_name
from monitor.app.codec import AssetMessage, FundMessage, InstrumentMessage
from monitor.core.funds import InsuranceFund
from monitor.core.instruments import (
    Asset,
    BadTerms,
    Haircut,
    Instrument,
    InstrumentStatus,
    MaintenanceBasis,
    MarginTier,
    chain_deductions,
    check_asset,
    check_instrument,
)
from monitor.core.limits import Limits

D = TypeVar("D", Decimal, None)

_instruments: Reader[InstrumentBody | None] = Reader(InstrumentBody | None)
_assets: Reader[AssetBody | None] = Reader(AssetBody | None)
_funds: Reader[InsuranceFundBody | None] = Reader(InsuranceFundBody | None)


class TermDefaults(NamedTuple):
    """Hold the terms a contract or asset has where its message does not state them: a venue's profile may set them.

    `brackets` are by symbol: without a table there, a contract must state its own. `haircuts` are by asset, for one
    that states none of its buffers and ratio.
    """

    closing_fee_rate: Decimal = Decimal(0)
    liquidation_fee_rate: Decimal = Decimal(0)
    maintenance_basis: MaintenanceBasis = MaintenanceBasis.MARK
    brackets: Mapping[str, tuple[MarginTier[Decimal], ...]] = MappingProxyType({})
    haircuts: Mapping[str, Haircut] = MappingProxyType({})


NO_DEFAULTS = TermDefaults()


def decode_instrument(
    value: bytes | None, key: bytes | None, limits: Limits, defaults: TermDefaults = NO_DEFAULTS
) -> InstrumentMessage:
    """Return the terms a message states; no value, or JSON null, deletes the contract its key names.

    Raises `BadMessage`.
    """
    body = None if value is None else _instruments.read(value, limits.max_message_bytes)
    if body is None:
        return InstrumentMessage(_named_by(key, limits), None)
    check_name("symbol", body.symbol, limits.max_id_bytes)
    _check_key("symbol", body.symbol, key)
    return InstrumentMessage(
        body.symbol, instrument_of(body.symbol, body, limits, defaults), confirm=body.confirm is True
    )


def decode_asset(
    value: bytes | None, key: bytes | None, limits: Limits, defaults: TermDefaults = NO_DEFAULTS
) -> AssetMessage:
    """Return what a message says of an asset; no value, or JSON null, deletes the one its key names.

    Raises `BadMessage`.
    """
    body = None if value is None else _assets.read(value, limits.max_message_bytes)
    if body is None:
        return AssetMessage(_named_by(key, limits), None)
    check_name("asset", body.asset, limits.max_id_bytes)
    _check_key("asset", body.asset, key)
    return AssetMessage(body.asset, asset_of(body.asset, body, limits, defaults), body.event_time_ms)


def decode_insurance_fund(value: bytes | None, key: bytes | None, limits: Limits) -> FundMessage:
    """Return what a message says of an insurance fund; no value, or JSON null, deletes the one its key names.

    Raises `BadMessage`.
    """
    body = None if value is None else _funds.read(value, limits.max_message_bytes)
    if body is None:
        return FundMessage(_named_by(key, limits), None)
    check_name("fund", body.fund, limits.max_id_bytes)
    _check_key("fund", body.fund, key)
    check_name("asset", body.asset, limits.max_id_bytes)
    symbols = None if body.symbols is UNSET else body.symbols
    if symbols is not None and len(symbols) > limits.max_symbols:
        raise BadMessage(Code.TOO_MANY, "symbols", f"{len(symbols)} symbols are more than {limits.max_symbols}")
    for index, symbol in enumerate(symbols or ()):
        check_name(f"symbols[{index}]", symbol, limits.max_id_bytes)
    fund = InsuranceFund(
        fund=body.fund,
        asset=body.asset,
        balance=amount_at("balance", body.balance, limits.max_digits),
        event_time_ms=body.event_time_ms,
        symbols=None if symbols is None else frozenset(symbols),
    )
    return FundMessage(body.fund, fund)


def _named_by(key: bytes | None, limits: Limits) -> str:
    """Return the name a key states. Raises `BadMessage` where it states none."""
    try:
        name = (key or b"").decode()
        check_name("", name, limits.max_id_bytes)
    except (UnicodeDecodeError, BadMessage):
        raise BadMessage(Code.WRONG_KEY, "", "the key names nothing that could be deleted") from None
    return name


def _check_key(inside: str, name: str, key: bytes | None) -> None:
    if key != name.encode():
        raise BadMessage(Code.WRONG_KEY, inside, "is not the key of the message")


def instrument_of(
    symbol: str, body: TermsBody, limits: Limits, defaults: TermDefaults = NO_DEFAULTS, *, published_case: bool = False
) -> Instrument[Decimal]:
    """Return checked terms. `published_case` accepts a requirement below 0 at a floor, as a document may."""
    check_name("settle_asset", body.settle_asset, limits.max_id_bytes)
    for name in ("base_asset", "sector"):
        given = getattr(body, name)
        if given is not UNSET:
            check_name(name, given, limits.max_id_bytes)
    instrument = Instrument(
        symbol=symbol,
        contract=body.contract,
        settle_asset=body.settle_asset,
        tiers=_tiers(symbol, body.brackets, limits, defaults),
        contract_size=_or("contract_size", body.contract_size, Decimal(1), limits),
        closing_fee_rate=_or("closing_fee_rate", body.closing_fee_rate, defaults.closing_fee_rate, limits),
        liquidation_fee_rate=_or(
            "liquidation_fee_rate", body.liquidation_fee_rate, defaults.liquidation_fee_rate, limits
        ),
        base_asset=None if body.base_asset is UNSET else body.base_asset,
        tick_size=_or("tick_size", body.tick_size, None, limits),
        maintenance_basis=(defaults.maintenance_basis if body.maintenance_basis is UNSET else body.maintenance_basis),
        status=InstrumentStatus.TRADING if body.status is UNSET else body.status,
        sector=None if body.sector is UNSET else body.sector,
    )
    try:
        check_instrument(instrument, published_case=published_case)
    except BadTerms as bad:
        code = Code.BAD_BRACKETS if bad.path.startswith("brackets") else Code.OUT_OF_RANGE
        raise BadMessage(code, bad.path, bad.why) from None
    return instrument


def _tiers(
    symbol: str, stated: list[BracketBody] | UnsetType, limits: Limits, defaults: TermDefaults
) -> tuple[MarginTier[Decimal], ...]:
    """Return the brackets a contract states, else those of the profile for its symbol."""
    if stated is UNSET:
        if symbol not in defaults.brackets:
            raise BadMessage(Code.MISSING_FIELD, "brackets", "is required")
        return defaults.brackets[symbol]
    if len(stated) > limits.max_brackets:
        most = limits.max_brackets
        raise BadMessage(Code.TOO_MANY, "brackets", f"{len(stated)} brackets are more than {most}")
    return chain_deductions([_tier(index, bracket, limits) for index, bracket in enumerate(stated)])


def _tier(index: int, body: BracketBody, limits: Limits) -> tuple[Decimal, Decimal, Decimal | None, Decimal | None]:
    digits = limits.max_digits
    try:
        return (
            amount_at("floor", body.floor, digits),
            amount_at("rate", body.rate, digits),
            _or("deduction", body.deduction, None, limits),
            _or("max_leverage", body.max_leverage, None, limits),
        )
    except BadMessage as bad:
        raise bad.under(f"brackets[{index}]") from None


def asset_of(name: str, body: CollateralBody, limits: Limits, defaults: TermDefaults = NO_DEFAULTS) -> Asset[Decimal]:
    """Return the checked terms of an asset; one that states no haircut has that of the profile."""
    if body.index_symbol is not UNSET:
        check_name("index_symbol", body.index_symbol, limits.max_id_bytes)
    elif body.index_price is UNSET:
        raise BadMessage(Code.MISSING_FIELD, "index_price", "is required (or index_symbol)")
    haircut = _haircut(name, body, limits, defaults)
    asset = Asset(
        name,
        index_price=_or("index_price", body.index_price, None, limits),
        index_symbol=None if body.index_symbol is UNSET else body.index_symbol,
        bid_buffer=haircut.bid_buffer,
        ask_buffer=haircut.ask_buffer,
        collateral_ratio=haircut.collateral_ratio,
        margin_available=body.margin_available is not False,
    )
    try:
        check_asset(asset)
    except BadTerms as bad:
        raise BadMessage(Code.OUT_OF_RANGE, bad.path, bad.why) from None
    return asset


def _haircut(name: str, body: CollateralBody, limits: Limits, defaults: TermDefaults) -> Haircut:
    if body.bid_buffer is UNSET and body.ask_buffer is UNSET and body.collateral_ratio is UNSET:
        return defaults.haircuts.get(name, Haircut())
    return Haircut(
        bid_buffer=_or("bid_buffer", body.bid_buffer, None, limits),
        ask_buffer=_or("ask_buffer", body.ask_buffer, None, limits),
        collateral_ratio=_or("collateral_ratio", body.collateral_ratio, None, limits),
    )


def _or(inside: str, given: str | int | UnsetType, absent: D, limits: Limits) -> Decimal | D:
    """Return an amount, or what holds where it is absent."""
    return absent if given is UNSET else amount_at(inside, given, limits.max_digits)
