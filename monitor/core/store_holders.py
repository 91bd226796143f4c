"""Where the holders of each symbol stand in their common column, and how room is made for more of them.

Each symbol has a piece with a little to spare. One that has grown out of its piece moves into a hole that others have
left, or behind everybody; where there is no room for that all are laid out anew. Who holds what is not known here.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.store_columns import HELD_COUNT, HELD_NEED, HELD_ROOM, HELD_START, I8, U4

_SPARE: Final = 4
"""A symbol has room for its holders and for one more in so many, and the column the same behind all of them."""
_LEAST_SPARE: Final = 4


def _room_for(needed: I8) -> I8:
    """Return the room that symbols are given who need so much."""
    return np.where(needed > 0, needed + needed // _SPARE + _LEAST_SPARE, 0)


class HoldersRoom:
    """Know what of the column is nobody's."""

    def __init__(self) -> None:
        self._end = 0
        self._holes: list[tuple[int, int]] = []
        """Room that was left, and where it begins."""

    def made(self, symbols: I8, entries: U4) -> U4:
        """Make room where more holders of a symbol are needed than it has room for; return the column."""
        needed = symbols[:, HELD_COUNT] + symbols[:, HELD_NEED]
        moving = np.nonzero(needed > symbols[:, HELD_ROOM])[0]
        for symbol, wanted in zip(moving.tolist(), _room_for(needed[moving]).tolist(), strict=True):
            start, count, room = (int(symbols[symbol, of]) for of in (HELD_START, HELD_COUNT, HELD_ROOM))
            target = self._place_for(wanted, len(entries))
            if target is None:
                return self._laid_out(symbols, needed, entries)
            entries[target : target + count] = entries[start : start + count]
            symbols[symbol, HELD_START], symbols[symbol, HELD_ROOM] = target, wanted
            if room:
                self._holes.append((room, start))
        return entries

    def _place_for(self, wanted: int, end: int) -> int | None:
        """Return where so many can stand: in the smallest hole that is large enough, or behind all others."""
        fitting = [hole for hole in self._holes if hole[0] >= wanted]
        if fitting:
            room, start = min(fitting)
            self._holes.remove((room, start))
            if room > wanted:
                self._holes.append((room - wanted, start + wanted))
            return start
        if self._end + wanted > end:
            return None
        self._end += wanted
        return self._end - wanted

    def _laid_out(self, symbols: I8, needed: I8, entries: U4) -> U4:
        """Return a new column in which the holders of all symbols follow each other."""
        rooms = _room_for(needed)
        ends = np.cumsum(rooms)
        self._end, self._holes = int(ends[-1]), []
        laid: U4 = np.zeros(self._end + self._end // _SPARE, np.uint32)
        pieces = symbols[:, HELD_START].tolist(), symbols[:, HELD_COUNT].tolist(), (ends - rooms).tolist()
        for start, count, to in zip(*pieces, strict=True):
            laid[to : to + count] = entries[start : start + count]
        symbols[:, HELD_START], symbols[:, HELD_ROOM] = ends - rooms, rooms
        return laid
