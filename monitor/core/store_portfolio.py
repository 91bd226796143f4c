"""From the exact parameters of a portfolio method to the recipe its kernels follow; every number is rounded once.

Scenarios are those of the methods; which can never be the worst are left out, in exact arithmetic. What the columns of
a recipe mean is said in `store_recipe`, the bounds its slopes serve in `kernels_portfolio_rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import inf
from typing import Final

import numpy as np

from monitor.core.portfolio.scenario import move_of, shocks
from monitor.core.portfolio.span import points, risk_array
from monitor.core.portfolio.terms import (
    Bundle,
    Group,
    HyperliquidTerms,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    TimsTerms,
)
from monitor.core.portfolio.tims import RANKS, move_at
from monitor.core.store_columns import F8
from monitor.core.store_recipe import (
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
    Recipe,
    no_recipe,
)

_ONE: Final = Fraction(1)
_MORE: Final = 1.000001
"""Rounds a bound upwards."""

Column = tuple[Fraction, ...]


@dataclass(frozen=True)
class Placed:
    """Hold a recipe, and the numbers of the groups symbols and assets stand in (of tokens: the token's)."""

    recipe: Recipe = field(default_factory=no_recipe)
    symbols: Mapping[str, int] = field(default_factory=dict)
    assets: Mapping[str, int] = field(default_factory=dict)


def recipe_of(portfolio: PortfolioTerms | None) -> Placed:
    """Return the method in force as the kernels know it."""
    if portfolio is None:
        return Placed()
    match portfolio.terms:
        case ScenarioTerms() as terms:
            return _grouped(_scenario(terms), terms.groups)
        case SpanTerms() as terms:
            return _grouped(_span(terms), terms.groups)
        case TimsTerms() as terms:
            classes, places = _in_order(terms)
            return _grouped(_tims(terms, classes, places), classes)
        case HyperliquidTerms() as terms:
            return Placed(_tokens(terms), {}, {token.asset: number for number, token in enumerate(terms.tokens)})


def _grouped(recipe: Recipe, groups: Sequence[Group]) -> Placed:
    recipe.groups[:, IS_MIXED] = [group.mixed for group in groups]
    symbols = {symbol: number for number, group in enumerate(groups) for symbol in group.members}
    return Placed(recipe, symbols, {asset: number for number, group in enumerate(groups) for asset in group.assets})


def _recipe(method: int, slope: Fraction, numbers: Sequence[Decimal | Fraction], groups: F8, shocks: F8) -> Recipe:
    """Return a recipe; `numbers` are those after SLOPE, the rest are 0."""
    listed = np.zeros(NUMBERS)
    listed[SLOPE] = float(slope) * _MORE
    listed[SLOPE + 1 : SLOPE + 1 + len(numbers)] = [float(number) for number in numbers]
    return Recipe(method, listed, groups, shocks, np.zeros((0, 5)))


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


def _scenario(terms: ScenarioTerms) -> Recipe:
    """Return the recipe of `scenario`: what moves all groups as shocks, and how each group breaks away from them."""
    common = [shock for shock in shocks(terms) if shock.alone is None]
    together = [tuple(shock.weight * move_of(group, shock.factor) for group in terms.groups) for shock in common]
    against, ways = Fraction(terms.correlation_break), (Fraction(1), Fraction(-1))
    breaks = [tuple(move_of(group, -way * against) for way in ways) for group in terms.groups]
    own = [tuple(move_of(group, way) for way in ways) for group in terms.groups]
    groups = np.zeros((len(terms.groups), GROUP_COLUMNS))
    for number, (away, alone, group) in enumerate(zip(breaks, own, terms.groups, strict=True)):
        volume = group.daily_volume
        swings = (alone[0] - away[0], alone[1] - away[1])
        per_volume = -1.0 if volume is None else float(1 / Fraction(volume))
        groups[number, : PER_VOLUME + 1] = (*map(float, (*away, *swings)), per_volume)
    factor, basis, minimum = 1 + Fraction(terms.buffer), Fraction(terms.basis_rate), Fraction(terms.minimum_rate)
    steepest = _steepest([*together, *breaks, *own])
    numbers = basis, minimum, factor, terms.liquidity_rate, terms.liquidity_exponent
    slope = factor * (steepest + 2 * basis + minimum)
    return _recipe(SCENARIO, slope, numbers, groups, _shocks(_rays(together, with_least=False), len(groups)))


def _span(terms: SpanTerms) -> Recipe:
    """Return the recipe of `span`: the greatest loss over an array is a factor of a delta above 0, and of one below."""
    listed_points = points(terms)
    groups = np.zeros((len(terms.groups), GROUP_COLUMNS))
    scans: dict[str, Fraction] = {}
    for number, group in enumerate(terms.groups):
        losses = risk_array(group, listed_points)
        groups[number, :2] = float(max(losses)), float(-min(losses))
        scans[group.name] = max(map(abs, losses))
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
    recipe = _recipe(SPAN, slope * grown, (terms.basis_rate, terms.minimum_rate), groups, np.zeros((len(groups), 0)))
    return recipe._replace(credits=listed)


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


def _tims(terms: TimsTerms, classes: Sequence[Group], places: Sequence[Place]) -> Recipe:
    """Return the recipe of `tims`: of the ten ranks those that can be the worst."""
    ranks = [tuple(move_at(group, rank) for group in classes) for rank in range(len(RANKS))]
    groups = np.zeros((len(classes), GROUP_COLUMNS))
    for number, place in enumerate(places):
        groups[number, :4] = [float(one) for one in place]
    basis, minimum = Fraction(terms.basis_rate), Fraction(terms.minimum_rate)
    slope = _steepest(ranks) + 2 * basis + minimum
    return _recipe(TIMS, slope, (basis, minimum), groups, _shocks(_rays(ranks, with_least=True), len(classes)))


def _tokens(terms: HyperliquidTerms) -> Recipe:
    groups = np.zeros((len(terms.tokens), GROUP_COLUMNS))
    for number, token in enumerate(terms.tokens):
        groups[number, IS_BORROWABLE] = token.borrowable
        groups[number, WORTH] = 0.0 if token.ltv is None else float((1 + Fraction(token.ltv)) / 2)
        groups[number, SUPPLY_CAP] = inf if token.supply_cap is None else float(token.supply_cap)
        groups[number, BORROW_CAP] = inf if token.borrow_cap is None else float(token.borrow_cap)
    recipe = _recipe(TOKENS, Fraction(0), (), groups, np.zeros((len(groups), 0)))
    recipe.numbers[OFFSET] = float(terms.borrow_offset)
    return recipe
