"""TIMS: classes over ten points of their range, all at the same rank together, gains offset only in part.

Source: OCC, "Customer Portfolio Margin" and the RBH/CPM User Guide. The ten points are kept although only the ends bind
for perpetuals. A portfolio group's scenarios are named `down_1_P` … `down_5_P`, `up_1_P` … `up_5_P` (fifths of the
range); only portfolio groups in which the book has something are listed. What stands alone is a portfolio group of its
own, named after the product group or class. The scope's worst scenario is that of the portfolio group that loses most.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from monitor.core.portfolio.exposure import Exposure
from monitor.core.portfolio.figures import Part, Requirement, Scenario, components, worst_of
from monitor.core.portfolio.scalars import Kind, M, added, zero_of
from monitor.core.portfolio.terms import Group, TimsTerms

_ONE = Fraction(1)
STEPS = 5
RANKS = tuple(f"{way}_{step}" for way in ("down", "up") for step in range(1, STEPS + 1))
"""The names of the ten points: fifths of the way down, then up."""


class Product(NamedTuple):
    """Hold a product group: the numbers of its classes, and how much of the gains among them offsets losses."""

    name: str
    offset: Fraction
    classes: tuple[int, ...]


class Portfolio(NamedTuple):
    """Hold a portfolio group: its product groups, and how much of the gains among them offsets losses."""

    name: str
    offset: Fraction
    products: tuple[Product, ...]

    @property
    def classes(self) -> tuple[int, ...]:
        """The numbers of all classes within."""
        return tuple(number for product in self.products for number in product.classes)


@lru_cache(maxsize=64)
def tree(terms: TimsTerms) -> tuple[Portfolio, ...]:
    """Return every portfolio group with its product groups and their classes; what is named in none stands alone."""
    number_of = {group.name: number for number, group in enumerate(terms.groups)}
    in_product = {name for bundle in terms.product_groups for name in bundle.parts}
    products = {
        bundle.name: Product(bundle.name, Fraction(bundle.offset), tuple(number_of[name] for name in bundle.parts))
        for bundle in terms.product_groups
    }
    in_portfolio = {name for bundle in terms.portfolio_groups for name in bundle.parts}
    portfolios = [
        Portfolio(bundle.name, Fraction(bundle.offset), tuple(products[name] for name in bundle.parts))
        for bundle in terms.portfolio_groups
    ]
    alone = [product for name, product in products.items() if name not in in_portfolio]
    alone += [Product(name, Fraction(0), (number,)) for name, number in number_of.items() if name not in in_product]
    return *portfolios, *(Portfolio(product.name, Fraction(0), (product,)) for product in alone)


def move_at(group: Group, rank: int) -> Fraction:
    """Return the move of a class at one of the ten points."""
    end, step = (group.down, rank + 1) if rank < STEPS else (group.up, rank - STEPS + 1)
    return max(Fraction(end) * Fraction(step, STEPS), -_ONE)


@lru_cache(maxsize=64)
def _moves(terms: TimsTerms, kind: Kind) -> tuple[tuple[Fraction, ...], ...]:
    """Return the moves of every class at the ten points."""
    return tuple(tuple(kind(move_at(group, rank)) for rank in range(len(RANKS))) for group in terms.groups)


def requirement(terms: TimsTerms, exposure: Exposure[M], kind: Kind = Fraction) -> Requirement[M]:
    """Return Σ over portfolio groups of max(−min_k P&L[k] + basis, minimum_rate·gross), plus ungrouped, in USD."""
    zero = zero_of(exposure.ungrouped)
    used = {entry.group for entry in exposure.entries}
    scenarios: list[Scenario[M]] = []
    parts: list[Part[M]] = []
    factors = [Fraction(0) for _ in terms.groups]
    for portfolio in tree(terms):
        if used.isdisjoint(portfolio.classes):
            continue
        mine = _ranks(terms, exposure, portfolio, kind)
        active = worst_of(mine)
        scenarios += mine
        parts.append(_part(terms, exposure, portfolio, mine[active], kind))
        if mine[active].loss > zero:
            for number, factor in _factors_at(terms, exposure, portfolio, active, kind):
                factors[number] = factor
    worst = max(parts, key=lambda part: part.worst_loss) if parts else None
    maintenance = added((part.requirement for part in parts), zero) + exposure.ungrouped
    return Requirement(
        maintenance,
        maintenance * kind(terms.initial_factor),
        components(
            zero,
            worst_loss=added((part.worst_loss for part in parts if part.worst_loss > zero), zero),
            basis=added((part.basis for part in parts), zero),
            minimum=added((part.minimum for part in parts), zero),
            ungrouped=exposure.ungrouped,
        ),
        tuple(scenarios),
        None if worst is None else worst.worst_scenario,
        tuple(factors),
        tuple(parts),
    )


def _part(terms: TimsTerms, exposure: Exposure[M], portfolio: Portfolio, worst: Scenario[M], kind: Kind) -> Part[M]:
    zero = zero_of(exposure.ungrouped)
    groups = [exposure.groups[number] for number in portfolio.classes]
    basis = added((min(sums.long, sums.short) for sums in groups), zero) * kind(terms.basis_rate)
    minimum = added((sums.gross for sums in groups), zero) * kind(terms.minimum_rate)
    charged = max(worst.loss + basis, minimum)
    return Part(portfolio.name, worst.name, worst.loss, basis, zero, minimum, charged, zero)


def _ranks(terms: TimsTerms, exposure: Exposure[M], portfolio: Portfolio, kind: Kind) -> tuple[Scenario[M], ...]:
    """Return the loss of a portfolio group at each rank."""
    zero = zero_of(exposure.ungrouped)
    scenarios: list[Scenario[M]] = []
    for rank, name in enumerate(RANKS):
        profits: list[M] = []
        for product in portfolio.products:
            profit = _product_at(terms, exposure, product, rank, kind)
            profits.append(profit if profit < zero else profit * kind(portfolio.offset))
        scenarios.append(Scenario(f"{name}_{portfolio.name}", -added(profits, zero), _ONE))
    return tuple(scenarios)


def _product_at(terms: TimsTerms, exposure: Exposure[M], product: Product, rank: int, kind: Kind) -> M:
    """Return the profit of a product group at a rank: losing + offset·winning classes."""
    profit = zero = zero_of(exposure.ungrouped)
    for _, brought in _brought(terms, exposure, product, rank, kind):
        profit = profit + (brought if brought < zero else brought * kind(product.offset))
    return profit


def _brought(
    terms: TimsTerms, exposure: Exposure[M], product: Product, rank: int, kind: Kind
) -> Iterator[tuple[int, M]]:
    """Yield what each class of a product group brings at a rank, by its number."""
    moves = _moves(terms, kind)
    for number in product.classes:
        delta = exposure.groups[number].delta
        if delta:
            yield number, delta * moves[number][rank]


def _factors_at(
    terms: TimsTerms, exposure: Exposure[M], portfolio: Portfolio, rank: int, kind: Kind
) -> Iterator[tuple[int, Fraction]]:
    """Yield what one USD of delta of each class adds to the loss of a portfolio group at a rank."""
    zero = zero_of(exposure.ungrouped)
    for product in portfolio.products:
        whole = _ONE if _product_at(terms, exposure, product, rank, kind) < zero else portfolio.offset
        for number, brought in _brought(terms, exposure, product, rank, kind):
            weight = whole * (_ONE if brought < zero else product.offset)
            yield number, -move_at(terms.groups[number], rank) * weight
