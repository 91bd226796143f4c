"""Ranks: the holders of one symbol in one shard, screened in floats, the first of them scored exactly.

How a digest of a symbol comes about lives here; when symbols are ranked, and what is published, is in `keeper`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import frexp
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.adl.bins import OCTAVES, PARTS
from monitor.core.adl.candidates import Candidate, Key
from monitor.core.adl.digest import Digest
from monitor.core.adl.holders import LONG, SIDES
from monitor.core.adl.listing import Contender
from monitor.core.adl.settings import AdlSettings
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.kernels_adl import HOLDS
from monitor.core.store import MarginStore
from monitor.core.store_adl import Holders

_MORE_THAN_LISTED: Final = 2
_TIE_DIGITS: Final = 40
"""Binary digits in which floats must agree to count as tied, where there are too many near the end of a list."""

Indices = NDArray[np.intp]
Exact = dict[int, Contender]
"""What was assessed exactly at the present prices, by scope."""


class Ranked(NamedTuple):
    """Hold what one symbol has come to: a digest of each side that somebody holds, and its holders."""

    digests: Mapping[str, Digest]
    holders: Holders


class Ranks:
    """Rank the holders of a shard."""

    def __init__(self, settings: AdlSettings, board: MarketBoard, book: AccountBook, store: MarginStore) -> None:
        self._settings = settings
        self._board = board
        self._book = book
        self._store = store

    def rank(self, symbol: str, shard: int, most: int, exact: Exact) -> Ranked:
        """Return the digests of a symbol as of now, with `most` candidates each.

        Scopes that are scored exactly are added to `exact`.
        """
        holders = self._store.adl.holders(symbol, self._settings.ranking)
        digests: dict[str, Digest] = {}
        for side in SIDES:
            mine = np.nonzero((holders.kinds == HOLDS) & (holders.shorts == (side != LONG)))[0]
            if len(mine):
                queued = mine[~np.isnan(holders.scores[mine])]
                listed = self._shortlist(holders, queued, most)
                found = [self._candidate(int(holders.scopes[at]), (symbol, side), shard, exact) for at in listed]
                candidates = [one for one in found if one is not None]
                counts = distribution(holders.scores[queued])
                digests[side] = Digest.of(candidates, counts, len(mine), most)
        return Ranked(digests, holders)

    def _shortlist(self, holders: Holders, queued: Indices, most: int) -> list[int]:
        """Return who may be among the first: everybody whose score, as far as it is known, may reach the last of them.

        Where more are tied there than twice the list, the account ids decide: exact ties are listed by them anyway.
        """
        if len(queued) <= most:
            return list(map(int, queued))
        scores, errors = holders.scores[queued], holders.errors[queued]
        last = np.partition(scores - errors, len(queued) - most)[len(queued) - most]
        near = queued[scores + errors >= last]
        if len(near) <= _MORE_THAN_LISTED * most:
            return list(map(int, near))
        order = [(-_coarse(float(holders.scores[at])), self._account_id(holders, at), at) for at in near.tolist()]
        return [at for _, _, at in sorted(order)[: _MORE_THAN_LISTED * most]]

    def _account_id(self, holders: Holders, at: int) -> str:
        return self._book.id_of(self._store.account_of(int(holders.scopes[at])))

    def _candidate(self, scope: int, key: Key, shard: int, exact: Exact) -> Candidate | None:
        known = exact.get(scope)
        if known is None:
            account = self._book.account(self._store.account_of(scope))
            name = self._store.name_of(scope)
            known = exact[scope] = Contender(account, name, self._board, self._settings.ranking, shard)
        return known.candidate(key)


def distribution(scores: NDArray[np.float64]) -> dict[int, int]:
    """Return how many scores lie in each bin."""
    places, counts = np.unique(bins_of(scores), return_counts=True)
    return dict(zip(places.tolist(), counts.tolist(), strict=True))


def bins_of(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bins of many scores: `bins.bin_of` of each."""
    fraction, exponent = np.frexp(np.abs(scores))
    beyond, below = exponent > OCTAVES, exponent <= -OCTAVES
    fraction = np.where(beyond | below, 0.5, fraction)
    exponent = np.where(beyond, OCTAVES + 1, np.where(below, 1 - OCTAVES, exponent))
    places = (exponent + OCTAVES) * PARTS + ((fraction - 0.5) * 2 * PARTS).astype(np.int64)
    signed: NDArray[Any] = np.sign(scores).astype(np.int64) * places
    return signed.astype(np.int64)


def _coarse(score: float) -> float:
    fraction, exponent = frexp(score)
    return float(round(fraction * (1 << _TIE_DIGITS))) * 2.0 ** (exponent - _TIE_DIGITS)
