"""Stated: what plain account messages say, many of them in columns instead of an object each.

Only the columns live here. Who fills them from bytes is the wire's business, what becomes of packed facts by them
`kernels_amendment`'s. A message that is not plain has its object (`accounts.AccountEvent`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from monitor.core.inputs import AccountMessage, Origin, RejectedMessage
from monitor.core.store_columns import I8, U1

AMOUNT_COLUMNS: Final = 5
CHANGE_COLUMNS: Final = 10
ABSENT: Final = -1
BOTH, LONG, SHORT = 0, 1, 2


class Stated(NamedTuple):
    """Hold what messages say of amounts and cross positions; texts are where they stand in the joined messages.

    text: the messages, joined; plain: 1 for those that are in columns; heads: (version, event time in ms, epoch), a row
    a message; ends: (end of its amounts, end of its changes), they begin where those of the message before end.
    amounts: wallet balances, (begin and end of the asset, begin and end of the amount, a place for whoever reads them).
    changes: positions, (begin and end of the symbol, side, begin and end of quantity, entry price and leverage, a
    place for whoever reads them). A text that begins at `ABSENT` was not stated; an amount that ends where it begins
    is 0. All others are written as `str` of their Decimal writes them.
    """

    text: U1
    plain: U1
    heads: I8
    ends: I8
    amounts: I8
    changes: I8


class StatedRun(NamedTuple):
    """Hold a run of messages about different accounts.

    ids: of the accounts of plain messages; read: the object of any message, by its place, None where it is refused.
    """

    stated: Stated
    ids: Sequence[str | None]
    origins: Sequence[Origin]
    read: Callable[[int], AccountMessage | RejectedMessage | None]
