"""Figures: what every method says of a book: its requirement, what that is made of, and the scenarios behind it.

The form all methods share lives here; how each comes to its figures is in the room of the method.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Generic, NamedTuple

from monitor.core.portfolio.scalars import M


class Scenario(NamedTuple, Generic[M]):
    """Hold the loss of a book in one scenario, already times `weight`; negative for a gain."""

    name: str
    loss: M
    weight: Fraction


class Components(NamedTuple, Generic[M]):
    """Hold what a requirement is made of, in USD.

    `minimum` is the whole minimum charge, whether it binds or not; `credit` (span) is taken off; `borrowed` and
    `borrow_offset` are hyperliquid's. `ungrouped` is the cross requirement of positions in no group.
    """

    worst_loss: M
    liquidity: M
    basis: M
    minimum: M
    buffer: M
    ungrouped: M
    credit: M
    borrowed: M
    borrow_offset: M


class Part(NamedTuple, Generic[M]):
    """Hold the requirement of one part that is margined alone: a group of span, a portfolio group of tims, a token.

    `value` is the value of a token (hyperliquid), 0 elsewhere.
    """

    name: str
    worst_scenario: str | None
    worst_loss: M
    basis: M
    credit: M
    minimum: M
    requirement: M
    value: M


class Requirement(NamedTuple, Generic[M]):
    """Hold the requirement of a book by one method.

    `factors`: what one USD of delta in a group adds to the worst loss (0 where no scenario loses), so that deltas times
    factors sum to it. `equity` is what the method takes for equity, None for that of the scope.
    """

    maintenance: M
    initial: M
    components: Components[M]
    scenarios: tuple[Scenario[M], ...]
    worst_scenario: str | None
    factors: tuple[Fraction, ...]
    parts: tuple[Part[M], ...] = ()
    equity: M | None = None


def components(
    zero: M,
    *,
    worst_loss: M | None = None,
    liquidity: M | None = None,
    basis: M | None = None,
    minimum: M | None = None,
    buffer: M | None = None,
    ungrouped: M | None = None,
    credit: M | None = None,
    borrowed: M | None = None,
    borrow_offset: M | None = None,
) -> Components[M]:
    """Return components, 0 where one is not given."""
    given = (worst_loss, liquidity, basis, minimum, buffer, ungrouped, credit, borrowed, borrow_offset)
    return Components(*(zero if one is None else one for one in given))


def worst_of(scenarios: tuple[Scenario[M], ...]) -> int:
    """Return the number of the scenario with the greatest loss, the first of equals."""
    worst = 0
    for number, scenario in enumerate(scenarios):
        if scenario.loss > scenarios[worst].loss:
            worst = number
    return worst
