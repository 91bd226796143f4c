"""Shapes of what HTTP targets of the format `json` are posted, and of what is parked; worded in `monitor.app.webhooks`.

Receivers ignore fields they do not know.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from monitor.adapters.wire.shapes import AccountId, Millis
from monitor.core.ladder import MarginStatus

Offset = Annotated[int, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
"""The log's time, in UTC."""
Kinds = Annotated[dict[str, Count], Meta(description="how many of each event_type")]
MessageId = Annotated[str, Meta(pattern="^msg_[0-9a-f]{32}$")]


class RangeBody(Struct, kw_only=True):
    """Name so many events between two offsets of one partition, both included."""

    topic: str
    partition: Offset
    first: Offset
    last: Offset
    events: Count


class EventData(Struct, kw_only=True):
    """Hold one event, without evidence and plan; `incident` is one for each account, scope and cause."""

    incident: str
    severity: MarginStatus
    event: dict[str, Any]
    ranges: list[RangeBody]


class EventPosted(Struct, kw_only=True, tag_field="type", tag="liqmon.event"):
    """Tell one event."""

    timestamp: Time
    data: EventData


class DigestData(Struct, kw_only=True):
    """Hold what many events have in common; `ranges` lead to each of them, `worst` is the worst of them, whole."""

    events: Annotated[int, Meta(ge=2)]
    kinds: Kinds
    severity: MarginStatus
    first: Time
    last: Time
    accounts: Count
    named_accounts: list[AccountId]
    worst: dict[str, Any]
    ranges: list[RangeBody]


class DigestPosted(Struct, kw_only=True, tag_field="type", tag="liqmon.digest"):
    """Tell many events at once."""

    timestamp: Time
    data: DigestData


Posted = EventPosted | DigestPosted


class ParkedMessage(Struct, kw_only=True):
    """Hold a message that was given up; `shown` is the text of its worst event, `ranges` are lists of their fields."""

    id: MessageId
    order: Offset
    made_ms: Millis
    hold_ms: Millis
    events: Count
    kinds: Kinds
    accounts: list[AccountId]
    ranges: list[tuple[str, Offset, Offset, Offset, Count]]
    first_ms: Millis
    last_ms: Millis
    rank: Offset
    shown: str
    attempts: Offset
    due_ms: Millis
    escalated: bool


class ParkedBody(Struct, kw_only=True):
    """Stand on `webhooks-parked`: what was for whom, and why it was given up."""

    schema: int
    target: str
    reason: str
    message: ParkedMessage
