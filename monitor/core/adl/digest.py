"""Digests: what a shard tells the others about the holders of one symbol and side, and how far its view had come.

The shapes and their packed form live here. A digest is kept packed: a process holds those of every shard, and reads few
of them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from monitor.core.adl.candidates import Candidate, best_first

_written: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

Offsets = Mapping[int, int]
"""The next offset of each partition of a topic."""


class Contents(NamedTuple):
    """Hold an unpacked digest: its first candidates, how many lie in each bin, and how many hold the side at all."""

    candidates: tuple[Candidate, ...]
    distribution: Mapping[int, int]
    total: int
    most: int
    """How many candidates the list may have: fewer than that are all there are."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Hold, packed, the holders of one symbol and side in one shard."""

    packed: bytes

    @classmethod
    def of(cls, candidates: Iterable[Candidate], distribution: Mapping[int, int], total: int, most: int) -> Digest:
        """Return the digest of some holders: the `most` first of the candidates, the distribution of all scores."""
        body: dict[str, Any] = {
            "most": most,
            "total": total,
            "scores": sorted(distribution.items()),
            "candidates": [one.packed() for one in best_first(candidates)[:most]],
        }
        return cls(_written(body).encode())

    def spread(self) -> tuple[Mapping[int, int], int]:
        """Return how many lie in each bin and how many hold the side at all, of a digest that can be read."""
        body = json.loads(self.packed)
        return dict(body["scores"]), body["total"]

    def contents(self, shard: int) -> Contents:
        """Return what the digest says. Raises ValueError for bytes this version cannot read."""
        body = json.loads(self.packed)
        try:
            return Contents(
                tuple(Candidate.unpacked(fields, shard) for fields in body["candidates"]),
                dict(body["scores"]),
                body["total"],
                body["most"],
            )
        except (KeyError, TypeError, ArithmeticError) as error:
            raise ValueError(f"unreadable digest: {error}") from error


@dataclass(frozen=True, slots=True)
class Standing:
    """Say which inputs the digests of a shard stand for.

    `prices` and `accounts` hold for every symbol: the next offsets of mark-prices and of the shard's account events.
    `recent` are later positions of mark-prices that hold for the symbols it names. `alarmed` are symbols of which every
    shard's digests are wanted fresh: somebody who holds them is about to be deleveraged. `is_full`: also the lists of
    symbols that are not in `recent` are as long as they may be.
    """

    prices: Offsets
    accounts: int = 0
    recent: Mapping[str, Offsets] = field(default_factory=dict)
    alarmed: Collection[str] = ()
    is_full: bool = True

    def covers(self, prices: Offsets, symbol: str | None) -> bool:
        """Return whether the digests of a symbol (None: of all) stand for prices at or past some positions."""
        if symbol is None or (self.is_full and _is_past(self.prices, prices)):
            return _is_past(self.prices, prices)
        return symbol in self.recent and _is_past(self.recent[symbol], prices)

    def pack(self) -> bytes:
        """Return the standing as bytes; `unpack` gives it back."""
        body = {
            "prices": _texts(self.prices),
            "accounts": self.accounts,
            "recent": {symbol: _texts(offsets) for symbol, offsets in sorted(self.recent.items())},
            "alarmed": sorted(self.alarmed),
            "is_full": self.is_full,
        }
        return _written(body).encode()

    @classmethod
    def unpack(cls, packed: bytes) -> Standing:
        """Return the standing that bytes state. Raises ValueError for bytes this version cannot read."""
        body = json.loads(packed)
        try:
            recent = {symbol: _offsets(texts) for symbol, texts in body["recent"].items()}
            return cls(_offsets(body["prices"]), body["accounts"], recent, tuple(body["alarmed"]), body["is_full"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"unreadable standing: {error}") from error


def _is_past(reached: Offsets, wanted: Offsets) -> bool:
    return all(reached.get(partition, 0) >= offset for partition, offset in wanted.items())


def _texts(offsets: Offsets) -> dict[str, int]:
    return {str(partition): offset for partition, offset in sorted(offsets.items())}


def _offsets(texts: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): offset for partition, offset in texts.items()}
