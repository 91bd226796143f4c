"""From the exact parameters of a portfolio method to the plan its kernels follow; every number is rounded once.

Scenarios that can never be the worst are left out of the plan, in exact arithmetic. What the columns of a plan mean is
said in `store_plan`, the bounds its slopes serve in `kernels_portfolio`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import inf
from typing import Final

import numpy as np

from monitor.core.portfolio.terms import (
    Bundle,
    Group,
    HyperliquidTerms,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    TimsTerms,
)
from monitor.core.store_columns import F8
from monitor.core.store_plan import (
    BORROW_CAP,
    GROUP_COLUMNS,
    IS_BORROWABLE,
    IS_MIXED,
    NUMBERS,
    OFFSET,
    PER_VOLUME,
    SCENARIO,
    SLOPE,
    SPAN,
    SUPPLY_CAP,
    TIMS,
    TOKENS,
    WORTH,
    Plan,
    no_plan,
)

_ONE: Final = Fraction(1)
_MORE: Final = 1.000001
"""Rounds a bound upwards."""

Column = tuple[Fraction, ...]


@dataclass(frozen=True)
class Method:
    """Hold a plan, and the numbers of the groups symbols and assets stand in (of tokens: the token's)."""

    plan: Plan = field(default_factory=no_plan)
    symbols: Mapping[str, int] = field(default_factory=dict)
    assets: Mapping[str, int] = field(default_factory=dict)


def method_of(portfolio: PortfolioTerms | None) -> Method:
    """Return the method in force as the kernels know it."""
    if portfolio is None:
        return Method()
    match portfolio.terms:
        case ScenarioTerms() as terms:
            return _grouped(_scenario(terms), terms.groups)
        case SpanTerms() as terms:
            return _grouped(_span(terms), terms.groups)
        case TimsTerms() as terms:
            classes, places = _in_order(terms)
            return _grouped(_tims(terms, classes, places), classes)
        case HyperliquidTerms() as terms:
            return Method(_tokens(terms), {}, {token.asset: number for number, token in enumerate(terms.tokens)})


def _grouped(plan: Plan, groups: Sequence[Group]) -> Method:
    plan.groups[:, IS_MIXED] = [group.mixed for group in groups]
    symbols = {symbol: number for number, group in enumerate(groups) for symbol in group.members}
    return Method(plan, symbols, {asset: number for number, group in enumerate(groups) for asset in group.assets})


def _plan(method: int, slope: Fraction, numbers: Sequence[Decimal | Fraction], groups: F8, shocks: F8) -> Plan:
    """Return a plan; `numbers` are those after SLOPE, the rest are 0."""
    listed = np.zeros(NUMBERS)
    listed[SLOPE] = float(slope) * _MORE
    listed[SLOPE + 1 : SLOPE + 1 + len(numbers)] = [float(number) for number in numbers]
    return Plan(method, listed, groups, shocks, np.zeros((0, 5)))


def _floored(move: Fraction) -> Fraction:
    """Return a move of a price; no price falls by more than all of itself."""
    return max(move, -_ONE)


def _rays(columns: Iterable[Column], *, with_least: bool) -> list[Column]:
    """Return the columns that can be the worst: of all that point one way the longest, and the shortest if asked.

    A shorter one brings the same share of every profit and loss: less of a loss, but also less of a gain.
    """
    longest: dict[Column, tuple[Fraction, Column]] = {}
    shortest: dict[Column, tuple[Fraction, Column]] = {}
    for column in columns:
        size = next((abs(one) for one in column if one), None)
        if size is None:
            continue
        way = tuple(one / size for one in column)
        longest[way] = max(longest.get(way, (size, column)), (size, column))
        shortest[way] = min(shortest.get(way, (size, column)), (size, column))
    kept = [longest[way][1] for way in longest]
    if with_least:
        kept += [shortest[way][1] for way in shortest if shortest[way] != longest[way]]
    return kept


def _shocks(columns: Sequence[Column], groups: int) -> F8:
    """Return the columns by group, side by side."""
    made = np.array([[float(one) for one in column] for column in columns], dtype=np.float64)
    return np.ascontiguousarray(made.reshape(len(columns), groups).T)


def _steepest(columns: Iterable[Column]) -> Fraction:
    return max((abs(one) for column in columns for one in column), default=Fraction(0))


def _scenario(terms: ScenarioTerms) -> Plan:
    """Return the plan of `scenario`: steps and volatility as shocks, and how each group breaks away from the others."""
    moves = [Fraction(group.up) for group in terms.groups]
    against, multiple, weight = map(Fraction, (terms.correlation_break, terms.spike_multiple, terms.spike_weight))
    together: list[Column] = []
    for way in (1, -1):
        together += [tuple(_floored(way * Fraction(step) * move) for move in moves) for step in terms.steps]
        together.append(tuple(weight * _floored(way * multiple * move) for move in moves))
    groups = np.zeros((len(moves), GROUP_COLUMNS))
    breaks = [tuple(_floored(-way * against * move) for way in (1, -1)) for move in moves]
    own = [tuple(_floored(way * move) for way in (1, -1)) for move in moves]
    for number, (away, alone, group) in enumerate(zip(breaks, own, terms.groups, strict=True)):
        volume = group.daily_volume
        swings = (alone[0] - away[0], alone[1] - away[1])
        per_volume = -1.0 if volume is None else float(1 / Fraction(volume))
        groups[number, : PER_VOLUME + 1] = (*map(float, (*away, *swings)), per_volume)
    factor, basis, minimum = 1 + Fraction(terms.buffer), Fraction(terms.basis_rate), Fraction(terms.minimum_rate)
    steepest = _steepest([*together, *breaks, *own])
    numbers = basis, minimum, factor, terms.liquidity_rate, terms.liquidity_exponent
    slope = factor * (steepest + 2 * basis + minimum)
    return _plan(SCENARIO, slope, numbers, groups, _shocks(_rays(together, with_least=False), len(moves)))


def _span(terms: SpanTerms) -> Plan:
    """Return the plan of `span`: the greatest loss over the array is a factor of a delta above 0, and of one below."""
    multiple, cover = Fraction(terms.extreme_multiple), Fraction(terms.extreme_cover)
    points = [(Fraction(third, 3), _ONE) for third in (0, 1, -1, 2, -2, 3, -3)]
    points += [(multiple, cover), (-multiple, cover)]
    groups = np.zeros((len(terms.groups), GROUP_COLUMNS))
    scans: dict[str, Fraction] = {}
    for number, group in enumerate(terms.groups):
        array = [weight * _floored(factor * Fraction(group.up)) for factor, weight in points]
        groups[number, :2] = float(max(-one for one in array)), float(max(array))
        scans[group.name] = max(map(abs, array))
    slope = max(scans.values(), default=Fraction(0)) + 2 * Fraction(terms.basis_rate) + Fraction(terms.minimum_rate)
    numbers = {group.name: number for number, group in enumerate(terms.groups)}
    listed, grown = np.zeros((len(terms.credits), 5)), _ONE
    for row, credit in enumerate(terms.credits):
        ratios = Fraction(credit.ratio[0]), Fraction(credit.ratio[1])
        legs = [numbers[leg] for leg in credit.legs]
        listed[row] = (*legs, *map(float, ratios), float(credit.credit))
        steps = max(_ONE, ratios[0] / ratios[1]), max(_ONE, ratios[1] / ratios[0])
        slope += (
            grown
            * Fraction(credit.credit)
            * sum(scans[leg] * step for leg, step in zip(credit.legs, steps, strict=True))
        )
        grown *= max(steps)
    plan = _plan(SPAN, slope * grown, (terms.basis_rate, terms.minimum_rate), groups, np.zeros((len(groups), 0)))
    return plan._replace(credits=listed)


Place = tuple[int, Fraction, int, Fraction]
"""Of a class: the number and offset of its product group, and of its portfolio group."""


def _in_order(terms: TimsTerms) -> tuple[list[Group], list[Place]]:
    """Return the classes so that those of a product group, and of a portfolio group, follow each other."""
    families = _numbered(terms.portfolio_groups, [bundle.name for bundle in terms.product_groups])
    products = _numbered(terms.product_groups, [group.name for group in terms.groups])
    placed: list[tuple[Place, Group]] = []
    for group in terms.groups:
        product, offset = products[group.name]
        named = terms.product_groups[product].name if product < len(terms.product_groups) else None
        alone = len(terms.portfolio_groups) + len(terms.product_groups) + product, Fraction(0)
        placed.append(((product, offset, *(alone if named is None else families[named])), group))
    placed.sort(key=lambda one: (one[0][2], one[0][0]))
    return [group for _, group in placed], [place for place, _ in placed]


def _numbered(bundles: Sequence[Bundle], parts: Sequence[str]) -> dict[str, tuple[int, Fraction]]:
    """Return the number and offset of the bundle of each part; what is in none has a number of its own, offset 0."""
    found = {part: (number, Fraction(one.offset)) for number, one in enumerate(bundles) for part in one.parts}
    return {part: found.get(part, (len(bundles) + number, Fraction(0))) for number, part in enumerate(parts)}


def _tims(terms: TimsTerms, classes: Sequence[Group], places: Sequence[Place]) -> Plan:
    """Return the plan of `tims`: of the ten ranks those that can be the worst."""
    ends = [[Fraction(group.down) for group in classes], [Fraction(group.up) for group in classes]]
    ranks = [tuple(_floored(end * Fraction(step, 5)) for end in side) for side in ends for step in range(1, 6)]
    groups = np.zeros((len(classes), GROUP_COLUMNS))
    for number, place in enumerate(places):
        groups[number, :4] = [float(one) for one in place]
    basis, minimum = Fraction(terms.basis_rate), Fraction(terms.minimum_rate)
    slope = _steepest(ranks) + 2 * basis + minimum
    return _plan(TIMS, slope, (basis, minimum), groups, _shocks(_rays(ranks, with_least=True), len(classes)))


def _tokens(terms: HyperliquidTerms) -> Plan:
    groups = np.zeros((len(terms.tokens), GROUP_COLUMNS))
    for number, token in enumerate(terms.tokens):
        groups[number, IS_BORROWABLE] = token.borrowable
        groups[number, WORTH] = 0.0 if token.ltv is None else float((1 + Fraction(token.ltv)) / 2)
        groups[number, SUPPLY_CAP] = inf if token.supply_cap is None else float(token.supply_cap)
        groups[number, BORROW_CAP] = inf if token.borrow_cap is None else float(token.borrow_cap)
    plan = _plan(TOKENS, Fraction(0), (), groups, np.zeros((len(groups), 0)))
    plan.numbers[OFFSET] = float(terms.borrow_offset)
    return plan
