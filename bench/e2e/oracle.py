"""What every account's status has to be, worked out in plain numpy: nothing of the daemon is used for it.

The ladder is that of the contract, stated again. Float64 is enough because nobody stands near a line: `close_calls`
names those who do, and the books are drawn so that there are none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.population import WALLET_DECIMALS, Population, requirement
from bench.venue import F8, I8

STATUSES: Final = ("healthy", "watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt")
"""From good to bad; a status is its place in here."""
LINES: Final = (1.5, 1.25, 1.1, 1.0, 1 / 1.1, 2 / 3)
"""A status begins below its line times the requirement."""
HYSTERESIS: Final = 0.005
HEALTHY, LIQUIDATION, BANKRUPT = 0, 4, 7
_CLOSE: Final = 1e-9


def rank(equity: F8, required: F8, scale: float = 1.0) -> I8:
    """Return the status that figures say, with all lines scaled."""
    found = np.zeros(len(equity), np.int64)
    for line in LINES:
        found += equity < line * scale * required
    found[(equity <= 0) & (required > 0)] = BANKRUPT
    return found


def told_after(told: I8, equity: F8, required: F8) -> I8:
    """Return what is told after a judgement: left upwards only beyond the hysteresis."""
    worse, better = rank(equity, required), rank(equity, required, 1 + HYSTERESIS)
    return np.where(worse > told, worse, np.where(better < told, better, told))


@dataclass(frozen=True)
class Expected:
    """Hold one event that has to be told: the status, and the message that causes it where that is known."""

    status: int
    place: tuple[str, int, int] | None


@dataclass
class Chains:
    """Hold the events each account has to have, in order."""

    of: dict[int, list[Expected]] = field(default_factory=dict)
    count: int = 0

    def add(self, account: int, status: int, place: tuple[str, int, int] | None) -> None:
        """Expect one more event of an account."""
        self.of.setdefault(account, []).append(Expected(status, place))
        self.count += 1


class Oracle:
    """Know figures and told status of every account of a population, and what has to be told of it."""

    def __init__(self, population: Population) -> None:
        self._tables = population.venue.tables
        self._accounts = population.sizes.accounts
        self.owners, self.symbols = population.owners, population.symbols
        self.amounts, self.entries = population.amounts(), population.entry_prices()
        self.wallets: F8 = population.wallets / 10.0**WALLET_DECIMALS
        self.told: I8 = np.zeros(self._accounts, np.int64)
        self.chains = Chains()

    def gains(self, prices: F8) -> F8:
        """Return each account's profit."""
        parts = self.amounts * (prices[self.symbols] - self.entries)
        return np.bincount(self.owners, parts, self._accounts).astype(np.float64)

    def required(self, prices: F8) -> F8:
        """Return each account's requirement."""
        parts = requirement(self._tables, self.symbols, np.abs(self.amounts) * prices[self.symbols])
        return np.bincount(self.owners, parts, self._accounts).astype(np.float64)

    def gross(self, prices: F8) -> F8:
        """Return what each account's positions are worth."""
        parts = np.abs(self.amounts) * prices[self.symbols]
        return np.bincount(self.owners, parts, self._accounts).astype(np.float64)

    def close_calls(self, prices: F8) -> NDArray[np.bool_]:
        """Return who stands so near to a line that floats cannot tell."""
        equity, required = self.wallets + self.gains(prices), self.required(prices)
        room = _CLOSE * (np.abs(self.wallets) + self.gross(prices))
        close = np.abs(equity) < room
        for line in LINES:
            for scale in (1.0, 1 + HYSTERESIS):
                close |= np.abs(equity - line * scale * required) < room
        close &= required > 0
        return close

    def judge(
        self, prices: F8, place: tuple[str, int, int] | None, known: NDArray[np.bool_] | None = None
    ) -> NDArray[np.intp]:
        """Judge all accounts (or those `known` to be untouched) at new prices; return whose status changes."""
        after = told_after(self.told, self.wallets + self.gains(prices), self.required(prices))
        if known is not None:
            after = np.where(known, after, self.told)
        return self._tell(after, place)

    def expect(self, account: int, status: int, place: tuple[str, int, int] | None) -> None:
        """Expect an account to have a status from a message on."""
        if self.told[account] != status:
            self.told[account] = status
            self.chains.add(account, status, place)

    def _tell(self, after: I8, place: tuple[str, int, int] | None) -> NDArray[np.intp]:
        changed = np.nonzero(after != self.told)[0]
        for account, status in zip(changed.tolist(), after[changed].tolist(), strict=True):
            self.chains.add(account, status, place)
        self.told = after
        return changed
