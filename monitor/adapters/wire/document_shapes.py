"""Shapes of the account document: which fields it has beyond those of the messages.

Parts that a message states as well are declared with the messages.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from monitor.adapters.wire.portfolio_shapes import PortfolioBody, RulesBody
from monitor.adapters.wire.shapes import (
    AccountId,
    Amount,
    Amounts,
    Closed,
    CollateralBody,
    Millis,
    Name,
    Positions,
    SettingsBody,
    TermsBody,
)
from monitor.core.accounts import MarginMode, PositionMode
from monitor.core.market import FundingBasis
from monitor.core.plan.rule import RuleName

Threshold = Annotated[
    str | int,
    Meta(
        description="plain decimal or a fraction like 2/3, above 0",
        extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]+)?(/[0-9]+(\.[0-9]+)?)?$", "maxLength": 257},
    ),
]
Told = Literal["healthy", "watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt"]
Line = Literal["watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt"]


class RungsBody(Closed):
    """State thresholds and the rules beside them; null: that status does not exist."""

    convention: Literal["health", "risk"] | UnsetType = UNSET
    watch: Threshold | UnsetType | None = UNSET
    warning: Threshold | UnsetType | None = UNSET
    margin_call: Threshold | UnsetType | None = UNSET
    liquidation: Threshold | UnsetType = UNSET
    critical: Threshold | UnsetType | None = UNSET
    takeover: Threshold | UnsetType | None = UNSET
    hysteresis: Threshold | UnsetType = UNSET
    inclusive: bool | UnsetType = UNSET
    debt_floor: Threshold | UnsetType = UNSET
    adl_watch: Line | UnsetType = UNSET


class LadderBody(RungsBody):
    """State the ladder, and what differs for one kind of scope."""

    cross: RungsBody | UnsetType = UNSET
    isolated: RungsBody | UnsetType = UNSET
    portfolio: RungsBody | UnsetType = UNSET


class QuoteBody(Closed):
    """State the prices of one contract."""

    mark_price: Amount
    index_price: Amount | UnsetType = UNSET
    funding_rate: Amount | UnsetType = UNSET
    next_funding_time_ms: Millis | UnsetType = UNSET


class FundingBody(Closed):
    """State how the venue charges funding."""

    basis: FundingBasis | UnsetType = UNSET


class AccountBody(Closed):
    """State one account; `previous_status` gives `evaluate` the memory that hysteresis needs.

    `ineligible`: why an account in portfolio mode is margined as multi_asset, as it was decided at its last event.
    """

    account_id: AccountId
    margin_mode: MarginMode | UnsetType = UNSET
    position_mode: PositionMode | UnsetType = UNSET
    balances: Amounts | UnsetType = UNSET
    positions: Positions | UnsetType = UNSET
    open_order_initial_margin: Amounts | UnsetType = UNSET
    net_transfers: Amounts | UnsetType = UNSET
    settings: SettingsBody | UnsetType = UNSET
    previous_status: dict[str, Told] | UnsetType = UNSET
    ineligible: list[str] | UnsetType = UNSET


class LiquidationBody(Closed):
    """State the rule by which liquidations are planned; what is absent is the profile's or the default."""

    rule: RuleName | UnsetType = UNSET
    share: Amount | UnsetType = UNSET
    share_above: Amount | UnsetType = UNSET
    target: Threshold | UnsetType | None = UNSET
    brackets: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    fund_share: Amount | UnsetType = UNSET
    spread_to_maintenance: Amount | UnsetType = UNSET
    bankruptcy_adjustment: Amount | UnsetType = UNSET
    maximum_fee_rate: Amount | UnsetType | None = UNSET
    cancel_orders: bool | UnsetType = UNSET


class DocumentBody(Closed):
    """State a market and accounts; only `accounts` is required."""

    accounts: list[AccountBody]
    profile: str | UnsetType = UNSET
    ladder: LadderBody | UnsetType = UNSET
    instruments: dict[str, TermsBody] | UnsetType = UNSET
    assets: dict[str, CollateralBody] | UnsetType = UNSET
    usd_assets: list[Name] | UnsetType = UNSET
    prices: dict[str, QuoteBody] | UnsetType = UNSET
    liquidation: LiquidationBody | UnsetType = UNSET
    funding: FundingBody | UnsetType = UNSET
    portfolio: PortfolioBody | UnsetType = UNSET
    portfolio_rules: RulesBody | UnsetType = UNSET
