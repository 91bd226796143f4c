"""Ordering: holds back what has overtaken its predecessor on another topic.

An account's events lie on three topics and its statuses on a fourth; a reader may see them in any order between topics.
Their writer wrote them one after the other, so holding a topic back until the predecessor has come loses no time to
speak of, cannot deadlock, and keeps each topic's own order. When to stop waiting is told by `release`: whoever reads
knows whether anything can still come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from monitor.app.gateway.places import Places
from monitor.app.gateway.standings import UNTOLD
from monitor.app.gateway.views import EventView, StatusView


@dataclass(frozen=True, slots=True)
class Item:
    """Hold one record read: its place, and what is known of it."""

    index: int
    offset: int
    timestamp_ms: int
    view: EventView | StatusView


class Told(Protocol):
    """Know how far the chains were told."""

    def told(self, account_id: str, scope: str) -> tuple[int, int]:
        """Return the sequences of the last event let through and of the last status, -1 for none."""


class Ordering:
    """Let records through in the order of their chains; what is let through must be on the board before the next."""

    def __init__(self, places: Places, board: Told) -> None:
        self._width = places.width
        self._board = board
        self._queues: dict[int, deque[Item]] = {}

    @property
    def waiting(self) -> int:
        """How many records are held back."""
        return sum(len(queue) for queue in self._queues.values())

    def blocked(self) -> set[int]:
        """Return the partitions in which something waits."""
        return {index // self._width for index in self._queues}

    def is_idle(self, index: int) -> bool:
        """Tell whether nothing of a place waits."""
        return index not in self._queues

    def feed(self, item: Item) -> Iterator[Item]:
        """Take a record and yield what may go now."""
        if item.index in self._queues:
            self._queues[item.index].append(item)
        elif not self._may_go(item):
            self._queues[item.index] = deque([item])
        else:
            yield item
            if self._queues:
                yield from self.drain(item.index // self._width)

    def held(self, partition: int) -> Iterator[Item]:
        """Yield what waits in a partition."""
        for index, queue in self._queues.items():
            if index // self._width == partition:
                yield from queue

    def release(self, partition: int) -> Iterator[Item]:
        """Stop waiting for the predecessor of the oldest record of a partition; yield it and what follows."""
        heads = [queue[0] for index, queue in self._queues.items() if index // self._width == partition]
        if heads:
            # of one moment an event goes before a status: the place of statuses is the last of its partition
            yield self._pop(min(heads, key=lambda item: (item.timestamp_ms, item.index)).index)
            yield from self.drain(partition)

    def drain(self, partition: int) -> Iterator[Item]:
        """Yield what may go now; to be asked where the board has learnt something by itself."""
        indices = range(partition * self._width, (partition + 1) * self._width)
        moved = True
        while moved:
            moved = False
            for index in indices:
                while index in self._queues and self._may_go(self._queues[index][0]):
                    yield self._pop(index)
                    moved = True

    def _pop(self, index: int) -> Item:
        queue = self._queues[index]
        item = queue.popleft()
        if not queue:
            del self._queues[index]
        return item

    def _may_go(self, item: Item) -> bool:
        """Tell whether what comes before it in its chain has been let through, as far as anybody can know."""
        view = item.view
        if view.scope is None or view.sequence is None or (isinstance(view, StatusView) and view.body is None):
            return True
        told, shown = self._board.told(view.account_id, view.scope)
        if isinstance(view, StatusView):
            return view.sequence <= told if told != UNTOLD else view.sequence in (0, shown)
        if told == UNTOLD:
            return view.sequence == 1 or shown == view.sequence - 1
        return view.sequence <= told + 1
