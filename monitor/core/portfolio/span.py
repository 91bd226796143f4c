"""SPAN: each group over sixteen scenarios of its own, less credits between groups that move together.

Source: CME Group, "CME SPAN - Standard Portfolio Analysis of Risk". The arrays keep their sixteen scenarios although
volatility is inert for perpetuals, so that what is not linear in the price may be added. A group's scenarios are named
`price_unchanged_volatility_up_G`, `price_up_1/3_volatility_down_G` … and `extreme_up_G`, in the order of the arrays;
only groups in which the book has something are listed. The scope's worst scenario is that of the group that loses most.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from monitor.core.portfolio.exposure import Exposure
from monitor.core.portfolio.figures import Part, Requirement, Scenario, components, worst_of
from monitor.core.portfolio.scalars import Kind, M, added, magnitude, zero_of
from monitor.core.portfolio.terms import Group, SpanTerms

_ONE = Fraction(1)
_THIRD = Fraction(1, 3)


class Point(NamedTuple):
    """Hold one scenario of an array: the price moves `factor` times the scan range, `weight` of the loss counts."""

    name: str
    factor: Fraction
    weight: Fraction = _ONE


_PRICES = (
    ("price_unchanged", Fraction(0)),
    ("price_up_1/3", _THIRD),
    ("price_down_1/3", -_THIRD),
    ("price_up_2/3", 2 * _THIRD),
    ("price_down_2/3", -2 * _THIRD),
    ("price_up_3/3", _ONE),
    ("price_down_3/3", -_ONE),
)


def points(terms: SpanTerms) -> tuple[Point, ...]:
    """Return the sixteen scenarios of an array: seven prices at either volatility, then the two extremes."""
    multiple, cover = Fraction(terms.extreme_multiple), Fraction(terms.extreme_cover)
    scanned = [Point(f"{name}_volatility_{way}", factor) for name, factor in _PRICES for way in ("up", "down")]
    return *scanned, Point("extreme_up", multiple, cover), Point("extreme_down", -multiple, cover)


def risk_array(group: Group, listed: Sequence[Point]) -> tuple[Fraction, ...]:
    """Return the weighted loss of one USD of delta in each scenario of a group."""
    scan = Fraction(group.up)
    return tuple(-point.weight * max(point.factor * scan, -_ONE) for point in listed)


@lru_cache(maxsize=64)
def _arrays(terms: SpanTerms, kind: Kind) -> tuple[tuple[Fraction, ...], ...]:
    """Return the risk array of every group."""
    listed = points(terms)
    return tuple(tuple(kind(loss) for loss in risk_array(group, listed)) for group in terms.groups)


def requirement(terms: SpanTerms, exposure: Exposure[M], kind: Kind = Fraction) -> Requirement[M]:
    """Return Σ over groups of max(scan + basis − credit, minimum_rate·gross), plus ungrouped, in USD."""
    zero = zero_of(exposure.ungrouped)
    listed = points(terms)
    used = {entry.group for entry in exposure.entries}
    scenarios: list[Scenario[M]] = []
    active = [0] * len(terms.groups)
    risks = [zero] * len(terms.groups)
    for number, array in enumerate(_arrays(terms, kind)):
        if number not in used:
            continue
        delta, name = exposure.groups[number].delta, terms.groups[number].name
        mine = tuple(
            Scenario(f"{point.name}_{name}", delta * loss, point.weight)
            for point, loss in zip(listed, array, strict=True)
        )
        active[number] = worst_of(mine)
        risks[number] = mine[active[number]].loss
        scenarios += mine
    credited = _credits(terms, exposure, risks, kind)
    parts = tuple(
        _part(terms, exposure, number, (risks[number], credited[number]), listed[active[number]].name, kind)
        for number in range(len(terms.groups))
        if number in used
    )
    maintenance = added((part.requirement for part in parts), zero) + exposure.ungrouped
    worst = max(parts, key=lambda part: part.worst_loss) if parts else None
    return Requirement(
        maintenance,
        maintenance * kind(terms.initial_factor),
        components(
            zero,
            worst_loss=added(risks, zero),
            basis=added((part.basis for part in parts), zero),
            minimum=added((part.minimum for part in parts), zero),
            ungrouped=exposure.ungrouped,
            credit=added(credited, zero),
        ),
        tuple(scenarios),
        None if worst is None else worst.worst_scenario,
        tuple(array[number] for array, number in zip(_arrays(terms, Fraction), active, strict=True)),
        parts,
    )


def _part(
    terms: SpanTerms, exposure: Exposure[M], number: int, figures: tuple[M, M], active: str, kind: Kind
) -> Part[M]:
    group, sums = terms.groups[number], exposure.groups[number]
    risk, credit = figures
    basis = min(sums.long, sums.short) * kind(terms.basis_rate)
    minimum = sums.gross * kind(terms.minimum_rate)
    charged = max(risk + basis - credit, minimum)
    return Part(group.name, f"{active}_{group.name}", risk, basis, credit, minimum, charged, zero_of(risk))


def _credits(terms: SpanTerms, exposure: Exposure[M], risks: Sequence[M], kind: Kind) -> list[M]:
    """Return the credit of each group: by priority, between opposite deltas, out of the delta that is left.

    n = min(|Da|/ra, |Db|/rb); each leg is credited n·r·(scan/|D|)·credit, D the group's whole delta.
    """
    zero = zero_of(exposure.ungrouped)
    number_of = {group.name: number for number, group in enumerate(terms.groups)}
    left = [sums.delta for sums in exposure.groups]
    credited = [zero for _ in terms.groups]
    for credit in terms.credits:
        legs = [number_of[name] for name in credit.legs]
        one, other = (left[leg] for leg in legs)
        if not (one > zero > other or one < zero < other):
            continue
        ratios = [kind(ratio) for ratio in credit.ratio]
        spreads = min(magnitude(one) / ratios[0], magnitude(other) / ratios[1])
        for leg, ratio in zip(legs, ratios, strict=True):
            consumed = spreads * ratio
            share = risks[leg] / magnitude(exposure.groups[leg].delta)
            credited[leg] = credited[leg] + consumed * share * kind(credit.credit)
            left[leg] = left[leg] - consumed if left[leg] > zero else left[leg] + consumed
    return credited
