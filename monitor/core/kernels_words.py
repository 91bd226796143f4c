"""Finding texts in bytes: words by a table of hashes, and the fields of packed facts by their separators.

Compiled but for the making of the table; what the fields mean is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.store_columns import I8, U1

SECTION: Final = 0x1E
FIELD: Final = 0x1F
_NO: Final = -1
_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


class Words(NamedTuple):
    """Hold texts to be found: all of them joined, where each begins (and the last ends), and a table by hash."""

    text: U1
    starts: I8
    slots: I8


@compiled
def hash_of(text: U1, start: int, end: int) -> Any:
    """Return a hash of a text (FNV-1a)."""
    found = _BASIS
    for at in range(start, end):
        found = (found ^ np.uint64(text[at])) * _PRIME
    return found ^ (found >> np.uint64(29))


@compiled_within
def is_word(text: U1, start: int, end: int, word: U1, first: int, last: int) -> bool:
    """Return whether text[start:end] is word[first:last]."""
    if end - start != last - first:
        return False
    for step in range(end - start):  # noqa: SIM110 - not compiled otherwise
        if text[start + step] != word[first + step]:
            return False
    return True


@compiled_within
def is_text(text: U1, start: int, end: int, other: U1) -> bool:
    """Return whether text[start:end] is another text."""
    if end - start != len(other):
        return False
    for step in range(len(other)):  # noqa: SIM110 - not compiled otherwise
        if text[start + step] != other[step]:
            return False
    return True


@compiled_within
def place_of(words: Words, text: U1, start: int, end: int) -> int:
    """Return the place of a text among words, -1 where it is none of them."""
    mask = np.uint64(len(words.slots) - 1)
    slot = np.int64(hash_of(text, start, end) & mask)
    while words.slots[slot] != _NO:
        place = words.slots[slot]
        if is_word(text, start, end, words.text, words.starts[place], words.starts[place + 1]):
            return int(place)
        slot = (slot + 1) % len(words.slots)
    return _NO


@compiled_within
def field_end(text: U1, at: int, end: int) -> int:
    """Return where the field that begins at `at` ends: at a separator, or with the record."""
    while at < end and text[at] != SECTION and text[at] != FIELD:
        at += 1
    return at


@compiled_within
def is_field(text: U1, at: int, end: int) -> bool:
    """Return whether a field ends at `at`, and another one of its section follows."""
    return at < end and bool(text[at] == FIELD)


def words_of(texts: Iterable[str]) -> Words:
    """Return the table by which texts are found."""
    encoded = [text.encode() for text in texts]
    joined = np.frombuffer(b"".join(encoded) + b"\0", np.uint8)
    starts = np.cumsum([0, *map(len, encoded)])
    slots = np.full(1 << (2 * len(encoded) + 2).bit_length(), _NO, np.int64)
    for place in range(len(encoded)):
        slot = int(hash_of(joined, starts[place], starts[place + 1])) % len(slots)
        while slots[slot] != _NO:
            slot = (slot + 1) % len(slots)
        slots[slot] = place
    return Words(joined, starts.astype(np.int64), slots)
