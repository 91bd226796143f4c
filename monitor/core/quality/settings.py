"""Settings of the price quality gate: its parameters, and what follows from each reason for doubt.

The tests that use them are in `judging`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

RATIO = {"above": 0}


class Reason(StrEnum):
    """Name why a price is doubted."""

    TIME_BACK = "time_back"
    UNSETTLED = "unsettled"
    JUMP = "jump"
    UNIT_CHANGE = "unit_change"
    INDEX_DIVERGENCE = "index_divergence"
    INDEX_CONSTANT = "index_constant"
    STUCK = "stuck"
    TOO_FEW_SOURCES = "too_few_sources"
    VENUE_DIVERGENCE = "venue_divergence"


REFUSED = ("unit_change", "index_constant", "venue_divergence")
DELAYED = ("jump", "index_divergence")
NEVER_BELIEVED = (Reason.TIME_BACK, Reason.UNSETTLED)
JUDGED = tuple(str(reason) for reason in Reason if reason not in NEVER_BELIEVED)
"""The reasons of which the settings decide what follows."""


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """Hold the parameters of the gate; fractions are of a price.

    Attributes:
        enabled: whether prices are judged at all.
        delay_ms: how long a doubt that only delays may last, by the log's time.
        confirmations: or so many messages that are not good in a row, the first included.
        jump_sigmas: a jump is beyond so many standard deviations of the time that has passed,
        jump_floor: but never less than this,
        jump_ceiling: nor more; where too little is known of the volatility, it is this.
        index_agreement: a move is confirmed where mark ÷ index stays so near to what it usually is.
        index_divergence: mark and index are too far apart beyond this.
        constant_after_ms: an index is constant that has not changed for so long.
        constant_move: beside a constant index the mark may not leave its level of the last minutes further than this,
        constant_divergence: nor the index itself.
        stuck_after_ms: a mark is stuck that has not changed for so long
        stuck_move: while the index has moved by this, or most other symbols have moved at all.
        unit_factor: a mark so many times its level, or as small a part of it, nothing on the way, is in another unit.
        source_max_age_ms: a source that has stated no price for so long does not count.
        source_quorum: so many sources must count where a symbol has any.
        venue_divergence: a mark is too far from the weighted median of its sources beyond this.
        refuse: the reasons that quarantine a price as long as they hold.
        delay: those that quarantine it until the doubt has lasted long enough; a price is believed with the others.
        warn: the reasons that are told on `data-quality`.
        display: the reasons for which a believed price makes its scopes `degraded`.
    """

    enabled: bool = False
    delay_ms: int = field(default=5_000, metadata={"at_least": 0, "at_most": 60_000})
    confirmations: int = field(default=10, metadata={"at_least": 1})
    jump_sigmas: Decimal = field(default=Decimal(10), metadata=RATIO)
    jump_floor: Decimal = field(default=Decimal("0.03"), metadata=RATIO)
    jump_ceiling: Decimal = field(default=Decimal("0.5"), metadata=RATIO)
    index_agreement: Decimal = field(default=Decimal("0.02"), metadata=RATIO)
    index_divergence: Decimal = field(default=Decimal("0.05"), metadata=RATIO)
    constant_after_ms: int = field(default=60_000, metadata={"at_least": 1, "at_most": 900_000})
    constant_move: Decimal = field(default=Decimal("0.1"), metadata=RATIO)
    constant_divergence: Decimal = field(default=Decimal("0.5"), metadata=RATIO)
    stuck_after_ms: int = field(default=60_000, metadata={"at_least": 60_000, "at_most": 900_000})
    stuck_move: Decimal = field(default=Decimal("0.01"), metadata=RATIO)
    unit_factor: Decimal = field(default=Decimal(5), metadata={"above": 1})
    source_max_age_ms: int = field(default=10_000, metadata={"at_least": 1, "at_most": 900_000})
    source_quorum: int = field(default=2, metadata={"at_least": 1})
    venue_divergence: Decimal = field(default=Decimal("0.03"), metadata=RATIO)
    refuse: tuple[str, ...] = REFUSED
    delay: tuple[str, ...] = DELAYED
    warn: tuple[str, ...] = (*JUDGED, *map(str, NEVER_BELIEVED))
    display: tuple[str, ...] = ("stuck", "too_few_sources")

    def __post_init__(self) -> None:
        """Raise ValueError where a list names what is no reason, or one reason has two actions."""
        for name in ("refuse", "delay", "warn", "display"):
            known = tuple(map(str, Reason)) if name == "warn" else JUDGED
            if unknown := [one for one in getattr(self, name) if one not in known]:
                raise ValueError(f"{name} names {unknown[0]!r}, which is none of {', '.join(known)}")
        if both := sorted({*self.refuse} & {*self.delay}):
            raise ValueError(f"delay names {both[0]!r}, which is refused: one reason has one action")


class Source(NamedTuple):
    """Name a symbol under which another venue prices the same thing, in the same partition, and what it weighs."""

    symbol: str
    weight: Decimal = Decimal(1)


class Limits(NamedTuple):
    """Hold what a verdict is measured by, as doubles: it is stated with every verdict, so that it can be made again."""

    delay_ms: int
    confirmations: int
    jump_sigmas: float
    jump_floor: float
    jump_ceiling: float
    index_agreement: float
    index_divergence: float
    constant_after_ms: int
    constant_move: float
    constant_divergence: float
    stuck_after_ms: int
    stuck_move: float
    unit_factor: float
    source_max_age_ms: int
    source_quorum: int
    venue_divergence: float
    delay: tuple[str, ...]
    refuse: tuple[str, ...]
    display: tuple[str, ...]


def limits_of(settings: QualitySettings) -> Limits:
    """Return the limits that settings set."""
    return Limits(
        settings.delay_ms,
        settings.confirmations,
        float(settings.jump_sigmas),
        float(settings.jump_floor),
        float(settings.jump_ceiling),
        float(settings.index_agreement),
        float(settings.index_divergence),
        settings.constant_after_ms,
        float(settings.constant_move),
        float(settings.constant_divergence),
        settings.stuck_after_ms,
        float(settings.stuck_move),
        float(settings.unit_factor),
        settings.source_max_age_ms,
        settings.source_quorum,
        float(settings.venue_divergence),
        settings.delay,
        settings.refuse,
        settings.display,
    )


def settings_of(limits: Limits) -> QualitySettings:
    """Return settings that set these limits."""
    known: dict[str, Any] = limits._asdict()
    exact: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, float) else value for name, value in known.items()
    }
    return QualitySettings(enabled=True, **exact)
