"""Keys: every leaf of the settings classes as a path, with its type and its bounds.

The settings classes are the only declaration there is: a field named `port` of the section `http` is the key
`http.port`, unless its metadata say `key`. Reading values for the keys happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class Key:
    """Describe one key: where the documents have it (`path`) and where the settings object does (`attributes`).

    `bounds` are the metadata of its field: `at_least`, `at_most`, `above`, `below`, `not_empty`, `secret`. A free table
    may have `read`, which makes a value of (name below the table, what was given), and `build`, which makes the
    settings of all of them; both may raise `BadTerms` with a place below the table (`build` a group of them). A table
    that variables may name has `read_text`, which reads their text, and `recased`, which finds the path they mean.
    """

    path: str
    attributes: tuple[str, ...]
    kind: Any
    bounds: Mapping[str, Any]
    default: object

    @property
    def is_table(self) -> bool:
        """Whether any key may stand below this one (it is passed on as it is)."""
        return "build" in self.bounds or get_origin(self.kind) is Mapping or get_origin(self.kind) is dict


def keys_of(section: type[Any], attributes: tuple[str, ...] = ()) -> Iterator[Key]:
    """Yield every key of a settings class, sections before what lies in them, in the order of declaration."""
    kinds = get_type_hints(section)
    for item in fields(section):
        if not item.init or item.metadata.get("hidden"):
            continue
        kind = item.metadata.get("section", kinds[item.name])
        inner = (*attributes, item.name)
        if is_dataclass(kind) and isinstance(kind, type):
            yield from keys_of(kind, inner)
        else:
            path = item.metadata.get("key", ".".join(inner))
            yield Key(path, inner, kind, item.metadata, _default_of(item))


def _default_of(item: Field[Any]) -> object:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return None if item.default is MISSING else item.default
