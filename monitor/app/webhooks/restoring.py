"""Restoring: from the log of deliveries to a switchboard, and from there to where each event topic is read on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitor.app.gateway.places import Places
from monitor.app.gateway.views import ViewCodec
from monitor.app.ports import Log, LogReader, TopicPartition
from monitor.app.webhooks.delivering import Delivery
from monitor.app.webhooks.observing import WebhookObserver
from monitor.app.webhooks.settings import WebhookSettings
from monitor.app.webhooks.switchboard import Switchboard
from monitor.app.webhooks.targets import Target

log = logging.getLogger(__name__)

_POLL_RECORDS = 2_000
_POLL_MS = 200


@dataclass(frozen=True, slots=True)
class Tools:
    """Hold what a sender is put together from.

    Attributes:
        log: the message log.
        places: the event topics and their partitions.
        state: the topic that remembers; it has one partition.
        parked: the topic of what was given up; it has one partition.
        sender_id: the group in which the one that sends is chosen.
        targets: where to, by name.
        delivery: carries bodies.
        codec: reads events.
        settings: the limits.
        observer: takes note.
        now_ms: the time, in milliseconds since 1970.
        clock: seconds that never go back.
        chance: a number from 0 to 1.
    """

    log: Log
    places: Places
    state: str
    parked: str
    sender_id: str
    targets: Mapping[str, Target]
    delivery: Delivery
    codec: ViewCodec
    settings: WebhookSettings
    observer: WebhookObserver
    now_ms: Callable[[], int]
    clock: Callable[[], float]
    chance: Callable[[], float]

    @property
    def writer_id(self) -> str:
        """The transactional id of whoever sends."""
        return f"{self.sender_id}-0"


async def restored(tools: Tools, reader: LogReader) -> Switchboard:
    """Return the switchboard that the state topic tells of; to be asked after the fence. Raises what reading raises."""
    where = TopicPartition(tools.state, 0)
    reader.assign(await reader.beginning_offsets([where]))
    end = (await reader.end_offsets([where]))[where]
    states: dict[bytes, bytes] = {}
    while reader.position(where) < end:
        for record in await reader.poll(_POLL_RECORDS, _POLL_MS):
            if record.key is None:
                continue
            if record.value is None:
                states.pop(record.key, None)
            else:
                states[record.key] = record.value
    board = Switchboard(tools.targets, tools.chance)
    board.restore(states.items(), tools.now_ms())
    return board


async def find_positions(tools: Tools, reader: LogReader, board: Switchboard) -> None:
    """State where each partition is read on that the state does not know, or whose position is not in the log.

    What retention took away before it was read cannot be told any more: that is noted, and the rest goes on.
    """
    places = tools.places.event_places()
    starts, ends = await reader.beginning_offsets(places), await reader.end_offsets(places)
    recent = await reader.offsets_at(places, tools.now_ms() - tools.settings.lookback_ms)
    is_first = not board.positions
    for where in places:
        known = board.positions.get(where)
        if known is None:
            board.start_at(where, recent[where] if is_first else starts[where])
        elif known > ends[where]:
            log.error("%s[%d] ends before it was read: made anew, it is read from recent events on", *where)
            board.start_at(where, recent[where])
            tools.observer.lost(where.topic, 1)
        elif known < starts[where]:
            gone = starts[where] - known
            log.error("%s[%d]: %d offsets were gone from the log before they were read", *where, gone)
            board.start_at(where, starts[where])
            tools.observer.lost(where.topic, gone)
