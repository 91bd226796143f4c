"""The peers beside the daemon: the same tick of the same accounts, in processor time per position.

Each peer has a slice of the standard population, the first of its accounts; the daemon has all of it.
"""

from __future__ import annotations

import numpy as np

from bench import rounds as timing
from bench.equality import within
from bench.inside import columns_of, scopes_of_first
from bench.loading import LINES, Book, ranks
from bench.measures import Goal, Measure, Result
from bench.parts.context import Context
from bench.peers.dicts import PlainDicts
from bench.peers.duckdb import DuckDb
from bench.peers.pandas import Pandas
from bench.peers.peer import Figures, Missing, Peer, Slice
from bench.peers.polars import Polars
from bench.rounds import Case, Ratio
from bench.venue import F8
from monitor.core.kernels_proof import UNIT
from monitor.core.store_columns import BASE, SCOPE_ROW

PEERS: tuple[type[Peer], ...] = (PlainDicts, Pandas, Polars, DuckDb)
OURS = "daemon"
_PEER_ROUNDS = 5


class Peers:
    """Measure how much less the daemon takes than others for the same work."""

    def __init__(self, context: Context) -> None:
        self._book = context.standard
        self._prices = tuple(self._book.population.venue.prices(which) for which in (0, 1))
        self._loaded: list[tuple[Peer, Slice]] = []
        self._skipped: list[str] = []
        for kind in PEERS:
            given = first_of(self._book, min(kind.most, context.slice))
            try:
                self._loaded.append((kind(given), given))
            except Missing as missing:
                self._skipped.append(f"{kind.name}: {missing}")

    def check(self) -> list[str]:
        """Compare the figures and statuses of every account of every slice, at both prices."""
        book, faults = self._book, []
        for which in (1, 0):
            book.turn(which)
            book.store.judge_symbols(book.names)
            for peer, given in self._loaded:
                peer.tick(self._prices[which])
                faults += unlike(book, peer.name, peer.figures(), given, self._prices[which])
        return faults

    def measure(self, rounds: int) -> Result:
        """Time a tick by each; few rounds, as some take seconds."""
        book, positions = self._book, self._book.store.counts()["cells"]
        cases = [Case(OURS, positions, lambda _: book.store.judge_symbols(book.names), book.turn)]
        cases += [_case(peer, given, self._prices) for peer, given in self._loaded]
        timings = timing.run(cases, min(rounds, _PEER_ROUNDS), warm=1)
        measures = tuple(
            measure_of("peers", peer.name, peer.goal, given, timings.share(OURS, peer.name))
            for peer, given in self._loaded
        )
        return Result("peers", measures, timings, "position", tuple(self._skipped))


def first_of(book: Book, accounts: int) -> Slice:
    """Return the first accounts of a book."""
    columns, scopes = columns_of(book.store), scopes_of_first(book.store, accounts)
    return Slice.of(book.population, accounts, columns.figures[columns.scopes[scopes, SCOPE_ROW], BASE])


def unlike(book: Book, name: str, theirs: Figures, given: Slice, prices: F8) -> list[str]:
    """Return where a peer differs from the figures in the store by more than what the order of its sums can do."""
    equity, requirement = book.store.figures(scopes_of_first(book.store, given.accounts))
    gross = np.bincount(given.owners, np.abs(given.amounts * prices[given.symbols]), given.accounts)
    cells = np.diff(given.ends)
    bound = 8.0 * (cells + 16.0) * UNIT * (np.abs(given.bases) + gross + requirement)
    faults = within(f"{name}: equity", equity, theirs.equity, bound)
    faults += within(f"{name}: requirement", requirement, theirs.requirement, bound)
    distance = np.min([np.abs(equity - line * requirement) for line in (*LINES, 0.0)], axis=0)
    differ = (ranks(equity, requirement) != theirs.ranks) & (distance > 3.0 * bound)
    return faults + ([f"{name}: {int(differ.sum())} statuses differ"] if differ.any() else [])


def measure_of(part: str, name: str, goal: float | None, given: Slice, measured: Ratio) -> Measure:
    """Return how many times less processor time a position takes the daemon."""
    note = f"a slice of {len(given.symbols):,} positions"
    wanted = None if goal is None else Goal(goal)
    return Measure(part, f"per core-second: {OURS} / {name}", measured, wanted, note=note)


def _case(peer: Peer, given: Slice, prices: tuple[F8, ...]) -> Case:
    return Case(peer.name, len(given.symbols), lambda which: peer.tick(prices[which]))
