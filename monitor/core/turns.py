"""Turns: where an input changes many scopes, so many of them at a time are judged, those that look worst first.

What each scope is told is the exact verdict's to say; the order is taken from the figures of the last screen. Between
two turns nothing else may be done to the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.events import Moment, Moves
from monitor.core.store import MarginStore
from monitor.core.teller import Scopes


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold what is to be judged once an input is applied: scopes, then the rules of who holds symbols and assets."""

    scopes: Scopes
    moment: Moment
    symbols: Collection[str] = ()
    assets: Collection[str] = ()
    moves: Moves | None = None


def turns(scopes: Scopes, most: int, store: MarginStore) -> Iterator[Scopes]:
    """Yield scopes, about `most` at a time and all of an account at once; as they stand where one turn is enough.

    Else the worst first, by E ÷ MM as it was screened: bankrupt ones, then liquidations, the recovered last, and behind
    them those without figures. An account stands where the worst of its scopes stands.
    """
    if len(scopes) <= most:
        yield scopes
        return
    accounts = store.accounts_of(scopes)
    order = np.lexsort((accounts, _worst_of_accounts(scopes, accounts, store)))
    scopes, accounts = scopes[order], accounts[order]
    begin = 0
    while begin < len(scopes):
        end = begin + most
        while end < len(scopes) and accounts[end] == accounts[end - 1]:
            end += 1
        yield scopes[begin:end]
        begin = end


def _worst_of_accounts(scopes: Scopes, accounts: NDArray[np.int64], store: MarginStore) -> NDArray[np.float64]:
    """Return of each scope the least E ÷ MM of its account: below 0 bankrupt, infinite where nothing is known."""
    equity, requirement = store.figures(scopes)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = equity / requirement
    numbers, places = np.unique(accounts, return_inverse=True)
    worst = np.full(len(numbers), np.inf)
    np.fmin.at(worst, places, ratios)
    return worst[places]
