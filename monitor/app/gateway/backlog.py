"""The backlog: the newest events in the order they were passed on, for clients that come back.

It takes a stated amount of memory; the oldest go first, and with them the right to resume from before them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import count

from monitor.app.gateway.notices import Notice

_SKEW_MS = 60_000


class Backlog:
    """Keep notices of events, found by account and by place."""

    def __init__(self, places: int, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._numbers = count()
        self._all: deque[tuple[int, Notice]] = deque()
        self._by_account: dict[str, deque[tuple[int, Notice]]] = {}
        self._by_place: list[deque[Notice]] = [deque() for _ in range(places)]
        self._floors = [0] * places
        self.bytes = 0

    def begin(self, index: int, offset: int) -> None:
        """State from which offset on a place is held."""
        self._floors[index] = offset

    def add(self, notice: Notice) -> None:
        """Keep an event, and drop the oldest where there is no room."""
        entry = (next(self._numbers), notice)
        self._all.append(entry)
        self._by_account.setdefault(notice.view.account_id, deque()).append(entry)
        self._by_place[notice.index].append(notice)
        self.bytes += notice.size
        while self.bytes > self._max_bytes and len(self._all) > 1:
            self._drop()

    def holds(self, positions: Sequence[int], of_events: Sequence[int]) -> bool:
        """Tell whether nothing since these positions was dropped."""
        return all(positions[index] >= self._floors[index] for index in of_events)

    def contradicts(self, positions: Sequence[int], time_ms: int, of_events: Sequence[int]) -> bool:
        """Tell whether a cut made at `time_ms` claims to have seen a record that was written well after it.

        That is how topics that were made anew, and have grown past the old offsets, are told from the old ones.
        """
        for index in of_events:
            for notice in reversed(self._by_place[index]):
                if notice.offset < positions[index]:
                    if notice.timestamp_ms > time_ms + _SKEW_MS:
                        return True
                    break
        return False

    def since(self, positions: Sequence[int], accounts: frozenset[str] | None) -> Iterator[Notice]:
        """Return the events at or after these positions, in the order they were passed on, as they stand now."""
        if accounts is None:
            found = [notice for _, notice in self._all]
        else:
            parts = [self._by_account[name] for name in accounts if name in self._by_account]
            found = [notice for _, notice in merge(*parts, key=lambda entry: entry[0])]
        return (notice for notice in found if notice.offset >= positions[notice.index])

    def _drop(self) -> None:
        _, notice = self._all.popleft()
        self.bytes -= notice.size
        of_account = self._by_account[notice.view.account_id]
        of_account.popleft()
        if not of_account:
            del self._by_account[notice.view.account_id]
        self._by_place[notice.index].popleft()
        self._floors[notice.index] = notice.offset + 1
