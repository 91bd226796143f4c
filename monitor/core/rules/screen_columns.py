"""Columns of the screen: the rows of all accounts side by side, and the lines that their values are held against.

What is done with them is in `screen_judging`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.rules.screen_prices import ScreenPrices
from monitor.core.rules.screen_rows import AccountRows

I8 = NDArray[np.int64]


class Lines(NamedTuple):
    """Hold at which value something happens: the lowest armed level, and the highest line of one that is disarmed."""

    fire: float = np.inf
    rearm: float = -np.inf


class AccountLines(NamedTuple):
    """Hold the lines of one account. `base` is what a fall is measured from (NaN: nothing yet), `tracks` its high.

    `scopes` and `sectors` go by the places of the account's rows; `funding` holds of each scope k, and whether armed.
    """

    base: float
    tracks: bool
    drawdown: Lines
    scopes: Sequence[Lines]
    sectors: Sequence[Lines]
    funding: Sequence[tuple[float, bool]]


class Columns:
    """Hold the rows of all accounts as columns; cells, pools and wallets each know their account."""

    def __init__(self, rows: Sequence[AccountRows], prices: ScreenPrices) -> None:
        symbols, assets = prices.symbols.of, prices.assets.of
        self.scope_start = _starts([len(one.scopes) for one in rows])
        self.sector_start = _starts([len(one.sectors) for one in rows])
        pool_start = _starts([len(one.pools) for one in rows])
        self.single = np.array([one.single for one in rows], dtype=np.bool_)
        self.linear_in_one = np.array([one.linear_in_one for one in rows], dtype=np.bool_)
        cells = [(place, *cell) for place, one in enumerate(rows) for cell in one.cells]
        self.account = _ints([cell[0] for cell in cells])
        self.symbol = _ints([symbols(cell[1]) for cell in cells])
        self.asset = _ints([assets(cell[2]) for cell in cells])
        self.size, self.entry, self.leverage, self.multiplier, self.wallet = (
            np.array([cell[index] for cell in cells], dtype=np.float64) for index in (3, 4, 6, 7, 8)
        )
        self.inverse, self.isolated = (np.array([cell[i] for cell in cells], dtype=np.bool_) for i in (5, 9))
        self.pool = _ints([pool_start[cell[0]] + cell[10] for cell in cells])
        sectors = [-1 if cell[11] < 0 else self.sector_start[cell[0]] + cell[11] for cell in cells]
        self.sector = _ints(sectors)
        pools = [(place, *pool) for place, one in enumerate(rows) for pool in one.pools]
        self.pool_account = _ints([pool[0] for pool in pools])
        self.pool_asset = _ints([assets(pool[1]) for pool in pools])
        self.pool_wallet = np.array([pool[2] for pool in pools], dtype=np.float64)
        self.pool_in_usd = np.array([pool[3] for pool in pools], dtype=np.bool_)
        self.pool_scope = _ints([self.scope_start[pool[0]] + pool[4] for pool in pools])
        wallets = [(place, *wallet) for place, one in enumerate(rows) for wallet in one.wallets]
        self.wallet_account = _ints([wallet[0] for wallet in wallets])
        self.wallet_asset = _ints([assets(wallet[1]) for wallet in wallets])
        self.wallet_net, self.wallet_size = (
            np.array([wallet[index] for wallet in wallets], dtype=np.float64) for index in (2, 3)
        )
        count, scopes, sector_count = len(rows), int(self.scope_start[-1]), int(self.sector_start[-1])
        self.base, self.tracks = np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
        self.fall = np.full((count, 2), np.nan)
        self.scope_lines, self.scope_k = np.full((scopes, 2), np.nan), np.full(scopes, np.nan)
        self.scope_armed = np.zeros(scopes, dtype=np.bool_)
        self.sector_lines = np.full((sector_count, 2), np.nan)
        self.account_of_scope = np.repeat(np.arange(count), np.diff(self.scope_start))
        self.account_of_sector = np.repeat(np.arange(count), np.diff(self.sector_start))

    def set_lines(self, place: int, lines: AccountLines) -> None:
        """Write the lines of one account."""
        self.base[place], self.tracks[place] = lines.base, lines.tracks
        self.fall[place] = lines.drawdown
        start = int(self.scope_start[place])
        for offset, line in enumerate(lines.scopes):
            self.scope_lines[start + offset] = line
        for offset, (k, armed) in enumerate(lines.funding):
            self.scope_k[start + offset], self.scope_armed[start + offset] = k, armed
        start = int(self.sector_start[place])
        for offset, line in enumerate(lines.sectors):
            self.sector_lines[start + offset] = line


def _starts(counts: Sequence[int]) -> I8:
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64))).astype(np.int64)


def _ints(numbers: Sequence[int]) -> I8:
    return np.array(numbers, dtype=np.int64)
