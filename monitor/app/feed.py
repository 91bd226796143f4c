"""The global feed: prices, instruments and assets, read and decoded once for all shards of this process.

Reading, decoding, doubting new terms and keeping a bounded window of messages live here; judging is the shards'
business, and so is dead-lettering what was refused (shard 0 does it).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monitor.app.changelog import read_image
from monitor.app.codec import BadMessage, Codec
from monitor.app.observing import Observer
from monitor.app.ports import LogFault, LogReader, Record, TopicPartition
from monitor.app.topics import TopicNames
from monitor.core.board import MarketBoard, Quote
from monitor.core.doubt import why_doubtful
from monitor.core.inputs import AssetTerms, InstrumentTerms, Origin, Prices
from monitor.core.instruments import Instrument
from monitor.core.prices import PriceUpdate

GlobalInput = Prices | InstrumentTerms | AssetTerms

LOOKBACK_MS = 3_600_000
"""How far back prices are read at the start: the retention of `mark-prices`."""
_POLL_MS = 100
_GROWTH_CHECK_SECONDS = 10.0


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


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """Hold one message of a global input: what it states, and what was wrong with it."""

    where: TopicPartition
    offset: int
    timestamp_ms: int
    input: GlobalInput | None
    faults: tuple[Fault, ...] = ()
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Hold what the feed needs to know."""

    topics: TopicNames
    max_step: Decimal = Decimal(3)
    max_ahead_ms: int = 5_000
    max_replay_ms: int = 60_000
    max_window: int = 20_000
    max_poll_records: int = 2_000


class Reading:
    """Turn records of the global inputs into entries; knows which terms are in force."""

    def __init__(self, settings: FeedSettings, codec: Codec, now_ms: Callable[[], int]) -> None:
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
            else:
                stated = self._asset(record)
        except BadMessage as bad:
            stated, faults = None, (Fault(record, bad.code, str(bad)),)
        return FeedEntry(where, record.offset, record.timestamp_ms, stated, faults, held)

    def _prices(self, record: Record) -> tuple[Prices | None, tuple[Fault, ...]]:
        message = self._codec.prices(record.value)
        faults = [Fault(record, bad.code, f"{bad.path}: {bad.message}", bad.path) for bad in message.rejected]
        # The earlier of the two clocks: the log's makes a later reader refuse the same message.
        latest = min(self._now_ms(), record.timestamp_ms) + self._settings.max_ahead_ms
        good: list[PriceUpdate] = []
        for update in message.prices:
            if update.event_time_ms > latest:
                why = f"{update.symbol}: event_time_ms {update.event_time_ms} lies ahead of the clock"
                faults.append(Fault(record, "time_ahead", why, update.symbol))
            else:
                good.append(update)
        stated = Prices(tuple(good), _origin(record), record.timestamp_ms) if good else None
        return stated, tuple(faults)

    def _instrument(self, record: Record) -> tuple[InstrumentTerms | None, Held | None]:
        message = self._codec.instrument(record.value, record.key)
        old = self.accepted.get(message.symbol)
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

    def _asset(self, record: Record) -> AssetTerms:
        message = self._codec.asset(record.value, record.key)
        return AssetTerms(message.name, message.asset, _origin(record), record.timestamp_ms)


