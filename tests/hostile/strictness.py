"""What the contract calls JSON, an amount and a name; no code of the program is asked."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_LONGEST_AMOUNT = 128
"""The schema's maxLength."""
DEEPEST = 200
"""What is nested deeper is never generated inside an array of prices: there only the whole message is at stake."""


class Bad(Exception):
    """What is read is not what the contract allows."""


class Pairs(dict[str, Any]):
    """An object none of whose keys came twice."""


class Twice(Bad):
    """A key of one object was stated twice."""


class Fractional:
    """A JSON number with a point or an exponent: never allowed where the contract asks for an amount or a count."""


def _pairs(pairs: list[tuple[str, Any]]) -> Pairs | Twice:
    found = Pairs(pairs)
    return found if len(found) == len(pairs) else Twice("twice")


def _constant(name: str) -> Any:
    raise Bad(name)


def _whole(text: str) -> int | Fractional:
    return int(text) if len(text) <= 4000 else Fractional()


def parsed(value: bytes) -> Any:
    """Return the JSON a value states; an object with a key twice is an instance of `Twice`. Raises `Bad`."""
    try:
        text = value.decode("utf-8")
        node = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_float=lambda _: Fractional(),
            parse_int=_whole,
            parse_constant=_constant,
        )
    except (ValueError, RecursionError) as fault:
        raise Bad(str(fault)) from None
    if "\\u" in text and not _is_text(node):
        raise Bad("a lone surrogate")
    return node


def _is_text(node: Any) -> bool:
    if isinstance(node, str):
        return not any("\ud800" <= character <= "\udfff" for character in node)
    if isinstance(node, dict):
        return all(_is_text(name) and _is_text(member) for name, member in node.items())
    return all(map(_is_text, node)) if isinstance(node, list) else True


def amount(given: Any) -> str:
    """Require a plain decimal; return its text without a sign of nothing."""
    if type(given) is int:
        if abs(given) > 10**30:
            raise Bad("too large")
        return str(given)
    if type(given) is not str or len(given) > _LONGEST_AMOUNT or not _PLAIN.fullmatch(given):
        raise Bad("no plain decimal")
    digits = given.lstrip("-").replace(".", "")
    significant = digits.lstrip("0")
    if not significant:
        return "0"
    if len(significant) > 64:
        raise Bad("too many digits")
    fraction = len(given.partition(".")[2])
    scaled = int(digits) * 10**30
    if scaled > 10 ** (60 + fraction) or scaled < 10**fraction:
        raise Bad("magnitude")
    return given


def sign(text: str) -> int:
    """Return the sign of an amount."""
    nothing = not text.strip("-0.")
    return 0 if nothing else -1 if text.startswith("-") else 1


def positive(given: Any) -> str:
    """Require an amount above 0."""
    text = amount(given)
    if sign(text) <= 0:
        raise Bad("not above 0")
    return text


def text_of(given: Any) -> str:
    """Require text that may be an account's id."""
    if type(given) is not str or not given or len(given.encode()) > 256:
        raise Bad("no id")
    if any(unicodedata.category(character) == "Cc" for character in given):
        raise Bad("a control character")
    return given


def name(given: Any) -> str:
    """Require the name of a symbol, asset or fund."""
    if "|" in text_of(given):
        raise Bad("a bar")
    return str(given)


def count(given: Any) -> int:
    """Require a whole number of 63 bits."""
    if type(given) is not int or not 0 <= given < 2**63:
        raise Bad("no count")
    return given


def flag(given: Any) -> bool:
    """Require true or false."""
    if type(given) is not bool:
        raise Bad("no boolean")
    return given
