"""Amending packed positions by what plain messages state of them.

Compiled; a part of `kernels_amendment`, which has the rest of the facts.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled_within
from monitor.core.kernels_words import FIELD, SECTION, field_end, is_text, is_word
from monitor.core.kernels_writing import amount_written, byte_written, written
from monitor.core.stated import BOTH, LONG, SHORT, Stated
from monitor.core.store_columns import I8, U1

_NO: Final = -1
_MINUS: Final = 45
_BEFORE_LEVERAGE: Final = 6
_CROSS = np.frombuffer(b"cross", np.uint8)
_BOTH = np.frombuffer(b"both", np.uint8)
_LONG = np.frombuffer(b"long", np.uint8)
_SHORT = np.frombuffer(b"short", np.uint8)
_TAKEN: Final = 1


@compiled_within
def is_side(text: U1, start: int, end: int, side: int) -> bool:
    """Return whether a field names a side."""
    if side == BOTH:
        return is_text(text, start, end, _BOTH)
    return is_text(text, start, end, _LONG) if side == LONG else is_text(text, start, end, _SHORT)


@compiled_within
def is_sound(said: U1, change: I8) -> bool:
    """Return whether the sign of a quantity is that of its side."""
    if change[2] == BOTH or change[3] < 0 or change[3] == change[4]:
        return True
    return bool((said[change[3]] == _MINUS) == (change[2] == SHORT))


@compiled_within
def stated_or_held(change: I8, column: int, said: U1, text: U1, start: int, end: int, out: U1, to: int) -> int:
    """Write an amount of a change, where it states none the one that is held."""
    if change[column] < 0:
        return written(out, to, text, start, end)
    return amount_written(out, to, said, change[column], change[column + 1])


@compiled_within
def position_amended(text: U1, at: int, end: int, stated: Stated, first: int, last: int, out: U1, to: int) -> int:
    """Write the position text[at:end] as the change of it has it; return where the next goes, -1: not for here.

    One that is closed is not written.
    """
    said, changes = stated.text, stated.changes
    side = field_end(text, at, end) + 1
    quantity = field_end(text, side, end) + 1
    found = _NO
    for row in range(first, last):
        is_named = is_word(said, changes[row, 0], changes[row, 1], text, at, side - 1)
        if is_named and is_side(text, side, quantity - 1, changes[row, 2]):
            found = row
    if found < 0:
        return written(out, to, text, at, end)
    change = changes[found]
    change[9] = _TAKEN
    if change[3] >= 0 and change[3] == change[4]:
        return to
    entry = field_end(text, quantity, end) + 1
    kind = field_end(text, entry, end) + 1
    wallet = field_end(text, kind, end) + 1
    leverage = field_end(text, wallet, end) + 1
    if not is_text(text, kind, wallet - 1, _CROSS):
        return _NO
    to = written(out, to, text, at, quantity)
    to = stated_or_held(change, 3, said, text, quantity, entry - 1, out, to)
    to = stated_or_held(change, 5, said, text, entry, kind - 1, out, byte_written(out, to, FIELD))
    to = written(out, to, text, kind - 1, leverage)
    return stated_or_held(change, 7, said, text, leverage, end, out, to)


@compiled_within
def position_added(said: U1, change: I8, is_hedged: bool, out: U1, to: int) -> int:
    """Write a position that is not held yet; return where the next goes, -1: not for here."""
    if change[3] < 0 or change[5] < 0 or (change[2] == BOTH) == is_hedged:
        return _NO
    to = byte_written(out, written(out, to, said, change[0], change[1]), FIELD)
    name = _BOTH if change[2] == BOTH else _LONG if change[2] == LONG else _SHORT
    to = byte_written(out, written(out, to, name, 0, len(name)), FIELD)
    to = byte_written(out, written(out, to, said, change[3], change[4]), FIELD)
    to = byte_written(out, written(out, to, said, change[5], change[6]), FIELD)
    to = byte_written(out, written(out, to, _CROSS, 0, len(_CROSS)), FIELD)
    to = byte_written(out, to, FIELD)
    return to if change[7] < 0 else written(out, to, said, change[7], change[8])


@compiled_within
def positions_added(
    stated: Stated, first: int, last: int, is_hedged: bool, out: U1, begin: int, to: int
) -> tuple[int, int]:
    """Write positions that were not held behind those that were; return where the next goes (-1), and how many."""
    count = 0
    for row in range(first, last):
        change = stated.changes[row]
        is_closed = change[3] >= 0 and change[3] == change[4]
        if change[9] != _TAKEN and not is_closed:
            here = byte_written(out, to, FIELD) if to > begin else to
            to = position_added(stated.text, change, is_hedged, out, here)
            if to < 0:
                return _NO, count
            count += 1
    return to, count


@compiled_within
def are_sound(stated: Stated, first: int, last: int) -> bool:
    """Return whether no change contradicts itself; none of them has been taken yet."""
    stated.changes[first:last, 9] = 0
    for row in range(first, last):  # noqa: SIM110 - not compiled otherwise
        if not is_sound(stated.text, stated.changes[row]):
            return False
    return True


@compiled_within
def positions_amended(
    text: U1, at: int, end: int, stated: Stated, first: int, last: int, is_hedged: bool, out: U1, to: int
) -> tuple[int, int, int]:
    """Write the positions; return where the next section begins (-1: not for here), where it goes, and how many."""
    begin, count = to, 0
    if not are_sound(stated, first, last):
        return _NO, to, 0
    while at < end and text[at] != SECTION:
        stop = at
        for _ in range(_BEFORE_LEVERAGE):
            stop = field_end(text, stop, end) + 1
        stop = field_end(text, stop, end)
        if stop >= end:
            return _NO, to, 0
        here = byte_written(out, to, FIELD) if to > begin else to
        there = position_amended(text, at, stop, stated, first, last, out, here)
        if there < 0:
            return _NO, to, 0
        if there > here:
            to, count = there, count + 1
        at = stop if text[stop] == SECTION else stop + 1
    if at >= end:
        return _NO, to, 0
    to, added = positions_added(stated, first, last, is_hedged, out, begin, to)
    if to < 0:
        return _NO, to, 0
    return at + 1, byte_written(out, to, SECTION), count + added