class GlobalFeed:
    """Read the global inputs to their end, then go on; keep the last messages for shards that are behind.

    Entries have running numbers. `base` is the market before the oldest entry of the window.
    """

    def __init__(
        self,
        settings: FeedSettings,
        reader: LogReader,
        codec: Codec,
        board: MarketBoard,
        now_ms: Callable[[], int],
        observer: Observer,
    ) -> None:
        self.settings = settings
        self._reader = reader
        self._codec = codec
        self._now_ms = now_ms
        self._observer = observer
        self.reading = Reading(settings, codec, now_ms)
        self.base = board
        self.base_positions: dict[TopicPartition, int] = {}
        self.positions: dict[TopicPartition, int] = {}
        self._window: deque[FeedEntry] = deque()
        self._first = 0
        self._ends: dict[TopicPartition, int] | None = None
        self._listeners: set[Callable[[], None]] = set()
        self.caught_up = asyncio.Event()

    @property
    def end(self) -> int:
        """The number the next entry will have."""
        return self._first + len(self._window)

    @property
    def first(self) -> int:
        """The number of the oldest entry of the window."""
        return self._first

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever entries have come; return how to stop that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def entries(self, start: int, limit: int) -> list[FeedEntry]:
        """Return up to `limit` entries from number `start` on, which must not lie before the window."""
        begin = start - self._first
        return [self._window[index] for index in range(begin, min(begin + limit, len(self._window)))]

    def base_inputs(self) -> Iterator[GlobalInput]:
        """Return inputs that rebuild the market as it was before the window."""
        return market_inputs(self.base, self.settings.topics)

    async def run(self) -> None:
        """Read for ever. Faults of the log are waited out; anything else ends the task."""
        while True:
            try:
                await self._reader.start()
                if not self.positions:
                    await self._find_positions()
                self._reader.assign(self.positions)
                await self._follow()
            except LogFault as fault:
                self._observer.log_fault(type(fault).__name__)
                await self._reader.stop()
                await asyncio.sleep(1.0)

    async def _find_positions(self) -> None:
        """Begin with what the owner of the global inputs has kept, then with the inputs themselves."""
        kept = await read_image(self._reader, TopicPartition(self.settings.topics.state, 0), self._codec)
        for symbol, value in kept.instruments.items():
            terms = self._codec.instrument(value, symbol.encode()).instrument
            self.base.set_instrument(symbol, terms)
            if terms is not None:
                self.reading.accepted[symbol] = terms
        for symbol, value in kept.prices.items():
            quote = quote_of(self._codec.decode(value))
            self.base.take(*quote_update(symbol, quote))
        prices = await self._partitions(self.settings.topics.mark_prices)
        whole = [
            where
            for topic in (self.settings.topics.instruments, self.settings.topics.assets)
            for where in await self._partitions(topic)
        ]
        self.positions = {
            **await self._reader.beginning_offsets(whole),
            **await self._reader.offsets_at(prices, self._now_ms() - LOOKBACK_MS),
        }
        self.base_positions = dict(self.positions)
        self._ends = await self._reader.end_offsets(self.positions)
        self._check_caught_up()

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, index) for index in range(await self._reader.partition_count(topic))]

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        next_check = loop.time() + _GROWTH_CHECK_SECONDS
        while True:
            records = await self._reader.poll(self.settings.max_poll_records, _POLL_MS)
            self._append(self.reading.entry(record) for record in records)
            for where in self.positions:
                self.positions[where] = max(self.positions[where], self._reader.position(where))
            self._check_caught_up()
            if records:
                for listener in tuple(self._listeners):
                    listener()
            if loop.time() >= next_check:
                next_check = loop.time() + _GROWTH_CHECK_SECONDS
                await self._look_for_growth()
            await asyncio.sleep(0)

    def _append(self, entries: Iterable[FeedEntry]) -> None:
        for entry in entries:
            self._window.append(entry)
        oldest_ms = self._now_ms() - self.settings.max_replay_ms
        while self._window and (
            len(self._window) > self.settings.max_window or self._window[0].timestamp_ms < oldest_ms
        ):
            self._retire(self._window.popleft())
        self._observer.held_instruments(len(self.reading.held))

    def _retire(self, entry: FeedEntry) -> None:
        """Let the oldest entry become part of the market before the window."""
        self._first += 1
        self.base_positions[entry.where] = entry.offset + 1
        match entry.input:
            case Prices() as prices:
                for update in prices.updates:
                    self.base.take(update, prices.origin.partition, prices.origin.offset, prices.timestamp_ms)
            case InstrumentTerms() as item:
                self.base.set_instrument(item.symbol, item.terms)
            case AssetTerms() as item:
                self.base.set_asset(item.asset, item.terms, item.timestamp_ms)
            case None:
                pass

    def _check_caught_up(self) -> None:
        if self._ends is not None and all(self.positions[where] >= end for where, end in self._ends.items()):
            self._ends = None
            self.caught_up.set()

    async def _look_for_growth(self) -> None:
        """Read partitions that `mark-prices` has got since, from their beginning."""
        known = set(self.positions)
        new = [where for where in await self._partitions(self.settings.topics.mark_prices) if where not in known]
        if new:
            self.positions |= await self._reader.beginning_offsets(new)
            self._reader.assign(self.positions)


def market_inputs(board: MarketBoard, topics: TopicNames) -> Iterator[GlobalInput]:
    """Return inputs that rebuild a market board."""
    for symbol, terms in board.instruments.items():
        yield InstrumentTerms(symbol, terms, Origin(topics.instruments, 0, 0))
    for asset, (held, timestamp_ms) in board.asset_terms().items():
        yield AssetTerms(asset, held, Origin(topics.assets, 0, 0), timestamp_ms)
    for symbol, quote in board.quotes.items():
        yield quote_input(symbol, quote, topics)


def quote_input(symbol: str, quote: Quote, topics: TopicNames) -> Prices:
    """Return the price message that would make a quote."""
    update, partition, offset, timestamp_ms = quote_update(symbol, quote)
    return Prices((update,), Origin(topics.mark_prices, partition, offset), timestamp_ms)


def quote_update(symbol: str, quote: Quote) -> tuple[PriceUpdate, int, int, int]:
    """Return the price update behind a quote, with its partition, offset and the log's time."""
    update = PriceUpdate(
        symbol=symbol,
        mark_price=quote.mark_price,
        index_price=quote.index_price,
        funding_rate=quote.funding_rate,
        next_funding_time_ms=quote.next_funding_time_ms,
        event_time_ms=quote.event_time_ms,
    )
    return update, quote.partition, quote.offset, quote.timestamp_ms


def quote_of(body: Mapping[str, Any]) -> Quote:
    """Return a quote from its changelog record."""
    amounts = {
        name: None if body[name] is None else Decimal(body[name])
        for name in ("mark_price", "index_price", "funding_rate")
    }
    return Quote(**{**body, **amounts})


def _origin(record: Record) -> Origin:
    return Origin(record.topic, record.partition, record.offset)


def behind(base: Mapping[TopicPartition, int], judged: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return how many messages per partition lie between what was judged and the window's start."""
    return {where: first - judged[where] for where, first in base.items() if where in judged and judged[where] < first}
