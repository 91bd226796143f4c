"""Targets: where alarms go, which of them, and how patiently; the secrets to sign with are read elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.app.gateway.filters import Filter
from monitor.app.webhooks.quiet import QuietHours


class Format(StrEnum):
    """Name the shapes a body may have."""

    JSON = "json"
    SLACK = "slack"
    ALERTMANAGER = "alertmanager"


class BadTargets(ValueError):
    """Targets that contradict each other; the text names the target and what is wrong."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Hold how often a target is asked, and when what is alike is told at once. Times in milliseconds.

    Attributes:
        interval_ms: from the start of one attempt to the next, whatever is sent.
        backoff_ms, max_backoff_ms: wait after a first failure, doubled with each, with jitter, up to the longest.
        max_attempts: attempts for one message; after these it is parked.
        digest_after: so many alike within `digest_ms` are told one by one, those beyond in one message.
        digest_ms: the window, and how long a digest is open for more.
        max_accounts: accounts in one digest; beyond, another begins.
        max_waiting: messages that wait; beyond, whatever comes is digested, alike or not, so that memory is bounded.
    """

    interval_ms: int = 200
    backoff_ms: int = 1_000
    max_backoff_ms: int = 300_000
    max_attempts: int = 12
    digest_after: int = 5
    digest_ms: int = 10_000
    max_accounts: int = 1_000
    max_waiting: int = 1_000

    def __post_init__(self) -> None:
        if min(self.backoff_ms, self.max_attempts, self.digest_after, self.max_accounts, self.max_waiting) < 1:
            raise ValueError("backoff_ms, max_attempts, digest_after, max_accounts and max_waiting are at least 1")
        if min(self.interval_ms, self.digest_ms) < 0 or self.max_backoff_ms < self.backoff_ms:
            raise ValueError("interval_ms and digest_ms are at least 0, max_backoff_ms at least backoff_ms")

    def backoff(self, failures: int, chance: float) -> int:
        """Return the wait after so many failures in a row; `chance`, from 0 to 1, spreads it over its upper half."""
        longest = min(self.max_backoff_ms, self.backoff_ms << min(failures - 1, 40))
        return longest - int(longest / 2 * chance)


@dataclass(frozen=True, slots=True)
class Target:
    """Hold one target. `escalate_to` is told too of what is not acknowledged within `escalate_ms`, or parked.

    `allow_private` lets it be at an address that is not public; `url` may be a secret and is never shown.
    """

    name: str
    url: str = field(repr=False)
    format: Format = Format.JSON
    wanted: Filter = field(default_factory=Filter)
    pace: Pace = field(default_factory=Pace)
    quiet: QuietHours | None = None
    escalate_to: str | None = None
    escalate_ms: int = 60_000
    allow_private: bool = False

    @property
    def mark(self) -> str:
        """A mark of the address: a target that is gone is tried again when it has another one."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]


def check_targets(targets: Iterable[Target]) -> dict[str, Target]:
    """Return targets by name. Raises `BadTargets`."""
    found: dict[str, Target] = {}
    for target in targets:
        if not target.name or "|" in target.name:
            raise BadTargets(f"target {target.name!r}: a name is not empty and has no |")
        if not target.url.startswith(("https://", "http://")):
            raise BadTargets(f"target {target.name}: its url is neither https:// nor http://")
        if target.name in found:
            raise BadTargets(f"target {target.name}: named twice")
        found[target.name] = target
    for name, why in wrong_escalations({name: target.escalate_to for name, target in found.items()}):
        raise BadTargets(f"target {name}: escalate_to {why}")
    return found


def wrong_escalations(seconds: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """Yield (target, reason) for second targets that are none; `seconds` has every target and its second one."""
    for name, second in seconds.items():
        if second is not None and second not in seconds:
            yield name, f"names {second!r}, which is no target"
        elif second is not None and (second == name or seconds[second] is not None):
            yield name, f"names {second}: it must be another one that does not escalate itself"
