"""The faults a test may order from the embedded log; without orders it never fails."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from monitor.app.ports import LogForbidden, LogUnavailable, TopicPartition


class WriteFault(enum.Enum):
    """Name what happens to one transaction."""

    LOST_BEFORE_COMMIT = "the connection broke before the commit: the transaction stays open until the next fence"
    LOST_AFTER_COMMIT = "the connection broke after the commit: it stands, the writer does not know"
    REFUSED = "the log refuses a record"
    FENCED = "a younger writer appears just before"


@dataclass(slots=True)
class Faults:
    """Hold the orders: standing ones (`unavailable`, `forbidden`, `corrupt`) and those for the next transactions.

    `before_write` is awaited with the transactional id at the start of each write, before its epoch is checked: a test
    that does not return from it has a frozen writer.
    """

    unavailable: bool = False
    forbidden: bool = False
    corrupt: dict[TopicPartition, int] = field(default_factory=dict)
    before_write: Callable[[str], Awaitable[None]] | None = None
    _writes: deque[tuple[WriteFault, str | None]] = field(default_factory=deque)

    def next_write(self, fault: WriteFault, transactional_id: str | None = None) -> None:
        """Order a fault for the next transaction (of that id, when one is given); several orders queue up."""
        self._writes.append((fault, transactional_id))

    def take_write(self, transactional_id: str) -> WriteFault | None:
        """Return and strike the oldest order that fits a transaction of this id."""
        for order in self._writes:
            if order[1] in (None, transactional_id):
                self._writes.remove(order)
                return order[0]
        return None

    def check(self) -> None:
        """Raise `LogUnavailable` or `LogForbidden` when that was ordered."""
        if self.forbidden:
            raise LogForbidden("the embedded log was told to refuse us")
        if self.unavailable:
            raise LogUnavailable("the embedded log was told to be away")
