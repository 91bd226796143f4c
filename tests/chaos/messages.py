"""The messages of a chaos run: how one looks, what is noted on it, and the partition of a key.

What is sent, and when, is the load's business; what it should bring about the judge's.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from aiokafka.partitioner import murmur2

INPUTS = ("mark-prices", "account-events", "instruments", "assets", "insurance-funds")
EVENTS = ("margin-calls", "liquidations", "adl-events")
OUTPUTS = (*EVENTS, "account-status", "data-quality", "dead-letters")
STATE = "liqmon-state"
NOTE = "chaos"
"""The header each message carries: number, kind, and how many dead letters it deserves; the daemon does not read it."""


class Message(NamedTuple):
    """Hold one message to be written; `bad` is how many dead letters it deserves."""

    kind: str
    topic: str
    key: bytes | None
    value: bytes | None
    partition: int
    bad: int = 0

    def note(self, number: int) -> tuple[str, bytes]:
        """Return the header that says what this message is."""
        return NOTE, f"{number}:{self.kind}:{self.bad}".encode()


class Note(NamedTuple):
    """Hold what the header of a message says."""

    number: int
    kind: str
    bad: int

    @classmethod
    def of(cls, headers: Any) -> Note:
        """Return the note among the headers of a record; a message without one is a stranger's and good."""
        for name, text in headers:
            if name == NOTE:
                number, kind, bad = bytes(text).decode().split(":")
                return cls(int(number), kind, int(bad))
        return cls(-1, "foreign", 0)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key as the Java client gives it (murmur2 as the Kafka client for Python has it)."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def dumped(body: Any) -> bytes:
    """Return JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
