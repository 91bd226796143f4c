"""The names of scopes by number: a column of numbers is smaller than one of texts."""

from __future__ import annotations


class ScopeNames:
    """Number names in the order they are first used."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._texts: list[str] = []

    def number(self, name: str) -> int:
        """Return the number of a name, a new one where it was never used."""
        return self.numbers.setdefault(name, len(self.numbers))

    def text(self, number: int) -> str:
        """Return the name of a number."""
        if number >= len(self._texts):
            self._texts += list(self.numbers)[len(self._texts) :]
        return self._texts[number]
