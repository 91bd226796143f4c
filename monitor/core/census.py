"""The census of a shard: how many scopes stand where, and why some are unknown or degraded.

Counts for those who watch live here; nothing is decided by them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.core.board import MarketBoard
from monitor.core.ladder import BY_RANK
from monitor.core.store import MarginStore


class Census(NamedTuple):
    """Hold scopes by status, unknown ones by their first reason, and accounts that stand on prices in doubt, by why."""

    by_status: Mapping[str, int]
    unknown: Mapping[str, int]
    degraded: Mapping[str, int]


def census_of(store: MarginStore, board: MarketBoard, unknown: Mapping[int, str]) -> Census:
    """Count the scopes of a store; `unknown` maps scope ids, perhaps of scopes that are gone, to their first reason."""
    live = store.is_live()
    by_rank = np.bincount(store.told[live], minlength=len(BY_RANK)).tolist()
    because = Counter(why for scope, why in unknown.items() if live[scope])
    return Census(dict(zip(map(str, BY_RANK), by_rank, strict=True)), because, _doubted(store, board))


def _doubted(store: MarginStore, board: MarketBoard) -> dict[str, int]:
    """Count who stands on a price in doubt, by the words their statuses say it in; being old is always shown."""
    groups: dict[str, list[npt.NDArray[np.int64]]] = {"stale_price": [], "stale_asset": []}
    for symbol in board.aged_symbols():
        groups.setdefault(board.doubt(symbol), []).append(store.holders(symbol))
    for name in board.aged_assets():
        groups.setdefault(board.doubt(name, is_asset=True), []).append(store.holders_of_asset(name))
    return {word: _count_distinct(holders) for word, holders in groups.items()}


def _count_distinct(groups: Sequence[npt.NDArray[np.int64]]) -> int:
    return len(np.unique(np.concatenate(groups))) if groups else 0
