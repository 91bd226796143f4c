"""Exits: the codes a command ends with, and the fault that says a request cannot be carried out as it stands.

Which code a fault of another layer means is decided in `main`.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Name the exit codes."""

    GOOD = 0
    ANSWER_IS_NO = 1
    BAD_INPUT = 2
    OUTSIDE = 3
    BUG = 70


class BadInput(Exception):
    """Something the caller gave cannot be used; the message names the file, the path inside it, what and why."""


class OutsideFault(Exception):
    """Something outside did not do what was asked of it; trying later, or mending it, may help."""
