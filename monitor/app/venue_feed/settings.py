"""Settings of a venue feed: what it follows, and how patient and how trusting it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_ABOVE_0 = {"at_least": 1}
_OF_ACCOUNTS = ("key_file", "secret_file", "address")


def read_access(name: str, given: object) -> str:
    """Return one entry under `feed.accounts`; `name` is an account's id and what is given. Raises `ValueError`."""
    account_id, _, part = name.rpartition(".")
    if not account_id or part not in _OF_ACCOUNTS:
        raise ValueError(f"unknown key; an account has {', '.join(_OF_ACCOUNTS)}")
    if not isinstance(given, str) or not given:
        raise ValueError("must be a text that is not empty")
    return given


@dataclass(frozen=True, slots=True)
class VenueFeedSettings:
    """Hold what a feed follows and its limits; times in milliseconds.

    Attributes:
        websocket_url: where the streams are; empty: the venue's own address.
        rest_url: where the REST interface is; empty: the venue's own address.
        key_file, secret_file: files with a read-only key, for what the venue tells only with one; empty: none.
        terms_interval_ms: contracts and collateral are asked for this often; 0: never.
        accounts: what the desk's own accounts are read by: `ID.key_file` and `ID.secret_file`, or `ID.address`.
        accounts_interval_ms: each account is compared with a new snapshot this often.
        symbols: contracts to follow one by one; empty: the venue's stream of all of them, where it has one.
        collateral: follow the index prices of collateral assets as well, where the venue streams them.
        silence_ms: a stream that should speak and has not for so long is silent: its connection is replaced.
        max_ahead_ms: rows whose event time is further ahead of our clock are withheld.
        max_behind_ms: rows further behind it are withheld: the log would date them anew, and they would look fresh.
        connect_ms: for connecting, and for the answer to a subscription.
        life_ms: a connection is replaced at this age; venues cut it off after 24 hours.
        ping_ms, pong_ms: how often we ping, and how long an answer may take.
        backoff_ms, max_backoff_ms: first and longest wait before connecting again; doubled in between, with jitter.
        rate_limit_ms: wait at least so long when the venue says that we ask too much and not for how long.
        max_frame_bytes: a larger frame ends its connection.
        http_port: of `/metrics` and `/readyz` of the feed, on `http.host`; 0 lets the system choose one.
        max_waiting: messages that wait for the log; beyond, the oldest prices are dropped, and counted.
    """

    websocket_url: str = ""
    rest_url: str = ""
    key_file: str = ""
    secret_file: str = ""
    terms_interval_ms: int = field(default=300_000, metadata={"at_least": 0})
    accounts: Mapping[str, str] = field(default_factory=dict, metadata={"read": read_access})
    accounts_interval_ms: int = field(default=600_000, metadata=_ABOVE_0)
    symbols: tuple[str, ...] = ()
    collateral: bool = False
    silence_ms: int = field(default=10_000, metadata=_ABOVE_0)
    max_ahead_ms: int = field(default=5_000, metadata=_ABOVE_0)
    max_behind_ms: int = field(default=10_000, metadata=_ABOVE_0)
    connect_ms: int = field(default=10_000, metadata=_ABOVE_0)
    life_ms: int = field(default=23 * 3_600_000, metadata=_ABOVE_0)
    ping_ms: int = field(default=20_000, metadata=_ABOVE_0)
    pong_ms: int = field(default=10_000, metadata=_ABOVE_0)
    backoff_ms: int = field(default=500, metadata=_ABOVE_0)
    max_backoff_ms: int = field(default=30_000, metadata=_ABOVE_0)
    rate_limit_ms: int = field(default=60_000, metadata=_ABOVE_0)
    max_frame_bytes: int = field(default=8 * 1024 * 1024, metadata={"at_least": 1024})
    http_port: int = field(default=8_701, metadata={"at_least": 0, "at_most": 65_535})
    max_waiting: int = field(default=2_000, metadata=_ABOVE_0)

    def access_by_account(self) -> dict[str, dict[str, str]]:
        """Return what is given of each account, by its id."""
        found: dict[str, dict[str, str]] = {}
        for name, given in self.accounts.items():
            account_id, _, part = name.rpartition(".")
            found.setdefault(account_id, {})[part] = given
        return found

    def __post_init__(self) -> None:
        if bool(self.key_file) != bool(self.secret_file):
            raise ValueError("key_file and secret_file go together")
        if self.max_backoff_ms < self.backoff_ms:
            raise ValueError("max_backoff_ms must be at least backoff_ms")
