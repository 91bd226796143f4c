"""Outputs that are made as JSON at once: they are bytes, and a mapping only for whoever looks inside.

Nothing is made here; who makes them promises the bytes the plain way would have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


class Encoded(Mapping[str, Any]):
    """Hold an output as JSON; `known` are fields that are asked for often."""

    __slots__ = ("_known", "_plain", "encoded")

    def __init__(self, encoded: bytes, known: Mapping[str, Any]) -> None:
        self.encoded = encoded
        self._known = known
        self._plain: dict[str, Any] | None = None

    def __getitem__(self, key: str) -> Any:
        return self._known[key] if key in self._known else self.plain[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain)

    def __len__(self) -> int:
        return len(self.plain)

    @property
    def plain(self) -> dict[str, Any]:
        """The output as plain data."""
        if self._plain is None:
            self._plain = json.loads(self.encoded)
        return self._plain
