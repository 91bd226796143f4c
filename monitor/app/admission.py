"""Admission: how many names the inputs that all shards read may bring in.

Only names are counted here. A name that was let in is never refused again, so that nobody can crowd out a market that
is known; what a message says is `reading`'s business. Names are not forgotten before the process ends.
"""

from __future__ import annotations

from enum import StrEnum

from monitor.app.codec import BadMessage
from monitor.core.limits import Limits


class OverLimit(StrEnum):
    """Name the limits, as the `error-code` of a dead letter."""

    SYMBOLS = "limit_symbols"
    ASSETS = "limit_assets"
    FUNDS = "limit_funds"


class TooManyNames(BadMessage):
    """A message that would bring in one name more than is kept."""

    def __init__(self, code: OverLimit, name: str, most: int) -> None:
        super().__init__(f"{name[:80]} would be one more than the {most} that are kept")
        self.code = code


class Admission:
    """Hold the names that have been let in."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.symbols: set[str] = set()
        self.assets: set[str] = set()
        self.funds: set[str] = set()

    def price(self, symbol: str) -> bool:
        """Let in a symbol that prices name, return whether it is in: half of the room is kept for instruments."""
        if symbol in self.symbols:
            return True
        if len(self.symbols) >= self._limits.max_symbols // 2:
            return False
        self.symbols.add(symbol)
        return True

    def instrument(self, symbol: str, *, deleted: bool) -> bool:
        """Let in a symbol that an instrument names. Return False where one that is unknown is deleted.

        Raises `TooManyNames`.
        """
        return _let_in(symbol, self.symbols, self._limits.max_symbols, OverLimit.SYMBOLS, deleted=deleted)

    def asset(self, name: str, *, deleted: bool) -> bool:
        """Let in an asset; see `instrument`."""
        return _let_in(name, self.assets, self._limits.max_assets, OverLimit.ASSETS, deleted=deleted)

    def fund(self, name: str, *, deleted: bool) -> bool:
        """Let in an insurance fund; see `instrument`."""
        return _let_in(name, self.funds, self._limits.max_funds, OverLimit.FUNDS, deleted=deleted)


def _let_in(name: str, names: set[str], most: int, code: OverLimit, *, deleted: bool) -> bool:
    if name in names:
        return True
    if deleted:
        return False
    if len(names) >= most:
        raise TooManyNames(code, name, most)
    names.add(name)
    return True
