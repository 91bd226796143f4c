"""Candidates: a holder in the queue, as every shard and the deciding owner see it.

The shape and its order live here; how a candidate is made of an account is in `listing`, how many are chosen from in
`queue`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.core.amounts import format_amount, format_known

Key = tuple[str, str]
"""Symbol and holders' side: what there is a queue for."""
Holder = tuple[str, str, str]
"""Account id, scope and position side: who stands in a queue once."""


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

    @property
    def holder(self) -> Holder:
        """Who this is, whatever it is worth now."""
        return self.account_id, self.scope, self.position_side

    def packed(self) -> list[Any]:
        """Return the candidate as a plain list; the shard is known from where it stands."""
        return [
            self.account_id,
            self.scope,
            self.position_side,
            format_amount(self.quantity),
            str(self.score),
            int(self.breaks_hedge),
            format_known(self.equity_at_risk),
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


def name_of(key: Key) -> str:
    """Return the text a key stands for in records; no symbol holds a `|`."""
    return f"{key[0]}|{key[1]}"


def key_of(name: str) -> Key:
    """Return the key that `name_of` made a text of."""
    symbol, _, side = name.rpartition("|")
    return symbol, side


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates in the order they are taken: highest score first, ties by account id, scope, leg."""
    return sorted(candidates, key=lambda one: (one.score.copy_negate(), *one.holder))
