"""Measures: the value a rule has found, in a form that is compared with a level exactly and never divided to decide.

What is measured is not known here.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from monitor.core.amounts import Number, format_quotient, minus, times


class Measure(Protocol):
    """Compare a value with a level, and state it."""

    def against(self, level: Number) -> int:
        """Return 1 where the value is above a level, 0 at it, −1 below. Needs the exact context."""

    def text(self) -> str | None:
        """Return the value as text, None where it has no finite one."""


class Ratio(NamedTuple):
    """Hold top ÷ bottom; a bottom that is not above 0 stands for a value above every level (0 where the top is 0)."""

    top: Number
    bottom: Number

    def against(self, level: Number) -> int:
        """Return the sign of value − level."""
        if self.bottom <= 0:
            return 1 if self.top > 0 else sign_of(-level)
        return sign_of(minus(self.top, times(self.bottom, level)))

    def text(self) -> str | None:
        """Return the value, rounded to 40 digits where it does not end sooner."""
        if self.bottom <= 0:
            return None if self.top > 0 else "0"
        return format_quotient(self.top, self.bottom)


def sign_of(number: Number) -> int:
    """Return 1 for a number above 0, −1 below, 0 for 0."""
    return (number > 0) - (number < 0)
