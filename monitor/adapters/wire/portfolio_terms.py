"""The parameters of each portfolio method as the terms the core calculates with.

One function a method; which table they stood in, and whether they contradict themselves, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from monitor.adapters.wire.faults import BadMessage, joined, segment
from monitor.adapters.wire.portfolio_shapes import (
    ClassBody,
    HoldingBody,
    HyperliquidBody,
    ScenarioBody,
    SpanBody,
    SpanGroupBody,
    TimsBody,
    TokenBody,
)
from monitor.adapters.wire.shapes import Closed
from monitor.adapters.wire.values import amount_at, check_name
from monitor.core.limits import Limits
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    Method,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)

T = TypeVar("T")


@contextmanager
def under(place: str) -> Iterator[None]:
    """Name what held the place in refusals from within."""
    try:
        yield
    except BadMessage as bad:
        raise bad.under(place) from None


def stated(given: T | UnsetType, absent: T) -> T:
    """Return what is stated, `absent` where nothing is."""
    return absent if given is UNSET else given


def _scenario(body: ScenarioBody, limits: Limits) -> ScenarioTerms:
    given = _amounts(body, ("correlation_break", "basis_rate", "minimum_rate", "buffer", "initial_factor"), limits)
    for name, prefix, keys in (
        ("volatility_spike", "spike", ("multiple", "weight")),
        ("liquidity", "liquidity", ("rate", "exponent")),
    ):
        inner = getattr(body, name)
        if inner is not UNSET:
            with under(name):
                given |= {f"{prefix}_{key}": value for key, value in _amounts(inner, keys, limits).items()}
    if body.steps is not UNSET:
        digits = limits.max_digits
        given["steps"] = tuple(amount_at(f"steps[{index}]", step, digits) for index, step in enumerate(body.steps))
    return ScenarioTerms(_groups("groups", body.groups, limits), **given)


def _span(body: SpanBody, limits: Limits) -> SpanTerms:
    names = ("extreme_multiple", "extreme_cover", "basis_rate", "minimum_rate", "initial_factor")
    given = _amounts(body, names, limits)
    listed: list[Credit] = []
    for index, credit in enumerate(() if body.credits is UNSET else body.credits):
        path = f"credits[{index}]"
        digits = limits.max_digits
        worth = Decimal("0.6") if credit.credit is UNSET else amount_at(f"{path}.credit", credit.credit, digits)
        ratio = (Decimal(1), Decimal(1))
        if credit.ratio is not UNSET:
            one, other = credit.ratio
            ratio = (amount_at(f"{path}.ratio[0]", one, digits), amount_at(f"{path}.ratio[1]", other, digits))
        listed.append(Credit(credit.legs, worth, ratio))
    return SpanTerms(_groups("groups", body.groups, limits), credits=tuple(listed), **given)


def _tims(body: TimsBody, limits: Limits) -> TimsTerms:
    given = _amounts(body, ("basis_rate", "minimum_rate", "initial_factor"), limits)
    return TimsTerms(
        _groups("classes", body.classes, limits),
        _bundles("product_groups", "classes", stated(body.product_groups, {}), limits),
        _bundles("portfolio_groups", "product_groups", stated(body.portfolio_groups, {}), limits),
        **given,
    )


def _hyperliquid(body: HyperliquidBody, limits: Limits) -> HyperliquidTerms:
    tokens: list[Token] = []
    for name, token in body.tokens.items():
        with under(joined("tokens", segment(name))):
            tokens.append(_token(name, token, limits))
    return HyperliquidTerms(tuple(tokens), **_amounts(body, ("borrow_offset",), limits))


def _token(name: str, body: TokenBody, limits: Limits) -> Token:
    check_name("", name, limits.max_id_bytes)
    given = _amounts(body, ("ltv", "supply_cap", "borrow_cap"), limits)
    return Token(name, borrowable=body.borrowable is True, **given)


def _groups(place: str, bodies: Mapping[str, Any], limits: Limits) -> tuple[Group, ...]:
    groups: list[Group] = []
    for name, body in bodies.items():
        with under(joined(place, segment(name))):
            groups.append(_group(name, body, limits))
    return tuple(groups)


def _group(name: str, body: HoldingBody, limits: Limits) -> Group:
    """Return a group: a move, or scan, is looked at in both directions."""
    check_name("", name, limits.max_id_bytes)
    if isinstance(body, ClassBody):
        given = {"up": Decimal("0.15"), "down": Decimal("-0.15")} | _amounts(body, ("up", "down"), limits)
    elif isinstance(body, SpanGroupBody):
        given = _both_ways(_amounts(body, ("price_scan",), limits), "price_scan")
    else:
        given = _both_ways(_amounts(body, ("move", "daily_volume"), limits), "move")
    return Group(
        name,
        names_at("members", stated(body.members, []), limits),
        names_at("assets", stated(body.assets, []), limits),
        allow_mixed=body.allow_mixed is True,
        **given,
    )


def _bundles(place: str, key: str, bodies: Mapping[str, Any], limits: Limits) -> tuple[Bundle, ...]:
    listed: list[Bundle] = []
    for name, body in bodies.items():
        path = joined(place, segment(name))
        check_name(path, name, limits.max_id_bytes)
        absent = Decimal("0.5") if key == "classes" else Decimal(0)
        offset = absent if body.offset is UNSET else amount_at(f"{path}.offset", body.offset, limits.max_digits)
        listed.append(Bundle(name, names_at(f"{path}.{key}", getattr(body, key), limits), offset))
    return tuple(listed)


def names_at(place: str, names: list[str], limits: Limits) -> tuple[str, ...]:
    """Return checked symbols or assets, the place of a bad one named."""
    for index, name in enumerate(names):
        check_name(f"{place}[{index}]", name, limits.max_id_bytes)
    return tuple(names)


def _amounts(body: Closed, names: tuple[str, ...], limits: Limits) -> dict[str, Any]:
    """Return the amounts that are stated; what is absent has the default of the terms."""
    given = ((name, getattr(body, name)) for name in names)
    return {name: amount_at(name, value, limits.max_digits) for name, value in given if value is not UNSET}


def _both_ways(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Return amounts with a move of one size in both directions, where it is stated."""
    move = given.pop(name, None)
    return given if move is None else given | {"up": move, "down": move.copy_negate()}


TERMS_OF: Mapping[Method, Callable[[Any, Limits], Terms]] = {
    Method.SCENARIO: _scenario,
    Method.SPAN: _span,
    Method.TIMS: _tims,
    Method.HYPERLIQUID: _hyperliquid,
}
