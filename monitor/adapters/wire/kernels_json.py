"""JSON scanned where it stands: names, whole numbers and amounts of messages that venues send all the time.

Compiled. Only the plainest form is taken; whatever else is JSON is left to the decoder, which says what is wrong.
"""

from __future__ import annotations

from typing import Final

from monitor.core.kernels_compiled import compiled_within
from monitor.core.store_columns import U1

NOT_PLAIN: Final = -1
OPENS, CLOSES, OPENS_ARRAY, CLOSES_ARRAY, COMMA, COLON, QUOTE = 0x7B, 0x7D, 0x5B, 0x5D, 0x2C, 0x3A, 0x22
ZERO, SOME = 0, 1
_BACKSLASH, _PIPE, _FIRST_PRINTABLE, _LAST_PRINTABLE = 0x5C, 0x7C, 0x20, 0x7E
_SPACE, _TAB, _LINE, _RETURN = 0x20, 0x09, 0x0A, 0x0D
_MINUS, _POINT, _DIGIT_0, _DIGIT_9 = 0x2D, 0x2E, 0x30, 0x39
_MOST_WHOLE_DIGITS: Final = 18
_MOST_ZEROS: Final = 5
"""After the point, before the first other digit: `str` of a Decimal takes to exponents beyond."""


@compiled_within
def after_space(text: U1, at: int, end: int) -> int:
    """Return where the next token begins."""
    while at < end and (text[at] == _SPACE or text[at] == _LINE or text[at] == _TAB or text[at] == _RETURN):
        at += 1
    return at


@compiled_within
def after_token(text: U1, at: int, end: int, token: int) -> int:
    """Return where what follows a token begins, the token standing next; else `NOT_PLAIN`."""
    at = after_space(text, at, end)
    if at < end and text[at] == token:
        return after_space(text, at + 1, end)
    return NOT_PLAIN


@compiled_within
def string_end(text: U1, at: int, end: int) -> int:
    """Return where the string whose first byte is at `at` ends: plain ASCII without escapes; else `NOT_PLAIN`."""
    while at < end:
        byte = text[at]
        if byte == QUOTE:
            return at
        if byte == _BACKSLASH or byte < _FIRST_PRINTABLE or byte > _LAST_PRINTABLE:
            return NOT_PLAIN
        at += 1
    return NOT_PLAIN


@compiled_within
def is_name(text: U1, start: int, end: int, most: int) -> bool:
    """Return whether a plain string is a symbol or an asset: not empty, not too long, without a `|`."""
    if end <= start or end - start > most:
        return False
    for at in range(start, end):  # noqa: SIM110 - not compiled otherwise
        if text[at] == _PIPE:
            return False
    return True


@compiled_within
def whole_at(text: U1, at: int, end: int) -> tuple[int, int]:
    """Return a whole number from 0 on, and where it ends; (`NOT_PLAIN`, 0) where there is none."""
    start, value = at, 0
    while at < end and _DIGIT_0 <= text[at] <= _DIGIT_9:
        value = 10 * value + (text[at] - _DIGIT_0)
        at += 1
        if at - start > _MOST_WHOLE_DIGITS:
            return NOT_PLAIN, 0
    has_more = at < end and text[at] != COMMA and text[at] != CLOSES and after_space(text, at, end) == at
    if at == start or has_more or (at - start > 1 and text[start] == _DIGIT_0):
        return NOT_PLAIN, 0
    return value, at


@compiled_within
def after_digits(text: U1, at: int, end: int) -> int:
    """Return where the digits that stand next end."""
    while at < end and _DIGIT_0 <= text[at] <= _DIGIT_9:
        at += 1
    return at


@compiled_within
def zeros_at(text: U1, at: int, end: int) -> int:
    """Return how many zeros stand next."""
    start = at
    while at < end and text[at] == _DIGIT_0:
        at += 1
    return at - start


@compiled_within
def amount_at(text: U1, start: int, end: int, most: int) -> int:
    """Return `ZERO` or `SOME` for an amount that `str` of its Decimal writes as it stands, else `NOT_PLAIN`."""
    first = start + 1 if start < end and text[start] == _MINUS else start
    point = after_digits(text, first, end)
    if point == first or end - start > most:
        return NOT_PLAIN
    if point < end:
        is_decimal = text[point] == _POINT and point + 1 < end and after_digits(text, point + 1, end) == end
        if not is_decimal:
            return NOT_PLAIN
    leading = zeros_at(text, first, point)
    if leading == point - first:
        zeros = zeros_at(text, point + 1, end) if point < end else 0
        if point == end or point + 1 + zeros == end:
            return ZERO
        return SOME if leading == 1 and zeros <= _MOST_ZEROS else NOT_PLAIN
    return SOME if leading == 0 else NOT_PLAIN
