"""Shapes of portfolio parameters and of the rules of eligibility: which keys each method has.

What the values must be beyond their types is checked by the core. A key that is absent has the default of the core.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from monitor.adapters.wire.shapes import Amount, Closed, Count, Name
from monitor.core.portfolio.terms import Method

Names = list[Name]


class HoldingBody(Closed):
    """State what moves together: contracts, and assets that are held against them."""

    members: Names | UnsetType = UNSET
    assets: Names | UnsetType = UNSET
    allow_mixed: bool | UnsetType = UNSET


class ScenarioGroupBody(HoldingBody):
    """State a group of the scenario method; `daily_volume` in USD."""

    move: Amount | UnsetType = UNSET
    daily_volume: Amount | UnsetType = UNSET


class SpanGroupBody(HoldingBody):
    """State a group of span; `price_scan` is a fraction of the price."""

    price_scan: Amount | UnsetType = UNSET


class FlatGroupBody(ScenarioGroupBody):
    """State a group where the method stands beside it."""

    price_scan: Amount | UnsetType = UNSET


class ClassBody(HoldingBody):
    """State a class of tims: how far its prices are looked at, down below 0."""

    down: Amount | UnsetType = UNSET
    up: Amount | UnsetType = UNSET


class SpikeBody(Closed):
    """State the volatility spike: a multiple of the moves, and what part of the loss counts."""

    multiple: Amount | UnsetType = UNSET
    weight: Amount | UnsetType = UNSET


class LiquidityBody(Closed):
    """State the charge for positions that are large beside the daily volume."""

    rate: Amount | UnsetType = UNSET
    exponent: Amount | UnsetType = UNSET


class CreditBody(Closed):
    """State one credit between two groups of span."""

    legs: tuple[Name, Name]
    ratio: tuple[Amount, Amount] | UnsetType = UNSET
    credit: Amount | UnsetType = UNSET


class ProductGroupBody(Closed):
    """State classes that are offset together."""

    classes: Names
    offset: Amount | UnsetType = UNSET


class PortfolioGroupBody(Closed):
    """State product groups that are offset together."""

    product_groups: Names
    offset: Amount | UnsetType = UNSET


class TokenBody(Closed):
    """State one token of hyperliquid; `supply_cap` in the token, `borrow_cap` in USD; without `ltv` no collateral."""

    borrowable: bool | UnsetType = UNSET
    ltv: Amount | UnsetType = UNSET
    supply_cap: Amount | UnsetType = UNSET
    borrow_cap: Amount | UnsetType = UNSET


class ScenarioBody(Closed):
    """State the parameters of the scenario method."""

    groups: dict[str, ScenarioGroupBody]
    steps: list[Amount] | UnsetType = UNSET
    correlation_break: Amount | UnsetType = UNSET
    volatility_spike: SpikeBody | UnsetType = UNSET
    liquidity: LiquidityBody | UnsetType = UNSET
    basis_rate: Amount | UnsetType = UNSET
    minimum_rate: Amount | UnsetType = UNSET
    buffer: Amount | UnsetType = UNSET
    initial_factor: Amount | UnsetType = UNSET


class SpanBody(Closed):
    """State the parameters of span; credits in order of priority."""

    groups: dict[str, SpanGroupBody]
    extreme_multiple: Amount | UnsetType = UNSET
    extreme_cover: Amount | UnsetType = UNSET
    basis_rate: Amount | UnsetType = UNSET
    minimum_rate: Amount | UnsetType = UNSET
    credits: list[CreditBody] | UnsetType = UNSET
    initial_factor: Amount | UnsetType = UNSET


class TimsBody(Closed):
    """State the parameters of tims."""

    classes: dict[str, ClassBody]
    product_groups: dict[str, ProductGroupBody] | UnsetType = UNSET
    portfolio_groups: dict[str, PortfolioGroupBody] | UnsetType = UNSET
    basis_rate: Amount | UnsetType = UNSET
    minimum_rate: Amount | UnsetType = UNSET
    initial_factor: Amount | UnsetType = UNSET


class HyperliquidBody(Closed):
    """State the parameters of hyperliquid."""

    tokens: dict[str, TokenBody]
    borrow_offset: Amount | UnsetType = UNSET


class PortfolioBody(Closed):
    """State how portfolio accounts are margined: keys of the method itself, and tables named after methods.

    Keys that stand beside `method` are those of that method. Without `method` it is told by its keys: `classes` tims,
    `tokens` hyperliquid, `price_scan` or `credits` span, else scenario; a single table is that of the method.
    """

    method: Method | UnsetType = UNSET
    groups: dict[str, FlatGroupBody] | UnsetType = UNSET
    steps: list[Amount] | UnsetType = UNSET
    correlation_break: Amount | UnsetType = UNSET
    volatility_spike: SpikeBody | UnsetType = UNSET
    liquidity: LiquidityBody | UnsetType = UNSET
    basis_rate: Amount | UnsetType = UNSET
    minimum_rate: Amount | UnsetType = UNSET
    buffer: Amount | UnsetType = UNSET
    initial_factor: Amount | UnsetType = UNSET
    extreme_multiple: Amount | UnsetType = UNSET
    extreme_cover: Amount | UnsetType = UNSET
    credits: list[CreditBody] | UnsetType = UNSET
    classes: dict[str, ClassBody] | UnsetType = UNSET
    product_groups: dict[str, ProductGroupBody] | UnsetType = UNSET
    portfolio_groups: dict[str, PortfolioGroupBody] | UnsetType = UNSET
    tokens: dict[str, TokenBody] | UnsetType = UNSET
    borrow_offset: Amount | UnsetType = UNSET
    scenario: ScenarioBody | UnsetType = UNSET
    span: SpanBody | UnsetType = UNSET
    tims: TimsBody | UnsetType = UNSET
    hyperliquid: HyperliquidBody | UnsetType = UNSET


class RulesBody(Closed):
    """State who may be margined by a portfolio method, and what becomes of those who may not."""

    minimum_vip_level: Count | UnsetType = UNSET
    minimum_equity: Amount | UnsetType = UNSET
    maximum_equity: Amount | UnsetType = UNSET
    minimum_volume_30d: Amount | UnsetType = UNSET
    require_assessment: bool | UnsetType = UNSET
    require_portfolio_enabled: bool | UnsetType = UNSET
    markets: Annotated[Names, Meta(description="symbols that may be held")] | UnsetType = UNSET
    on_ineligible: Literal["report", "multi_asset"] | UnsetType = UNSET
