"""What the engine is fed: one object per message, with where it came from.

Only shapes live here; what a message does is the engine's business, how it was decoded the wire's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from monitor.core.accounts import AccountEvent
from monitor.core.fund.claims import Claim, Release
from monitor.core.funds import InsuranceFund
from monitor.core.instruments import Asset, Instrument
from monitor.core.prices import PriceUpdate
from monitor.core.quality.judging import Quality


class Origin(NamedTuple):
    """Point at the message something came from."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Prices:
    """Hold all good prices of one message: they take effect together."""

    updates: tuple[PriceUpdate, ...]
    origin: Origin
    timestamp_ms: int
    """The log's time of the record: the age of a price counts from it."""
    qualities: tuple[Quality | None, ...] = ()
    """The verdict of the price quality gate on each price, empty where there is no gate."""


@dataclass(frozen=True, slots=True)
class InstrumentTerms:
    """State the accepted terms of a contract, or None when it is deleted."""

    symbol: str
    terms: Instrument[Decimal] | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """State the terms of an asset, or None when it is deleted."""

    asset: str
    terms: Asset[Decimal] | None
    origin: Origin
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class FundTerms:
    """State what an insurance fund holds, or None when it is deleted; `levels` are peaks remembered of its window."""

    fund: str
    terms: InsuranceFund | None
    origin: Origin
    levels: Mapping[int, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FundRecord:
    """Hold one message of the fund topic; `timestamp_ms` is the log's time of it."""

    message: Claim | Release
    origin: Origin
    timestamp_ms: int


class AccountMessage(NamedTuple):
    """Hold one decoded account event."""

    event: AccountEvent
    origin: Origin


class RejectedMessage(NamedTuple):
    """Tell that a message about `account_id` was refused before it could be applied."""

    account_id: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Clock:
    """Tell the time, so that ages and publishing intervals move on without a message."""

    now_ms: int


Input = Prices | InstrumentTerms | AssetTerms | FundTerms | FundRecord | AccountMessage | RejectedMessage | Clock


class CauseKind:
    """Name what made a verdict change."""

    MARK_PRICE = "mark_price"
    ACCOUNT_EVENT = "account_event"
    INSTRUMENT = "instrument"
    ASSET = "asset"
    CLOCK = "clock"
    START = "start"


class Cause(NamedTuple):
    """Say what made a verdict change; `origin` is None for the clock and the start."""

    kind: str
    origin: Origin | None = None
    symbol: str | None = None

    def body(self) -> dict[str, object]:
        """Return the cause as it stands in an event."""
        out: dict[str, object] = {"kind": self.kind}
        if self.symbol is not None:
            out["symbol"] = self.symbol
        if self.origin is not None:
            out.update(topic=self.origin.topic, partition=self.origin.partition, offset=self.origin.offset)
        return out
