"""Eligibility: who may be margined by a portfolio method under the rules of an operator.

The margin mode is the venue's fact: an account that breaks a rule is margined as before and named, unless the rules say
otherwise. When that is decided is the engine's business: at account events only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from monitor.core.accounts import Account, MarginType
from monitor.core.amounts import Number, exactly, format_amount

EQUITY = "equity"
"""The word a reason about equity begins with."""
_NOT_BELOW_ZERO = {"at_least": 0}


class OnIneligible(StrEnum):
    """Name what becomes of an account that may not be margined by a portfolio method."""

    REPORT = "report"
    MULTI_ASSET = "multi_asset"


@dataclass(frozen=True, slots=True)
class PortfolioRules:
    """Hold the rules; None, or no requirement, where there is none. Equity and volume in USD.

    `markets` are the symbols that may be held.
    """

    minimum_vip_level: int | None = field(default=None, metadata=_NOT_BELOW_ZERO)
    minimum_equity: Decimal | None = field(default=None, metadata=_NOT_BELOW_ZERO)
    maximum_equity: Decimal | None = field(default=None, metadata=_NOT_BELOW_ZERO)
    minimum_volume_30d: Decimal | None = field(default=None, metadata=_NOT_BELOW_ZERO)
    require_assessment: bool = False
    require_portfolio_enabled: bool = False
    markets: tuple[str, ...] | None = None
    on_ineligible: OnIneligible = OnIneligible.REPORT

    def __post_init__(self) -> None:
        """Refuse rules that nobody can keep. Raises ValueError whose first word is the key."""
        least, most = self.minimum_equity, self.maximum_equity
        if least is not None and most is not None and most < least:
            raise ValueError("maximum_equity must not be below minimum_equity")


@exactly
def ineligibilities(rules: PortfolioRules, account: Account, equity: Number | None) -> tuple[str, ...]:
    """Return which rules an account breaks, each as text like `vip_level 2 < 3`; `equity` None is no reason."""
    return tuple(_broken(rules, account, equity))


def _broken(rules: PortfolioRules, account: Account, equity: Number | None) -> Iterator[str]:
    settings = account.settings.raw
    yield from _short("vip_level", rules.minimum_vip_level, settings)
    if equity is not None and rules.minimum_equity is not None and equity < rules.minimum_equity:
        yield f"{EQUITY} {format_amount(equity)} < {format_amount(rules.minimum_equity)}"
    if equity is not None and rules.maximum_equity is not None and equity > rules.maximum_equity:
        yield f"{EQUITY} {format_amount(equity)} > {format_amount(rules.maximum_equity)}"
    yield from _short("volume_30d", rules.minimum_volume_30d, settings)
    if rules.require_assessment and settings.get("assessment_passed") is not True:
        yield "assessment missing"
    if rules.require_portfolio_enabled and settings.get("portfolio_enabled") is not True:
        yield "portfolio not enabled"
    if rules.markets is not None:
        held = (each for each in account.positions.values() if each.margin_type is MarginType.CROSS and each.quantity)
        foreign = dict.fromkeys(position.symbol for position in held if position.symbol not in rules.markets)
        yield from (f"market {symbol}" for symbol in foreign)


def _short(name: str, minimum: Decimal | int | None, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the reason where a setting of the account is missing or below its minimum."""
    if minimum is None:
        return
    if name not in settings:
        yield f"{name} missing"
        return
    value = Decimal(str(settings[name]))
    if value < minimum:
        yield f"{name} {format_amount(value)} < {format_amount(Decimal(minimum))}"
