"""Checks of portfolio parameters: what must hold among them before anybody is margined by them.

Each error names the key it is about from the method's own table on; reading the keys is the wire's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from monitor.core.instruments import Contract, Instrument
from monitor.core.portfolio.terms import (
    BadPortfolio,
    Bundle,
    Credit,
    Grouped,
    HyperliquidTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    bases_of,
)

LARGEST_EXPONENT = 4
"""Above it a liquidity charge is a typing error: the charge grows with the fifth power of the position."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ONE = Decimal(1)


def check(terms: Terms) -> None:
    """Raise `BadPortfolio` where the parameters of a method contradict themselves."""
    if isinstance(terms, HyperliquidTerms):
        _check_tokens(terms)
        return
    _check_groups(terms)
    _within("basis_rate", terms.basis_rate)
    _within("minimum_rate", terms.minimum_rate)
    if terms.initial_factor < 1:
        raise BadPortfolio("initial_factor", "must not be below 1")
    if isinstance(terms, ScenarioTerms):
        _check_scenario(terms)
    elif isinstance(terms, SpanTerms):
        _check_span(terms)
    else:
        _check_tims(terms)


def check_members(terms: Terms, instruments: Mapping[str, Instrument[Decimal]]) -> None:
    """Raise `BadPortfolio` where the terms of members contradict their groups.

    Members of a group share a base asset unless it says `allow_mixed`; the settle asset of an inverse member is held in
    its group, so that no other group may name it.
    """
    if isinstance(terms, HyperliquidTerms):
        return
    place = _place_of(terms)
    owner = {asset: group.name for group in terms.groups for asset in group.assets}
    for group in terms.groups:
        bases = bases_of(group, instruments)
        first = next(iter(bases.values()), None)
        for index, symbol in enumerate(group.members):
            path = f"{place}{_step(group.name)}.members[{index}]"
            if not group.allow_mixed and bases.get(symbol, first) != first:
                raise BadPortfolio(path, f"mixed bases: {symbol} is on {bases[symbol]}, the group on {first}")
            held = instruments.get(symbol)
            if held is None or held.contract is not Contract.INVERSE:
                continue
            if owner.setdefault(held.settle_asset, group.name) != group.name:
                other = owner[held.settle_asset]
                raise BadPortfolio(path, f"its settle asset {held.settle_asset} is held in group {other} already")


def _place_of(terms: Grouped) -> str:
    return "classes" if isinstance(terms, TimsTerms) else "groups"


def _step(name: str) -> str:
    """Return how a key of an object stands in a path."""
    return f".{name}" if _PLAIN.fullmatch(name) else f"[{json.dumps(name, ensure_ascii=False)}]"


def _within(path: str, value: Decimal) -> None:
    if not 0 <= value <= 1:
        raise BadPortfolio(path, "must be within 0 and 1")


def _above_zero(path: str, value: Decimal) -> None:
    if value <= 0:
        raise BadPortfolio(path, "must be above 0")


def _check_groups(terms: Grouped) -> None:
    place = _place_of(terms)
    if not terms.groups:
        raise BadPortfolio(place, "at least one is needed")
    symbols: dict[str, str] = {}
    assets: dict[str, str] = {}
    for group in terms.groups:
        path = place + _step(group.name)
        if not group.members and not group.assets:
            raise BadPortfolio(path, "has neither members nor assets")
        _check_unique(f"{path}.members", group.name, group.members, symbols)
        _check_unique(f"{path}.assets", group.name, group.assets, assets)
        if group.daily_volume is not None:
            _above_zero(f"{path}.daily_volume", group.daily_volume)


def _check_unique(path: str, group: str, names: Iterable[str], owners: dict[str, str]) -> None:
    """Refuse a symbol or asset that a group has named already, and note the rest."""
    for index, name in enumerate(names):
        if name in owners:
            where = "in this group" if owners[name] == group else f"in {owners[name]}"
            raise BadPortfolio(f"{path}[{index}]", f"overlapping groups: {name} stands {where} already")
        owners[name] = group


def _check_move(path: str, move: Decimal) -> None:
    if not 0 < move <= 1:
        raise BadPortfolio(path, "must be above 0 and at most 1")


