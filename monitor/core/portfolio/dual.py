"""Dual numbers: a value and its slope, so that a formula written once also tells how steep it is.

Only the arithmetic lives here. At a kink the slope is that of the side the comparison chose.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Plain = float | Decimal | int
"""What a dual number is made of, and what may stand beside one in a formula."""


class Dual:
    """Hold the value of a function at a point and its slope there, both floats or both decimals.

    It is false where it is nothing at all: 0 and staying so.
    """

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any) -> None:
        self.value = value
        self.slope = slope

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.slope!r})"

    def __add__(self, other: Dual | Plain) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Dual | Plain) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value - other.value, self.slope - other.slope)
        return Dual(self.value - other, self.slope)

    def __rsub__(self, other: Plain) -> Dual:
        return Dual(other - self.value, -self.slope)

    def __mul__(self, other: Dual | Plain) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)
        return Dual(self.value * other, self.slope * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Dual | Plain) -> Dual:
        if isinstance(other, Dual):
            quotient = self.value / other.value
            return Dual(quotient, (self.slope - quotient * other.slope) / other.value)
        return Dual(self.value / other, self.slope / other)

    def __rtruediv__(self, other: Plain) -> Dual:
        quotient = other / self.value
        return Dual(quotient, -quotient * self.slope / self.value)

    def __abs__(self) -> Dual:
        return -self if self.value < 0 else self

    def __bool__(self) -> bool:
        return bool(self.value or self.slope)

    def __lt__(self, other: Dual | Plain) -> bool:
        return bool(self.value < value_of(other))

    def __le__(self, other: Dual | Plain) -> bool:
        return bool(self.value <= value_of(other))

    def __gt__(self, other: Dual | Plain) -> bool:
        return bool(self.value > value_of(other))

    def __ge__(self, other: Dual | Plain) -> bool:
        return bool(self.value >= value_of(other))

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Dual) else other))

    def __hash__(self) -> int:
        return hash(self.value)


def value_of(number: Dual | Plain) -> Any:
    """Return the value of a number of either kind."""
    return number.value if isinstance(number, Dual) else number
