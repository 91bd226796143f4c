"""Standings: the last status of every scope, how far its chain was told, and what is gone since when.

What is held is replaced, never changed, so that a snapshot is a list of references: it stays what it was at its cut
while the board goes on. Who is told of it is decided elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from monitor.app.gateway.views import EventView, StatusView

UNTOLD = -1
MOST_GONE = 100_000
MOST_RECENT = 20_000
"""Changes of statuses remembered in their order, for each partition: who is not further behind need not look at all."""


class TooManyScopes(Exception):
    """More scopes than memory was granted for."""


@dataclass(slots=True)
class Standing:
    """Hold how a scope stands; never changed once it is on the board.

    Attributes:
        scope: its name.
        partition: of its account.
        offset: of its status record, -1 before the first.
        value: the status as it was published.
        sequence: of the status.
        told: the sequence of the last event passed on, -1 where none was.
        rank: of the status, or of the event where that is newer.
        event: the last event, shortened, while it is newer than the status.
        ended: whether that event says that the scope has ceased to exist.
    """

    scope: str
    partition: int
    offset: int
    value: bytes | None
    sequence: int
    told: int
    rank: int
    event: bytes | None = None
    ended: bool = False

    @property
    def reached(self) -> int:
        """The sequence up to which this standing tells the chain."""
        return max(self.told, self.sequence)


@dataclass(frozen=True, slots=True)
class Gone:
    """Hold when a scope went, and how far its chain was told: it may come back."""

    partition: int
    offset: int
    told: int


class Board:
    """Know the standing of every scope, at most `max_scopes`."""

    def __init__(self, partitions: int, max_scopes: int) -> None:
        self._accounts: dict[str, tuple[Standing, ...]] = {}
        self._gone: OrderedDict[tuple[str, str], Gone] = OrderedDict()
        self._forgotten = [0] * partitions
        self._recent: list[deque[tuple[int, str, str]]] = [deque() for _ in range(partitions)]
        self._recent_from = [0] * partitions
        self._max_scopes = max_scopes
        self.scopes = 0

    def standing(self, account_id: str, scope: str) -> Standing | None:
        """Return how a scope stands."""
        for found in self._accounts.get(account_id, ()):
            if found.scope == scope:
                return found
        return None

    def told(self, account_id: str, scope: str) -> tuple[int, int]:
        """Return the sequences of the last event passed on and of the last status, -1 for none."""
        if (found := self.standing(account_id, scope)) is not None:
            return found.told, found.sequence
        gone = self._gone.get((account_id, scope))
        return (UNTOLD if gone is None else gone.told), UNTOLD

    def put_status(self, view: StatusView, partition: int, offset: int) -> int:
        """Take a status over; return the rank the scope had before, 0 for none. Raises `TooManyScopes`."""
        before = self.standing(view.account_id, view.scope)
        self._note(partition, offset, view)
        told, _ = self.told(view.account_id, view.scope)
        if view.body is None:
            self._end(before, view, Gone(partition, offset, told))
        else:
            standing = Standing(view.scope, partition, offset, view.body, view.sequence, told, view.rank)
            if before is not None and before.event is not None and view.sequence < told:
                standing.rank, standing.event, standing.ended = before.rank, before.event, before.ended
            self._put(view.account_id, standing)
        return 0 if before is None else before.rank

    def put_event(self, view: EventView, partition: int, brief: bytes) -> None:
        """Take an event of a chain over. Raises `TooManyScopes`."""
        assert view.scope is not None and view.sequence is not None, "only events of a chain change a standing"
        found = self.standing(view.account_id, view.scope)
        ended = view.event_type == "closed"
        if found is None and ended:  # its tombstone was read before
            gone = self._gone.get((view.account_id, view.scope))
            self._gone[view.account_id, view.scope] = Gone(
                partition, -1 if gone is None else gone.offset, view.sequence
            )
            return
        if found is None:
            found = Standing(view.scope, partition, -1, None, UNTOLD, UNTOLD, 0)
        standing = replace(found, told=max(found.told, view.sequence))
        if view.sequence > found.sequence:
            standing.rank, standing.event, standing.ended = view.rank_after, brief, ended
        self._put(view.account_id, standing)

    def begin_chain(self, account_id: str, scope: str, told: int) -> None:
        """State how far a chain was told before what is read next; used while history is loaded."""
        self._gone[account_id, scope] = Gone(0, -1, told)

    def cut(self, accounts: Iterable[str] | None) -> Iterator[tuple[str, tuple[Standing, ...]]]:
        """Return how everything stands now; what is returned does not change any more.

        Two lists of references are taken at once; a list of pairs would make as many objects as there are accounts.
        """
        if accounts is None:
            return zip(list(self._accounts), list(self._accounts.values()), strict=True)
        return iter([(name, found) for name in accounts if (found := self._accounts.get(name)) is not None])

    def changed_since(self, positions: dict[int, int]) -> dict[tuple[str, str], None] | None:
        """Return the scopes whose status has changed since, in order; None where that is longer ago than is known."""
        found: dict[tuple[str, str], None] = {}
        for partition, position in positions.items():
            if position < self._recent_from[partition]:
                return None
            newer = takewhile(lambda change, at=position: change[0] >= at, reversed(self._recent[partition]))  # type: ignore[misc]
            found |= dict.fromkeys(reversed([(account_id, scope) for _, account_id, scope in newer]))
        return found

    def gone_since(self, positions: dict[int, int], accounts: frozenset[str] | None) -> Iterator[tuple[str, str]]:
        """Yield what went at or after a position of its partition."""
        for (account_id, scope), gone in self._gone.items():
            if gone.offset >= positions[gone.partition] and (accounts is None or account_id in accounts):
                yield account_id, scope

    def remembers(self, positions: dict[int, int]) -> bool:
        """Tell whether everything that went since these positions is still known."""
        return all(positions[number] >= floor for number, floor in enumerate(self._forgotten))

    def _note(self, partition: int, offset: int, view: StatusView) -> None:
        recent = self._recent[partition]
        recent.append((offset, view.account_id, view.scope))
        if len(recent) > MOST_RECENT:
            self._recent_from[partition] = recent.popleft()[0] + 1

    def _put(self, account_id: str, standing: Standing) -> None:
        others = self._accounts.get(account_id, ())
        kept = tuple(other for other in others if other.scope != standing.scope)
        if len(kept) == len(others):
            self.scopes += 1
            if self.scopes > self._max_scopes:
                raise TooManyScopes(f"more than gateway.max_scopes = {self._max_scopes} scopes stand in account-status")
        self._accounts[account_id] = (*kept, standing)
        self._gone.pop((account_id, standing.scope), None)

    def _end(self, before: Standing | None, view: StatusView, gone: Gone) -> None:
        """Take a tombstone over; one that a younger event of the scope has overtaken takes away the status alone."""
        if before is not None and before.event is not None and not before.ended and before.rank > 0:
            self._put(view.account_id, replace(before, value=None, offset=gone.offset, sequence=UNTOLD))
        else:
            self._remove(view.account_id, view.scope, gone)

    def _remove(self, account_id: str, scope: str, gone: Gone) -> None:
        others = self._accounts.get(account_id, ())
        kept = tuple(other for other in others if other.scope != scope)
        self.scopes -= len(others) - len(kept)
        if kept:
            self._accounts[account_id] = kept
        else:
            self._accounts.pop(account_id, None)
        self._gone[account_id, scope] = gone
        self._gone.move_to_end((account_id, scope))
        while len(self._gone) > MOST_GONE:
            _, oldest = self._gone.popitem(last=False)
            self._forgotten[oldest.partition] = max(self._forgotten[oldest.partition], oldest.offset + 1)
