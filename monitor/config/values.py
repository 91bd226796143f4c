"""Values: how what a document or a variable says becomes a value of the type a key has, or a reason why it cannot.

Money and ratios come as text, integers or TOML numbers and stay exact: a TOML number is read from its digits, never
through a float. Bounds are checked here too.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from monitor.config.keys import Key
from monitor.core.amounts import parse_amount
from monitor.core.bounds import fault_of

NOTHING = frozenset({"", "none", "null"})
"""Texts that stand for "no value" where a key allows one: TOML has no null."""

TRUTH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def read_value(key: Key, given: object, *, from_text: bool) -> object:
    """Return the value of a key. `from_text`: it comes from a variable or a flag, where everything is text.

    Raises `ValueError` with the reason.
    """
    value = _convert(key.kind, given, from_text=from_text)
    if value is not None:
        _check_bounds(key, value)
    return value


def _convert(kind: Any, given: object, *, from_text: bool) -> object:
    if get_origin(kind) in (Union, types.UnionType):
        inner = [one for one in get_args(kind) if one is not type(None)]
        if len(inner) < len(get_args(kind)) and _is_nothing(given):
            return None
        return _convert(inner[0], given, from_text=from_text)
    if get_origin(kind) is Literal:
        return _one_of(given, {str(choice): choice for choice in get_args(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _one_of(given, {str(member.value): member for member in kind})
    if get_args(kind) == (Decimal, ...):
        return _decimals(given, from_text)
    reader = _READERS.get(get_origin(kind) or kind)
    if reader is None:
        raise TypeError(f"settings of type {kind!r} cannot be read")
    return reader(given, from_text)


def _is_nothing(given: object) -> bool:
    return given is None or given is False or (isinstance(given, str) and given.strip().lower() in NOTHING)


def _one_of(given: object, choices: Mapping[str, object]) -> object:
    if isinstance(given, str) and given in choices:
        return choices[given]
    raise ValueError(f"must be one of {', '.join(choices)}, not {given!r}")


def _text(given: object, _: bool) -> str:
    if isinstance(given, str):
        return given
    raise ValueError(f"must be a text, not {_name(given)}")


def _integer(given: object, from_text: bool) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if from_text and isinstance(given, str):
        try:
            return int(given)
        except ValueError:
            raise ValueError(f"must be a whole number, not {given!r}") from None
    raise ValueError(f"must be a whole number, not {_name(given)}")


def _truth(given: object, from_text: bool) -> bool:
    if isinstance(given, bool):
        return given
    if from_text and isinstance(given, str) and given.strip().lower() in TRUTH:
        return TRUTH[given.strip().lower()]
    raise ValueError(f"must be true or false, not {_name(given)}")


def _decimal(given: object, _: bool) -> Decimal:
    return decimal_value(given)


def decimal_value(given: object) -> Decimal:
    """Return an exact number from text, an integer or a TOML number. Raises `ValueError`."""
    if isinstance(given, Decimal):
        if not given.is_finite():
            raise ValueError(f"{given} is no number to calculate with")
        return parse_amount(f"{given:f}")
    if isinstance(given, (str, int)) and not isinstance(given, bool):
        return parse_amount(given.strip() if isinstance(given, str) else given)
    raise ValueError(f'must be a decimal like "0.005", not {_name(given)}')


def _fraction(given: object, from_text: bool) -> Fraction:
    if not isinstance(given, str) or "/" not in given:
        return Fraction(_decimal(given, from_text))
    above, _, below = given.partition("/")
    divisor = _decimal(below, from_text)
    if divisor == 0:
        raise ValueError(f"{given!r} divides by 0")
    return Fraction(_decimal(above, from_text)) / Fraction(divisor)


def _path(given: object, from_text: bool) -> Path:
    return Path(_text(given, from_text)).expanduser()


def _apart(given: object, from_text: bool) -> object:
    """Return what a variable says apart by commas as a list; what a document says as it is."""
    if from_text and isinstance(given, str):
        return [one.strip() for one in given.split(",") if one.strip()]
    return given


def _decimals(given: object, from_text: bool) -> tuple[Decimal, ...]:
    given = _apart(given, from_text)
    if isinstance(given, (list, tuple)):
        return tuple(decimal_value(one) for one in given)
    raise ValueError(f'must be a list of decimals like ["0.05", "0.10"], not {_name(given)}')


def _texts(given: object, from_text: bool) -> tuple[str, ...]:
    given = _apart(given, from_text)
    if isinstance(given, (list, tuple)) and all(isinstance(one, str) for one in given):
        return tuple(given)
    raise ValueError(f"must be a list of texts, not {_name(given)}")


def _table(given: object, _: bool) -> dict[str, object]:
    if isinstance(given, Mapping):
        return dict(given)
    raise ValueError(f"must be a table, not {_name(given)}")


_READERS: Mapping[Any, Callable[[object, bool], object]] = {
    str: _text,
    int: _integer,
    bool: _truth,
    Decimal: _decimal,
    Fraction: _fraction,
    Path: _path,
    tuple: _texts,
    Mapping: _table,
    dict: _table,
}


def read_loose(given: object, *, from_text: bool) -> object:
    """Return a value below a free table, where no type is declared: text from a variable becomes what it looks like."""
    if isinstance(given, Decimal):
        return float(given)
    if not from_text or not isinstance(given, str):
        return given
    if given.lower() in ("true", "false"):
        return given.lower() == "true"
    return int(given) if given.removeprefix("-").isdigit() else given


def _check_bounds(key: Key, value: Any) -> None:
    why = fault_of(value, key.bounds)
    if why is not None:
        raise ValueError(why)
    if key.bounds.get("not_empty") and not value:
        raise ValueError("must not be empty")


def _name(given: object) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, Decimal):
        return f"the number {given}"
    if isinstance(given, Mapping):
        return "a table"
    return f"a list of {len(given)}" if isinstance(given, (list, tuple)) else repr(given)
