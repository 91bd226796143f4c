"""Settings: the whole configuration, assembled from the frozen classes that live beside the code they configure.

Only the few sections without a room of their own are declared here. Where values come from is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.adapters.http.settings import HttpSettings
from monitor.adapters.kafka.settings import KafkaSettings
from monitor.adapters.logs import LogSettings
from monitor.app.audit_settings import AuditSettings
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.recovery_settings import RecoverySettings
from monitor.app.topics import TopicSettings
from monitor.app.venue_feed.settings import VenueFeedSettings
from monitor.app.watchdog_settings import WatchdogSettings
from monitor.app.webhooks.settings import WebhookSettings
from monitor.config.ladders import LadderTables
from monitor.config.portfolio import portfolio_of_table, read_portfolio, read_portfolio_text, recased
from monitor.config.tables import haircuts_of, read_brackets, read_haircut, read_reference, read_sources, references_of
from monitor.core.adl.settings import AdlSettings
from monitor.core.brackets import StatedTier
from monitor.core.freshness import FreshnessSettings
from monitor.core.fund.settings import FundSettings
from monitor.core.funding import FundingSettings
from monitor.core.instruments import Haircut, MaintenanceBasis
from monitor.core.ladder import Ladder
from monitor.core.limits import Limits
from monitor.core.plan.rule import LiquidationRule
from monitor.core.portfolio.eligibility import PortfolioRules
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.quality.pegs import Reference
from monitor.core.quality.settings import QualitySettings, Source
from monitor.core.rules.settings import RuleSettings
from monitor.core.showing import StatusSettings
from monitor.core.verdict import Ladders

RATE = {"at_least": 0, "at_most": 1}


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """Hold which venue profile lies under everything else that is configured.

    Attributes:
        profile: name of a file `venues/<name>.toml`, beside the configuration file or among those shipped.
    """

    profile: str = field(default="generic", metadata={"not_empty": True})


@dataclass(frozen=True, slots=True)
class InstrumentSettings:
    """Hold how far an instrument is believed, and the terms it has where its message does not state them.

    Attributes:
        max_step: a change of a rate or requirement by more than this factor, either way, waits for its confirmation.
        closing_fee_rate: fee rate inside the maintenance requirement.
        liquidation_fee_rate: fee rate on the notional a liquidation closes; informative.
        maintenance_basis: the price the maintenance notional is taken at.
    """

    max_step: Decimal = field(default=Decimal(3), metadata={"at_least": 1})
    closing_fee_rate: Decimal = field(default=Decimal(0), metadata=RATE)
    liquidation_fee_rate: Decimal = field(default=Decimal(0), metadata=RATE)
    maintenance_basis: MaintenanceBasis = MaintenanceBasis.MARK


def _default_ladders() -> Ladders:
    return Ladders.same(Ladder.build())


@dataclass(frozen=True)
class Settings:
    """Hold everything that is configured; `origins` says which source gave a key that is not at its default.

    `brackets` holds by symbol for contracts that state none, `haircuts` by asset for assets that state none;
    `references` says what assets can be redeemed for, `sources` under which symbols other venues price a contract.
    `stated_ladder` is the ladder without the line that the portfolio method sets where none is stated.
    """

    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    topics: TopicSettings = field(default_factory=TopicSettings)
    ladder: Ladders = field(default_factory=_default_ladders, metadata={"section": LadderTables})
    prices: FreshnessSettings = field(default_factory=FreshnessSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    references: Mapping[str, Reference] = field(
        default_factory=dict, metadata={"read": read_reference, "build": references_of}
    )
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict, metadata={"read": read_sources})
    usd_assets: tuple[str, ...] = ("USD",)
    instruments: InstrumentSettings = field(default_factory=InstrumentSettings)
    brackets: Mapping[str, tuple[StatedTier, ...]] = field(default_factory=dict, metadata={"read": read_brackets})
    haircuts: Mapping[str, Haircut] = field(default_factory=dict, metadata={"read": read_haircut, "build": haircuts_of})
    portfolio: PortfolioTerms | None = field(
        default=None,
        metadata={
            "read": read_portfolio,
            "build": portfolio_of_table,
            "read_text": read_portfolio_text,
            "recased": recased,
        },
    )
    portfolio_rules: PortfolioRules = field(default_factory=PortfolioRules)
    liquidation: LiquidationRule = field(default_factory=LiquidationRule)
    status: StatusSettings = field(default_factory=StatusSettings)
    adl: AdlSettings = field(default_factory=AdlSettings)
    fund: FundSettings = field(default_factory=FundSettings)
    funding: FundingSettings = field(default_factory=FundingSettings)
    rules: RuleSettings = field(default_factory=RuleSettings)
    limits: Limits = field(default_factory=Limits)
    audit: AuditSettings = field(default_factory=AuditSettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    feed: VenueFeedSettings = field(default_factory=VenueFeedSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    log: LogSettings = field(default_factory=LogSettings)
    venue: VenueSettings = field(default_factory=VenueSettings)
    stated_ladder: Ladders = field(
        default_factory=_default_ladders, compare=False, repr=False, metadata={"hidden": True}
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False, metadata={"hidden": True})
