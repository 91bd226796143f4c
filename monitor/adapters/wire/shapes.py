"""Shapes of the input messages: which fields each has, which of them are required, and their JSON types.

They are what the schemas in `docs/schemas` are made from. What a value must be beyond its type is checked where it is
converted; the document has shapes of its own.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from monitor.core.accounts import MarginMode, MarginType, PositionMode, Side
from monitor.core.instruments import Contract, InstrumentStatus, MaintenanceBasis

Amount = Annotated[
    str | int,
    Meta(
        description="plain decimal: at most 64 significant digits, magnitude 0 or 1e-30 … 1e30, no exponent",
        extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$", "maxLength": 128},
    ),
]
Name = Annotated[
    str,
    Meta(
        description="symbol, asset or fund: at most 256 bytes of UTF-8, no control character, no |",
        extra_json_schema={"minLength": 1, "maxLength": 256, "pattern": r"^[^|\u0000-\u001f\u007f-\u009f]+$"},
    ),
]
AccountId = Annotated[
    str,
    Meta(
        description="at most 256 bytes of UTF-8, no control character",
        extra_json_schema={"minLength": 1, "maxLength": 256, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"},
    ),
]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Quantile = Annotated[int, Meta(ge=0, le=4, description="ADL lights: 4 is taken first")]
Millis = Annotated[int, Meta(ge=0, le=2**63 - 1, description="milliseconds since 1970-01-01 UTC")]
Amounts = dict[str, Amount]


class Closed(Struct, forbid_unknown_fields=True, gc=False):
    """Refuse fields that a shape does not name. An optional field that is absent is UNSET, never a default."""


class PriceBody(Closed):
    """State the prices of one contract."""

    symbol: Name
    mark_price: Amount
    event_time_ms: Millis
    index_price: Amount | UnsetType = UNSET
    funding_rate: Amount | UnsetType = UNSET
    next_funding_time_ms: Millis | UnsetType = UNSET


class PositionBody(Closed):
    """State one position; a field that is absent stays as it was (in a snapshot or document: has its default)."""

    symbol: Name
    side: Side | UnsetType = UNSET
    quantity: Amount | UnsetType = UNSET
    entry_price: Amount | UnsetType = UNSET
    margin_type: MarginType | UnsetType = UNSET
    isolated_wallet: Amount | UnsetType = UNSET
    leverage: Amount | UnsetType = UNSET


Positions = Annotated[list[PositionBody], Meta(extra_json_schema={"maxItems": 512})]


class WindowBody(Closed):
    """State the levels of a rule on correlations and the time they are taken over."""

    levels: list[Amount]
    window_ms: Count | UnsetType = UNSET


class SettingsBody(Closed):
    """State what an account or its operator has set."""

    vip_level: Count | UnsetType = UNSET
    portfolio_enabled: bool | UnsetType = UNSET
    assessment_passed: bool | UnsetType = UNSET
    volume_30d: Amount | UnsetType = UNSET
    adl_exempt: bool | UnsetType = UNSET
    adl_quantile: dict[str, Quantile | dict[Side, Quantile]] | UnsetType = UNSET
    bracket_multiplier: Amounts | UnsetType = UNSET
    leverage: Amounts | UnsetType = UNSET
    drawdown_profile: Literal["conservative", "moderate", "aggressive"] | UnsetType = UNSET
    drawdown_stops: list[Amount] | UnsetType = UNSET
    reference_equity: Amount | UnsetType = UNSET
    account_limit: Amount | UnsetType = UNSET
    concentration_limit: str | int | Amounts | UnsetType = UNSET
    distance_limit: Amount | UnsetType = UNSET
    funding_limit: bool | UnsetType = UNSET
    correlation_spike: str | int | WindowBody | UnsetType = UNSET
    hedge_decorrelation: str | int | WindowBody | UnsetType = UNSET
    labels: dict[str, str] | list[str] | UnsetType = UNSET


class AccountEventBody(Closed):
    """State what has changed in an account; what is absent is unchanged."""

    account_id: AccountId
    version: Count
    event_time_ms: Millis
    epoch: Count | UnsetType = UNSET
    snapshot: bool | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET
    margin_mode: MarginMode | UnsetType = UNSET
    position_mode: PositionMode | UnsetType = UNSET
    settings: SettingsBody | UnsetType = UNSET
    balances: Amounts | UnsetType = UNSET
    positions: Positions | UnsetType = UNSET
    open_order_initial_margin: Amounts | UnsetType = UNSET
    net_transfers: Amounts | UnsetType = UNSET


class BracketBody(Closed):
    """State one leverage bracket: it holds from `floor` on."""

    floor: Amount
    rate: Amount
    deduction: Amount | UnsetType = UNSET
    max_leverage: Amount | UnsetType = UNSET


Brackets = Annotated[list[BracketBody], Meta(extra_json_schema={"minItems": 1, "maxItems": 16})]


class TermsBody(Closed):
    """State the terms of a contract as in a document."""

    contract: Contract
    settle_asset: Name
    brackets: Brackets | UnsetType = UNSET
    base_asset: Name | UnsetType = UNSET
    contract_size: Amount | UnsetType = UNSET
    tick_size: Amount | UnsetType = UNSET
    maintenance_basis: MaintenanceBasis | UnsetType = UNSET
    closing_fee_rate: Amount | UnsetType = UNSET
    liquidation_fee_rate: Amount | UnsetType = UNSET
    status: InstrumentStatus | UnsetType = UNSET
    sector: Name | UnsetType = UNSET


class InstrumentBody(TermsBody, kw_only=True):
    """State the terms of the contract the message's key names."""

    symbol: Name
    confirm: bool | UnsetType = UNSET


class CollateralBody(Closed):
    """State what an asset counts as, as in a document."""

    index_price: Amount | UnsetType = UNSET
    index_symbol: Name | UnsetType = UNSET
    bid_buffer: Amount | UnsetType = UNSET
    ask_buffer: Amount | UnsetType = UNSET
    collateral_ratio: Amount | UnsetType = UNSET
    margin_available: bool | UnsetType = UNSET


class AssetBody(CollateralBody, kw_only=True):
    """State what the asset the message's key names counts as."""

    asset: Name
    event_time_ms: Millis


class InsuranceFundBody(Closed):
    """State what an insurance fund holds; without `symbols` it stands behind every contract settled in its asset."""

    fund: Name
    asset: Name
    balance: Amount
    event_time_ms: Millis
    symbols: list[Name] | UnsetType = UNSET
