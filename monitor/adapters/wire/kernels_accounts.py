"""Plain account messages into columns: who, which version, which amounts and cross positions.

Compiled. `accounts.decode_account_event` is the specification: a message that is taken here is one that it takes, and
says the same. Every other one, good or bad, is left to it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from monitor.adapters.wire.kernels_json import (
    CLOSES,
    CLOSES_ARRAY,
    COLON,
    COMMA,
    NOT_PLAIN,
    OPENS,
    OPENS_ARRAY,
    QUOTE,
    SOME,
    ZERO,
    after_space,
    after_token,
    amount_at,
    is_name,
    string_end,
    whole_at,
)
from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.kernels_words import is_text, is_word
from monitor.core.stated import ABSENT, BOTH, LONG, SHORT, Stated
from monitor.core.store_columns import I8, U1

_MOST_NAMED: Final = 64
"""Names are compared with all before them in their message."""


def _text(word: str) -> U1:
    return np.frombuffer(word.encode(), np.uint8)


_BOTH, _LONG, _SHORT, _CROSS = map(_text, ("both", "long", "short", "cross"))
_OF_MESSAGE = tuple(map(_text, ("balances", "positions", "version", "event_time_ms", "account_id", "epoch")))
_OF_BALANCES, _OF_POSITIONS, _OF_VERSION, _OF_TIME, _OF_ACCOUNT, _OF_EPOCH = (1 << place for place in range(6))
_REQUIRED: Final = _OF_ACCOUNT | _OF_VERSION | _OF_TIME
_OF_POSITION = tuple(map(_text, ("symbol", "quantity", "entry_price", "side", "leverage", "margin_type")))
_OF_SYMBOL, _OF_QUANTITY, _OF_ENTRY, _OF_SIDE, _OF_LEVERAGE, _OF_TYPE = (1 << place for place in range(6))
_MINUS: Final = 0x2D


class Most(NamedTuple):
    """Hold the limits of one message: bytes of an id, characters of an amount, balances, positions."""

    id_bytes: int
    digits: int
    balances: int
    positions: int


@compiled_within
def field_of(text: U1, start: int, end: int, names: tuple[U1, ...]) -> int:
    """Return which of some fields a key names, as its bit; 0: none of them."""
    for place in range(len(names)):
        if is_text(text, start, end, names[place]):
            return 1 << place
    return 0


@compiled_within
def string_at(text: U1, at: int, end: int) -> tuple[int, int]:
    """Return where the string that stands next begins and ends, `NOT_PLAIN` twice where there is none."""
    if at < 0 or at >= end or text[at] != QUOTE:
        return NOT_PLAIN, NOT_PLAIN
    last = string_end(text, at + 1, end)
    return (NOT_PLAIN, NOT_PLAIN) if last < 0 else (at + 1, last)


@compiled_within
def after_member(text: U1, at: int, end: int, closing: int) -> tuple[bool, int]:
    """Return whether another member follows, and where it or what comes behind the whole begins (`NOT_PLAIN`)."""
    at = after_space(text, at, end)
    if at < end and text[at] == COMMA:
        return True, after_space(text, at + 1, end)
    if at < end and text[at] == closing:
        return False, at + 1
    return False, NOT_PLAIN


@compiled_within
def read_amounts(text: U1, at: int, end: int, most: Most, amounts: I8, first: int) -> tuple[int, int]:
    """Read an object of amounts by asset; return what comes behind it (`NOT_PLAIN`), and the end of the rows."""
    count, goes_on = first, True
    at = after_token(text, at, end, OPENS)
    if at >= 0 and at < end and text[at] == CLOSES:
        return at + 1, count
    while goes_on and at >= 0:
        start, stop = string_at(text, at, end)
        at = after_token(text, stop + 1, end, COLON) if start >= 0 else NOT_PLAIN
        value, last = string_at(text, at, end)
        if value < 0 or not is_name(text, start, stop, most.id_bytes):
            return NOT_PLAIN, first
        kind = amount_at(text, value, last, most.digits)
        if kind == NOT_PLAIN or count - first >= min(most.balances, _MOST_NAMED):
            return NOT_PLAIN, first
        for row in range(first, count):
            if is_word(text, start, stop, text, amounts[row, 0], amounts[row, 1]):
                return NOT_PLAIN, first
        amounts[count, 0], amounts[count, 1] = start, stop
        amounts[count, 2], amounts[count, 3] = value, (value if kind == ZERO else last)
        count += 1
        goes_on, at = after_member(text, last + 1, end, CLOSES)
    return at, count


@compiled_within
def read_field(text: U1, field: int, start: int, stop: int, most: Most, change: I8) -> bool:
    """Read a field of a position, given as a string; return whether it is plain."""
    if field == _OF_SYMBOL:
        change[0], change[1] = start, stop
        return is_name(text, start, stop, most.id_bytes)
    if field == _OF_TYPE:
        return is_text(text, start, stop, _CROSS)
    if field == _OF_SIDE:
        if is_text(text, start, stop, _LONG):
            change[2] = LONG
        elif is_text(text, start, stop, _SHORT):
            change[2] = SHORT
        else:
            return is_text(text, start, stop, _BOTH)
        return True
    kind = amount_at(text, start, stop, most.digits)
    column = 3 if field == _OF_QUANTITY else 5 if field == _OF_ENTRY else 7
    change[column], change[column + 1] = start, (start if kind == ZERO else stop)
    if field == _OF_QUANTITY:
        return kind != NOT_PLAIN
    return kind == SOME and text[start] != _MINUS


@compiled_within
def read_position(text: U1, at: int, end: int, most: Most, change: I8) -> int:
    """Read one position; return what comes behind it, `NOT_PLAIN` where it is not plain."""
    seen, goes_on = 0, True
    change[:] = ABSENT
    change[2] = BOTH
    at = after_token(text, at, end, OPENS)
    while goes_on and at >= 0:
        start, stop = string_at(text, at, end)
        field = field_of(text, start, stop, _OF_POSITION) if start >= 0 else 0
        at = after_token(text, stop + 1, end, COLON) if field > 0 and (seen & field) == 0 else NOT_PLAIN
        start, stop = string_at(text, at, end)
        if start < 0 or not read_field(text, field, start, stop, most, change):
            return NOT_PLAIN
        seen |= field
        goes_on, at = after_member(text, stop + 1, end, CLOSES)
    return at if (seen & _OF_SYMBOL) != 0 else NOT_PLAIN


@compiled_within
def read_positions(text: U1, at: int, end: int, most: Most, changes: I8, first: int) -> tuple[int, int]:
    """Read an array of positions; return what comes behind it (`NOT_PLAIN`), and the end of the rows."""
    count, goes_on = first, True
    at = after_token(text, at, end, OPENS_ARRAY)
    if at >= 0 and at < end and text[at] == CLOSES_ARRAY:
        return at + 1, count
    while goes_on and at >= 0:
        if count - first >= min(most.positions, _MOST_NAMED):
            return NOT_PLAIN, first
        change = changes[count]
        at = read_position(text, at, end, most, change)
        for row in range(first, count):
            is_same = changes[row, 2] == change[2]
            if is_same and is_word(text, change[0], change[1], text, changes[row, 0], changes[row, 1]):
                return NOT_PLAIN, first
        count += 1
        if at >= 0:
            goes_on, at = after_member(text, at, end, CLOSES_ARRAY)
    return at, count


@compiled_within
def read_message(
    text: U1, at: int, end: int, keys: U1, key: int, key_end: int, most: Most, stated: Stated, place: int, rows: I8
) -> bool:
    """Read one message into row `place`; return whether it is plain. `rows`: how many there are of both, moved on."""
    seen, goes_on, amounts, changes = 0, True, rows[0], rows[1]
    stated.heads[place, 2] = 0
    at = after_token(text, at, end, OPENS)
    while goes_on and at >= 0:
        start, stop = string_at(text, at, end)
        field = field_of(text, start, stop, _OF_MESSAGE) if start >= 0 else 0
        at = after_token(text, stop + 1, end, COLON) if field > 0 and (seen & field) == 0 else NOT_PLAIN
        if at < 0:
            return False
        seen |= field
        if field == _OF_BALANCES:
            at, amounts = read_amounts(text, at, end, most, stated.amounts, amounts)
        elif field == _OF_POSITIONS:
            at, changes = read_positions(text, at, end, most, stated.changes, changes)
        elif field == _OF_ACCOUNT:
            start, stop = string_at(text, at, end)
            is_key = start >= 0 and start < stop <= start + most.id_bytes
            at = stop + 1 if is_key and is_word(text, start, stop, keys, key, key_end) else NOT_PLAIN
        else:
            value, at = whole_at(text, at, end)
            at = NOT_PLAIN if value < 0 else at
            stated.heads[place, 0 if field == _OF_VERSION else 1 if field == _OF_TIME else 2] = value
        if at >= 0:
            goes_on, at = after_member(text, at, end, CLOSES)
    if at < 0 or (seen & _REQUIRED) != _REQUIRED or after_space(text, at, end) != end:
        return False
    rows[0], rows[1] = amounts, changes
    return True


@compiled
def read_messages(bounds: I8, keys: U1, key_bounds: I8, most: Most, most_bytes: int, stated: Stated, rows: I8) -> None:
    """Read messages, which begin and end where `bounds` says, into columns that have room for all of them.

    Keys are those the log gives, joined like the messages. `rows` is to be given as two zeros.
    """
    text = stated.text
    for place in range(len(stated.plain)):
        at, end = bounds[place], bounds[place + 1]
        key, key_end = key_bounds[place], key_bounds[place + 1]
        is_plain = end - at <= most_bytes and read_message(text, at, end, keys, key, key_end, most, stated, place, rows)
        stated.plain[place] = 1 if is_plain else 0
        stated.ends[place, 0], stated.ends[place, 1] = rows[0], rows[1]
