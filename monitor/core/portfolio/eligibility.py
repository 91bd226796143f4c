"""Eligibility: who may be margined by a portfolio method under the rules of an operator.

The margin mode is the venue's fact: an account that breaks a rule is margined as before and named, unless the rules say
otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

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
