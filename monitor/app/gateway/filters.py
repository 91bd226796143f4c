"""Filters: which events and statuses a subscription asks for; what its token may see is part of it.

Lines are met by what has ended beyond them as well: an event counts by the worse of its two statuses, so that whoever
was told of a fall is told of the recovery.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.app.gateway.views import EventView, StatusView


@dataclass(frozen=True, slots=True)
class Filter:
    """Hold what is asked for: None or 0 asks for everything.

    `accounts` is never wider than the token's. `scopes` name scopes, or kinds of them (`cross`, `isolated`,
    `portfolio`); `methods` are `isolated`, `single_asset`, `multi_asset`, `portfolio` and the portfolio methods.
    """

    accounts: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    symbols: frozenset[str] | None = None
    methods: frozenset[str] | None = None
    min_rank: int = 0

    def covers(self, view: EventView | StatusView) -> bool:
        """Tell whether the scope is asked for at all, whatever has become of it."""
        if self.accounts is not None and view.account_id not in self.accounts:
            return False
        if self.scopes is not None and not _names_scope(self.scopes, view.scope):
            return False
        return self.fits(view.method, view.symbols)

    def fits(self, method: str, symbols: frozenset[str] | None) -> bool:
        """Tell whether method and symbols are asked for; what is not stated passes."""
        if self.symbols is not None and symbols is not None and self.symbols.isdisjoint(symbols):
            return False
        return self.methods is None or not method or _names_method(self.methods, method)


def _names_scope(scopes: frozenset[str], scope: str | None) -> bool:
    return scope is not None and (scope in scopes or scope.partition(":")[0] in scopes)


def _names_method(methods: frozenset[str], method: str) -> bool:
    """`portfolio:span` is met by `portfolio` and by `span`."""
    kind, _, name = method.partition(":")
    return kind in methods or (bool(name) and name in methods)
