"""Ranks: the holders of one symbol in one shard, screened in floats, the first of them scored exactly.

How a digest of a symbol comes about lives here; when symbols are ranked, and what is published, is in `keeper`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import frexp
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.adl.bins import OCTAVES, PARTS
from monitor.core.adl.candidates import Candidate, Key
from monitor.core.adl.digest import Digest
from monitor.core.adl.holders import SHORT, SIDES
from monitor.core.adl.lines import Lines
from monitor.core.adl.listing import Contender
from monitor.core.adl.plain import NotPlain, PlainContender
from monitor.core.adl.settings import AdlSettings
from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.kernels_adl import HOLDS
from monitor.core.store import MarginStore
from monitor.core.store_adl import Holders

_MORE_THAN_LISTED: Final = 2
ASSESSED_COSTS: Final = 3
"""What an assessed scope costs beyond a plain one, in plain scopes."""
_TIE_DIGITS: Final = 40
"""Binary digits in which floats must agree to count as tied, where there are too many near the end of a list."""
_BITS_BELOW: Final = 48
"""Of a float: what lies below the four highest bits of its fraction, which tell `PARTS` parts of an octave apart."""
_LEADING_OF_LEAST: Final = (1022 - OCTAVES) * PARTS
"""The bits above of 2**(-1 - OCTAVES): a float's exponent is stated with 1022 added to that of `frexp`."""
assert PARTS == 1 << (52 - _BITS_BELOW), "a part is a step of the lowest bit that is looked at"

Indices = NDArray[np.intp]


class Exact(dict[int, Contender | PlainContender]):
    """Hold what was looked at exactly at the present prices, by scope; `assessed` counts those that are not plain."""

    assessed = 0

    @property
    def work(self) -> int:
        """What that came to, in plain scopes."""
        return len(self) + ASSESSED_COSTS * self.assessed


class Ranked(NamedTuple):
    """Hold what one symbol has come to: a digest of each side that somebody holds, its holders and their bins."""

    digests: Mapping[str, Digest]
    holders: Holders
    bins: NDArray[np.int64]
    """Of the scores of the holders; those of NaN mean nothing."""


class Ranks:
    """Rank the holders of a shard."""

    def __init__(self, settings: AdlSettings, board: MarketBoard, book: AccountBook, store: MarginStore) -> None:
        self._settings = settings
        self._board = board
        self._book = book
        self._store = store
        self._lines = Lines(board)

    @exactly
    def rank(self, symbol: str, shard: int, most: int, exact: Exact) -> Ranked:
        """Return the digests of a symbol as of now, with `most` candidates each.

        Scopes that are scored exactly are added to `exact`.
        """
        self._lines.refresh()
        holders = self._store.adl.holders(symbol, self._settings.ranking)
        bins, digests = bins_of(holders.scores), dict[str, Digest]()
        holds, is_short, is_queued = holders.kinds == HOLDS, holders.shorts != 0, ~np.isnan(holders.scores)
        for side in SIDES:
            mine = holds & (is_short if side == SHORT else ~is_short)
            total = int(np.count_nonzero(mine))
            if total:
                queued = np.nonzero(mine & is_queued)[0]
                listed = self._shortlist(holders, queued, most)
                found = [self._candidate(int(holders.scopes[at]), (symbol, side), shard, exact) for at in listed]
                candidates = [one for one in found if one is not None]
                counts = distribution(bins[queued])
                digests[side] = Digest.of(candidates, counts, total, most)
        return Ranked(digests, holders, bins)

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
        """Return what a scope stands for: said by `plain`, or where that does not know by `listing`."""
        known = exact.get(scope)
        try:
            if known is None:
                known = exact[scope] = self._plain(scope, shard)
            return known.candidate(key)
        except NotPlain:
            account, name = self._book.account(self._store.account_of(scope)), self._store.name_of(scope)
            exact.assessed += 1
            known = exact[scope] = Contender(account, name, self._board, self._settings.ranking, shard)
            return known.candidate(key)

    def _plain(self, scope: int, shard: int) -> PlainContender:
        record, name = self._book.record(self._store.account_of(scope)), self._store.name_of(scope)
        return PlainContender(record, name, self._lines, self._settings.ranking, shard)


def distribution(bins: NDArray[np.int64]) -> dict[int, int]:
    """Return how many scores lie in each bin, by the bins of all, lowest first."""
    if not len(bins):
        return {}
    lowest = bins.min()
    counts = np.bincount(bins - lowest)
    places = np.nonzero(counts)[0]
    return dict(zip((places + lowest).tolist(), counts[places].tolist(), strict=True))


def bins_of(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bins of many scores: `bins.bin_of` of each; that of NaN means nothing.

    The sixteenth of an octave is what the leading bits of a float say: its exponent, and four bits of its fraction.
    """
    leading = (np.abs(scores).view(np.int64) >> _BITS_BELOW) - _LEADING_OF_LEAST
    places = np.minimum(np.maximum(leading, PARTS), (2 * OCTAVES + 1) * PARTS)
    signed: NDArray[np.int64] = np.where(scores < 0, -places, places)
    signed[scores == 0] = 0
    return signed


def _coarse(score: float) -> float:
    fraction, exponent = frexp(score)
    return float(round(fraction * (1 << _TIE_DIGITS))) * 2.0 ** (exponent - _TIE_DIGITS)
