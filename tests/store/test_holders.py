"""Room for holders: whoever grows keeps what stood there, nobody stands on another's, and holes are used again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.store_columns import HELD_COUNT, HELD_NEED, HELD_ROOM, HELD_START, I8, U4
from monitor.core.store_holders import HoldersRoom

GROWTH = st.lists(st.dictionaries(st.integers(0, 7), st.integers(1, 60), min_size=1), min_size=1, max_size=30)


def grown(room: HoldersRoom, symbols: I8, entries: U4, more: dict[int, int]) -> U4:
    """Give symbols more holders, each of which says whose and which it is."""
    symbols[:, HELD_NEED] = 0
    for symbol, count in more.items():
        symbols[symbol, HELD_NEED] = count
    if (symbols[:, HELD_COUNT] + symbols[:, HELD_NEED] > symbols[:, HELD_ROOM]).any():
        entries = room.made(symbols, entries)
    for symbol, count in more.items():
        start, held = int(symbols[symbol, HELD_START]), int(symbols[symbol, HELD_COUNT])
        entries[start + held : start + held + count] = 1_000_000 * (symbol + 1) + np.arange(held, held + count)
        symbols[symbol, HELD_COUNT] += count
    return entries


@given(GROWTH)
def test_holders_stay_what_they_are_while_symbols_grow(steps: list[dict[int, int]]) -> None:
    """After any growth each symbol finds its holders in order, in a piece of its own with room for them."""
    room, symbols, entries = HoldersRoom(), np.zeros((8, 7), np.int64), np.zeros(64, np.uint32)
    for more in steps:
        entries = grown(room, symbols, entries, more)
        for symbol, (start, count) in enumerate(symbols[:, [HELD_START, HELD_COUNT]].tolist()):
            assert entries[start : start + count].tolist() == [1_000_000 * (symbol + 1) + n for n in range(count)]
        held = symbols[symbols[:, HELD_ROOM] > 0]
        held = held[np.argsort(held[:, HELD_START])]
        ends = held[:, HELD_START] + held[:, HELD_ROOM]
        assert (held[:, HELD_COUNT] <= held[:, HELD_ROOM]).all()
        assert (ends[:-1] <= held[1:, HELD_START]).all()
        assert ends[-1] <= len(entries)


def test_the_column_has_little_to_spare_and_a_hole_is_used_again() -> None:
    """A thousand holders each of eight symbols take half as much again; who comes later stands where another left."""
    room, symbols, entries = HoldersRoom(), np.zeros((9, 7), np.int64), np.zeros(64, np.uint32)
    entries = grown(room, symbols, entries, dict.fromkeys(range(8), 1_000))
    assert len(entries) < 8_000 * 1.6
    left = int(symbols[0, HELD_START])
    entries = grown(room, symbols, entries, {0: 400})
    assert symbols[0, HELD_START] != left
    before = len(entries)
    entries = grown(room, symbols, entries, {8: 900})
    assert (symbols[8, HELD_START], len(entries)) == (left, before)
