"""Default brackets: the table a profile states for a symbol, whether it can stand, and what is odd about it.

A table holds for contracts whose own terms state no brackets. What a bracket demands is in `instruments`; where tables
come from is the configuration's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from monitor.core.amounts import exactly, format_amount
from monitor.core.instruments import BadTerms, MarginTier, chain_deductions, check_tiers


class StatedTier(NamedTuple):
    """Hold one bracket as it was stated: a deduction that was left out is None, and chained."""

    floor: Decimal
    rate: Decimal
    deduction: Decimal | None = None
    max_leverage: Decimal | None = None


class Oddity(NamedTuple):
    """Hold what is odd about a table, though it is used as it stands; `place` begins with the bracket (`[2].rate`)."""

    place: str
    why: str


def tiers_of(table: Sequence[StatedTier]) -> tuple[MarginTier[Decimal], ...]:
    """Return the brackets in force: published deductions as they are, the others chained."""
    return chain_deductions(table)


def check_table(table: Sequence[StatedTier]) -> None:
    """Raise `BadTerms` where a table cannot stand: as for an instrument, and where a rate falls."""
    if not table:
        raise BadTerms("", "at least one bracket is needed")
    check_tiers("", tiers_of(table))
    for index, (lower, upper) in enumerate(pairwise(table), start=1):
        if upper.rate < lower.rate:
            raise BadTerms(f"[{index}].rate", f"must not fall: {format_amount(lower.rate)} stands before it")


@exactly
def oddities_of(table: Sequence[StatedTier]) -> list[Oddity]:
    """Return what a venue should not have published: a rate that does not rise, a deduction off the chain.

    The chain is d_n = d_{n−1} + floor_n·(rate_n − rate_{n−1}) over the deductions in force, d_0 = 0; its source stands
    with `chain_deductions`.
    """
    in_force = tiers_of(table)
    found: list[Oddity] = []
    for index, (stated, tier) in enumerate(zip(table, in_force, strict=True)):
        below = in_force[index - 1] if index else None
        if below is not None and tier.rate == below.rate:
            found.append(Oddity(f"[{index}].rate", f"{format_amount(tier.rate)} is the rate of the bracket before it"))
        chained = Decimal(0) if below is None else below.deduction + tier.floor * (tier.rate - below.rate)
        if stated.deduction not in (None, chained):
            figures = f"{format_amount(tier.deduction)} is published, the chain gives {format_amount(chained)}"
            found.append(Oddity(f"[{index}].deduction", f"{figures}; the published figure stands"))
    return found
