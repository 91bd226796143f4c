"""Who waits for which contract's terms: accounts that no row of the store leads to.

Only the two-way list lives here; which symbols an account waits for is said by `rows`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence


class AwaitedTerms:
    """Hold by symbol the numbers of the accounts that wait for its next terms; nothing is kept of who waits no more."""

    def __init__(self) -> None:
        self._accounts: dict[str, set[int]] = {}
        self._symbols: dict[int, Sequence[str]] = {}

    def put(self, number: int, symbols: Sequence[str]) -> None:
        """Have an account wait for these symbols, and for no others any more."""
        for symbol in self._symbols.pop(number, ()):
            accounts = self._accounts.get(symbol)
            if accounts is not None:
                accounts.discard(number)
                if not accounts:
                    del self._accounts[symbol]
        for symbol in symbols:
            self._accounts.setdefault(symbol, set()).add(number)
        if symbols:
            self._symbols[number] = symbols

    def take(self, symbol: str) -> Collection[int]:
        """Return who has waited for a symbol."""
        return self._accounts.pop(symbol, ())

    def __len__(self) -> int:
        """Return how many symbols are waited for."""
        return len(self._accounts)
