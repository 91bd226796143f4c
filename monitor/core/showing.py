"""What account-status shows, and when a record of it is due.

The intervals, the queue of accounts to refresh and the test for a moved ratio live here; the content of a record is
`report`'s, the decision to show a changed status at once `teller`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitor.core.intervals import has_passed
from monitor.core.ladder import MarginStatus
from monitor.core.scopes import PORTFOLIO

if TYPE_CHECKING:
    from monitor.core.store import MarginStore

REFRESHED_AT_ONCE = 200
"""Records one turn may cause, of each kind: a storm holds no verdict up for longer. The rest follows at once."""
MOVED_AT_MOST = 2_000
"""Records of scopes that have moved that one publish interval may cause."""
PORTFOLIO_WEIGHT = 200
"""How many records that of a portfolio scope counts for: its liquidation prices have to be searched."""


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """Hold how often account-status is refreshed.

    Attributes:
        publish_interval_ms: scopes at watch or worse are looked at this often, new and changed ones at once.
        healthy_interval_ms: after an account event a healthy scope is shown anew within this time.
        min_change: the move of the margin ratio that makes a scope at watch or worse worth showing again.
    """

    publish_interval_ms: int = field(default=1_000, metadata={"at_least": 100})
    healthy_interval_ms: int = field(default=60_000, metadata={"at_least": 100})
    min_change: Decimal = field(default=Decimal("0.01"), metadata={"at_least": 0})


class RefreshQueue:
    """Hold the accounts whose scopes are to be shown anew, in the order they are due."""

    def __init__(self, settings: StatusSettings) -> None:
        self._settings = settings
        self._due: dict[int, tuple[int, int]] = {}
        self._place = 0
        self._looked_ms = 0
        self._moved: deque[int] = deque()

    def add(self, number: int, now_ms: int) -> None:
        """Have an account shown within the healthy interval; one already waiting keeps its turn."""
        self._due.setdefault(number, (now_ms + self._settings.healthy_interval_ms, self._place))

    def owe(self, number: int, place: int, now_ms: int) -> None:
        """Have an account shown within the healthy interval whose facts stand at a place; places never fall."""
        self._place = place
        self.add(number, now_ms)

    def shown_before(self, place: int) -> int:
        """Return before which place nobody waits whose facts stand there; those added next stand at `place` or later.

        Nobody is given a lower place than who waits longer, so it is that of the first.
        """
        self._place = place
        return min(place, next(iter(self._due.values()))[1]) if self._due else place

    def waits(self, number: int) -> bool:
        """Return whether an account is to be shown anew anyway."""
        return number in self._due

    def is_behind(self, now_ms: int) -> bool:
        """Return whether there is more to show than one turn could."""
        if self._moved or not self._due:
            return bool(self._moved)
        return self._is_due(next(iter(self._due.values()))[0], now_ms)

    def due(self, now_ms: int, store: MarginStore) -> npt.NDArray[np.int64]:
        """Take the scopes of the accounts whose time has come, as many as one turn may show."""
        taken: list[int] = []
        scopes: list[int] = []
        left = REFRESHED_AT_ONCE
        for number, (due_ms, _) in self._due.items():
            if left <= 0 or not self._is_due(due_ms, now_ms):
                break
            mine = store.scopes_of(number)
            left -= sum(weight_of(scope, store) for scope in mine) or 1
            scopes += mine
            taken.append(number)
        for number in taken:
            del self._due[number]
        return np.array(scopes, dtype=np.int64)

    def moved(self, now_ms: int, store: MarginStore) -> npt.NDArray[np.int64]:
        """Take scopes at watch or worse whose ratio has moved, as many as one turn may show, the worst first.

        Once the publish interval has passed they are looked for anew, and what was not shown yet is found again.
        """
        if has_passed(self._settings.publish_interval_ms, self._looked_ms, now_ms):
            self._looked_ms = now_ms
            self._moved = deque(self._look(store).tolist())
        chosen = affordable(self._moved, REFRESHED_AT_ONCE, store)
        for _ in chosen:
            self._moved.popleft()
        return np.array([scope for scope in chosen if store.exists(scope)], dtype=np.int64)

    def _is_due(self, due_ms: int, now_ms: int) -> bool:
        """Return whether a time has come; one more than an interval ahead was set before the clock went back."""
        return not now_ms < due_ms <= now_ms + self._settings.healthy_interval_ms

    def _look(self, store: MarginStore) -> npt.NDArray[np.intp]:
        """Return the scopes at watch or worse whose ratio has moved by `min_change`, the worst first."""
        told = store.told
        distressed = np.nonzero(store.is_live() & (told > 0) & (told < MarginStatus.UNKNOWN.rank))[0]
        equity, requirement = store.figures(distressed)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(requirement > 0, equity / requirement, 0.0)
            moved = ~(np.abs(ratio - store.shown_ratio[distressed]) < float(self._settings.min_change))
        chosen = distressed[moved]
        worst = chosen[np.argsort(ratio[moved], kind="stable")][:MOVED_AT_MOST]
        weights = np.array([weight_of(scope, store) for scope in worst.tolist()], dtype=np.int64)
        return worst[np.cumsum(weights) - weights < MOVED_AT_MOST]


def weight_of(scope: int, store: MarginStore) -> int:
    """Return how many records showing a scope counts for."""
    return PORTFOLIO_WEIGHT if store.name_of(scope) == PORTFOLIO else 1


def affordable(scopes: Iterable[int], records: int, store: MarginStore) -> list[int]:
    """Return the first of some scopes, as many as count for a number of records; at least one where there is any."""
    chosen: list[int] = []
    left = records
    for scope in scopes:
        if left <= 0:
            break
        left -= weight_of(scope, store) if store.exists(scope) else 1
        chosen.append(scope)
    return chosen
