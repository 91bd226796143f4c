"""Settings of the gateway: where it listens, who may come in, and how much it takes on.

The secrets themselves lie in the file named here and are read elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_POSITIVE = {"at_least": 1}


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Hold the address, the doors and the limits of `liqmon gateway`.

    Attributes:
        host: address to listen on; loopback unless said otherwise.
        port: of the websocket; 0 lets the system choose one.
        http_port: of `/metrics`, `/livez`, `/readyz`, on `http.host`; 0 lets the system choose one.
        token_file: TOML file of the tokens' hashes and what each may see; without one nobody may come in.
        origins: web pages that may connect, like `https://desk.example`; programs send no origin and always may.
        certificate_file: chain in PEM; with it the gateway speaks TLS only.
        key_file: private key of the certificate; absent where it lies in the same file.
        page: whether the small page for people is served at `/`.
        max_clients: connections at a time, those not yet authenticated included.
        max_clients_each: connections of one token at a time, unless its entry in `token_file` says otherwise.
        max_subscriptions: of one client.
        max_names: accounts, scopes, symbols a subscription may name, each.
        max_message_bytes: of a message from a client.
        max_requests: messages a client may send at once, and as many more in each `requests_ms`; one that sends more
            is told so, and disconnected.
        requests_ms: the time in which so many are refilled.
        buffer_bytes: what may wait for one client; more, and it is told that it is slow, and disconnected.
        hello_ms: from the connection to the message that authenticates it.
        send_ms: how long one piece of a snapshot may wait for the client.
        heartbeat_ms: how often an idle client hears of us; also of the pings it must answer.
        drain_ms: how long clients have to say goodbye at the end.
        replay_ms: how far back events are kept for clients that come back, also over a restart of the gateway.
        backlog_bytes: the most memory these events take; the oldest go first.
        resume_ms: a token older than this is not resumed: below `delete.retention.ms` of account-status.
        max_snapshots: snapshots of all accounts that are sent at the same time.
        max_scopes: scopes kept in memory; more end the gateway, since a snapshot would not be whole.
        settle_ms: an event whose predecessor is nowhere in the log waits so long before it is told all the same.
    """

    host: str = field(default="127.0.0.1", metadata={"not_empty": True})
    port: int = field(default=8710, metadata={"at_least": 0, "at_most": 65_535})
    http_port: int = field(default=8711, metadata={"at_least": 0, "at_most": 65_535})
    token_file: Path | None = None
    origins: tuple[str, ...] = ()
    certificate_file: Path | None = None
    key_file: Path | None = None
    page: bool = False
    max_clients: int = field(default=4_096, metadata=_POSITIVE)
    max_clients_each: int = field(default=64, metadata=_POSITIVE)
    max_subscriptions: int = field(default=16, metadata=_POSITIVE)
    max_names: int = field(default=1_000, metadata=_POSITIVE)
    max_message_bytes: int = field(default=65_536, metadata={"at_least": 1_024})
    max_requests: int = field(default=60, metadata=_POSITIVE)
    requests_ms: int = field(default=10_000, metadata=_POSITIVE)
    buffer_bytes: int = field(default=1_048_576, metadata={"at_least": 65_536})
    hello_ms: int = field(default=5_000, metadata={"at_least": 10})
    send_ms: int = field(default=10_000, metadata={"at_least": 10})
    heartbeat_ms: int = field(default=5_000, metadata={"at_least": 10})
    drain_ms: int = field(default=3_000, metadata={"at_least": 0})
    replay_ms: int = field(default=600_000, metadata={"at_least": 0})
    backlog_bytes: int = field(default=268_435_456, metadata={"at_least": 65_536})
    resume_ms: int = field(default=43_200_000, metadata={"at_least": 0})
    max_snapshots: int = field(default=4, metadata=_POSITIVE)
    max_scopes: int = field(default=2_000_000, metadata=_POSITIVE)
    settle_ms: int = field(default=500, metadata={"at_least": 0})
