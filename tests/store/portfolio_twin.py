"""A naive exact reading of the portfolio methods, in fractions, for the twin of the store.

Every scenario is written out and nothing is shared with the kernels but the shape of facts and terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.instruments import Contract, Instrument
from monitor.core.portfolio.terms import (
    Group,
    HyperliquidTerms,
    ScenarioTerms,
    SpanTerms,
    TimsTerms,
)

F = Fraction
Figures = tuple[Fraction, Fraction]
_FINE = Context(prec=70)


class Line(NamedTuple):
    """Hold one position: its symbol, terms, signed size in base or quote units, mark, cross requirement."""

    symbol: str
    terms: Instrument[Decimal]
    size: Fraction
    mark: Fraction
    required: Fraction


class Book(NamedTuple):
    """Hold what a method looks at: positions, what is held of each asset, the index of each asset, equity in USD."""

    lines: list[Line]
    held: dict[str, Fraction]
    index: dict[str, Fraction]
    equity: Fraction


def figures(terms: object, book: Book, instruments: Mapping[str, Instrument[Decimal]]) -> Figures:
    """Return (equity, requirement) by a method; inverse members' coins count as held even where terms do not say so."""
    if isinstance(terms, HyperliquidTerms):
        return _hyperliquid(terms, book)
    assert isinstance(terms, ScenarioTerms | SpanTerms | TimsTerms)
    sums = [_Sums(group, book, _coins(group, instruments)) for group in terms.groups]
    grouped = {symbol for group in terms.groups for symbol in group.members}
    alone = sum((_in_usd(line, book) for line in book.lines if line.symbol not in grouped), F(0))
    method = {ScenarioTerms: _scenario, SpanTerms: _span, TimsTerms: _tims}[type(terms)]
    return book.equity, method(terms, sums) + alone  # type: ignore[operator]


def _in_usd(line: Line, book: Book) -> Fraction:
    return line.required * book.index[line.terms.settle_asset]


def _coins(group: Group, instruments: Mapping[str, Instrument[Decimal]]) -> set[str]:
    members = [instruments[symbol] for symbol in group.members if symbol in instruments]
    return {*group.assets, *(one.settle_asset for one in members if one.contract is Contract.INVERSE)}


class _Sums:
    """Hold delta, gross and min(long, short) of a group."""

    def __init__(self, group: Group, book: Book, coins: set[str]) -> None:
        deltas = [_delta(line, book) for line in book.lines if line.symbol in group.members]
        held = [book.held[coin] * book.index[coin] for coin in coins if coin in book.held]
        both = [*deltas, *held]
        self.group = group
        self.delta = sum(both, F(0))
        self.gross = sum(map(abs, deltas), F(0))
        self.hedged = min(sum((d for d in both if d > 0), F(0)), -sum((d for d in both if d < 0), F(0)))

    def profit(self, move: Fraction) -> Fraction:
        return self.delta * max(move, F(-1))


def _delta(line: Line, book: Book) -> Fraction:
    if line.terms.contract is Contract.INVERSE:
        return line.size
    return line.size * line.mark * book.index[line.terms.settle_asset]


def _power(base: Fraction, exponent: Decimal) -> Fraction:
    if not base:
        return F(0)
    quotient = _FINE.divide(Decimal(base.numerator), Decimal(base.denominator))
    return F(_FINE.power(quotient, exponent))


def _scenario(terms: ScenarioTerms, sums: list[_Sums]) -> Fraction:
    losses = [F(0)]
    for way in (1, -1):
        moves = [way * F(step) for step in terms.steps]
        losses += [-sum((one.profit(move * F(one.group.up)) for one in sums), F(0)) for move in moves]
        if len(sums) > 1:
            for apart in sums:
                total = F(0)
                for one in sums:
                    factor = F(1) if one is apart else -F(terms.correlation_break)
                    total += one.profit(way * factor * F(one.group.up))
                losses.append(-total)
        spike = sum((one.profit(way * F(terms.spike_multiple) * F(one.group.up)) for one in sums), F(0))
        losses.append(-spike * F(terms.spike_weight))
    liquidity = F(0)
    for one in sums:
        volume = one.group.daily_volume
        if one.gross:
            share = F(1) if volume is None else _power(one.gross / F(volume), terms.liquidity_exponent)
            liquidity += F(terms.liquidity_rate) * one.gross * share
    basis = F(terms.basis_rate) * sum((one.hedged for one in sums), F(0))
    minimum = F(terms.minimum_rate) * sum((one.gross for one in sums), F(0))
    return max(max(losses) + liquidity + basis, minimum) * (1 + F(terms.buffer))


