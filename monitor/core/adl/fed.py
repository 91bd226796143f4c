"""The venue's own quantile: what an account's settings say of its positions, where we see only a desk.

Reading it out of the settings lives here; how they are checked is the wire's.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.core.accounts import Account, Position


def fed_quantile(account: Account, position: Position) -> int | None:
    """Return the quantile 0 … 4 the venue gives a position, by symbol or by symbol and side; None where it gives none.

    Source: Aster API, `GET adlQuantile`, whose answer names symbols and in them the sides of positions.
    """
    named = account.settings.raw.get("adl_quantile")
    given = named.get(position.symbol) if isinstance(named, Mapping) else None
    if isinstance(given, Mapping):
        given = given.get(str(position.side))
    return given if isinstance(given, int) else None
