"""Messages: what is sent to one target at once, one event or a digest of many, and its text in the log of deliveries.

A message is replaced, never changed. What it says may grow only until it is first tried: from then on its id stands
for its content, so that a receiver which has seen the id has seen everything in it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from monitor.app.gateway.views import UNKNOWN_RANK, EventView
from monitor.core.ladder import MarginStatus


class Range(NamedTuple):
    """Name where events of a message stand in the log: so many between two offsets of one partition, both included."""

    topic: str
    partition: int
    first: int
    last: int
    events: int


@dataclass(frozen=True, slots=True)
class Message:
    """Hold what one message tells, and what has become of it.

    Attributes:
        id: the same for every attempt, and after a restart.
        order: the place in the queue of its target.
        made_ms: when the first of its events was taken in.
        hold_ms: it is not sent before.
        events: how many it tells of.
        kinds: how many of each type of event.
        accounts: whom it is about.
        ranges: where its events stand.
        first_ms, last_ms: the log's time of the first and of the last of them.
        rank: how bad the worst is.
        shown: the body of the worst event, the latest among equals.
        attempts: begun so far; written before each, so that a crash never makes them more than allowed.
        due_ms: after a failure it is not tried again before.
        escalated: whether the second target has been told.
    """

    id: str
    order: int
    made_ms: int
    hold_ms: int
    events: int
    kinds: Mapping[str, int]
    accounts: frozenset[str]
    ranges: tuple[Range, ...]
    first_ms: int
    last_ms: int
    rank: int
    shown: bytes
    attempts: int = 0
    due_ms: int = 0
    escalated: bool = False

    @property
    def is_digest(self) -> bool:
        """Whether it tells of several events."""
        return self.events > 1

    @property
    def gathers(self) -> bool:
        """Whether later events of its accounts must join it, since they could overtake it otherwise.

        What was tried, or was told to a second target, says what it says; it is held no more, so nothing overtakes.
        """
        return not self.attempts and not self.escalated and self.hold_ms > self.made_ms


class Event(NamedTuple):
    """Hold one event of the log on its way to the targets.

    `body` is what they are shown of it, `guarded` what those are that are for some accounts only.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    view: EventView
    body: bytes
    guarded: bytes = b"{}"


def message_of(event: Event, target: str, now_ms: int) -> Message:
    """Return the message that tells one event to one target.

    Its id names the event's time too: in a topic that was made anew the same place holds another event.
    """
    where = f"{target}|{event.topic}|{event.partition}|{event.offset}|{event.timestamp_ms}"
    return Message(
        id=_id(where),
        order=0,
        made_ms=now_ms,
        hold_ms=now_ms,
        events=1,
        kinds={event.view.event_type: 1},
        accounts=frozenset((event.view.account_id,)),
        ranges=(Range(event.topic, event.partition, event.offset, event.offset, 1),),
        first_ms=event.timestamp_ms,
        last_ms=event.timestamp_ms,
        rank=event.view.rank,
        shown=event.body,
    )


def escalation_of(message: Message, target: str, now_ms: int) -> Message:
    """Return what a second target is told of a message."""
    again = _id(f"{target}|{message.id}")
    return replace(message, id=again, made_ms=now_ms, hold_ms=now_ms, attempts=0, due_ms=0, escalated=True)


def joined(first: Message, later: Message) -> Message:
    """Return one message that tells of both; it keeps the id and the place of the first."""
    assert first.attempts == later.attempts == 0 and not first.escalated, "what was told never changes"
    worst = later if _badness(later.rank) >= _badness(first.rank) else first
    ranges = {(one.topic, one.partition): one for one in first.ranges}
    for one in later.ranges:
        known = ranges.get((one.topic, one.partition), one._replace(events=0))
        ranges[one.topic, one.partition] = Range(
            one.topic,
            one.partition,
            min(known.first, one.first),
            max(known.last, one.last),
            known.events + one.events,
        )
    return replace(
        first,
        made_ms=min(first.made_ms, later.made_ms),
        hold_ms=min(first.hold_ms, later.hold_ms),
        events=first.events + later.events,
        kinds=dict(Counter(first.kinds) + Counter(later.kinds)),
        accounts=first.accounts | later.accounts,
        ranges=tuple(sorted(ranges.values())),
        first_ms=min(first.first_ms, later.first_ms),
        last_ms=max(first.last_ms, later.last_ms),
        rank=worst.rank,
        shown=worst.shown,
        escalated=False,
    )


def to_text(message: Message) -> bytes:
    """Return a message as the log of deliveries keeps it."""
    fields = {name: getattr(message, name) for name in _PLAIN}
    fields |= {
        "kinds": dict(message.kinds),
        "accounts": sorted(message.accounts),
        "ranges": message.ranges,
        "shown": message.shown.decode(),
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def from_text(text: bytes) -> Message:
    """Return the message of such a text."""
    fields = json.loads(text)
    fields |= {
        "accounts": frozenset(fields["accounts"]),
        "ranges": tuple(Range(*one) for one in fields["ranges"]),
        "shown": fields["shown"].encode(),
    }
    return Message(**fields)


_PLAIN = (
    "id",
    "order",
    "made_ms",
    "hold_ms",
    "events",
    "first_ms",
    "last_ms",
    "rank",
    "attempts",
    "due_ms",
    "escalated",
)


def _badness(rank: int) -> int:
    """Return what a rank counts among others: what is not known hides no liquidation."""
    return MarginStatus.MARGIN_CALL.rank if rank == UNKNOWN_RANK else rank


def _id(where: str) -> str:
    return "msg_" + hashlib.sha256(where.encode("utf-8", "surrogatepass")).hexdigest()[:32]
