"""The `[portfolio]` table: parameters of the portfolio methods out of all sources, in either spelling.

The values become plain objects here and are read by the functions that read a document's; a TOML number is taken by its
digits, never through a float. What the parameters mean is the core's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from monitor.adapters.wire.faults import BadMessage
from monitor.adapters.wire.portfolio import portfolio_of, shaped
from monitor.adapters.wire.portfolio_shapes import PortfolioBody
from monitor.config.values import NOTHING
from monitor.core.amounts import format_amount
from monitor.core.instruments import BadTerms
from monitor.core.limits import Limits
from monitor.core.portfolio.stating import portfolio_tables
from monitor.core.portfolio.terms import Method, PortfolioTerms

FREE = ("groups", "classes", "product_groups", "portfolio_groups", "tokens")
"""Tables whose keys are names of our users' choice."""

_METHODS = tuple(str(method) for method in Method)
_LISTS = ("members", "assets", "steps", "classes", "product_groups")
_MOST_COMPLAINTS = 20

Table = Mapping[str, object]


def read_portfolio(_: str, given: object) -> object:
    """Return a value of the table as plain objects. Raises `BadTerms` for a number no one can calculate with."""
    return _plain("", given)


def read_portfolio_text(name: str, text: str) -> object:
    """Return what the text of a variable states: a list where the key has one, a truth, or text."""
    stripped = text.strip()
    if stripped.startswith(("[", "{")):
        try:
            return json.loads(stripped, parse_float=str)
        except json.JSONDecodeError as fault:
            raise BadTerms("", f"is not JSON: {fault}") from None
    if name.rpartition(".")[2] in _LISTS:
        return [part.strip() for part in stripped.split(",") if part.strip()]
    return stripped.lower() == "true" if stripped.lower() in ("true", "false") else stripped


def recased(path: str, known: Mapping[str, object]) -> str:
    """Return the path a variable means, whose name has no case: that of the table it names in another source.

    Raises `ValueError` where it names a group, class or token that no other source has.
    """
    parts = path.split(".")
    for name in known:
        others = name.split(".")
        for length in range(len(parts), 0, -1):
            if len(others) >= length and [part.lower() for part in others[:length]] == parts[:length]:
                parts[:length] = others[:length]
                break
    free = next((place for place, part in enumerate(parts[:-1]) if part in FREE), None)
    if free is not None and not any(name.startswith(".".join(parts[: free + 2]) + ".") for name in known):
        raise ValueError(f"{parts[free + 1]} stands in no file: a variable cannot tell upper case from lower case")
    return ".".join(parts)


def portfolio_of_table(table: Table) -> PortfolioTerms | None:
    """Return the terms a table states, None for an empty one.

    Raises `ExceptionGroup` of `BadTerms`, each with a place below the table: one wrong value does not hide another.
    """
    left, faults = dict(table), list[BadTerms]()
    while left and len(faults) < _MOST_COMPLAINTS:
        try:
            terms = _terms_of(left)
        except BadTerms as bad:
            faults.append(bad)
            wrong = next((name for name in left if bad.path == name or bad.path.startswith(f"{name}[")), None)
            if wrong is None:
                break
            del left[wrong]
        else:
            if not faults:
                return terms
            break
    if faults:
        raise ExceptionGroup("portfolio", faults)
    return None


def _terms_of(table: Table) -> PortfolioTerms:
    method = table.get("method")
    spelled = {_in_table(name, method): name for name in table}
    nested: dict[str, Any] = {}
    for name, value in table.items():
        node = nested
        *outer, last = _segments(_in_table(name, method))
        for part in outer:
            inner = node.setdefault(part, {})
            if not isinstance(inner, dict):
                raise BadTerms(name, f"{part} is a value, not a table")
            node = inner
        node[last] = value
    try:
        return portfolio_of(shaped(nested, PortfolioBody), Limits()).terms
    except BadMessage as bad:
        why = bad.message.replace("is no field of this message", "unknown key")
        raise BadTerms(_as_given(bad.inside, spelled, method), why) from None


def _in_table(name: str, method: object) -> str:
    """Return a key beside `method` as a key of that method's table."""
    first = name.partition(".")[0]
    return name if method not in _METHODS or first in ("method", *_METHODS) else f"{method}.{name}"


def _as_given(place: str, spelled: Mapping[str, str], method: object) -> str:
    """Return a place as the sources spell it."""
    for name, given in spelled.items():
        if place == name or place.startswith((f"{name}.", f"{name}[")):
            return given + place.removeprefix(name)
    beside = any(name != given for name, given in spelled.items())
    return place.removeprefix(f"{method}.") if beside else place


def _segments(name: str) -> list[str]:
    """Return the keys of a path; a name of our users' choice may hold points."""
    parts = name.split(".")
    free = next((place for place, part in enumerate(parts[:-1]) if part in FREE), None)
    if free is None:
        return parts
    *named, last = parts[free + 1 :]
    return [*parts[: free + 1], ".".join(named), last] if named else [*parts[: free + 1], last]


def _plain(place: str, given: object) -> object:
    if isinstance(given, Decimal):
        if not given.is_finite():
            raise BadTerms(place, f"{given} is no number to calculate with")
        return format_amount(given)
    if isinstance(given, Mapping):
        return {str(name): _plain(f"{place}.{name}", value) for name, value in given.items()}
    if isinstance(given, list):
        return [_plain(f"{place}[{index}]", value) for index, value in enumerate(given)]
    if isinstance(given, str) and given.strip().lower() in NOTHING:
        raise BadTerms(place, "has no value: leave the key out")
    return given


def portfolio_rows(terms: PortfolioTerms | None) -> Iterator[tuple[str, object]]:
    """Yield (key below `portfolio`, value) of terms, values of a table before the tables in it."""
    if terms is not None:
        yield from _rows(portfolio_tables(terms), "")


def _rows(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    inner = {name: value for name, value in table.items() if isinstance(value, dict)}
    yield from ((prefix + name, value) for name, value in table.items() if name not in inner)
    for name, value in inner.items():
        yield from _rows(value, f"{prefix}{name}.")
