"""The global feed: prices, instruments, assets and funds, read and decoded once for all shards of this process.

Reading and keeping a bounded window of messages live here; what a record says is in `reading`, judging is the shards'
business, and so is dead-lettering what was refused (shard 0 does it).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.app.codec import Codec
from monitor.app.gating import Gating
from monitor.app.image import Image, read_image
from monitor.app.input_watch import InputWatch, times_of
from monitor.app.market import market_inputs, quote_of, quote_update
from monitor.app.observing import Observer
from monitor.app.outage import outlast
from monitor.app.ports import LogFault, LogReader, TopicPartition
from monitor.app.reading import FeedEntry, FeedSettings, GlobalInput, Note, Reading
from monitor.core.board import MarketBoard
from monitor.core.funds import Place
from monitor.core.inputs import AssetTerms, FundTerms, InstrumentTerms, Origin, Prices

log = logging.getLogger(__name__)

LOOKBACK_MS = 3_600_000
"""How far back prices are read at the start: the retention of `mark-prices`."""
_POLL_MS = 100
_GROWTH_CHECK_SECONDS = 10.0
_MOST_NOTES = 10_000


@dataclass(eq=False, slots=True)
class Cursor:
    """Hold how far one shard has come: `next` is the number of its next entry.

    `is_lost`: the shard was so slow that the window went on without it.
    """

    next: int = 0
    is_lost: bool = False


class GlobalFeed:
    """Read the global inputs to their end, then go on; keep the messages that a shard has still to judge.

    Entries have running numbers. `base` is the market before the oldest entry of the window, `base_notes` what was
    to be told of messages before it.
    """

    def __init__(
        self,
        settings: FeedSettings,
        reader: LogReader,
        codec: Codec,
        board: MarketBoard,
        now_ms: Callable[[], int],
        observer: Observer,
        inputs: InputWatch,
        market: Callable[[LogReader], Awaitable[Image]] | None = None,
        gating: Gating | None = None,
    ) -> None:
        self.settings = settings
        self._inputs = inputs
        self._gating = gating
        self._read_market = market or self._read_all
        self._reader = reader
        self._codec = codec
        self._now_ms = now_ms
        self._observer = observer
        self.reading = Reading(settings, codec, now_ms)
        self.base = board
        self.base_positions: dict[TopicPartition, int] = {}
        self.base_notes: deque[Note] = deque(maxlen=_MOST_NOTES)
        self.positions: dict[TopicPartition, int] = {}
        self._seen_ms: dict[TopicPartition, int] = {}
        self._window: deque[FeedEntry] = deque()
        self._bytes = 0
        self._first = 0
        self._cursors: set[Cursor] = set()
        self._ends: dict[TopicPartition, int] = {}
        self._listeners: set[Callable[[], None]] = set()
        self.caught_up = asyncio.Event()
        self._check_at = 0.0

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

    def place(self, cursor: Cursor) -> None:
        """Put a cursor before the oldest entry; what lies before a cursor's place only stays for its sake."""
        cursor.next, cursor.is_lost = self._first, False
        self._cursors.add(cursor)

    def drop(self, cursor: Cursor) -> None:
        """Keep nothing for a cursor any more."""
        self._cursors.discard(cursor)

    def entries(self, start: int, limit: int) -> list[FeedEntry]:
        """Return up to `limit` entries from number `start` on, which must not lie before the window."""
        begin = start - self._first
        assert begin >= 0, "the window has gone on"
        return [self._window[index] for index in range(begin, min(begin + limit, len(self._window)))]

    def expect(self, partitions: Iterable[TopicPartition]) -> None:
        """Look at once for partitions that somebody else has read already and that are not read here yet."""
        if any(where not in self.positions for where in partitions):
            self._check_at = 0.0

    def base_inputs(self) -> Iterator[GlobalInput]:
        """Return inputs that rebuild the market as it was before the window."""
        return market_inputs(self.base, self.settings.topics)

    def notes_before(self) -> dict[Origin, list[Note]]:
        """Return what was to be told of messages before the window, by message."""
        found: dict[Origin, list[Note]] = {}
        for note in self.base_notes:
            found.setdefault(note.origin, []).append(note)
        return found

    async def run(self) -> None:
        """Read for ever. A log that is away is waited out; one that refuses us for good ends the task."""
        await outlast("the global inputs", self._reader, self._observer, self._follow, self._find_again)

    async def _read_all(self, reader: LogReader) -> Image:
        return await read_image(reader, TopicPartition(self.settings.topics.state, 0), self._codec)

    async def _find_positions(self) -> None:
        """Begin with what the owner of the global inputs has kept, then with the inputs themselves."""
        kept = await self._read_market(self._reader)
        for symbol, value in kept.instruments.items():
            terms = self._codec.instrument(value, symbol.encode()).instrument
            self.base.set_instrument(symbol, terms)
            if terms is not None:
                self.reading.accepted[symbol] = terms
                self.reading.admission.symbols.add(symbol)
        for symbol, value in kept.prices.items():
            body = self._codec.decode(value)
            self.base.take(*quote_update(symbol, quote_of(body)))
            if self._gating is not None and body.get("quarantined"):
                self._gating.distrust(symbol)
            self.reading.admission.symbols.add(symbol)
        prices = await self._partitions(self.settings.topics.mark_prices)
        tables = await self._tables()
        positions = {
            **await self._reader.beginning_offsets(tables),
            **await self._reader.offsets_at(prices, self._now_ms() - LOOKBACK_MS),
        }
        self._ends = await self._reader.end_offsets(positions)
        self.positions, self.base_positions = positions, dict(positions)

    async def _find_again(self, where: TopicPartition) -> None:
        """Go on where the log begins now: retention has passed our position, or the topic was made anew."""
        if where not in self.positions:
            return
        try:
            begin = (await self._reader.beginning_offsets([where]))[where]
        except LogFault as fault:
            self._observer.log_fault(type(fault).__name__)
            return
        log.error("%s[%d] has no offset %d any more, going on at %d", *where, self.positions[where], begin)
        self.positions[where] = begin
        self._ends.pop(where, None)

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, index) for index in range(await self._reader.partition_count(topic))]

    async def _tables(self) -> list[TopicPartition]:
        topics = self.settings.topics
        tables = (topics.instruments, topics.assets, topics.insurance_funds)
        return [where for topic in tables for where in await self._partitions(topic)]

    async def _follow(self) -> None:
        if not self.positions:
            await self._find_positions()
        self._reader.assign(self.positions)
        loop = asyncio.get_running_loop()
        self._check_at = loop.time() + _GROWTH_CHECK_SECONDS
        while True:
            await self._read()
            if not self.caught_up.is_set() and all(self.positions[where] >= end for where, end in self._ends.items()):
                self.caught_up.set()
            if loop.time() >= self._check_at:
                self._check_at = loop.time() + _GROWTH_CHECK_SECONDS
                await self._look_for_growth()
                await self._observe_positions()
            await asyncio.sleep(0)

    async def _read(self) -> None:
        """Read on, unless the window is full of what a shard has still to judge."""
        self._retire_old()
        if self._is_full():
            await asyncio.sleep(_POLL_MS / 1000)
            return
        records = await self._reader.poll(self.settings.max_poll_records, _POLL_MS)
        started = time.thread_time()
        entries = [self.reading.entry(record) for record in records]
        if self._gating is not None:
            entries = [self._gating.judged(entry) for entry in entries]
        self._observer.stage("decode", time.thread_time() - started)
        self._append(entries)
        seen_ms = times_of(records)
        self._seen_ms |= seen_ms
        for where in self.positions:
            self.positions[where] = max(self.positions[where], self._reader.position(where))
            self._inputs.note(self._reader, where, seen_ms.get(where))
        if records:
            for listener in tuple(self._listeners):
                listener()

    async def _observe_positions(self) -> None:
        for where, end in (await self._reader.end_offsets(self.positions)).items():
            self._observer.position(where, self.positions[where], end, self._seen_ms.get(where))

    def _append(self, entries: Iterable[FeedEntry]) -> None:
        for entry in entries:
            self._window.append(entry)
            self._bytes += entry.size
        self._observer.held_instruments(len(self.reading.held))
        self._retire_old()

    def _retire_old(self) -> None:
        """Let entries go that are too old or too many, and that nobody has still to judge.

        Where they are both, a shard that has still to judge them is left behind: it takes over again.
        """
        oldest_ms = self._now_ms() - self.settings.max_replay_ms
        lowest = min((cursor.next for cursor in self._cursors), default=self.end)
        while self._window:
            is_old = self._window[0].timestamp_ms < oldest_ms
            is_full = self._is_full()
            if lowest <= self._first and is_old and is_full:
                self._leave_behind(lowest)
                lowest = min((cursor.next for cursor in self._cursors), default=self.end)
            if lowest <= self._first or not (is_old or is_full):
                return
            self._retire(self._window.popleft())

    def _is_full(self) -> bool:
        return len(self._window) >= self.settings.max_window or self._bytes >= self.settings.max_window_bytes

    def _leave_behind(self, place: int) -> None:
        for cursor in [cursor for cursor in self._cursors if cursor.next <= place]:
            cursor.is_lost = True
            self._cursors.discard(cursor)

    def _retire(self, entry: FeedEntry) -> None:
        """Let the oldest entry become part of the market before the window."""
        self._first += 1
        self._bytes -= entry.size
        self.base_positions[entry.where] = entry.offset + 1
        self.base_notes += entry.notes
        match entry.input:
            case Prices() as prices:
                place = prices.origin.partition, prices.origin.offset, prices.timestamp_ms
                self.base.take_all(prices.updates, *place, prices.qualities)
            case InstrumentTerms() as item:
                self.base.set_instrument(item.symbol, item.terms)
            case AssetTerms() as item:
                self.base.set_asset(item.asset, item.terms, item.timestamp_ms)
            case FundTerms() as item:
                self.base.funds.take(item.fund, item.terms, Place(item.origin.partition, item.origin.offset))
            case None:
                pass

    async def _look_for_growth(self) -> None:
        """Read partitions that the inputs have got since, from their beginning."""
        found = [*await self._partitions(self.settings.topics.mark_prices), *await self._tables()]
        new = [where for where in found if where not in self.positions]
        if new:
            self.positions |= await self._reader.beginning_offsets(new)
            self._reader.assign(self.positions)


def behind(base: Mapping[TopicPartition, int], judged: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return how many messages per partition lie between what was judged and the window's start.

    A partition nothing was judged of is counted from its beginning: it is new since.
    """
    return {where: first - judged.get(where, 0) for where, first in base.items() if judged.get(where, 0) < first}