def _check_scenario(terms: ScenarioTerms) -> None:
    for group in terms.groups:
        _check_move(f"groups{_step(group.name)}.move", group.up)
    if not terms.steps:
        raise BadPortfolio("steps", "at least one is needed")
    last = Decimal(0)
    for index, step in enumerate(terms.steps):
        if step <= last:
            why = "must be above 0" if step <= 0 else "steps out of order: they must rise"
            raise BadPortfolio(f"steps[{index}]", why)
        if step > 1:
            raise BadPortfolio(f"steps[{index}]", "must be at most 1")
        last = step
    _within("correlation_break", terms.correlation_break)
    _above_zero("volatility_spike.multiple", terms.spike_multiple)
    _within("volatility_spike.weight", terms.spike_weight)
    _within("liquidity.rate", terms.liquidity_rate)
    if not 0 <= terms.liquidity_exponent <= LARGEST_EXPONENT:
        raise BadPortfolio("liquidity.exponent", f"must be within 0 and {LARGEST_EXPONENT}")
    if terms.buffer < 0:
        raise BadPortfolio("buffer", "must not be below 0")


def _check_span(terms: SpanTerms) -> None:
    for group in terms.groups:
        _check_move(f"groups{_step(group.name)}.price_scan", group.up)
    _above_zero("extreme_multiple", terms.extreme_multiple)
    _within("extreme_cover", terms.extreme_cover)
    names = {group.name for group in terms.groups}
    for index, credit in enumerate(terms.credits):
        _check_credit(f"credits[{index}]", credit, names)


def _check_credit(path: str, credit: Credit, names: Collection[str]) -> None:
    for number, leg in enumerate(credit.legs):
        if leg not in names:
            raise BadPortfolio(f"{path}.legs[{number}]", f"there is no group {leg}")
    if credit.legs[0] == credit.legs[1]:
        raise BadPortfolio(f"{path}.legs", f"names the group {credit.legs[0]} twice")
    for number, ratio in enumerate(credit.ratio):
        _above_zero(f"{path}.ratio[{number}]", ratio)
    _within(f"{path}.credit", credit.credit)


def _check_tims(terms: TimsTerms) -> None:
    for group in terms.groups:
        path = f"classes{_step(group.name)}"
        if not -1 <= group.down < 0:
            raise BadPortfolio(f"{path}.down", "must be at least -1 and below 0")
        _check_move(f"{path}.up", group.up)
    classes = {group.name for group in terms.groups}
    _check_bundles(("product_groups", "classes", "class"), terms.product_groups, classes)
    products = {bundle.name for bundle in terms.product_groups}
    _check_bundles(("portfolio_groups", "product_groups", "product group"), terms.portfolio_groups, products)


def _check_bundles(words: tuple[str, str, str], bundles: Sequence[Bundle], known: Collection[str]) -> None:
    """Check what is offset together; `words`: the key of the bundles, the key of their parts, what a part is."""
    place, key, part = words
    owners: dict[str, str] = {}
    for bundle in bundles:
        path = place + _step(bundle.name)
        _within(f"{path}.offset", bundle.offset)
        if not bundle.parts:
            raise BadPortfolio(f"{path}.{key}", "at least one is needed")
        for index, name in enumerate(bundle.parts):
            if name not in known:
                raise BadPortfolio(f"{path}.{key}[{index}]", f"there is no {part} {name}")
            if name in owners:
                why = f"the {part} {name} stands in {owners[name]} already"
                raise BadPortfolio(f"{path}.{key}[{index}]", why)
            owners[name] = bundle.name


def _check_tokens(terms: HyperliquidTerms) -> None:
    named: set[str] = set()
    for token in terms.tokens:
        path = f"tokens{_step(token.asset)}"
        if token.asset in named:
            raise BadPortfolio(path, "is named twice")
        named.add(token.asset)
        if token.ltv is not None:
            _within(f"{path}.ltv", token.ltv)
        for name, cap in (("supply_cap", token.supply_cap), ("borrow_cap", token.borrow_cap)):
            if cap is not None and cap < 0:
                raise BadPortfolio(f"{path}.{name}", "must not be below 0")
    if not any(token.borrowable for token in terms.tokens):
        raise BadPortfolio("tokens", "no token is borrowable")
    if terms.borrow_offset < 0:
        raise BadPortfolio("borrow_offset", "must not be below 0")
