"""The queue: the holders of every symbol and side over all shards, in the order they would be taken.

Merging, ranking and choosing live here. What shards tell is in `digest`; when somebody is chosen, and what for, is
decided elsewhere. Not safe to use from two threads: it belongs to the thread the engines run in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from monitor.core.adl.bins import bin_of, thresholds
from monitor.core.adl.candidates import Candidate, Holder, Key, best_first
from monitor.core.adl.digest import Digest, Offsets, Standing
from monitor.core.amounts import exactly

_ZERO = Decimal(0)
_NOTHING_TAKEN: Mapping[Holder, Decimal] = {}


class Chosen(NamedTuple):
    """Hold one counterparty and what it would lose, in contracts; `rank` is its place in the queue, from 1."""

    candidate: Candidate
    quantity: Decimal
    rank: int


class Selection(NamedTuple):
    """Hold who is chosen, best first; the quantities and `unfilled_quantity` sum to what was asked for."""

    chosen: tuple[Chosen, ...]
    unfilled_quantity: Decimal


class AdlQueue:
    """Hold the digests of all shards.

    Of each symbol and side as many candidates are known as one digest may list: the first so many of all shards, in the
    same order however the accounts are spread over shards.
    """

    def __init__(self) -> None:
        self._digests: dict[Key, dict[int, Digest]] = {}
        self._standings: dict[int, Standing] = {}
        self._lists: dict[Key, tuple[Candidate, ...]] = {}
        self._steps: dict[Key, tuple[int, int, int, int]] = {}

    def take(self, shard: int, symbol: str, side: str, digest: Digest | None) -> None:
        """Take a shard's digest over the one before; None: it has no holders there."""
        self._lists.pop((symbol, side), None)
        self._steps.pop((symbol, side), None)
        if digest is not None:
            self._digests.setdefault((symbol, side), {})[shard] = digest
        elif known := self._digests.get((symbol, side)):
            known.pop(shard, None)
            if not known:
                del self._digests[symbol, side]

    def stand(self, shard: int, standing: Standing | None) -> None:
        """Take over what a shard's digests stand for; None: it has published nothing."""
        if standing is None:
            self._standings.pop(shard, None)
        else:
            self._standings[shard] = standing

    def clear(self) -> None:
        """Forget everything: it will be read again."""
        self._digests.clear()
        self._standings.clear()
        self._lists.clear()
        self._steps.clear()

    def digest(self, shard: int, symbol: str, side: str) -> Digest | None:
        """Return the digest a shard has published of a symbol and side."""
        return self._digests.get((symbol, side), {}).get(shard)

    def has(self, symbol: str, side: str) -> bool:
        """Return whether any shard has published a digest of a symbol and side."""
        return (symbol, side) in self._digests

    def standing(self, shard: int) -> Standing | None:
        """Return what the digests of a shard stand for, None where it has published none."""
        return self._standings.get(shard)

    def keys_of(self, shard: int) -> Iterator[Key]:
        """Return the symbols and sides of which a shard has published a digest."""
        return (key for key, digests in self._digests.items() if shard in digests)

    def alarmed(self) -> set[str]:
        """Return the symbols some shard wants fresh digests of."""
        return {symbol for standing in self._standings.values() for symbol in standing.alarmed}

    def covers(self, shards: int, prices: Offsets, symbol: str | None = None) -> bool:
        """Return whether every shard's view of a symbol (None: of all) stands for these positions or later ones.

        `prices` are next offsets of mark-prices by partition. With a symbol it must also be listed in full: in a large
        book only alarmed symbols are.
        """
        known = [self._standings.get(shard) for shard in range(shards)]
        return all(standing is not None and standing.covers(prices, symbol) for standing in known)

    def candidates(self, symbol: str, side: str) -> Sequence[Candidate]:
        """Return the first holders of a side over all shards, best first, ties by account id."""
        key = symbol, side
        known = self._lists.get(key)
        if known is None:
            known = self._lists[key] = self._listed(key)
        return known

    @exactly
    def select(
        self,
        symbol: str,
        side: str,
        quantity: Decimal,
        excluded: Collection[str] = (),
        taken: Mapping[Holder, Decimal] = _NOTHING_TAKEN,
    ) -> Selection:
        """Return who of the holders of a side would take over `quantity` contracts of a bankrupt position.

        `excluded` are accounts that are passed over; `taken` says how many contracts of this symbol and side each
        holder has promised already.
        """
        left, chosen = quantity, []
        for rank, one in enumerate(self.candidates(symbol, side), 1):
            if left <= 0:
                break
            if one.account_id in excluded:
                continue
            free = one.quantity - taken.get(one.holder, _ZERO)
            part = min(free, left)
            if part > 0:
                chosen.append(Chosen(one, part, rank))
                left -= part
        return Selection(tuple(chosen), max(left, _ZERO))

    def light(self, symbol: str, side: str, score: float | Decimal | None) -> int | None:
        """Return the light 0 … 4 of a holder with this score (None: it is not in the queue); None without a view."""
        if (symbol, side) not in self._digests:
            return None
        if score is None:
            return 0
        place = bin_of(float(score))
        return sum(place >= step for step in self.steps(symbol, side))

    def steps(self, symbol: str, side: str) -> tuple[int, int, int, int]:
        """Return the lowest bins that show the lights 1 to 4."""
        key = symbol, side
        known = self._steps.get(key)
        if known is None:
            known = self._steps[key] = self._stepped(key)
        return known

    def _listed(self, key: Key) -> tuple[Candidate, ...]:
        """Return the first holders in all digests; as many as the shortest of their limits, so that there is no gap."""
        contents = [digest.contents(shard) for shard, digest in self._digests.get(key, {}).items()]
        most = min((each.most for each in contents), default=0)
        return tuple(best_first(one for each in contents for one in each.candidates)[:most])

    def _stepped(self, key: Key) -> tuple[int, int, int, int]:
        """Return what the distributions of all digests come to. Most keys are asked for this alone."""
        distribution: dict[int, int] = {}
        holders = 0
        for digest in self._digests.get(key, {}).values():
            counts, total = digest.spread()
            holders += total
            for place, count in counts.items():
                distribution[place] = distribution.get(place, 0) + count
        return thresholds(distribution, holders)
