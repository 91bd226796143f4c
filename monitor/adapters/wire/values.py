"""Values on the wire: amounts and names, checked as they are taken in.

The form of single values lives here; which fields a message has is declared in the shapes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from monitor.adapters.wire.faults import BadMessage, Code, joined, segment
from monitor.core.amounts import BadAmount, parse_amount

SURELY_IN_RANGE = 30
"""Texts up to this length have at most 30 digits and a magnitude within 1e-28 … 1e30: only their form is checked."""

_is_plain = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch
_ZERO = Decimal(0)


def amount(value: str | int, max_digits: int) -> Decimal:
    """Return what `parse_amount` returns, faster for the short texts most amounts are. Raises `BadAmount`."""
    if type(value) is str and len(value) <= SURELY_IN_RANGE and len(value) <= max_digits and _is_plain(value):
        return Decimal(value) or _ZERO
    parsed = parse_amount(value)
    if len(parsed.as_tuple().digits) > max_digits:
        raise BadAmount(f"more than {max_digits} significant digits")
    return parsed


def amount_at(inside: str, value: str | int, max_digits: int) -> Decimal:
    """Return an amount, its place named when it is bad."""
    try:
        return amount(value, max_digits)
    except BadAmount as bad:
        raise BadMessage(Code.BAD_AMOUNT, inside, str(bad)) from None


def positive_at(inside: str, value: str | int, max_digits: int) -> Decimal:
    """Return an amount above 0, its place named when it is not."""
    parsed = amount_at(inside, value, max_digits)
    if parsed <= 0:
        raise BadMessage(Code.OUT_OF_RANGE, inside, "must be above 0")
    return parsed


def amounts_at(inside: str, values: Mapping[str, str | int], max_digits: int) -> dict[str, Decimal]:
    """Return the amounts of an object, the key of a bad one named."""
    try:
        return {name: amount(value, max_digits) for name, value in values.items()}
    except BadAmount:
        for name, value in values.items():
            try:
                amount_at(segment(name), value, max_digits)
            except BadMessage as bad:
                raise bad.under(inside) from None
        raise


def check_name(inside: str, name: str, max_bytes: int) -> None:
    """Refuse a symbol, asset or fund that is empty, too long, or holds a control character or a `|`."""
    fault = name_fault(name, max_bytes)
    if fault is not None:
        raise BadMessage(Code.BAD_ID, inside, fault)


def check_names(inside: str, names: Mapping[str, object], max_bytes: int) -> None:
    """Refuse an object that has a key which is no symbol or asset."""
    for name in names:
        if name_fault(name, max_bytes) is not None:
            check_name(joined(inside, segment(name)), name, max_bytes)


def check_id(inside: str, text: str, max_bytes: int) -> None:
    """Refuse an account id that is empty, too long, or holds a control character; a `|` is allowed."""
    if text and text.isascii() and text.isprintable() and len(text) <= max_bytes:
        return
    fault = _text_fault(text, max_bytes)
    if fault is not None:
        raise BadMessage(Code.BAD_ID, inside, fault)


@lru_cache(maxsize=16_384)
def name_fault(name: str, max_bytes: int) -> str | None:
    """Return why a text is no symbol, asset or fund; None where it is one."""
    return "must not hold a |" if "|" in name else _text_fault(name, max_bytes)


def _text_fault(text: str, max_bytes: int) -> str | None:
    if not text:
        return "must not be empty"
    if len(text) > max_bytes or len(text.encode()) > max_bytes:
        return f"is longer than {max_bytes} bytes"
    control = next((character for character in text if unicodedata.category(character) == "Cc"), None)
    return None if control is None else f"holds the control character U+{ord(control):04X}"
