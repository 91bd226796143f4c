"""Reading for the doctor: prices of the last while, contracts, heartbeats, and how many accounts there are.

Everything is read from the log as any reader would, within a time limit; what it means is judged elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import msgspec

from monitor.adapters.wire.faults import BadMessage
from monitor.adapters.wire.prices import decode_prices
from monitor.app.doctor.market import MarketSeen
from monitor.app.doctor.memory import Population
from monitor.app.doctor.shards import BeatsSeen
from monitor.app.ports import Log, LogReader, Record, TopicPartition
from monitor.app.topics import TopicNames
from monitor.cli.clock import now_ms
from monitor.core.limits import Limits

_RECORDS_AT_ONCE = 2_000
_POLL_MS = 100
_LISTEN_SECONDS = 2.5
"""Feeds write every second, daemons a heartbeat a second: who lives is heard within this."""
_LEAST_WINDOW_MS = 60_000


class _Contract(msgspec.Struct):
    status: str = "trading"


class _Beat(msgspec.Struct):
    reasons: list[str] = []
    writer: str = ""
    written_at_ms: int = 0


class _Status(msgspec.Struct):
    positions: list[msgspec.Raw] = []


_contract = msgspec.json.Decoder(_Contract).decode
_beat = msgspec.json.Decoder(_Beat).decode
_status = msgspec.json.Decoder(_Status).decode


class Sight:
    """Hold what was read so far; listening goes on where reading ended."""

    def __init__(self, window_ms: int, limits: Limits, *, dates: bool) -> None:
        self.market = MarketSeen(window_ms=max(window_ms, _LEAST_WINDOW_MS), dates=dates)
        self.beats = BeatsSeen()
        self._limits = limits

    def take_price(self, record: Record) -> None:
        """Note of a message on prices which symbols it has, when it was appended, and how far ahead it is dated."""
        market, at_ms = self.market, record.timestamp_ms
        market.newest_ms = max(at_ms, market.newest_ms or 0)
        try:
            message = decode_prices(record.value, self._limits)
        except BadMessage:
            market.unreadable += 1
            return
        market.unreadable += bool(message.rejected)
        for price in message.prices:
            market.prices[price.symbol] = max(at_ms, market.prices.get(price.symbol, 0))
            market.ahead_ms[price.symbol] = price.event_time_ms - at_ms

    def take_beat(self, record: Record) -> None:
        """Note who gave a sign of life when."""
        key, at_ms = (record.key or b"").decode(errors="replace"), record.timestamp_ms
        if key == str(record.partition):
            self.beats.shards[record.partition] = max(at_ms, self.beats.shards.get(record.partition, 0))
        elif key.startswith("feed/"):
            name = key.removeprefix("feed/")
            self.beats.feeds[name] = max(at_ms, self.beats.feeds.get(name, 0))
            self.beats.waiting.pop(name, None)
            if (said := _read(_beat, record)) is not None and said.reasons:
                self.beats.waiting[name] = "; ".join(said.reasons)

    def hear(self, record: Record, names: TopicNames) -> None:
        """Compare the clock behind a record that has just been written with ours."""
        if record.topic == names.mark_prices:
            whose = "the log" if self.market.dates else "whoever writes mark-prices"
            skew = record.timestamp_ms - now_ms()
        else:
            said = _read(_beat, record)
            if said is None or not said.written_at_ms:
                return
            key = (record.key or b"").decode(errors="replace")
            whose = key if key.startswith("feed/") else f"instance {said.writer[:8]}"
            skew = said.written_at_ms - now_ms()
        known = self.market.skews_ms.get(whose)
        self.market.skews_ms[whose] = skew if known is None else max(known, skew)  # what took longest to come errs most


async def look(log: Log, names: TopicNames, sight: Sight, counts: Mapping[str, int], seconds: float) -> None:
    """Read contracts, the prices of the window and the heartbeats, then listen a while. Raises what the log raises.

    `counts` holds the partitions of the topics that may be read.
    """
    reader = log.reader()
    await reader.start()
    try:
        deadline = asyncio.get_running_loop().time() + seconds
        if names.instruments in counts:
            places = await reader.beginning_offsets(_places(counts, [names.instruments]))
            async for record in _to_the_end(reader, places, deadline):
                symbol = (record.key or b"").decode(errors="replace")
                said = None if record.value is None else _read(_contract, record)
                trades = said is not None and said.status == "trading"
                (sight.market.contracts.add if trades else sight.market.contracts.discard)(symbol)
        moving = [name for name in (names.mark_prices, names.heartbeats) if name in counts]
        starts = await reader.offsets_at(_places(counts, moving), now_ms() - sight.market.window_ms)
        positions = dict(starts)
        async for record in _to_the_end(reader, starts, deadline):
            (sight.take_price if record.topic == names.mark_prices else sight.take_beat)(record)
        ends = await reader.end_offsets(starts)
        positions = {where: reader.position(where) for where in starts}
        sight.market.is_whole = all(positions[where] >= ends[where] for where in starts)
        await _listen(reader, names, sight, ends)
    finally:
        await reader.stop()
    sight.market.now_ms = sight.beats.now_ms = now_ms()


async def _listen(reader: LogReader, names: TopicNames, sight: Sight, ends: Mapping[TopicPartition, int]) -> None:
    """Hear what is written from now on, for a moment: only of that it is known when it was written, by our clock."""
    reader.assign(ends)
    until = asyncio.get_running_loop().time() + _LISTEN_SECONDS
    while ends and asyncio.get_running_loop().time() < until:
        for record in await reader.poll(_RECORDS_AT_ONCE, _POLL_MS):
            (sight.take_price if record.topic == names.mark_prices else sight.take_beat)(record)
            sight.hear(record, names)


async def count_population(log: Log, topic: str, partitions: int, seconds: float) -> Population:
    """Return how many accounts, scopes and positions statuses tell of; what there was no time for is estimated."""
    reader = log.reader()
    await reader.start()
    try:
        starts = await reader.beginning_offsets(_places({topic: partitions}, [topic]))
        ends = await reader.end_offsets(starts)
        held: dict[str, int] = {}
        read = 0
        async for record in _to_the_end(reader, starts, asyncio.get_running_loop().time() + seconds):
            key = (record.key or b"").decode(errors="replace")
            read += 1
            said = None if record.value is None else _read(_status, record)
            if said is None:
                held.pop(key, None)
            else:
                held[key] = len(said.positions)
        left = sum(max(0, end - reader.position(where)) for where, end in ends.items())
    finally:
        await reader.stop()
    accounts = len({key.rpartition("|")[0] for key in held})
    more = 1 + left / read if read else 1
    positions = sum(held.values())
    return Population(round(accounts * more), round(len(held) * more), round(positions * more), is_estimate=left > 0)


async def _to_the_end(
    reader: LogReader, starts: Mapping[TopicPartition, int], deadline: float
) -> AsyncIterator[Record]:
    """Yield what stands in the log when it begins, until the deadline of the loop's clock."""
    if not starts:
        return
    ends = await reader.end_offsets(starts)
    reader.assign(starts)
    while any(reader.position(where) < end for where, end in ends.items()):
        if asyncio.get_running_loop().time() > deadline:
            return
        for record in await reader.poll(_RECORDS_AT_ONCE, _POLL_MS):
            yield record


def _places(counts: Mapping[str, int], topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in topics for number in range(counts[topic])]


def _read(decode: Any, record: Record) -> Any:
    try:
        return decode(record.value or b"")
    except msgspec.DecodeError:
        return None
