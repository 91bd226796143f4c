"""Parameters of one account: which rules it has, at which levels. Its own settings outrank the configured defaults.

What a rule measures is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from monitor.core.rules.settings import RuleSettings


class Rule(StrEnum):
    """Name the rules; an event's `event_type` is one of these."""

    DRAWDOWN_STOP = "drawdown_stop"
    ACCOUNT_LIMIT = "account_limit"
    CONCENTRATION_LIMIT = "concentration_limit"
    DISTANCE_LIMIT = "distance_limit"
    FUNDING_LIMIT = "funding_limit"
    CORRELATION_SPIKE = "correlation_spike"
    HEDGE_DECORRELATION = "hedge_decorrelation"


Levels = tuple[Decimal, ...]

DRAWDOWN_LEVELS: Mapping[str, Levels] = {
    "none": (),
    "conservative": (Decimal("0.10"),),
    "moderate": (Decimal("0.15"),),
    "aggressive": (Decimal("0.20"),),
}
_NO_SECTORS: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleParameters:
    """Hold the levels of an account by rule, rising; a rule without levels does not exist for it.

    `reference_equity`: drawdowns are measured from it instead of from the high. `sectors`: levels of single sectors,
    over those of `concentration`. `window_ms`: over what time an account's correlations are taken, by rule.
    """

    drawdown: Levels = ()
    reference_equity: Decimal | None = None
    account: Levels = ()
    concentration: Levels = ()
    sectors: Mapping[str, Decimal] = field(default_factory=lambda: _NO_SECTORS)
    distance: Levels = ()
    funding: bool = False
    spike: Levels = ()
    decorrelation: Levels = ()
    window_ms: Mapping[Rule, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def on_ticks(self) -> bool:
        """Whether any rule is to be looked at after every message."""
        return bool(self.drawdown or self.account or self.concentration or self.sectors or self.funding)

    @property
    def on_clock(self) -> bool:
        """Whether any rule is looked at now and then."""
        return bool(self.distance or self.spike or self.decorrelation)

    @property
    def exist(self) -> bool:
        """Whether there is any rule."""
        return self.on_ticks or self.on_clock

    @property
    def correlates(self) -> bool:
        """Whether any rule needs the windows of returns."""
        return bool(self.spike or self.decorrelation)

    def of_sector(self, sector: str) -> Levels:
        """Return the levels of a sector: its own, else those of every sector."""
        own = self.sectors.get(sector)
        return self.concentration if own is None else (own,)

    def has(self, rule: Rule) -> bool:
        """Return whether a rule exists."""
        found: dict[Rule, object] = {
            Rule.DRAWDOWN_STOP: self.drawdown,
            Rule.ACCOUNT_LIMIT: self.account,
            Rule.CONCENTRATION_LIMIT: self.concentration or self.sectors,
            Rule.DISTANCE_LIMIT: self.distance,
            Rule.FUNDING_LIMIT: self.funding,
            Rule.CORRELATION_SPIKE: self.spike,
            Rule.HEDGE_DECORRELATION: self.decorrelation,
        }
        return bool(found[rule])


_OWN_KEYS = frozenset(map(str, Rule)) | {"drawdown_profile", "drawdown_stops"}


def parameters_of(raw: Mapping[str, Any], defaults: RuleSettings) -> RuleParameters:
    """Return the rules of an account from its settings, as they were sent, and the defaults."""
    concentration, sectors = _concentration(raw, defaults)
    spike, spike_ms = _correlated(raw, Rule.CORRELATION_SPIKE, defaults.correlation_spike, defaults)
    hedge, hedge_ms = _correlated(raw, Rule.HEDGE_DECORRELATION, defaults.hedge_decorrelation, defaults)
    reference = raw.get("reference_equity")
    return RuleParameters(
        drawdown=_drawdown(raw, defaults),
        reference_equity=None if reference is None else Decimal(str(reference)),
        account=_one(raw.get(Rule.ACCOUNT_LIMIT), defaults.account_limit),
        concentration=concentration,
        sectors=sectors,
        distance=_one(raw.get(Rule.DISTANCE_LIMIT), defaults.distance_limit),
        funding=bool(raw.get(Rule.FUNDING_LIMIT, defaults.funding_limit)),
        spike=spike,
        decorrelation=hedge,
        window_ms={Rule.CORRELATION_SPIKE: spike_ms, Rule.HEDGE_DECORRELATION: hedge_ms},
    )


def states_rules(raw: Mapping[str, Any]) -> bool:
    """Return whether an account's settings name any rule."""
    return not _OWN_KEYS.isdisjoint(raw)


def _drawdown(raw: Mapping[str, Any], defaults: RuleSettings) -> Levels:
    """Return the account's own list, else its profile's level, else the same of the defaults."""
    if "drawdown_stops" in raw:
        return _levels(raw["drawdown_stops"])
    if "drawdown_profile" in raw:
        return DRAWDOWN_LEVELS[raw["drawdown_profile"]]
    return _levels(defaults.drawdown_stops) or DRAWDOWN_LEVELS[defaults.drawdown_profile]


def _concentration(raw: Mapping[str, Any], defaults: RuleSettings) -> tuple[Levels, Mapping[str, Decimal]]:
    given = raw.get(Rule.CONCENTRATION_LIMIT)
    if isinstance(given, Mapping):
        return (), {sector: Decimal(str(level)) for sector, level in given.items()}
    if given is not None:
        return _levels([given]), _NO_SECTORS
    sectors = {sector: Decimal(str(level)) for sector, level in defaults.sector_limits.items()}
    return _one(None, defaults.concentration_limit), sectors


def _correlated(
    raw: Mapping[str, Any], rule: Rule, levels: Iterable[Decimal], defaults: RuleSettings
) -> tuple[Levels, int]:
    given = raw.get(rule)
    if isinstance(given, Mapping):
        return _levels(given["levels"]), int(given.get("window_ms", defaults.correlation_window_ms))
    return _levels(levels if given is None else [given]), defaults.correlation_window_ms


def _one(given: object, default: Decimal | None) -> Levels:
    if given is not None:
        return _levels([given])
    return () if default is None else (default,)


def _levels(given: Iterable[object]) -> Levels:
    return tuple(sorted({Decimal(str(level)) for level in given}))
