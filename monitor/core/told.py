"""What the world has been told of a scope: the memory that makes events a chain.

The memory, its transitions and its packed form live here; how a status is decided and what an event says does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from monitor.core.ladder import BY_RANK, MarginStatus, is_breach

_FORMAT = "1"
_SECTION = "\x1e"
_FIELD = "\x1f"
NOT_SHOWN = 255
"""Stands for a scope that has no record in account-status."""


class Told(NamedTuple):
    """Remember what was told of one scope.

    `status` is the last event's; `last_status` the last known one (they differ only while `unknown` is told);
    `adl_watched` says that the present episode has sent its `adl_watch`.
    """

    status: MarginStatus = MarginStatus.HEALTHY
    last_status: MarginStatus = MarginStatus.HEALTHY
    sequence: int = 0
    episode: int = 0
    adl_watched: bool = False

    def is_news(self, status: MarginStatus) -> bool:
        """Return whether a verdict must be told: a change; `unknown` only where watch or worse was told."""
        if status is MarginStatus.UNKNOWN:
            return is_breach(self.status)
        return status is not self.status

    def after(self, status: MarginStatus) -> Told:
        """Return the memory once `status` has been told: an episode begins where a scope leaves healthy."""
        begins = self.status is MarginStatus.HEALTHY and status is not MarginStatus.HEALTHY
        return Told(
            status=status,
            last_status=self.last_status if status is MarginStatus.UNKNOWN else status,
            sequence=self.sequence + 1,
            episode=self.episode + begins,
            adl_watched=self.adl_watched and not begins and status is not MarginStatus.HEALTHY,
        )


UNTOLD = Told()


class Remembered(NamedTuple):
    """Hold one scope's line of the packed memory: what was told, and the rank last shown in account-status."""

    told: Told
    shown: int = NOT_SHOWN


def event_id(account_id: str, scope: str, sequence: int) -> str:
    """Return the id of an event: the first 32 hex digits of sha256 over account, scope and sequence."""
    return hashlib.sha256(f"{account_id}\n{scope}\n{sequence}".encode()).hexdigest()[:32]


def named_event_id(account_id: str, scope: str, name: str, number: int) -> str:
    """Return the id of an event that stands outside the chain, such as `adl_watch` of an episode."""
    return hashlib.sha256(f"{account_id}\n{scope}\n{name}\n{number}".encode()).hexdigest()[:32]


def pack_memory(memory: Mapping[str, Remembered]) -> bytes:
    """Return the memory of an account's scopes as compact bytes."""
    lines = (
        _FIELD.join(
            (
                scope,
                str(told.status.rank),
                str(told.last_status.rank),
                str(told.sequence),
                str(told.episode),
                str(int(told.adl_watched)),
                str(shown),
            )
        )
        for scope, (told, shown) in memory.items()
    )
    return _SECTION.join((_FORMAT, *lines)).encode()


def unpack_memory(record: bytes) -> dict[str, Remembered]:
    """Return the memory of an account's scopes. Raises ValueError for bytes this version cannot read."""
    form, *lines = record.decode().split(_SECTION)
    if form != _FORMAT:
        raise ValueError(f"memory in format {form!r}, this version reads {_FORMAT!r}")
    return dict(_unpacked(lines))


def _unpacked(lines: Iterable[str]) -> Iterable[tuple[str, Remembered]]:
    for line in lines:
        scope, status, last_status, sequence, episode, watched, shown = line.split(_FIELD)
        told = Told(BY_RANK[int(status)], BY_RANK[int(last_status)], int(sequence), int(episode), watched == "1")
        yield scope, Remembered(told, int(shown))
