"""Decoding: bytes become a typed shape in one pass, or a refusal that names the place.

What msgspec says is turned into our codes and paths here, and keys that occur twice are found; which fields a message
has is declared in the shapes, what they mean is checked where they are converted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from monitor.adapters.wire.faults import BadMessage, Code, joined, segment
from monitor.adapters.wire.locating import located

T = TypeVar("T")

_WORDS = (
    ("`int | str`", "a decimal string"),
    ("`str`", "text"),
    ("`int`", "a whole number"),
    ("`bool`", "true or false"),
    ("`", ""),
    ("Expected ", "must be "),
    (", got ", ", not "),
)

_encode = msgspec.json.Encoder().encode
_PLACE = re.compile(r"(.*) - at `(?:`?key`? in `)?\$([^`]*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_RANGE = re.compile(r"Expected `int` [<>]|Integer value out of range|Number out of range")


class Reader(Generic[T]):
    """Read one type of message. Made once for each type; safe to share."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode

    def read(self, value: bytes | None, max_bytes: int | None = None) -> T:
        """Return the typed message. Raises `BadMessage`, nothing else.

        A key that occurs twice in one object is refused: two readers could take different values from it. Every field
        that is present is encoded again, so that a message with as many colons as its shape has no key twice.
        """
        if not value:
            raise BadMessage(Code.EMPTY, "", "there is no value")
        if max_bytes is not None and len(value) > max_bytes:
            raise BadMessage(Code.TOO_LARGE, "", f"{len(value)} bytes are more than {max_bytes}")
        try:
            read: T = self._decode(value)
        except msgspec.ValidationError as fault:
            raise self._translated(str(fault), value) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise BadMessage(Code.MALFORMED_JSON, "", str(fault)) from None
        except RecursionError:
            raise BadMessage(Code.MALFORMED_JSON, "", "is nested without end") from None
        if b"\\" in value or _encode(read).count(b":") != value.count(b":"):
            refuse_twice(value)
        return read

    def _translated(self, text: str, value: bytes) -> BadMessage:
        """Return the refusal that an error of msgspec amounts to."""
        found = _PLACE.fullmatch(text)
        what, inside = (found[1], found[2]) if found else (text, "")
        if "[...]" in inside:
            inside = located(inside, value, self._kind)
        inside = inside.removeprefix(".")
        if unknown := _UNKNOWN.fullmatch(what):
            return BadMessage(Code.UNKNOWN_FIELD, joined(inside, segment(unknown[1])), "is no field of this message")
        if missing := _MISSING.fullmatch(what):
            return BadMessage(Code.MISSING_FIELD, joined(inside, segment(missing[1])), "is required")
        if what.startswith("Invalid enum value"):
            return BadMessage(Code.BAD_VALUE, inside, what.replace("Invalid enum value", "is not one of those known:"))
        if _RANGE.match(what):
            return BadMessage(Code.OUT_OF_RANGE, inside, "must be a whole number from 0 to 9223372036854775807")
        return BadMessage(Code.WRONG_TYPE, inside, _plainer(what))


def _plainer(what: str) -> str:
    """Return what msgspec expected in the words of the contract."""
    for theirs, ours in _WORDS:
        what = what.replace(theirs, ours)
    return what


class _Pairs(list[tuple[str, Any]]):
    """Hold the members of one object in the order and number they were stated."""

    __slots__ = ()


def refuse_twice(value: bytes) -> None:
    """Refuse well-formed JSON in which an object states a key twice."""
    try:
        root = json.loads(value, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
        for inside in _twice(root, ""):
            raise BadMessage(Code.DUPLICATE_KEY, inside, "is stated twice")
    except RecursionError:
        raise BadMessage(Code.MALFORMED_JSON, "", "is nested without end") from None


def _twice(node: object, inside: str) -> Iterator[str]:
    """Yield the place of every key that its object has stated before."""
    if isinstance(node, _Pairs):
        seen: set[str] = set()
        for name, member in node:
            place = joined(inside, segment(name))
            if name in seen:
                yield place
            seen.add(name)
            yield from _twice(member, place)
    elif isinstance(node, list):
        for index, member in enumerate(node):
            yield from _twice(member, f"{inside}[{index}]")
