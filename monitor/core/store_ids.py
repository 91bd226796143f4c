"""Which ids scopes have: the next one for a new scope, and the list of those that belong to an account.

Compiled like the kernels (or run as it is); what a scope consists of is not known here.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import compiled_within
from monitor.core.store_columns import (
    I8,
    NONE,
    SCOPE_ACCOUNT,
    SCOPE_FREE,
    SCOPE_NAME,
    SCOPE_NEXT,
    SCOPE_ROW,
    SCOPES_FREE,
    SCOPES_TOP,
    U4,
)


@compiled_within
def new_scope(account: int, name: int, scopes: U4, counters: I8) -> int:
    """Return the id of a scope that did not exist; its memory is blank."""
    if counters[SCOPES_FREE] > 0:
        counters[SCOPES_FREE] -= 1
        scope = np.int64(scopes[counters[SCOPES_FREE], SCOPE_FREE])
    else:
        scope = np.int64(counters[SCOPES_TOP])
        counters[SCOPES_TOP] += 1
    scopes[scope, SCOPE_ROW] = NONE
    scopes[scope, SCOPE_ACCOUNT] = account
    scopes[scope, SCOPE_NAME] = name
    return scope


@compiled_within
def unlink(account: int, name: int, scopes: U4, first: U4) -> int:
    """Take the scope of a name out of its account's list and return its id, NONE where there is none."""
    before, scope = NONE, np.int64(first[account])
    while scope != NONE:
        after = np.int64(scopes[scope, SCOPE_NEXT])
        if scopes[scope, SCOPE_NAME] == name:
            if before == NONE:
                first[account] = after
            else:
                scopes[before, SCOPE_NEXT] = after
            return scope
        before, scope = scope, after
    return NONE
