"""The liquidation rule of a venue: how it reduces what it liquidates, and the parameters of that.

Settings and their bounds live here; what a rule makes of them is in the room of the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from monitor.core.amounts import N
from monitor.core.bounds import fault_of
from monitor.core.ladder import Ladder

SHARE = {"at_least": 0, "at_most": 1}


class RuleName(StrEnum):
    """Name the ways to reduce a scope in liquidation."""

    WHOLE = "whole"
    LARGE_ORDER = "large_order"
    SHARE = "share"
    BY_BRACKET = "by_bracket"
    TO_RATIO = "to_ratio"
    BRACKETS_DOWN = "brackets_down"
    FILLABLE_PRICE = "fillable_price"


TARGETS = {RuleName.TO_RATIO: Fraction(10, 9)}
"""The health a rule reduces to by itself: Bybit stops at a ratio MM/E of 90 %."""
STEPS = {RuleName.BRACKETS_DOWN: 2}
"""How many brackets one step goes down by itself: OKX takes two tiers at once."""


class BadRule(ValueError):
    """A parameter of the rule that cannot be; `path` names it."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.path = path
        self.why = why


@dataclass(frozen=True, slots=True)
class LiquidationRule:
    """Hold the rule by which a liquidation is planned. Raises `BadRule` where a parameter is out of its bounds.

    Attributes:
        rule: `whole` closes position after position; `large_order` closes the least that suffices with one order
            (Aster); `share` a share of a large position, then all of it (Hyperliquid); `by_bracket` goes down bracket
            by bracket (Binance); `to_ratio` the same down to a ratio (Bybit); `brackets_down` closes long against short
            and goes down several brackets at a time (OKX); `fillable_price` closes whole positions at a limit price
            between mark and bankruptcy (dYdX).
        share: of `share`: the part of a large position that goes first.
        share_above: of `share`: a position is large above this notional in USD.
        target: the health E/MM to come back to, where that lies above the liquidation line; absent: what the rule says.
        brackets: of the rules by bracket: how many one step goes down; absent: what the rule says.
        fund_share: the part of the liquidation fee that the insurance fund is given.
        spread_to_maintenance: of `fillable_price`: the widest spread from the mark over the maintenance rate.
        bankruptcy_adjustment: of `fillable_price`: how much faster than the loss of equity the spread widens.
        maximum_fee_rate: of `fillable_price`: the fee rate where the equity allows it; absent: the instrument's.
        cancel_orders: whether open orders are cancelled first.
    """

    rule: RuleName = RuleName.WHOLE
    share: Decimal = field(default=Decimal("0.2"), metadata={"above": 0, "at_most": 1})
    share_above: Decimal = field(default=Decimal(100_000), metadata={"at_least": 0})
    target: Fraction | None = field(default=None, metadata={"above": 0})
    brackets: int | None = field(default=None, metadata={"at_least": 1})
    fund_share: Decimal = field(default=Decimal(1), metadata=SHARE)
    spread_to_maintenance: Decimal = field(default=Decimal("1.5"), metadata={"at_least": 0})
    bankruptcy_adjustment: Decimal = field(default=Decimal(1), metadata={"at_least": 0})
    maximum_fee_rate: Decimal | None = field(default=None, metadata=SHARE)
    cancel_orders: bool = True

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and (why := fault_of(value, item.metadata)) is not None:
                raise BadRule(item.name, why)

    @property
    def step(self) -> int:
        """How many brackets one step goes down."""
        return self.brackets or STEPS.get(self.rule, 1)


class Line(NamedTuple):
    """Hold the line a scope must come back to: E·bottom ≥ MM·top; `strict`: above it unless nothing is required."""

    top: int
    bottom: int
    strict: bool = False

    @property
    def k(self) -> Fraction:
        """The line as a health E/MM."""
        return Fraction(self.top, self.bottom)

    def headroom(self, equity: N, requirement: N) -> N:
        """Return E·bottom − MM·top: at the line 0, above it more. Needs the exact context."""
        return equity * self.bottom - requirement * self.top

    def is_met(self, equity: N, requirement: N) -> bool:
        """Return whether the figures are at the line or above it. Needs the exact context."""
        return self.is_met_by(self.headroom(equity, requirement), requirement)

    def is_met_by(self, headroom: N, requirement: N) -> bool:
        """Return whether figures of this headroom are at the line or above it."""
        return headroom > 0 or (headroom == 0 and not (self.strict and requirement))


def line_of(rule: LiquidationRule, ladder: Ladder) -> Line:
    """Return the line: that of liquidation, or the rule's target where that lies above."""
    own = rule.target or TARGETS.get(rule.rule)
    k = ladder.liquidation if own is None or own < ladder.liquidation else own
    return Line(k.numerator, k.denominator, ladder.inclusive and k == ladder.liquidation)
