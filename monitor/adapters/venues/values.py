"""Values of foreign messages: amounts as strings or numbers, times, names; whatever is none is refused with its place.

Venues write one kind of value in several ways, also within one document. What a value means is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from monitor.app.venue_feed.readings import BadFrame

_PLAIN = re.compile(r"-?\d{1,40}(\.\d{1,40})?")
_MOST_DIGITS = 64
_LARGEST_EXPONENT = 64
_decoder = msgspec.json.Decoder(float_hook=str)


def decoded(text: bytes) -> Any:
    """Return a JSON document, the numbers with a point or an exponent as their text. Raises `BadFrame`."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadFrame(f"is no JSON: {fault}") from None
    except RecursionError:
        raise BadFrame("is nested without end") from None


def table(document: Any, place: str = "") -> Mapping[str, Any]:
    """Return an object. Raises `BadFrame`."""
    if not isinstance(document, dict):
        raise BadFrame(f"{place or 'it'} is no object")
    return document


def rows_of(document: Any, place: str = "") -> list[Any]:
    """Return an array. Raises `BadFrame`."""
    if not isinstance(document, list):
        raise BadFrame(f"{place or 'it'} is no array")
    return document


def text_at(row: Mapping[str, Any], name: str) -> str:
    """Return a text that is not empty. Raises `BadFrame`."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise BadFrame(f"{name} is no text")
    return value


def amount_at(row: Mapping[str, Any], name: str) -> str:
    """Return an amount as a plain decimal, whichever way it is written. Raises `BadFrame`."""
    value = row.get(name)
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise BadFrame(f"{name} is no number") from None
        if (
            number.is_finite()
            and abs(number.adjusted()) < _LARGEST_EXPONENT
            and len(number.as_tuple().digits) <= _MOST_DIGITS
        ):
            return f"{number:f}"
    raise BadFrame(f"{name} is no number")


def time_at(row: Mapping[str, Any], name: str) -> int:
    """Return a time in milliseconds since 1970. Raises `BadFrame`."""
    value = row.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise BadFrame(f"{name} is no time")
    return value


def truth_at(row: Mapping[str, Any], name: str) -> bool:
    """Return a truth, written as one or as a text. Raises `BadFrame`."""
    value = row.get(name)
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    if not isinstance(value, bool):
        raise BadFrame(f"{name} is neither true nor false")
    return value