def _scan(terms: SpanTerms, one: _Sums) -> Fraction:
    losses = [-one.profit(F(third, 3) * F(one.group.up)) for third in (0, 1, -1, 2, -2, 3, -3)]
    for way in (1, -1):
        extreme = way * F(terms.extreme_multiple) * F(one.group.up)
        losses.append(-one.profit(extreme) * F(terms.extreme_cover))
    return max(losses)


def _span(terms: SpanTerms, sums: list[_Sums]) -> Fraction:
    left = {one.group.name: one.delta for one in sums}
    named = {one.group.name: one for one in sums}
    credited = dict.fromkeys(named, F(0))
    for credit in terms.credits:
        first, second = credit.legs
        if left[first] * left[second] >= 0:
            continue
        ratios = dict(zip(credit.legs, map(F, credit.ratio), strict=True))
        spreads = min(abs(left[leg]) / ratios[leg] for leg in credit.legs)
        for leg in credit.legs:
            used = spreads * ratios[leg]
            credited[leg] += used * _scan(terms, named[leg]) / abs(named[leg].delta) * F(credit.credit)
            left[leg] += -used if left[leg] > 0 else used
    total = F(0)
    for one in sums:
        charged = _scan(terms, one) + F(terms.basis_rate) * one.hedged - credited[one.group.name]
        total += max(charged, F(terms.minimum_rate) * one.gross)
    return total


def _offset(profits: list[Fraction], offset: Fraction) -> Fraction:
    return sum((one if one < 0 else one * offset for one in profits), F(0))


def _tims(terms: TimsTerms, sums: list[_Sums]) -> Fraction:
    classes = {one.group.name: one for one in sums}
    products = {bundle.name: (list(bundle.parts), F(bundle.offset)) for bundle in terms.product_groups}
    named = {part for parts, _ in products.values() for part in parts}
    products |= {f"class {name}": ([name], F(0)) for name in classes if name not in named}
    families = {bundle.name: (list(bundle.parts), F(bundle.offset)) for bundle in terms.portfolio_groups}
    named = {part for parts, _ in families.values() for part in parts}
    families |= {f"product {name}": ([name], F(0)) for name in products if name not in named}
    total = F(0)
    for parts, offset in families.values():
        members = [classes[name] for product in parts for name in products[product][0]]
        ranks = []
        for side in ("down", "up"):
            for step in range(1, 6):
                inner = [
                    _offset(
                        [classes[name].profit(F(getattr(classes[name].group, side)) * F(step, 5)) for name in names],
                        within,
                    )
                    for names, within in (products[product] for product in parts)
                ]
                ranks.append(_offset(inner, offset))
        basis = F(terms.basis_rate) * sum((one.hedged for one in members), F(0))
        minimum = F(terms.minimum_rate) * sum((one.gross for one in members), F(0))
        total += max(F(0), -min(ranks) + basis, minimum)
    return total


def _hyperliquid(terms: HyperliquidTerms, book: Book) -> Figures:
    held = {token.asset: book.held.get(token.asset, F(0)) for token in terms.tokens}
    if not book.lines and not any(held.values()):
        return F(0), F(0)
    required = F(terms.borrow_offset) + sum((_in_usd(line, book) for line in book.lines), F(0))
    found: Figures | None = None
    for token in terms.tokens:
        if not token.borrowable:
            continue
        mine = held[token.asset] * book.index.get(token.asset, F(0))
        others = F(0)
        for other in terms.tokens:
            if other.asset != token.asset and other.ltv is not None and held[other.asset] > 0:
                amount = held[other.asset]
                if other.supply_cap is not None:
                    amount = min(amount, F(other.supply_cap))
                others += amount * book.index[other.asset] * (1 + F(other.ltv)) / 2
        if token.borrow_cap is not None:
            others = min(others, F(token.borrow_cap))
        value, needed = max(F(0), mine) + others, required + max(F(0), -mine)
        if found is None or _binds((value, needed), found):
            found = value, needed
    assert found is not None
    return found


def _binds(one: Figures, other: Figures) -> bool:
    if other[0] <= 0:
        return False
    return one[0] <= 0 or one[1] / one[0] > other[1] / other[0]
