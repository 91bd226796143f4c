"""Crossing: which levels a value has just passed, and which are armed again.

A level fires once: when the value reaches it while it is armed. It is armed again when the value has come back by a
tenth: to 0.9·level for values that are dangerous when they rise. For those that are dangerous when they fall the same
tenth is taken on the other side: level ÷ 0.9 for a distance and for the equity after funding, and a tenth of the way to
1 for the correlation of a hedge.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.amounts import Number, fraction_of, minus, times
from monitor.core.rules.measures import Measure
from monitor.core.rules.parameters import Rule

FALLING = frozenset({Rule.DISTANCE_LIMIT, Rule.FUNDING_LIMIT, Rule.HEDGE_DECORRELATION})
"""The rules whose values are dangerous when they fall."""
_BACK = Decimal("0.9")
_ONE = Decimal(1)


class Crossed(NamedTuple):
    """Hold the levels that fire now, the first that was reached first, and all that are disarmed from now on."""

    fired: tuple[Number, ...]
    disarmed: frozenset[Number]


def rearm_line(rule: Rule, level: Number) -> Number:
    """Return the value at which a level is armed again."""
    if rule is Rule.HEDGE_DECORRELATION:
        return minus(_ONE, times(minus(_ONE, level), _BACK))
    if rule in FALLING:
        return Fraction(level) / Fraction(_BACK)
    return times(level, _BACK)


def crossed(
    rule: Rule, measure: Measure, levels: Iterable[Number], disarmed: frozenset[Number], *, strict: bool = False
) -> Crossed:
    """Return what a value does to the levels of a rule; `disarmed` are those that have fired and not been armed since.

    Reaching a level is crossing it, unless `strict`. Needs the exact context.
    """
    way = -1 if rule in FALLING else 1
    fired: list[Number] = []
    still: set[Number] = set()
    for level in sorted(levels, key=fraction_of, reverse=way < 0):
        if level in disarmed:
            if way * measure.against(rearm_line(rule, level)) > 0:
                still.add(level)
        elif way * measure.against(level) >= (1 if strict else 0):
            fired.append(level)
            still.add(level)
    return Crossed(tuple(fired), frozenset(still))
