"""Writing texts and whole numbers into bytes, one after the other.

Compiled. There is room for all that is written; what it means is not known here.
"""

from __future__ import annotations

from typing import Final

from monitor.core.kernels_compiled import compiled_within
from monitor.core.store_columns import U1

DIGIT_0: Final = 48


@compiled_within
def written(out: U1, to: int, text: U1, start: int, end: int) -> int:
    """Write text[start:end]; return where what comes next goes."""
    for at in range(start, end):
        out[to] = text[at]
        to += 1
    return to


@compiled_within
def amount_written(out: U1, to: int, text: U1, start: int, end: int) -> int:
    """Write an amount that was stated, 0 where it ends where it begins."""
    if start == end:
        out[to] = DIGIT_0
        return to + 1
    return written(out, to, text, start, end)


@compiled_within
def byte_written(out: U1, to: int, byte: int) -> int:
    """Write one byte."""
    out[to] = byte
    return to + 1


@compiled_within
def whole_written(out: U1, to: int, value: int) -> int:
    """Write a whole number from 0 on."""
    digits, rest = 1, value // 10
    while rest > 0:
        digits, rest = digits + 1, rest // 10
    for place in range(digits - 1, -1, -1):
        out[to + place] = DIGIT_0 + value % 10
        value //= 10
    return to + digits
