"""Following: reads the topics into a hub, from what stands there when the gateway starts to everything that comes.

First the events of the last minutes, so that clients of before a restart can resume; then all statuses; then both as
they are written. A log that is away is waited for; positions are kept, so nothing is lost or read twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from monitor.app.gateway.hub import Hub
from monitor.app.gateway.observing import GatewayObserver
from monitor.app.gateway.ordering import Item
from monitor.app.gateway.places import Places
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.stalls import Stalls
from monitor.app.gateway.views import EventView
from monitor.app.ports import Log, LogReader, LogUnavailable, TopicPartition

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
QUIET_SECONDS = 3.0
"""After so long without a record the log is asked whether it is there: a client of it may wait for ever in silence."""
_POLL_RECORDS = 500
_POLL_MS = 200


class Follower:
    """Read the topics into a hub until cancelled; `why_not_ready` names what is missing."""

    def __init__(
        self, log: Log, places: Places, hub: Hub, settings: GatewaySettings, observer: GatewayObserver
    ) -> None:
        self._log = log
        self._places = places
        self._hub = hub
        self._settings = settings
        self._observer = observer
        self._positions: dict[TopicPartition, int] = {}
        self._waiting = "the topics are being read"
        self._loaded = asyncio.Event()
        self._clock: Callable[[], float] = asyncio.get_running_loop().time
        self._heard = self._clock()

    def why_not_ready(self) -> list[str]:
        """Return what keeps clients from being served the truth, empty when nothing does; any thread may ask."""
        if self._waiting:
            return [self._waiting]
        silent = self._clock() - self._heard
        return [f"the log has not been heard for {silent:.0f} s"] if silent > 2 * QUIET_SECONDS else []

    async def loaded(self) -> None:
        """Wait until snapshots are whole."""
        await self._loaded.wait()

    async def run(self) -> None:
        """Load, then follow. Raises `LogForbidden`, `PositionLost`, `CorruptRecord`, `TooManyScopes`."""
        while True:
            reader = self._log.reader()
            try:
                await reader.start()
                if not self._loaded.is_set():
                    await self._load(reader)
                reader.assign(self._positions)
                await self._follow(reader, await reader.end_offsets(self._places.all))
            except LogUnavailable as fault:
                self._observer.log_fault(type(fault).__name__)
                self._waiting = f"the log does not answer: {fault}"
                log.warning("waiting: %s", self._waiting)
            finally:
                await reader.stop()
            await asyncio.sleep(RETRY_SECONDS)

    async def _load(self, reader: LogReader) -> None:
        """Read recent events, then all statuses, then what came meanwhile; begun anew when the log fails in between."""
        self._hub.begin()
        events, statuses = self._places.event_places(), self._places.status_places()
        starts = await reader.offsets_at(events, self._hub.now_ms() - self._settings.replay_ms)
        for where, offset in starts.items():
            self._hub.begin_place(where, offset)
        history: deque[Item] = deque()
        await self._read_to_end(reader, starts, history.append)
        positions = {where: reader.position(where) for where in events}
        held = sum(len(item.view.body or b"") for item in history)
        while held > self._settings.backlog_bytes:
            item = history.popleft()
            held -= len(item.view.body or b"")
            self._hub.begin_place(self._places.all[item.index], item.offset + 1)
        self._tell_history(history)
        await self._read_to_end(reader, await reader.beginning_offsets(statuses), self._hub.load_status)
        self._positions = positions | {where: reader.position(where) for where in statuses}
        self._note_positions(self._positions)
        log.info("read %d statuses and %d recent events", self._hub.board.scopes, len(history))

    def _tell_history(self, history: Iterable[Item]) -> None:
        """Pass the recent events on in the order of their chains; nobody listens yet."""
        first: dict[tuple[str, str], int] = {}
        for item in history:
            view = item.view
            if isinstance(view, EventView) and view.scope is not None and view.sequence is not None:
                key = (view.account_id, view.scope)
                first[key] = min(first.get(key, view.sequence), view.sequence)
        for (account_id, scope), sequence in first.items():
            self._hub.board.begin_chain(account_id, scope, sequence - 1)
        for item in history:
            self._hub.feed(item)

    async def _read_to_end(
        self, reader: LogReader, starts: dict[TopicPartition, int], take: Callable[[Item], None]
    ) -> None:
        reader.assign(starts)
        ends = await reader.end_offsets(starts)
        while any(reader.position(where) < end for where, end in ends.items()):
            for number, record in enumerate(await reader.poll(_POLL_RECORDS * 4, _POLL_MS)):
                if (item := self._hub.read(record)) is not None:
                    take(item)
                if number % 200 == 199:
                    await asyncio.sleep(0)  # signals are heard meanwhile

    async def _follow(self, reader: LogReader, ends: Mapping[TopicPartition, int]) -> None:
        """Read on; ready once all is passed on that stood there when this began."""
        stalls = Stalls(self._places, reader, self._settings.settle_ms / 1000, self._clock)
        self._heard = self._clock()
        while True:
            for record in await reader.poll(_POLL_RECORDS, _POLL_MS):
                self._heard = self._clock()
                if (item := self._hub.read(record)) is not None:
                    self._hub.feed(item)
            if self._clock() - self._heard >= QUIET_SECONDS:
                await reader.end_offsets(self._places.all)
                self._heard = self._clock()
            self._positions = {where: reader.position(where) for where in self._places.all}
            self._note_positions(self._positions)
            for partition in await stalls.over(self._hub.ordering.blocked()):
                log.warning("partition %d: the predecessor of an event is nowhere in the log", partition)
                self._hub.release(partition)
            self._hub.batch_over()
            blocked = self._hub.ordering.blocked()
            if self._waiting and not blocked and all(self._positions[where] >= end for where, end in ends.items()):
                self._waiting = ""
                self._loaded.set()
            await asyncio.sleep(0)

    def _note_positions(self, positions: dict[TopicPartition, int]) -> None:
        for where, position in positions.items():
            self._hub.reached(self._places.index(*where), position)
