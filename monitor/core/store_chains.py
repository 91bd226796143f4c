"""The lists that lead from accounts to their scopes, walked.

How they are kept is in `store_ids`; what a scope consists of is not known here.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from monitor.core.store_columns import NONE, SCOPE_NEXT, Columns


def scopes_of_account(columns: Columns, account: int) -> list[int]:
    """Return the ids of an account's scopes in the order they were put."""
    first, scopes = columns.first, columns.scopes
    found, scope = [], int(first[account]) if account < len(first) else NONE
    while scope != NONE:
        found.append(scope)
        scope = int(scopes[scope, SCOPE_NEXT])
    return found


def scopes_of_accounts(columns: Columns, accounts: Collection[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids of all scopes of accounts, in their order, and the place of each one's account among them.

    All lists are walked side by side, so that there are as many steps as the longest has members.
    """
    numbers = np.fromiter(accounts, np.int64, len(accounts))
    owners = np.nonzero(numbers < len(columns.first))[0]
    scopes = columns.first[numbers[owners]].astype(np.int64)
    found, places = [], []
    while len(scopes):
        live = scopes != NONE
        scopes, owners = scopes[live], owners[live]
        found.append(scopes)
        places.append(owners)
        scopes = columns.scopes[scopes, SCOPE_NEXT].astype(np.int64)
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    place = np.concatenate(places)
    order = np.argsort(place, kind="stable")
    return np.concatenate(found)[order], place[order]
