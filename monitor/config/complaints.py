"""Complaints about a configuration: each names the key's path, where it was given, and what is wrong with it.

How values are read and judged lives in the rooms beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """Hold one complaint; `path` is empty when a whole source cannot be read."""

    path: str
    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.path}: {self.reason}" if self.path else f"{self.source}: {self.reason}"


class ConfigError(Exception):
    """A configuration that cannot be used; `complaints` names everything that is wrong with it."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(str(complaint) for complaint in self.complaints))
