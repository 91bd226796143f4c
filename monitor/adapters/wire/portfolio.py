"""Portfolio parameters: both spellings of a method's parameters become the terms the core calculates with.

Which keys there are is declared in the shapes, what must hold among their values is checked by the core; configuration
and documents are read by the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET

from monitor.adapters.wire.decoding import Reader
from monitor.adapters.wire.faults import BadMessage, Code, joined, segment
from monitor.adapters.wire.portfolio_shapes import (
    FlatGroupBody,
    HyperliquidBody,
    PortfolioBody,
    RulesBody,
    ScenarioBody,
    ScenarioGroupBody,
    SpanBody,
    SpanGroupBody,
    TimsBody,
)
from monitor.adapters.wire.portfolio_terms import TERMS_OF, names_at, stated, under
from monitor.adapters.wire.shapes import Closed
from monitor.adapters.wire.values import amount_at
from monitor.core.instruments import Instrument
from monitor.core.limits import Limits
from monitor.core.portfolio.checks import check, check_members
from monitor.core.portfolio.eligibility import OnIneligible, PortfolioRules
from monitor.core.portfolio.terms import BadPortfolio, Method, PortfolioTerms, Terms

B = TypeVar("B", bound=Closed)

_BODIES: Mapping[Method, type[Closed]] = {
    Method.SCENARIO: ScenarioBody,
    Method.SPAN: SpanBody,
    Method.TIMS: TimsBody,
    Method.HYPERLIQUID: HyperliquidBody,
}
_ITEMS: Mapping[Method, type[Closed]] = {Method.SCENARIO: ScenarioGroupBody, Method.SPAN: SpanGroupBody}
_TABLES = tuple(str(method) for method in Method)


class Given(NamedTuple):
    """Hold terms as they were stated, and where the table of each method stands (empty: beside `method`)."""

    terms: PortfolioTerms
    tables: Mapping[Method, str]


def portfolio_of(body: PortfolioBody, limits: Limits) -> Given:
    """Return checked terms. Raises `BadMessage` with a path from `portfolio` on."""
    flat = [name for name in body.__struct_fields__ if name not in ("method", *_TABLES) and _states(body, name)]
    named = [method for method in Method if _states(body, method)]
    method = _method_of(body, flat, named)
    tables: dict[Method, str] = {}
    of: dict[Method, Terms] = {}
    if flat:
        if method in named:
            raise BadMessage(Code.CONTRADICTION, flat[0], f"is stated beside the table {method}")
        of[method] = _terms_at("", method, _moved(body, flat, method), limits)
        tables[method] = ""
    for each in named:
        of[each] = _terms_at(str(each), each, getattr(body, each), limits)
        tables[each] = str(each)
    if method not in of:
        raise BadMessage(Code.MISSING_FIELD, str(method), "the method has no parameters")
    return Given(PortfolioTerms(method, of), tables)


def check_contracts(given: Given, instruments: Mapping[str, Instrument[Decimal]]) -> None:
    """Refuse groups that the terms of their members contradict. Raises `BadMessage`."""
    for method, terms in given.terms.of.items():
        try:
            check_members(terms, instruments)
        except BadPortfolio as bad:
            raise BadMessage(Code.CONTRADICTION, joined(given.tables[method], bad.path), bad.why) from None


def rules_of(body: RulesBody, limits: Limits) -> PortfolioRules:
    """Return the rules of eligibility. Raises `BadMessage` with a path from `portfolio_rules` on."""
    digits = limits.max_digits
    markets = None if body.markets is UNSET else names_at("markets", body.markets, limits)
    try:
        return PortfolioRules(
            minimum_vip_level=stated(body.minimum_vip_level, None),
            minimum_equity=_or_none(body, "minimum_equity", digits),
            maximum_equity=_or_none(body, "maximum_equity", digits),
            minimum_volume_30d=_or_none(body, "minimum_volume_30d", digits),
            require_assessment=body.require_assessment is True,
            require_portfolio_enabled=body.require_portfolio_enabled is True,
            markets=markets,
            on_ineligible=OnIneligible(stated(body.on_ineligible, "report")),
        )
    except ValueError as why:
        path, _, reason = str(why).partition(" ")
        raise BadMessage(Code.CONTRADICTION, path, reason) from None


def _states(body: Closed, name: str) -> bool:
    return getattr(body, name) is not UNSET


def _method_of(body: PortfolioBody, flat: list[str], named: list[Method]) -> Method:
    """Return the method in force: the one stated, else the one the keys belong to."""
    if body.method is not UNSET:
        return body.method
    if not flat:
        if len(named) == 1:
            return named[0]
        raise BadMessage(Code.MISSING_FIELD, "method", "is required")
    if "classes" in flat:
        return Method.TIMS
    if "tokens" in flat:
        return Method.HYPERLIQUID
    groups: Mapping[str, FlatGroupBody] = {} if body.groups is UNSET else body.groups
    scanned = any(_states(group, "price_scan") for group in groups.values())
    return Method.SPAN if "credits" in flat or scanned else Method.SCENARIO


def _moved(body: PortfolioBody, flat: list[str], method: Method) -> Closed:
    """Return what stands beside `method` in the shape of that method's table."""
    kind = _BODIES[method]
    foreign = next((name for name in flat if name not in kind.__struct_fields__), None)
    if foreign is not None:
        raise BadMessage(Code.UNKNOWN_FIELD, foreign, f"is no parameter of {method}")
    given: dict[str, Any] = {name: getattr(body, name) for name in flat}
    main = kind.__struct_fields__[0]
    if main not in given:
        raise BadMessage(Code.MISSING_FIELD, main, "is required")
    if main == "groups":
        item = _ITEMS[method]
        given[main] = {name: _narrowed(name, group, item, method) for name, group in given[main].items()}
    return kind(**given)


def _narrowed(name: str, group: FlatGroupBody, kind: type[Closed], method: Method) -> Closed:
    given = {key: value for key in group.__struct_fields__ if (value := getattr(group, key)) is not UNSET}
    foreign = next((key for key in given if key not in kind.__struct_fields__), None)
    if foreign is not None:
        raise BadMessage(
            Code.UNKNOWN_FIELD, f"{joined('groups', segment(name))}.{foreign}", f"is no parameter of {method}"
        )
    return kind(**given)


def _terms_at(place: str, method: Method, body: Closed, limits: Limits) -> Terms:
    """Return the checked terms of one table."""
    try:
        with under(place):
            terms = TERMS_OF[method](body, limits)
        check(terms)
    except BadPortfolio as bad:
        raise BadMessage(Code.CONTRADICTION, joined(place, bad.path), bad.why) from None
    return terms


def _or_none(body: Closed, name: str, max_digits: int) -> Decimal | None:
    given = getattr(body, name)
    return None if given is UNSET else amount_at(name, given, max_digits)


def shaped(given: object, kind: type[B]) -> B:
    """Return plain objects in a shape, as a message would be read. Raises `BadMessage`."""
    return Reader[B](kind).read(msgspec.json.encode(given))
