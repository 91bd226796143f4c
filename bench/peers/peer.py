"""What a peer is given, what it must return, and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.population import Population
from bench.venue import F8, I8, Tables


class Missing(RuntimeError):
    """Something the peer needs is not installed; says what."""


class Figures(NamedTuple):
    """Hold equity, requirement and status (as a rank) of every account of a slice."""

    equity: F8
    requirement: F8
    ranks: I8


@dataclass(frozen=True)
class Slice:
    """Hold the first accounts of a population as flat arrays of floats; positions lie by account.

    `bases` are wallet − Σ quantity·entry: the equity is that plus Σ quantity·price.
    """

    accounts: int
    ends: I8
    owners: I8
    symbols: NDArray[np.uint16]
    amounts: F8
    bases: F8
    tables: Tables

    @classmethod
    def of(cls, population: Population, accounts: int, bases: F8) -> Slice:
        """Return a slice of a population."""
        end = int(population.ends[accounts])
        return cls(
            accounts,
            population.ends[: accounts + 1],
            population.owners[:end].copy(),
            population.symbols[:end].copy(),
            population.amounts()[:end].copy(),
            bases,
            population.venue.tables,
        )


class Peer(Protocol):
    """Something that can keep a slice and tick it."""

    name: ClassVar[str]
    goal: ClassVar[float | None]
    """How many times less processor time a position must cost the daemon."""
    most: ClassVar[int]
    """The most accounts of a slice it is asked to take."""

    def __init__(self, given: Slice) -> None:
        """Load a slice. Raises `Missing`."""

    def tick(self, prices: F8) -> object:
        """Compute equity, requirement and status of every account at these prices."""

    def figures(self) -> Figures:
        """Return what the last tick computed."""
