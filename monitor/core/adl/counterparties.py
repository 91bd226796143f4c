"""Counterparties as events name them: the first holders ADL would reach, and what each would lose.

The form of one counterparty lives here; who is first is the queue's to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from monitor.core.accounts import Position
from monitor.core.adl.holders import opposite, side_of
from monitor.core.adl.queue import AdlQueue, Chosen
from monitor.core.amounts import format_amount, format_known

FIRST: Final = 10
"""So many are named of each position; an indication, not a selection."""
MOST: Final = 100
"""So many are named in all."""


def first_counterparties(queue: AdlQueue, account_id: str, positions: Iterable[Position]) -> list[dict[str, Any]]:
    """Return whom a deleveraging of an account's positions would reach first, by position, best first."""
    named: list[dict[str, Any]] = []
    for position in positions:
        side = opposite(side_of(position.quantity))
        selection = queue.select(position.symbol, side, abs(position.quantity), {account_id})
        named += [counterparty(position.symbol, chosen) for chosen in selection.chosen[:FIRST]]
    return named[:MOST]


def counterparty(symbol: str, chosen: Chosen) -> dict[str, Any]:
    """Return one counterparty as an event names it; `quantity` is what it would lose, unsigned contracts."""
    return {"symbol": symbol, **chosen_body(chosen)}


def chosen_body(chosen: Chosen) -> dict[str, Any]:
    """Return what events say of somebody chosen, but for the symbol."""
    one = chosen.candidate
    return {
        "account_id": one.account_id,
        "scope": one.scope,
        "side": one.position_side,
        "quantity": format_amount(chosen.quantity),
        "rank": chosen.rank,
        "score": format_amount(one.score),
        "breaks_hedge": one.breaks_hedge,
        "equity_at_risk": format_known(one.equity_at_risk),
    }
