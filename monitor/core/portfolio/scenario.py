"""The scenario method: the worst of a list of moves of all groups, with charges for size, basis and gross.

A model of our own with Aster-like defaults; no venue has published it. The list of scenarios follows perps.studio,
"Portfolio Margin for Perpetual Futures". Scenarios are named `directional_up_25` (a step in percent),
`correlation_up_G` (G against all others) and `volatility_up`, each with its `down`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from monitor.core.amounts import exactly, format_amount
from monitor.core.portfolio.exposure import Exposure, GroupSums
from monitor.core.portfolio.figures import Requirement, Scenario, components, worst_of
from monitor.core.portfolio.scalars import Kind, M, added, power, zero_of
from monitor.core.portfolio.terms import Group, ScenarioTerms

_ONE = Fraction(1)
_WAYS = (("up", 1), ("down", -1))


class Shock(NamedTuple):
    """Hold one scenario: every group moves `factor` times its own move, the group numbered `alone` `alone_factor`."""

    name: str
    weight: Fraction
    factor: Fraction
    alone: int | None = None
    alone_factor: Fraction = _ONE


@lru_cache(maxsize=64)
@exactly
def shocks(terms: ScenarioTerms) -> tuple[Shock, ...]:
    """Return the scenarios in their order: steps as given, then groups as given, then volatility; up before down."""
    listed: list[Shock] = []
    for step in terms.steps:
        name = format_amount(step * Decimal(100))
        listed += (Shock(f"directional_{way}_{name}", _ONE, sign * Fraction(step)) for way, sign in _WAYS)
    against = Fraction(terms.correlation_break)
    if len(terms.groups) > 1:
        for number, group in enumerate(terms.groups):
            listed += (
                Shock(f"correlation_{way}_{group.name}", _ONE, -sign * against, number, Fraction(sign))
                for way, sign in _WAYS
            )
    multiple, weight = Fraction(terms.spike_multiple), Fraction(terms.spike_weight)
    return (*listed, *(Shock(f"volatility_{way}", weight, sign * multiple) for way, sign in _WAYS))


def move_of(group: Group, factor: Fraction) -> Fraction:
    """Return the move of a group at a multiple of its own move: no price falls by more than all of itself."""
    return max(factor * Fraction(group.up), -_ONE)


class _Row(NamedTuple):
    """Hold one scenario as arithmetic: which row of common moves, who moves apart by how much, and the weight."""

    common: int
    alone: int | None
    apart: Fraction
    weight: Fraction | None


@lru_cache(maxsize=64)
def _tables(terms: ScenarioTerms, kind: Kind) -> tuple[tuple[tuple[Fraction, ...], ...], tuple[_Row, ...]]:
    """Return the moves of all groups at each common factor, and the scenarios over them."""
    listed = shocks(terms)
    factors = list(dict.fromkeys(shock.factor for shock in listed))
    common = tuple(tuple(kind(move_of(group, factor)) for group in terms.groups) for factor in factors)
    rows = []
    for shock in listed:
        apart = Fraction(0)
        if shock.alone is not None:
            group = terms.groups[shock.alone]
            apart = move_of(group, shock.alone_factor) - move_of(group, shock.factor)
        weight = None if shock.weight == 1 else kind(shock.weight)
        rows.append(_Row(factors.index(shock.factor), shock.alone, kind(apart), weight))
    return common, tuple(rows)


def requirement(terms: ScenarioTerms, exposure: Exposure[M], kind: Kind = Fraction) -> Requirement[M]:
    """Return max(worst + liquidity + basis, minimum_rate·gross)·(1 + buffer) + ungrouped, in USD."""
    zero = zero_of(exposure.ungrouped)
    scenarios = _scenarios(terms, exposure.groups, zero, kind)
    number = worst_of(scenarios)
    loses = scenarios[number].loss > zero
    worst = scenarios[number].loss if loses else zero
    used = [(group, sums) for group, sums in zip(terms.groups, exposure.groups, strict=True) if sums.gross]
    liquidity = added((_liquidity(terms, group, sums, kind) for group, sums in used), zero)
    basis = added((min(sums.long, sums.short) for sums in exposure.groups), zero) * kind(terms.basis_rate)
    minimum = added((sums.gross for _, sums in used), zero) * kind(terms.minimum_rate)
    charged = max(worst + liquidity + basis, minimum)
    buffer = charged * kind(terms.buffer)
    maintenance = charged + buffer + exposure.ungrouped
    return Requirement(
        maintenance,
        maintenance * kind(terms.initial_factor),
        components(
            zero,
            worst_loss=worst,
            liquidity=liquidity,
            basis=basis,
            minimum=minimum,
            buffer=buffer,
            ungrouped=exposure.ungrouped,
        ),
        scenarios,
        scenarios[number].name,
        _factors(terms, number, loses=loses),
    )


def _scenarios(terms: ScenarioTerms, groups: Sequence[GroupSums[M]], zero: M, kind: Kind) -> tuple[Scenario[M], ...]:
    """Return the weighted loss in every scenario; a group without delta neither gains nor loses in any."""
    common, rows = _tables(terms, kind)
    deltas = [(number, sums.delta) for number, sums in enumerate(groups) if sums.delta]
    profits = [added((delta * moves[number] for number, delta in deltas), zero) for moves in common]
    listed: list[Scenario[M]] = []
    for shock, row in zip(shocks(terms), rows, strict=True):
        profit = profits[row.common]
        if row.alone is not None and groups[row.alone].delta:
            profit = profit + groups[row.alone].delta * row.apart
        loss = -profit if row.weight is None else -profit * row.weight
        listed.append(Scenario(shock.name, loss, shock.weight))
    return tuple(listed)


@lru_cache(maxsize=1024)
def _factors(terms: ScenarioTerms, number: int, *, loses: bool) -> tuple[Fraction, ...]:
    """Return what one USD of delta of each group adds to the loss of a scenario."""
    if not loses:
        return tuple(Fraction(0) for _ in terms.groups)
    shock = shocks(terms)[number]
    return tuple(
        -shock.weight * move_of(group, shock.alone_factor if number == shock.alone else shock.factor)
        for number, group in enumerate(terms.groups)
    )


def _liquidity(terms: ScenarioTerms, group: Group, sums: GroupSums[M], kind: Kind) -> M:
    """Return rate·G·(G/daily volume)^exponent; without a volume the quotient counts as 1."""
    charge = sums.gross * kind(terms.liquidity_rate)
    if group.daily_volume is None or not charge > zero_of(charge):
        return charge
    return charge * power(sums.gross / kind(group.daily_volume), Fraction(terms.liquidity_exponent))
