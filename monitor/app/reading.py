"""Reading the global inputs: what one record of prices, instruments, assets or funds states, and what is wrong with it.

Decoding, doubting new terms and judging event times live here; what becomes of an entry is the feed's and the shards'
business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.app.admission import Admission, OverLimit
from monitor.app.codec import BadMessage, Codec
from monitor.app.ports import Record, TopicPartition
from monitor.app.topics import TopicNames
from monitor.core.doubt import why_doubtful
from monitor.core.inputs import AssetTerms, FundTerms, InstrumentTerms, Origin, Prices
from monitor.core.instruments import Instrument
from monitor.core.limits import Limits
from monitor.core.prices import PriceUpdate
from monitor.core.quality.gate import QualityChange

GlobalInput = Prices | InstrumentTerms | AssetTerms | FundTerms

MOST_REFUSED = 100
"""So many elements of one message are refused each with a dead letter of its own; one more speaks for the others."""
MOST_REFUSED_BYTES = 4_194_304
"""Nor do these dead letters repeat more bytes than this: half a megabyte would else become fifty."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Hold one thing that was refused, for the dead letters; `path` names the element of an array."""

    record: Record
    code: str
    why: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Tell that new terms wait for a confirmation."""

    symbol: str
    why: str
    origin: Origin


Note = Held | QualityChange


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """Hold one message of a global input: what it states, and what was wrong with it."""

    where: TopicPartition
    offset: int
    timestamp_ms: int
    input: GlobalInput | None
    faults: tuple[Fault, ...] = ()
    held: Held | None = None
    size: int = 0
    """Bytes of the record: what keeping it may cost."""
    changes: tuple[QualityChange, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is to be told of it on `data-quality`."""
        return self.changes if self.held is None else (self.held, *self.changes)


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Hold what the feed needs to know."""

    topics: TopicNames
    max_step: Decimal = Decimal(3)
    max_ahead_ms: int = 5_000
    max_replay_ms: int = 60_000
    max_window: int = 20_000
    max_window_bytes: int = 67_108_864
    limits: Limits = field(default_factory=Limits)
    max_poll_records: int = 2_000


class Reading:
    """Turn records of the global inputs into entries; knows which terms are in force.

    `admission`: which names have been let in already; shared by all who read for one process.
    """

    def __init__(
        self, settings: FeedSettings, codec: Codec, now_ms: Callable[[], int], admission: Admission | None = None
    ) -> None:
        self.admission = admission or Admission(settings.limits)
        self._settings = settings
        self._codec = codec
        self._now_ms = now_ms
        self.accepted: dict[str, Instrument[Decimal]] = {}
        self.held: dict[str, Held] = {}

    def entry(self, record: Record) -> FeedEntry:
        """Return what a record states; a bad one becomes an entry with a fault and nothing to apply."""
        where = TopicPartition(record.topic, record.partition)
        topics = self._settings.topics
        stated: GlobalInput | None
        faults: tuple[Fault, ...] = ()
        held: Held | None = None
        try:
            if record.topic == topics.mark_prices:
                stated, faults = self._prices(record)
            elif record.topic == topics.instruments:
                stated, held = self._instrument(record)
            elif record.topic == topics.insurance_funds:
                stated, faults = self._fund(record)
            else:
                stated = self._asset(record)
        except BadMessage as bad:
            stated, faults = None, (Fault(record, bad.code, str(bad)),)
        return FeedEntry(where, record.offset, record.timestamp_ms, stated, faults, held, _size(record))

    def _prices(self, record: Record) -> tuple[Prices | None, tuple[Fault, ...]]:
        message = self._codec.prices(record.value)
        faults = [Fault(record, bad.code, f"{bad.path}: {bad.message}", bad.path) for bad in message.rejected]
        latest = self._clock_ms(record) + self._settings.max_ahead_ms
        good: list[PriceUpdate] = []
        for update in message.prices:
            if update.event_time_ms > latest:
                why = f"{update.symbol}: event_time_ms {update.event_time_ms} lies ahead of the clock"
                faults.append(Fault(record, "time_ahead", why, update.symbol))
            elif not self.admission.price(update.symbol):
                why = f"{update.symbol}: no more contracts without an instrument are kept"
                faults.append(Fault(record, OverLimit.SYMBOLS, why, update.symbol))
            else:
                good.append(update)
        stated = Prices(tuple(good), _origin(record), record.timestamp_ms) if good else None
        return stated, _bounded(faults, _size(record))

    def _clock_ms(self, record: Record) -> int:
        """Return the time a record came: the log's, so that every reader of it, now or later, decides alike.

        Unless that lies too far ahead of our clock: then a producer has stamped the record, and is not believed.
        """
        now_ms = self._now_ms()
        return record.timestamp_ms if record.timestamp_ms <= now_ms + self._settings.max_ahead_ms else now_ms

    def _instrument(self, record: Record) -> tuple[InstrumentTerms | None, Held | None]:
        message = self._codec.instrument(record.value, record.key)
        old = self.accepted.get(message.symbol)
        if not self.admission.instrument(message.symbol, deleted=message.instrument is None):
            return None, None
        if message.instrument is None:
            self.accepted.pop(message.symbol, None)
        else:
            doubt = None if old is None else why_doubtful(old, message.instrument, self._settings.max_step)
            if doubt is not None and not message.confirm:
                held = self.held[message.symbol] = Held(message.symbol, doubt, _origin(record))
                return None, held
            self.accepted[message.symbol] = message.instrument
        self.held.pop(message.symbol, None)
        return InstrumentTerms(message.symbol, message.instrument, _origin(record)), None

    def _asset(self, record: Record) -> AssetTerms | None:
        message = self._codec.asset(record.value, record.key)
        if not self.admission.asset(message.name, deleted=message.asset is None):
            return None
        return AssetTerms(message.name, message.asset, _origin(record), record.timestamp_ms)

    def _fund(self, record: Record) -> tuple[FundTerms | None, tuple[Fault, ...]]:
        message = self._codec.insurance_fund(record.value, record.key)
        fund = message.fund
        if fund is not None and fund.event_time_ms > self._clock_ms(record) + self._settings.max_ahead_ms:
            why = f"{message.name}: event_time_ms {fund.event_time_ms} lies ahead of the clock"
            return None, (Fault(record, "time_ahead", why),)
        if not self.admission.fund(message.name, deleted=fund is None):
            return None, ()
        return FundTerms(message.name, fund, _origin(record)), ()


def _origin(record: Record) -> Origin:
    return Origin(record.topic, record.partition, record.offset)


def _size(record: Record) -> int:
    return len(record.key or b"") + len(record.value or b"")


def _bounded(faults: list[Fault], size: int) -> tuple[Fault, ...]:
    """Return faults few enough for one transaction: each dead letter carries the whole message."""
    most = max(0, min(MOST_REFUSED, MOST_REFUSED_BYTES // max(size, 1) - 1))
    if len(faults) <= most + 1:
        return tuple(faults)
    *kept, next_one = faults[: most + 1]
    others = len(faults) - most - 1
    why = f"{next_one.why} (and {others} more elements of this message are refused)"
    return (*kept, Fault(next_one.record, next_one.code, why, next_one.path))
