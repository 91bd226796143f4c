"""Amending packed facts by what plain messages state, many accounts at once, without an object for any of them.

Compiled. `amendment.amended` is the specification: what is written here is what it writes, byte by byte; where it takes
the long way, and where it would have to look twice, nothing is written.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_amendment_positions import positions_amended
from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.kernels_words import FIELD, SECTION, field_end, is_field, is_text, is_word
from monitor.core.kernels_writing import DIGIT_0, amount_written, byte_written, whole_written, written
from monitor.core.stated import Stated
from monitor.core.store_columns import I8, U1

_NO: Final = -1
_MOST_WHOLE_DIGITS: Final = 18
_FORMAT = np.frombuffer(b"1", np.uint8)
_PORTFOLIO = np.frombuffer(b"portfolio", np.uint8)
_HEDGE = np.frombuffer(b"hedge", np.uint8)
_TAKEN: Final = 1


@compiled_within
def whole_in(text: U1, start: int, end: int) -> int:
    """Return the whole number of a field, -1 where it is too long for here."""
    if end <= start or end - start > _MOST_WHOLE_DIGITS:
        return _NO
    value = 0
    for at in range(start, end):
        value = 10 * value + (text[at] - DIGIT_0)
    return value


@compiled_within
def head_amended(text: U1, at: int, end: int, head: I8, out: U1, to: int) -> tuple[int, int, bool]:
    """Write the head; return where the balances begin (-1: not for here), where they go, and whether it is hedged."""
    begin = at
    stop = field_end(text, at, end)
    if not is_text(text, at, stop, _FORMAT):
        return _NO, to, False
    at = field_end(text, stop + 1, end) + 1
    stop = field_end(text, at, end)
    if is_text(text, at, stop, _PORTFOLIO):
        return _NO, to, False
    at = stop + 1
    stop = field_end(text, at, end)
    is_hedged = is_text(text, at, stop, _HEDGE)
    version = stop + 1
    epoch = field_end(text, version, end) + 1
    epoch_end = field_end(text, epoch, end)
    flags = field_end(text, epoch_end + 1, end)
    stop = field_end(text, flags + 1, end)
    known = whole_in(text, version, epoch - 1)
    is_news = 0 <= known < head[0] and whole_in(text, epoch, epoch_end) == head[2]
    if not is_news or stop - flags != 4 or text[flags + 3] != DIGIT_0 or stop >= end or text[stop] != SECTION:
        return _NO, to, False
    to = written(out, to, text, begin, version)
    to = byte_written(out, whole_written(out, to, head[0]), FIELD)
    to = written(out, to, text, epoch, epoch_end + 1)
    to = whole_written(out, to, head[1])
    return stop + 1, written(out, to, text, flags, stop + 1), is_hedged


@compiled_within
def balances_amended(
    text: U1, at: int, end: int, stated: Stated, first: int, last: int, most: int, out: U1, to: int
) -> tuple[int, int, int]:
    """Write the balances; return where the positions begin (-1: not for here), where they go, and how many there are.

    Those stated are written over those held, new ones behind them, in their order.
    """
    said, amounts, begin = stated.text, stated.amounts, to
    amounts[first:last, 4] = 0
    count, held = 0, at < end and text[at] != SECTION
    while held:
        stop = field_end(text, at, end)
        value_end = field_end(text, stop + 1, end)
        if value_end >= end or not is_field(text, stop, end):
            return _NO, to, 0
        to = written(out, to, text, at, stop + 1)
        found = _NO
        for row in range(first, last):
            if is_word(said, amounts[row, 0], amounts[row, 1], text, at, stop):
                found = row
        if found >= 0:
            to = amount_written(out, to, said, amounts[found, 2], amounts[found, 3])
            amounts[found, 4] = _TAKEN
        else:
            to = written(out, to, text, stop + 1, value_end)
        count, held, at = count + 1, text[value_end] == FIELD, value_end
        if held:
            to, at = byte_written(out, to, FIELD), at + 1
    before = count
    for row in range(first, last):
        if amounts[row, 4] != _TAKEN:
            to = byte_written(out, to, FIELD) if to > begin else to
            to = byte_written(out, written(out, to, said, amounts[row, 0], amounts[row, 1]), FIELD)
            to = amount_written(out, to, said, amounts[row, 2], amounts[row, 3])
            count += 1
    if at >= end or text[at] != SECTION or (count > before and count > most):
        return _NO, to, 0
    return at + 1, byte_written(out, to, SECTION), count


@compiled
def amend_records(
    text: U1, bounds: I8, stated: Stated, most_balances: int, out: U1, ends: I8, amended: U1, counts: I8
) -> None:
    """Write packed facts, those of each account as its message has them, into `out`, which has room for all.

    Facts begin and end in `text` where `bounds` says, what was written of each ends where `ends` says. `amended` says
    of whom it was written, `counts` how many balances and positions he has then.
    """
    to, amount, change = 0, 0, 0
    for place in range(len(stated.plain)):
        here, rest = to, _NO
        last_amount, last_change = stated.ends[place, 0], stated.ends[place, 1]
        end, balances, positions = bounds[place + 1], 0, 0
        if stated.plain[place] == 1 and end > bounds[place]:
            at, here, is_hedged = head_amended(text, bounds[place], end, stated.heads[place], out, here)
            if at >= 0:
                at, here, balances = balances_amended(
                    text, at, end, stated, amount, last_amount, most_balances, out, here
                )
            if at >= 0:
                rest, here, positions = positions_amended(
                    text, at, end, stated, change, last_change, is_hedged, out, here
                )
        sections = 0
        if rest >= 0:
            for at in range(rest, end):
                sections += text[at] == SECTION
        if rest >= 0 and sections == 2:
            to = written(out, here, text, rest, end)
            amended[place] = 1
            counts[place, 0], counts[place, 1] = balances, positions
        ends[place] = to
        amount, change = last_amount, last_change
