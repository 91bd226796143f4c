"""Shapes of the portfolio part of a scope's report.

They promise readers what `monitor.core.portfolio.reporting` builds; the rest of the report is in `outputs`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from monitor.adapters.wire.plan_shapes import Figure
from monitor.core.portfolio.terms import Method


class ScenarioReport(Struct, kw_only=True):
    """State the loss in one scenario, already times its weight; negative for a gain."""

    name: str
    loss: Figure
    weight: Figure


class ComponentsReport(Struct, kw_only=True):
    """State what a portfolio requirement is made of, in USD; `minimum` is the whole charge, whether it binds or not."""

    worst_loss: Figure
    liquidity: Figure
    basis: Figure
    minimum: Figure
    buffer: Figure
    ungrouped: Annotated[Figure, Meta(description="cross requirement of positions in no group (hyperliquid: of all)")]
    credit: Figure | UnsetType = UNSET
    borrowed: Figure | UnsetType = UNSET
    borrow_offset: Figure | UnsetType = UNSET


class ContributionReport(Struct, kw_only=True):
    """State what a position, or an asset held in a group (side `asset`), has to do with the requirement."""

    symbol: str
    side: Literal["both", "long", "short", "asset"]
    euler: Annotated[Figure, Meta(description="share of the weighted loss at the worst scenario")]
    marginal: Annotated[Figure, Meta(description="requirement with it minus without; negative: it is a hedge")]
    ungrouped: bool | UnsetType = UNSET


class GroupReport(Struct, kw_only=True):
    """State the sums of a configured group, in USD; held assets are in all but gross."""

    group: str
    delta: Figure
    gross: Figure
    long: Figure
    short: Figure


class PartReport(Struct, kw_only=True):
    """State what is margined alone: a group (span), a portfolio group (tims) or a token (hyperliquid)."""

    name: str
    requirement: Figure
    worst_scenario: str | UnsetType | None = UNSET
    worst_loss: Figure | UnsetType = UNSET
    basis: Figure | UnsetType = UNSET
    credit: Figure | UnsetType = UNSET
    minimum: Figure | UnsetType = UNSET
    borrowed: Figure | UnsetType = UNSET
    value: Figure | UnsetType = UNSET


ScenarioName = Annotated[
    str,
    Meta(
        description="scenario: directional_up_25 (step in percent), correlation_up_G, volatility_up, and down; "
        "span: price_unchanged_volatility_up_G, price_up_1/3_volatility_down_G …, extreme_up_G (of the group that "
        "loses most); tims: down_1_P … down_5_P, up_1_P … up_5_P, fifths of the range of portfolio group P (what "
        "stands alone is one of its own); hyperliquid: token_T, the token that binds"
    ),
]


class PortfolioReport(Struct, kw_only=True):
    """State how a portfolio scope was margined: a documented model, not a venue's own computation."""

    method: Method
    worst_scenario: ScenarioName | None
    scenarios: list[ScenarioReport]
    components: ComponentsReport
    contributions: list[ContributionReport]
    groups: list[GroupReport]
    parts: list[PartReport]
    liquidation_move: Figure | None
    ineligible: list[str]
