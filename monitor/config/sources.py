"""Sources: TOML files, environment variables and flags, each as a flat table from a key's path to what was given.

Nothing is judged here but whether a source can be read at all.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.config.complaints import Complaint, ConfigError

VARIABLE_PREFIX = "LIQMON_"
NESTING = "__"


@dataclass(frozen=True, slots=True)
class Source:
    """Hold what one source gives. `names` maps a path to what a complaint should call its origin.

    Names of variables have no case: paths from them are in lower case, whatever they mean.
    """

    name: str
    given: Mapping[str, Any]
    from_text: bool = False
    names: Mapping[str, str] | None = None

    @property
    def keeps_case(self) -> bool:
        """Whether a path is written as it is meant, so that it can hold the name of a symbol or asset."""
        return self.names is None

    def origin(self, path: str) -> str:
        """Return what to call the place where a path was given."""
        return (self.names or {}).get(path, self.name)


def from_toml(path: Path | str) -> Source:
    """Read a TOML file; `-` is standard input. Raises `ConfigError` when it cannot be read."""
    name = "standard input" if str(path) == "-" else str(path)
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()
        return from_mapping(tomllib.loads(content.decode(), parse_float=Decimal), name)
    except OSError as fault:
        raise ConfigError([Complaint("", name, fault.strerror or str(fault))]) from None
    except UnicodeDecodeError as fault:
        raise ConfigError([Complaint("", name, f"is not UTF-8 at byte {fault.start}")]) from None
    except (ValueError, ArithmeticError, RecursionError) as fault:  # a number without end, tables nested without end
        raise ConfigError([Complaint("", name, f"is not TOML: {fault}")]) from None


def from_mapping(document: Mapping[str, Any], name: str, *, from_text: bool = False) -> Source:
    """Return nested mappings as a source; keys may be dotted paths as well."""
    return Source(name, dict(_flat(document, "")), from_text)


def from_environment(environment: Mapping[str, str], top_level: Iterable[str]) -> Source:
    """Return the variables `LIQMON_SECTION__KEY`; without a section only for keys that have none.

    Other variables that begin with LIQMON_ are none of the configuration's business.
    """
    given, names = {}, {}
    plain = frozenset(top_level)
    for variable, text in environment.items():
        if not variable.startswith(VARIABLE_PREFIX):
            continue
        path = variable.removeprefix(VARIABLE_PREFIX).lower().replace(NESTING, ".")
        if "." in path or path in plain:
            given[path], names[path] = text, variable
    return Source("environment", given, from_text=True, names=names)


def _flat(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its path; an empty table stands for itself, so that an unknown one is noticed."""
    for key, value in document.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}.")
        else:
            yield path, value
