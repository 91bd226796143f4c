"""Correlation: how the parts of an account's book have moved together over a window of returns.

A part is a set of contracts; its return at a step is the sum of its contracts' returns, each weighted by its net delta
in the direction of the part. Pearson's coefficient over the steps, compared exactly and only shown as a quotient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import combinations
from typing import Any, NamedTuple

from monitor.core.amounts import Number, format_amount, minus, times
from monitor.core.rules.exposure import Exposure, net_by_symbol
from monitor.core.rules.measures import sign_of
from monitor.core.rules.readings import Reading

LEAST_RETURNS = 3
"""Fewer say nothing; nor does less than half of a window."""
MOST_SECTORS = 8
"""Of an account's sectors the largest count: pairs grow with the square."""
_FINE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_SHOWN = Context(prec=40, rounding=ROUND_HALF_EVEN)

Returns = Mapping[str, Sequence[Decimal]]
Part = Mapping[str, Decimal]
"""The weight of each contract of a part."""


class Correlation(NamedTuple):
    """Hold n·Σxy − Σx·Σy, and the product of n·Σxx − (Σx)² with the same of y, which is above 0."""

    covariance: Decimal
    variances: Decimal

    def against(self, level: Number) -> int:
        """Return the sign of covariance ÷ √variances − level, by squares where both have one sign."""
        mine, other = sign_of(self.covariance), sign_of(level)
        if mine != other:
            return 1 if mine > other else -1
        squares = times(times(level, level), self.variances)
        return mine * sign_of(minus(self.covariance * self.covariance, squares))

    def text(self) -> str:
        """Return the coefficient, rounded to 40 digits."""
        return format_amount(_SHOWN.plus(_FINE.divide(self.covariance, _FINE.sqrt(self.variances))))


def correlation(one: Sequence[Decimal], other: Sequence[Decimal]) -> Correlation | None:
    """Return the correlation of two series, None where one of them does not move. Needs the exact context."""
    count = len(one)
    sums = sum(one, Decimal(0)), sum(other, Decimal(0))
    products = sum((x * y for x, y in zip(one, other, strict=True)), Decimal(0))
    squares = sum((x * x for x in one), Decimal(0)), sum((y * y for y in other), Decimal(0))
    variances = (count * squares[0] - sums[0] * sums[0]) * (count * squares[1] - sums[1] * sums[1])
    return Correlation(count * products - sums[0] * sums[1], variances) if variances > 0 else None


def sector_parts(found: Sequence[Exposure]) -> dict[str, Part]:
    """Return the largest sectors with a net delta, each as the net deltas of its contracts."""
    net = net_by_symbol(found)
    sector_of = {one.symbol: one.sector for one in found}
    sectors: dict[str, dict[str, Decimal]] = {}
    for symbol, delta in net.items():
        sector = sector_of[symbol]
        if sector is not None:
            sectors.setdefault(sector, {})[symbol] = delta
    sizes = {name: abs(sum(part.values(), Decimal(0))) for name, part in sectors.items()}
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_SECTORS]
    return {name: sectors[name] for name in sorted(largest) if sizes[name]}


def same_direction(parts: Mapping[str, Part]) -> list[tuple[str, str]]:
    """Return the pairs of sectors that are both long or both short."""
    signs = {name: sign_of(sum(part.values(), Decimal(0))) for name, part in parts.items()}
    return [pair for pair in combinations(parts, 2) if signs[pair[0]] == signs[pair[1]]]


def hedge_parts(found: Sequence[Exposure], share: Decimal) -> tuple[Part, Part] | None:
    """Return the long and the short side of a book, None unless the smaller has `share` of the larger or more."""
    net = net_by_symbol(found)
    long = {symbol: delta for symbol, delta in net.items() if delta > 0}
    short = {symbol: -delta for symbol, delta in net.items() if delta < 0}
    sizes = sorted((sum(long.values(), Decimal(0)), sum(short.values(), Decimal(0))))
    return (long, short) if sizes[0] and sizes[0] >= share * sizes[1] else None


def series_of(part: Part, returns: Returns) -> list[Decimal]:
    """Return the weighted sum of returns at each step."""
    columns = [[weight * step for step in returns[symbol]] for symbol, weight in part.items()]
    return [sum(steps, Decimal(0)) for steps in zip(*columns, strict=True)]


def spike(pair: tuple[str, str], parts: Mapping[str, Part], returns: Returns, steps: int) -> Reading:
    """Return the correlation of two sectors; `steps` is how many returns the window could hold."""
    names = {"sectors": list(pair)}
    return _reading("|".join(pair), names, parts[pair[0]], parts[pair[1]], returns, steps)


def decorrelation(sides: tuple[Part, Part], returns: Returns, steps: int) -> Reading:
    """Return the correlation of the two sides of a book."""
    names = {"long": sorted(sides[0]), "short": sorted(sides[1])}
    return _reading("", names, *sides, returns, steps)


def _reading(target: str, names: Mapping[str, Any], one: Part, other: Part, returns: Returns, steps: int) -> Reading:
    count = len(next(iter(returns.values()), ()))
    if count < LEAST_RETURNS or 2 * count < steps:
        return Reading(target, None, names, {})
    return Reading(target, correlation(series_of(one, returns), series_of(other, returns)), names, {"samples": count})
