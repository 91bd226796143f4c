"""Settings of the account rules: what holds where an account says nothing, and how often rules are looked at.

What an account says is in `parameters`; the values are computed elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from monitor.core.amounts import BadAmount, parse_amount

DrawdownProfile = Literal["none", "conservative", "moderate", "aggressive"]


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Hold the defaults of every account; a rule without a default exists only where an account states it.

    Attributes:
        drawdown_profile: conservative 0.10, moderate 0.15 or aggressive 0.20 below the high; none: no rule.
        drawdown_stops: levels instead of a profile.
        account_limit: initial margin ÷ equity of a scope.
        concentration_limit: share of any one sector in the gross notional.
        sector_limits: the share by sector, over `concentration_limit`.
        distance_limit: |distance| of the nearest liquidation price.
        funding_limit: whether the equity after the funding due is held against the liquidation line.
        correlation_spike: correlation of two sectors held in the same direction.
        hedge_decorrelation: correlation of the long and the short side of a hedged book.
        correlation_window_ms: over what time correlations are taken.
        sample_ms: how often the marks are sampled for them.
        window_samples: the most samples that are kept; bounds the window.
        hedge_share: the smaller side of a book is a hedge from this share of the larger one on.
        interval_ms: the rules on distance and correlation are looked at at most this often.
        high_step: a high is remembered at once when it has risen by this fraction.
        high_interval_ms: and any rise within this time.
    """

    drawdown_profile: DrawdownProfile = "none"
    drawdown_stops: tuple[Decimal, ...] = ()
    account_limit: Decimal | None = field(default=None, metadata={"above": 0})
    concentration_limit: Decimal | None = field(default=None, metadata={"above": 0})
    sector_limits: Mapping[str, Any] = field(default_factory=dict)
    distance_limit: Decimal | None = field(default=None, metadata={"above": 0})
    funding_limit: bool = False
    correlation_spike: tuple[Decimal, ...] = ()
    hedge_decorrelation: tuple[Decimal, ...] = ()
    correlation_window_ms: int = field(default=3_600_000, metadata={"at_least": 1_000})
    sample_ms: int = field(default=60_000, metadata={"at_least": 1_000})
    window_samples: int = field(default=240, metadata={"at_least": 8, "at_most": 2_000})
    hedge_share: Decimal = field(default=Decimal("0.1"), metadata={"at_least": 0, "at_most": 1})
    interval_ms: int = field(default=1_000, metadata={"at_least": 200})
    high_step: Decimal = field(default=Decimal("0.001"), metadata={"at_least": 0})
    high_interval_ms: int = field(default=60_000, metadata={"at_least": 1_000})

    def __post_init__(self) -> None:
        """Refuse levels that are no amounts above 0. Raises ValueError naming each."""
        problems = [
            *_problems("drawdown_stops", self.drawdown_stops),
            *_problems("correlation_spike", self.correlation_spike),
            *_problems("hedge_decorrelation", self.hedge_decorrelation),
            *(f"sector_limits.{name} {why}" for name, level in self.sector_limits.items() if (why := _fault(level))),
        ]
        if problems:
            raise ValueError("; ".join(problems))


def _problems(name: str, levels: Iterable[object]) -> list[str]:
    return [f"{name} {why}" for level in levels if (why := _fault(level))]


def _fault(level: object) -> str:
    """Return why a level is none, "" for a good one."""
    try:
        return "" if parse_amount(str(level)) > 0 else f"must be above 0, not {level}"
    except BadAmount as bad:
        return f"is no level: {bad}"
