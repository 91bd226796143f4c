"""Settings of `liqmon webhooks`: its targets as they are configured, and its own limits.

Secrets, and addresses that are secrets, lie in files that are named here and read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.app.gateway.filters import Filter
from monitor.app.webhooks.quiet import QuietHours
from monitor.app.webhooks.targets import Format, Pace, Target, wrong_escalations
from monitor.core.instruments import BadTerms
from monitor.core.ladder import MarginStatus

_PORT = {"at_least": 0, "at_most": 65_535}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_LONGEST_MS = 7 * 86_400_000
_MOST = 1_000_000
_PACE = tuple(one.name for one in fields(Pace))


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """Hold one table `[webhooks.targets.NAME]`; `Pace` and `Filter` say what their keys mean, empty lists ask for all.

    Attributes:
        url: where to send; `http://` only with `allow_private`.
        url_file: a file with the address instead, for addresses that are secrets (those of Slack are).
        secret_file: a file with what messages are signed with: `whsec_` and base64, a line each while it is changed.
        format: of the body.
        min_severity: by the worse end of a change, so whoever was told of a fall is told of the recovery.
        quiet_hours: `HH:MM-HH:MM` in UTC, in which events of `watch` wait; anything worse never does.
        escalate_to: the target that is told of what is not acknowledged within `escalate_ms`, or parked.
        only_escalations: it is told of what other targets escalate to it, and of nothing else.
        allow_private: whether addresses that are not public may be sent to.
    """

    url: str = ""
    url_file: Path | None = None
    secret_file: Path | None = None
    format: Format = Format.JSON
    min_severity: MarginStatus = MarginStatus.WATCH
    accounts: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    quiet_hours: str = ""
    escalate_to: str = ""
    escalate_ms: int = 60_000
    only_escalations: bool = False
    allow_private: bool = False
    interval_ms: int = 200
    backoff_ms: int = 1_000
    max_backoff_ms: int = 300_000
    max_attempts: int = 12
    digest_after: int = 5
    digest_ms: int = 10_000
    max_accounts: int = 1_000
    max_waiting: int = 1_000

    def target(self, name: str, url: str) -> Target:
        """Return the target, with the address it really has."""
        quiet = _QUIET.fullmatch(self.quiet_hours)
        return Target(
            name=name,
            url=url,
            format=self.format,
            wanted=Filter(
                accounts=frozenset() if self.only_escalations else frozenset(self.accounts) or None,
                scopes=frozenset(self.scopes) or None,
                symbols=frozenset(self.symbols) or None,
                methods=frozenset(self.methods) or None,
                min_rank=self.min_severity.rank,
            ),
            pace=Pace(**{key: getattr(self, key) for key in _PACE}),
            quiet=None if quiet is None else QuietHours(*_minutes(*map(int, quiet.groups()))),
            escalate_to=self.escalate_to or None,
            escalate_ms=self.escalate_ms,
            allow_private=self.allow_private,
        )


def why_no_url(url: str, *, allow_private: bool) -> str | None:
    """Return why nothing can be sent to an address, without a word of it; None where it can."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is not a url"
    if parts.scheme not in ("http", "https") or not host or any(one <= " " for one in url):
        return "must begin with https:// and name a host"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password: sign with secret_file"
    if parts.scheme == "http" and not allow_private:
        return "must begin with https://: http:// would tell everybody in between (allowed with allow_private)"
    return None


def read_target(name: str, given: object) -> object:
    """Return one key under `webhooks.targets`; `name` is the target and its key. Raises `ValueError`."""
    target, _, part = name.rpartition(".")
    if part not in _READ or not target:
        raise ValueError(f"unknown key; a target has {', '.join(_READ)}")
    if not _NAME.fullmatch(target):
        raise ValueError("the name of a target has letters, digits, - and _ only, at most 64")
    return _READ[part](given)


