"""Candidates: a holder in the queue, as every shard and the deciding owner see it.

The shape and its order live here; how a candidate is made of an account is in `listing`, how many are chosen from in
`queue`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.core.amounts import format_amount

Key = tuple[str, str]
"""Symbol and holders' side: what there is a queue for."""


class Candidate(NamedTuple):
    """Hold one holder of a side.

    `quantity` is what it can lose, unsigned contracts; `score` has 40 significant digits. `breaks_hedge`: what would be
    taken hedges another position of the account; `equity_at_risk` is then how much equity, in USD, stands uncovered.
    """

    account_id: str
    scope: str
    position_side: str
    quantity: Decimal
    score: Decimal
    shard: int
    breaks_hedge: bool = False
    equity_at_risk: Decimal | None = None

    def packed(self) -> list[Any]:
        """Return the candidate as a plain list; the shard is known from where it stands."""
        risk = None if self.equity_at_risk is None else format_amount(self.equity_at_risk)
        return [
            self.account_id,
            self.scope,
            self.position_side,
            format_amount(self.quantity),
            str(self.score),
            int(self.breaks_hedge),
            risk,
        ]

    @classmethod
    def unpacked(cls, fields: list[Any], shard: int) -> Candidate:
        """Return the candidate that `packed` made a list of."""
        account_id, scope, position_side, quantity, score, breaks_hedge, risk = fields
        return cls(
            account_id,
            scope,
            position_side,
            Decimal(quantity),
            Decimal(score),
            shard,
            bool(breaks_hedge),
            None if risk is None else Decimal(risk),
        )


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates in the order they are taken: highest score first, ties by account id, scope, leg."""
    return sorted(candidates, key=lambda one: (one.score.copy_negate(), one.account_id, one.scope, one.position_side))
