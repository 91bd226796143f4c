"""Ports of a venue feed: a venue's dialect, connections to it, and the log its messages go to.

Only shapes and promises live here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from monitor.app.venue_feed.account_facts import AccountReading, AccountSnapshot
from monitor.app.venue_feed.readings import Answer, Nothing, Reading, Stream
from monitor.app.venue_feed.terms import Terms


class Ending(StrEnum):
    """Name why a connection came to its end."""

    UNREACHABLE = "unreachable"
    CLOSED = "closed"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    SILENT = "silent"
    REPLACED = "replaced"


class LineFault(Exception):
    """Report that a connection could not be had or came to its end.

    Its text never holds an address or a request: those may hold a key. `retry_after`, in seconds, is the venue's wish.
    """

    def __init__(self, ending: Ending, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.ending = ending
        self.retry_after = retry_after


class Connection(Protocol):
    """Carry whole frames. Everything raises `LineFault` once the connection is gone."""

    async def receive(self) -> bytes:
        """Return the next frame; may be cancelled without losing one."""

    async def send(self, request: bytes) -> None:
        """Send one text frame."""

    async def close(self) -> None:
        """Close within a moment; never raises a `LineFault`."""


class Connector(Protocol):
    """Open connections."""

    async def connect(self, address: str) -> Connection:
        """Return an open connection. Raises `LineFault`, also when that takes too long."""


class Dialect(Protocol):
    """Speak with one venue: what to ask for, and what its frames mean. Pure: no clock, no network."""

    @property
    def venue(self) -> str:
        """The venue's name, as in the command."""

    @property
    def websocket_url(self) -> str:
        """Where the venue's streams are."""

    @property
    def streams_per_connection(self) -> int:
        """How many streams one connection may carry."""

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """What to send after how many seconds without a frame, for venues that want more than pings."""

    def streams(self, symbols: Sequence[str], *, collateral: bool) -> Sequence[Stream]:
        """Return the streams to follow. Raises `ValueError` where the venue has none of that kind."""

    def address(self, base: str) -> str:
        """Return the address to connect to."""

    def subscriptions(self, streams: Sequence[Stream]) -> Sequence[tuple[str, bytes]]:
        """Return the requests, by name, after which these streams flow; each will be answered."""

    def read(self, frame: bytes, received_ms: int) -> Reading:
        """Return what a frame says; `received_ms` stands for times the venue does not state. Raises `BadFrame`."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Hold a key for reading and its secret; neither is ever shown."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """Hold one request. Query, headers and body may hold a key or a signature: only the path is ever shown."""

    path: str
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    body: bytes = field(default=b"", repr=False)
    sign: Callable[[int], Request] | None = field(default=None, repr=False)
    """Makes what is sent of a number that is sent once: microseconds since 1970, rising with each request."""


class RestFault(Exception):
    """Report that a request was not answered as it should be. Its text holds the path and the venue's words, no more.

    `code` is the venue's own number for what is wrong, `retry_after` its wish in seconds when it is asked too much.
    """

    def __init__(self, why: str, code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.retry_after = retry_after


class Rest(Protocol):
    """Ask a venue's REST interface."""

    async def ask(self, request: Request) -> bytes:
        """Return the body of a good answer. Raises `RestFault`, also when that takes too long."""

    async def close(self) -> None:
        """Let go of connections."""


class TermsDialect(Protocol):
    """Ask a venue for the terms of its contracts and collateral. Pure."""

    def check(self, key: ApiKey) -> None:
        """Raise `ValueError` saying what is wrong, where a key is none that the venue takes."""

    def requests(self, key: ApiKey | None, now_ms: int) -> Sequence[Request]:
        """Return what to ask; brackets are among it only where they can be had, with a key or without."""

    def read(self, answers: Sequence[bytes], now_ms: int) -> Terms:
        """Return what the answers to these requests say. Raises `BadFrame` where one is of no known shape."""


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """Hold by what an account is read: a key for reading, or an address that anybody may look at."""

    key: ApiKey | None = None
    address: str = ""


class AccountDialect(Protocol):
    """Ask a venue for one account, and read what its private stream tells. Pure."""

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """What to send after how many seconds without a frame."""

    def check(self, access: AccountAccess) -> None:
        """Raise `ValueError` saying what is needed, where an account cannot be read by what is given."""

    def open_stream(self, access: AccountAccess) -> Request | None:
        """Return the request for the key of a private stream; None where streams need no key of their own."""

    def keep_stream(self, access: AccountAccess) -> tuple[Request, float] | None:
        """Return the request that keeps that key alive, and every how many seconds it is to be made."""

    def knows_no_key(self, fault: RestFault) -> bool:
        """Return whether such an answer says that the key of a stream is gone."""

    def stream_key(self, answer: bytes) -> str:
        """Return the key of the stream. Raises `BadFrame`."""

    def address(self, base: str, stream_key: str) -> str:
        """Return the address to connect to; it is a secret where it holds a key."""

    def subscriptions(self, access: AccountAccess) -> Sequence[tuple[str, bytes]]:
        """Return the requests, by name, after which the stream flows."""

    def read(self, frame: bytes, received_ms: int) -> AccountReading | Answer | Nothing:
        """Return what a frame of the stream says. Raises `BadFrame`."""

    def snapshot_requests(self, access: AccountAccess, now_ms: int) -> Sequence[Request]:
        """Return what to ask for everything about an account."""

    def read_snapshot(self, answers: Sequence[bytes], asked_ms: int) -> AccountSnapshot:
        """Return what the answers say together. Raises `BadFrame`, also where they do not fit each other."""


class Venue(NamedTuple):
    """Hold everything that is known of a venue."""

    streams: Dialect
    rest_url: str
    terms: TermsDialect
    accounts: AccountDialect


class NativeMessage(NamedTuple):
    """Hold one message for a topic.

    After `good_until_ms` (our clock) it is not worth writing any more. `lost` is called when it is not written although
    it was worth it.
    """

    topic: str
    key: bytes
    value: bytes
    good_until_ms: int | None = None
    lost: Callable[[], None] | None = None


class Outlet(Protocol):
    """Write messages to a log, each message of a topic and key after those written before it."""

    async def write(self, messages: Sequence[NativeMessage]) -> None:
        """Write all of them; return once they are kept.

        Raises `LogUnavailable` (some may be kept: write them again), `LogForbidden`, or `RecordTooLarge` and
        `RecordRefused` when the log will never take one of them.
        """

    async def close(self) -> None:
        """Let go within a moment; never raises a `LogFault`."""