def targets_of(parts: Mapping[str, Any]) -> dict[str, TargetSettings]:
    """Return targets by name. Raises `ExceptionGroup` of `BadTerms`: one wrong target does not hide another."""
    tables: dict[str, dict[str, Any]] = {}
    for name, value in parts.items():
        target, _, part = name.rpartition(".")
        tables.setdefault(target, {})[part] = value
    found = {name: TargetSettings(**table) for name, table in tables.items()}
    faults = [BadTerms(f"{name}.{key}", why) for name, one in found.items() for key, why in _wrong(one)]
    seconds = {name: one.escalate_to or None for name, one in found.items()}
    faults += [BadTerms(f"{name}.escalate_to", why) for name, why in wrong_escalations(seconds)]
    if faults:
        raise ExceptionGroup("webhooks.targets", faults)
    return found


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Hold what `liqmon webhooks` sends to, and its limits; times in milliseconds.

    Attributes:
        targets: where alarms go, by name.
        http_port: of `/metrics`, `/livez`, `/readyz`, on `http.host`; 0 lets the system choose one.
        ca_file: certificates in PEM that targets are verified with, instead of the system's.
        send_ms: for the whole of one attempt.
        lookback_ms: at the very first start, events of so long ago are still told; older ones are not.
        drain_ms: how long attempts that are under way have to end when it is asked to stop.
    """

    targets: Mapping[str, TargetSettings] = field(
        default_factory=dict, metadata={"read": read_target, "build": targets_of}
    )
    http_port: int = field(default=8_712, metadata=_PORT)
    ca_file: Path | None = None
    send_ms: int = field(default=10_000, metadata={"at_least": 10})
    lookback_ms: int = field(default=600_000, metadata={"at_least": 0})
    drain_ms: int = field(default=5_000, metadata={"at_least": 0})


def _wrong(one: TargetSettings) -> Iterator[tuple[str, str]]:
    """Yield (key, reason) for what contradicts itself in one target."""
    if bool(one.url) == (one.url_file is not None):
        yield "url", "or url_file is required, and only one of them"
    elif one.url and (why := why_no_url(one.url, allow_private=one.allow_private)) is not None:
        yield "url", why
    elif one.url and one.format is Format.SLACK:
        yield "url", "an address of Slack is a secret: put it into a file, and its path into url_file"
    if one.format is Format.JSON and one.secret_file is None:
        yield "secret_file", "is required: a receiver must be able to tell our messages from others'"
    if one.only_escalations and (one.escalate_to or one.accounts):
        yield "only_escalations", "leaves nothing for accounts and escalate_to to choose"
    if one.max_backoff_ms < one.backoff_ms:
        yield "max_backoff_ms", "must be at least backoff_ms"
    quiet = _QUIET.fullmatch(one.quiet_hours)
    if quiet is not None and len(set(_minutes(*map(int, quiet.groups())))) == 1:
        yield "quiet_hours", "must end at another minute than they start"


def _minutes(from_hour: int, from_minute: int, to_hour: int, to_minute: int) -> tuple[int, int]:
    return from_hour * 60 + from_minute, to_hour * 60 + to_minute


def _text(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise ValueError("must be a text that is not empty")
    return given


def _path(given: object) -> Path:
    return Path(_text(given)).expanduser()


def _texts(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise ValueError("must be a list of texts")
    return tuple(given)


def _truth(given: object) -> bool:
    if not isinstance(given, bool):
        raise ValueError("must be true or false")  # noqa: TRY004  # the configuration's readers raise ValueError
    return given


def _number(least: int, most: int) -> Callable[[object], int]:
    def read(given: object) -> int:
        if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return given

    return read


def _format(given: object) -> Format:
    if not isinstance(given, str) or given not in tuple(Format):
        raise ValueError(f"must be one of {', '.join(Format)}")
    return Format(given)


def _severity(given: object) -> MarginStatus:
    known = [one for one in MarginStatus if one is not MarginStatus.UNKNOWN]
    if not isinstance(given, str) or given not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return MarginStatus(given)


def _quiet(given: object) -> str:
    if not isinstance(given, str) or not _QUIET.fullmatch(given):
        raise ValueError('must be hours of UTC like "22:00-06:00"')
    return given


_TIME = _number(0, _LONGEST_MS)
_COUNT = _number(1, _MOST)
_READ: Mapping[str, Callable[[object], object]] = {
    "url": _text,
    "url_file": _path,
    "secret_file": _path,
    "format": _format,
    "min_severity": _severity,
    "accounts": _texts,
    "scopes": _texts,
    "symbols": _texts,
    "methods": _texts,
    "quiet_hours": _quiet,
    "escalate_to": _text,
    "escalate_ms": _TIME,
    "only_escalations": _truth,
    "allow_private": _truth,
    "interval_ms": _TIME,
    "backoff_ms": _number(1, _LONGEST_MS),
    "max_backoff_ms": _number(1, _LONGEST_MS),
    "max_attempts": _COUNT,
    "digest_after": _COUNT,
    "digest_ms": _TIME,
    "max_accounts": _number(1, 10_000),
    "max_waiting": _number(1, 100_000),
}
