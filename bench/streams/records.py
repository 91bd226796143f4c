"""The records that pass between the bench and a stream engine: packed big-endian numbers, which are cheap to read.

The first byte says what a record is. `bench/kafka_streams` reads and writes the same bytes in Java.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.peers.peer import Slice
from bench.venue import F8

TERMS, ACCOUNT, PRICES, SHOW = b"T", b"A", b"P", b"S"
DONE, FIGURES = b"D", b"F"
SHOWN_AT_ONCE: Final = 8_192
"""Accounts in one record of figures."""

_COUNTS: Final = struct.Struct(">cHHHH")
_ACCOUNT: Final = struct.Struct(">cid")
_TICK: Final = struct.Struct(">cq")
_ONE: Final = struct.Struct(">cqi")
_POSITION: Final = np.dtype([("symbol", ">u2"), ("amount", ">f8")])
_FIGURES: Final = np.dtype([("account", ">i4"), ("equity", ">f8"), ("requirement", ">f8"), ("rank", ">i4")])
AFTER_NUMBER: Final = 5
"""Where the state of an account begins in its record."""


@dataclass(frozen=True)
class Terms:
    """Hold the brackets of every contract as (ceiling, rate, deduction), the lines, and the rank of the bankrupt."""

    brackets: list[list[tuple[float, float, float]]]
    lines: list[float]
    bankrupt: int


def terms_record(given: Slice, lines: Sequence[float], bankrupt: int) -> bytes:
    """Return the terms of all contracts of a slice."""
    tables = given.tables
    symbols, most = tables.floors.shape
    ceilings = np.concatenate([tables.floors[:, 1:], np.full((symbols, 1), np.inf)], axis=1)
    brackets = np.stack([ceilings, tables.rates, tables.deductions], axis=2).ravel()
    counts = _COUNTS.pack(TERMS, symbols, most, len(lines), bankrupt)
    return counts + np.concatenate([np.array(lines), brackets]).astype(">f8").tobytes()


def terms_of(record: bytes) -> Terms:
    """Return the terms in a record."""
    _, symbols, most, lines, bankrupt = _COUNTS.unpack_from(record)
    numbers = np.frombuffer(record, ">f8", offset=_COUNTS.size)
    rows = numbers[lines:].reshape(symbols, most, 3).tolist()
    brackets = [[(ceiling, rate, deduction) for ceiling, rate, deduction in row] for row in rows]
    return Terms(brackets, numbers[:lines].tolist(), bankrupt)


def account_records(given: Slice) -> Iterator[bytes]:
    """Yield each account: its number, its base, then contract and amount of every position."""
    positions = np.empty(len(given.symbols), _POSITION)
    positions["symbol"], positions["amount"] = given.symbols, given.amounts
    packed, width = positions.tobytes(), _POSITION.itemsize
    bounds = pairwise((given.ends * width).tolist())
    for account, ((begin, end), base) in enumerate(zip(bounds, given.bases.tolist(), strict=True)):
        yield _ACCOUNT.pack(ACCOUNT, account, base) + packed[begin:end]


def account_of(record: bytes) -> int:
    """Return the number of the account a record is about."""
    return int.from_bytes(record[1:AFTER_NUMBER], "big")


def prices_record(tick: int, marks: F8) -> bytes:
    """Return a price array; its number comes back with the word that it has been worked off."""
    return _TICK.pack(PRICES, tick) + marks.astype(">f8").tobytes()


def prices_of(record: bytes) -> tuple[int, list[float]]:
    """Return the number and the prices of a price array."""
    return _TICK.unpack_from(record)[1], np.frombuffer(record, ">f8", offset=_TICK.size).tolist()


def done_record(tick: int, accounts: int) -> bytes:
    """Return the word that so many accounts have got their figures by a price array."""
    return _ONE.pack(DONE, tick, accounts)


def done_of(record: bytes) -> tuple[int, int]:
    """Return the number of the price array, and for how many accounts it was worked off."""
    _, tick, accounts = _ONE.unpack(record)
    return tick, accounts


def figures_records(figures: dict[int, tuple[float, float, int]]) -> list[bytes]:
    """Return equity, requirement and rank of all accounts, some at once."""
    table = np.array([(account, *three) for account, three in figures.items()], _FIGURES)
    chunks = (table[start : start + SHOWN_AT_ONCE] for start in range(0, len(table), SHOWN_AT_ONCE))
    return [FIGURES + chunk.tobytes() for chunk in chunks]


def figures_of(record: bytes) -> NDArray[Any]:
    """Return figures as a table with the columns account, equity, requirement and rank."""
    return np.frombuffer(record, _FIGURES, offset=1)
