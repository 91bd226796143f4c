"""Tables of a venue: default brackets by symbol, haircuts and references by asset, read and judged.

Their values come as text, integers or TOML numbers and stay exact, as everywhere in the configuration. What the tables
decide lives in the core.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from monitor.adapters.wire.faults import BadMessage
from monitor.adapters.wire.values import check_name
from monitor.config.values import NOTHING, decimal_value
from monitor.core.brackets import StatedTier, check_table
from monitor.core.instruments import BadTerms, Haircut
from monitor.core.limits import Limits
from monitor.core.quality.pegs import Reference
from monitor.core.quality.settings import Source

LIMITS = Limits()


def read_brackets(symbol: str, given: object) -> tuple[StatedTier, ...]:
    """Return the checked table of one symbol. Raises `BadTerms` with the place inside the table."""
    _check_name(symbol)
    if not isinstance(given, list):
        raise BadTerms("", f"must be a list of brackets {{{', '.join(StatedTier._fields)}}}")
    if len(given) > LIMITS.max_brackets:
        raise BadTerms("", f"{len(given)} brackets are more than {LIMITS.max_brackets}")
    table = tuple(_tier(f"[{index}]", row) for index, row in enumerate(given))
    check_table(table)
    return table


def _tier(place: str, row: object) -> StatedTier:
    if not isinstance(row, Mapping):
        raise BadTerms(place, "must be a table with floor and rate")
    for name in row:
        if name not in StatedTier._fields:
            raise BadTerms(f"{place}.{name}", f"unknown key; known: {', '.join(StatedTier._fields)}")
    for name in ("floor", "rate"):
        if name not in row:
            raise BadTerms(f"{place}.{name}", "is required")
    return StatedTier(**{name: _number(f"{place}.{name}", value) for name, value in row.items()})


def _check_name(name: str) -> None:
    """Refuse a name that no message could have."""
    try:
        check_name("", name, LIMITS.max_id_bytes)
    except BadMessage as bad:
        raise BadTerms("", f"its name {bad.message}") from None


def _number(place: str, given: object) -> Decimal:
    try:
        return decimal_value(given)
    except ValueError as why:
        raise BadTerms(place, str(why)) from None


def read_haircut(name: str, given: object) -> Decimal | None:
    """Return one part of an asset's haircut; `name` is the asset and the part. Raises `BadTerms`."""
    asset, _, part = name.rpartition(".")
    if not asset or part not in Haircut._fields:
        raise BadTerms("", f"unknown key; an asset has {', '.join(Haircut._fields)}")
    _check_name(asset)
    if isinstance(given, str) and given.strip().lower() in NOTHING:
        return None
    number = _number("", given)
    if number < 0:
        raise BadTerms("", f"must be at least 0, not {number}")
    if number > 1 and part != "ask_buffer":
        raise BadTerms("", f"must be at most 1, not {number}")
    return number


def read_reference(name: str, given: object) -> Decimal | str:
    """Return one part of what an asset is held against; `name` is the asset and the part. Raises `BadTerms`."""
    asset, _, part = name.rpartition(".")
    if not asset or part not in Reference._fields:
        raise BadTerms("", f"unknown key; an asset has {', '.join(Reference._fields)}")
    _check_name(asset)
    if part == "symbol":
        if not isinstance(given, str):
            raise BadTerms("", "must be the symbol of a contract")
        _check_name(given)
        return given
    number = _number("", given)
    if number <= 0:
        raise BadTerms("", f"must be above 0, not {number}")
    return number


def read_sources(symbol: str, given: object) -> tuple[Source, ...]:
    """Return the sources of one symbol. Raises `BadTerms` with the place inside the list."""
    _check_name(symbol)
    if not isinstance(given, list) or not given:
        raise BadTerms("", f"must be a list of sources {{{', '.join(Source._fields)}}}")
    return tuple(_source(f"[{index}]", row, symbol) for index, row in enumerate(given))


def _source(place: str, row: object, priced: str) -> Source:
    if not isinstance(row, Mapping) or not isinstance(row.get("symbol"), str) or not row.keys() <= {*Source._fields}:
        raise BadTerms(place, f"must be a table with {' and '.join(Source._fields)}")
    name, weight = row["symbol"], _number(f"{place}.weight", row.get("weight", 1))
    _check_name(name)
    if name == priced or weight <= 0:
        raise BadTerms(place, "must be another symbol" if name == priced else f"must weigh more than 0, not {weight}")
    return Source(name, weight)


def references_of(parts: Mapping[str, Decimal | str]) -> dict[str, Reference]:
    """Return references by asset. Raises `BadTerms` where one has no rate."""
    given = _by_asset(parts)
    for asset, of in given.items():
        if "rate" not in of:
            raise BadTerms(f"{asset}.rate", "is required: what one of the asset can be redeemed for")
    return {asset: Reference(**of) for asset, of in given.items()}


def haircuts_of(parts: Mapping[str, Decimal | None]) -> dict[str, Haircut]:
    """Return haircuts by asset. Raises `BadTerms` where an asset has two names of one haircut."""
    haircuts = {asset: Haircut(**of) for asset, of in _by_asset(parts).items()}
    for asset, haircut in haircuts.items():
        if haircut.bid_buffer and haircut.collateral_ratio not in (None, 1):
            why = "bid_buffer and collateral_ratio are two names of one haircut: give one, the other as none"
            raise BadTerms(f"{asset}.collateral_ratio", why)
    return haircuts


def _by_asset(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, value in parts.items():
        asset, _, part = name.rpartition(".")
        found.setdefault(asset, {})[part] = value
    return found
