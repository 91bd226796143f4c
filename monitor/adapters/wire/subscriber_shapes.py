"""Shapes of the gateway's protocol: what clients send, what they are told, and the little that is read of an output.

They are declared for decoding, for the schemas in `docs/schemas` and for the tests that hold real messages against
them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from monitor.adapters.wire.shapes import AccountId, Count, Millis
from monitor.core.ladder import MarginStatus

Name = Annotated[str, Meta(min_length=1, max_length=64, description="the client's own name for a subscription")]
Names = Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(min_length=1)]
Token = Annotated[str, Meta(min_length=1, max_length=20_000, description="where to go on from; opaque to clients")]
Severity = Literal["healthy", "watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt"]


class HelloBody(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="hello"):
    """Say who one is; needed where the `Authorization` header was not sent."""

    token: Annotated[str, Meta(min_length=1, max_length=512)]


class SubscribeBody(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="subscribe"):
    """Ask for events and statuses; what is absent is not filtered by."""

    subscription: Name
    accounts: Names | UnsetType = UNSET
    scopes: (
        Annotated[Names, Meta(description="scopes, or cross, isolated, portfolio for all of a kind")] | UnsetType
    ) = UNSET
    symbols: Names | UnsetType = UNSET
    methods: (
        list[
            Literal[
                "isolated",
                "single_asset",
                "multi_asset",
                "portfolio",
                "scenario",
                "span",
                "tims",
                "hyperliquid",
            ]
        ]
        | UnsetType
    ) = UNSET
    min_severity: Severity = "healthy"
    events: bool = True
    statuses: bool = True
    detail: Annotated[
        Literal["brief", "full"], Meta(description="full: with evidence and plan; then allow messages of 5 MiB")
    ] = "brief"
    passed: Annotated[bool, Meta(description="a short word for each event of a chain that min_severity leaves out")] = (
        True
    )
    resume: Token | None = None


class UnsubscribeBody(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="unsubscribe"):
    """Ask for no more of a subscription."""

    subscription: Name


ClientMessage = HelloBody | SubscribeBody | UnsubscribeBody


class Welcome(Struct, kw_only=True, tag_field="type", tag="welcome"):
    """State what this connection may see and do."""

    protocol: Literal[1]
    accounts: Literal["*"] | list[AccountId]
    heartbeat_ms: Count
    max_subscriptions: Count
    max_message_bytes: Count


class SnapshotBegin(Struct, kw_only=True, tag_field="type", tag="snapshot_begin"):
    """Begin anew: what the client knew of this subscription is void."""

    subscription: Name


class Entry(Struct, kw_only=True):
    """State how a scope stands: the chain is told up to `sequence`; `event` is there while newer than `status`."""

    account_id: AccountId
    scope: str
    sequence: Count
    status: dict[str, Any] | None
    event: dict[str, Any] | UnsetType = UNSET


class SnapshotPiece(Struct, kw_only=True, tag_field="type", tag="snapshot"):
    """State how some scopes stand at the cut of the snapshot."""

    subscription: Name
    entries: list[Entry]


class SnapshotEnd(Struct, kw_only=True, tag_field="type", tag="snapshot_end"):
    """State that the snapshot is whole; what follows is newer than its token."""

    subscription: Name
    scopes: Count
    token: Token


class Resumed(Struct, kw_only=True, tag_field="type", tag="resumed"):
    """State that everything since the client's token has been sent."""

    subscription: Name
    events: Count
    statuses: Count
    token: Token


class Expired(Struct, kw_only=True, tag_field="type", tag="expired"):
    """State that the client's token leads nowhere; a snapshot follows."""

    subscription: Name
    reason: Literal["too_old", "foreign", "malformed"]


class EventMessage(Struct, kw_only=True, tag_field="type", tag="event"):
    """Pass on one record of `margin-calls`, `liquidations` or `adl-events`."""

    subscription: Name
    topic: str
    token: Token
    event: dict[str, Any]


class StatusMessage(Struct, kw_only=True, tag_field="type", tag="status"):
    """Pass on a status, null when the scope is gone; while resuming, without a token."""

    subscription: Name
    account_id: AccountId
    scope: str
    status: dict[str, Any] | None
    token: Token | UnsetType = UNSET


class Passed(Struct, kw_only=True, tag_field="type", tag="passed"):
    """State that the chain of a scope went on with an event that `min_severity` leaves out."""

    subscription: Name
    account_id: AccountId
    scope: str
    sequence: Count
    token: Token


class Heartbeat(Struct, kw_only=True, tag_field="type", tag="heartbeat"):
    """State that the gateway lives; `token` holds for all subscriptions of the connection."""

    time_ms: Millis
    token: Token | UnsetType = UNSET


class Unsubscribed(Struct, kw_only=True, tag_field="type", tag="unsubscribed"):
    """State that no more of a subscription will come."""

    subscription: Name


class Refused(Struct, kw_only=True, tag_field="type", tag="error"):
    """State what was wrong with a message of the client; the connection goes on."""

    message: str


class Closing(Struct, kw_only=True, tag_field="type", tag="closing"):
    """State why the gateway closes the connection, and after what time it is worth coming back."""

    reason: str
    retry_ms: Count | UnsetType = UNSET


GatewayMessage = (
    Welcome
    | SnapshotBegin
    | SnapshotPiece
    | SnapshotEnd
    | Resumed
    | Expired
    | EventMessage
    | StatusMessage
    | Passed
    | Heartbeat
    | Unsubscribed
    | Refused
    | Closing
)


class Held(Struct):
    """Read the symbol of a position."""

    symbol: str


class Method(Struct):
    """Read the method of a portfolio."""

    method: str | None = None


class EvidenceAccount(Struct):
    """Read mode and positions of the account an event was computed from."""

    margin_mode: str = ""
    positions: list[Held] = []


class EvidenceDocument(Struct):
    """Read the accounts of an event's evidence, and their portfolio method."""

    accounts: list[EvidenceAccount] = []
    portfolio: Method | None = None


class Evidence(Struct):
    """Read the document of an event's evidence."""

    document: EvidenceDocument | None = None


class EventGist(Struct):
    """Read what decides who is told of an event."""

    event_type: str
    account_id: str
    scope: str | None = None
    sequence: int | None = None
    status: MarginStatus | None = None
    previous_status: MarginStatus | None = None
    symbol: str | None = None
    positions: list[Held] = []
    evidence: Evidence | None = None


class StatusGist(Struct):
    """Read what decides who is told of a status."""

    account_id: str
    scope: str
    sequence: int
    status: MarginStatus
    margin_mode: str = ""
    positions: list[Held] = []
    portfolio: Method | None = None
