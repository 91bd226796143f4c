"""Whether two ways to compute come to the same: to the last bit, within a bound, or as exact arithmetic has it.

Every function returns what differs, in words; nothing is timed while anything does.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.loading import Book
from monitor.core.amounts import fraction_of
from monitor.core.margin import assess
from monitor.core.store_columns import F8

_SHOWN = 3


def same_bits(what: str, ours: NDArray[Any], theirs: NDArray[Any]) -> list[str]:
    """Return where two arrays differ in any bit."""
    left, right = (np.ascontiguousarray(one).view(np.uint8).reshape(len(one), -1) for one in (ours, theirs))
    if left.shape != right.shape:
        return [f"{what}: {left.shape} against {right.shape}"]
    return _told(what, (left != right).any(axis=1), ours, theirs)


def same_set(what: str, ours: NDArray[Any], theirs: NDArray[Any]) -> list[str]:
    """Return what is in one of two sets only."""
    only = np.setxor1d(ours, theirs)
    return [f"{what}: {len(only)} in one only, such as {only[:_SHOWN].tolist()}"] if len(only) else []


def within(what: str, ours: F8, theirs: F8, bound: F8) -> list[str]:
    """Return where two arrays differ by more than a bound, or in whether they are numbers."""
    return _told(what, ~(np.abs(ours - theirs) <= bound), ours, theirs)


def _told(what: str, differs: NDArray[np.bool_], ours: NDArray[Any], theirs: NDArray[Any]) -> list[str]:
    places = np.nonzero(differs)[0]
    if not len(places):
        return []
    some = ", ".join(f"[{place}] {ours[place]!r} against {theirs[place]!r}" for place in places[:_SHOWN].tolist())
    return [f"{what}: {len(places)} of {len(differs)} differ: {some}"]


def against_exact(book: Book, count: int, seed: int) -> list[str]:
    """Return where stored figures of a sample of accounts are further from the exact ones than their bound.

    The prices of the board must be those of the store.
    """
    chosen = np.random.default_rng(seed).choice(book.population.sizes.accounts, count, replace=False)
    return [fault for number in np.sort(chosen).tolist() for fault in _of_account(book, number)]


def _of_account(book: Book, number: int) -> list[str]:
    engine, store, faults = book.engine, book.store, []
    account = engine.book.account(number)
    for scope in store.scopes_of(number):
        name = store.name_of(scope)
        exact, stored, bound = assess(account, name, engine.board), store.bounds.stored(scope), store.bounds.of(scope)
        pairs = (
            ("equity", exact.equity, stored.equity, bound.equity),
            ("requirement", exact.maintenance_margin, stored.requirement, bound.requirement),
        )
        for figure, right, kept, off in pairs:
            if right is None or not abs(Fraction(kept) - fraction_of(right)) <= Fraction(off):
                faults.append(f"{account.account_id} {name} {figure}: {kept!r}, exactly {right}, bound {off:.3g}")
    return faults
