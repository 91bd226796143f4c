"""Freshness: how old a price may be before it is doubted, and before it decides nothing by itself.

The settings and the ages live here; clocks and prices do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum

NOT_BELOW_ZERO = {"at_least": 0}


@dataclass(frozen=True, slots=True)
class FreshnessSettings:
    """Hold the ages and the band; 0 in both of the first two switches ageing off.

    Attributes:
        max_age_ms: an older price stands, but scopes that need it are degraded.
        unknown_after_ms: with an older price a scope is judged twice, at last·(1 − band) and last·(1 + band).
        stale_band: that band, a fraction of the last price.
        max_ahead_ms: an event time further ahead of our clock is refused.
        max_replay_ms: how far back missed price messages are judged one by one after an outage.
        assets_max_age_ms: the same as `max_age_ms` for collateral prices; 0 switches it off.
    """

    max_age_ms: int = field(default=10_000, metadata=NOT_BELOW_ZERO)
    unknown_after_ms: int = field(default=60_000, metadata=NOT_BELOW_ZERO)
    stale_band: Decimal = field(default=Decimal("0.5"), metadata={"at_least": 0, "below": 1})
    max_ahead_ms: int = field(default=5_000, metadata=NOT_BELOW_ZERO)
    max_replay_ms: int = field(default=60_000, metadata=NOT_BELOW_ZERO)
    assets_max_age_ms: int = field(default=0, metadata={"key": "assets.max_age_ms", "at_least": 0})


class Age(IntEnum):
    """Say how far a price may be trusted."""

    FRESH = 0
    AGED = 1
    """The last price stands; what needs it is `degraded`."""
    STALE = 2
    """Only a band around the last price is trusted: it is too old, or a later one is quarantined."""


@dataclass(frozen=True, slots=True)
class AgeChange:
    """Name a price whose age has passed a line (or which became fresh again)."""

    name: str
    is_asset: bool
    age: Age


def age_of(age_ms: int, max_age_ms: int, unknown_after_ms: int) -> Age:
    """Return how far a price that is so old may be trusted."""
    if unknown_after_ms and age_ms > unknown_after_ms:
        return Age.STALE
    if max_age_ms and age_ms > max_age_ms:
        return Age.AGED
    return Age.FRESH
