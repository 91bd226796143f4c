"""Settings of the engine: what it needs to know besides the market.

Where they come from is the configuration's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.core.adl.settings import AdlSettings
from monitor.core.fund.settings import FundSettings
from monitor.core.limits import Limits
from monitor.core.plan.rule import LiquidationRule
from monitor.core.rules.settings import RuleSettings
from monitor.core.showing import StatusSettings
from monitor.core.verdict import Ladders


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Hold what the engine needs to know besides the market."""

    ladders: Ladders
    status: StatusSettings = field(default_factory=StatusSettings)
    limits: Limits = field(default_factory=Limits)
    rules: RuleSettings = field(default_factory=RuleSettings)
    adl: AdlSettings = field(default_factory=AdlSettings)
    fund: FundSettings = field(default_factory=FundSettings)
    liquidation: LiquidationRule = field(default_factory=LiquidationRule)
