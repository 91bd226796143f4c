"""The registry of accounts with rules: their facts, unpacked, and whom a symbol or an asset concerns.

Accounts without rules are not in it and cost nothing. What is done with those who are is in `watch`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from monitor.core.accounts import Account
from monitor.core.rules.parameters import RuleParameters


class Watched(NamedTuple):
    """Hold an account that has rules, and under which symbols and assets it is found."""

    account: Account
    parameters: RuleParameters
    symbols: frozenset[str]
    assets: frozenset[str]

    @property
    def is_on_ticks(self) -> bool:
        """Whether any of its rules is to be looked at after every message; nothing is known before a snapshot."""
        return self.account.complete and self.parameters.on_ticks


class Registry:
    """Hold the accounts that have rules, by the number the account book gave them."""

    def __init__(self) -> None:
        self.watched: dict[int, Watched] = {}
        self.correlating: set[int] = set()
        self._by_symbol: dict[str, set[int]] = {}
        self._by_asset: dict[str, set[int]] = {}

    def put(self, number: int, watched: Watched | None) -> None:
        """Replace what is known of an account; None: it has no rules."""
        before = self.watched.pop(number, None)
        self.correlating.discard(number)
        if before is not None:
            _leave(self._by_symbol, before.symbols, number)
            _leave(self._by_asset, before.assets, number)
        if watched is None:
            return
        self.watched[number] = watched
        if watched.parameters.correlates:
            self.correlating.add(number)
        for symbol in watched.symbols:
            self._by_symbol.setdefault(symbol, set()).add(number)
        for name in watched.assets:
            self._by_asset.setdefault(name, set()).add(number)

    def holds(self, number: int, watched: Watched | None) -> bool:
        """Return whether this is what is known of an account, and it is found by its symbols and assets."""
        if watched != self.watched.get(number):
            return False
        if watched is None:
            return number not in self.correlating
        by_symbol = all(number in self._by_symbol.get(symbol, ()) for symbol in watched.symbols)
        by_asset = all(number in self._by_asset.get(name, ()) for name in watched.assets)
        return by_symbol and by_asset and (number in self.correlating) is watched.parameters.correlates

    def touched(self, accounts: Iterable[int], symbols: Iterable[str], assets: Iterable[str]) -> list[int]:
        """Return those of some accounts that have rules, and all that hold one of some symbols and assets."""
        numbers = {number for number in accounts if number in self.watched}
        numbers.update(*(self._by_symbol.get(symbol, ()) for symbol in symbols))
        numbers.update(*(self._by_asset.get(name, ()) for name in assets))
        return sorted(numbers)


def _leave(found: dict[str, set[int]], names: Iterable[str], number: int) -> None:
    """Take an account out of the sets of some names; a name that leads to nobody is forgotten."""
    for name in names:
        found[name].discard(number)
        if not found[name]:
            del found[name]
