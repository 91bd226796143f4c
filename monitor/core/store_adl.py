"""The columns of auto-deleveraging: costs and shown lights by cell, who is exempt, and the holders of a symbol scored.

The arithmetic is in `kernels_adl`; the other columns are those of `store_columns`, whose cells these lie beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from monitor.core.adl.settings import AdlRanking
from monitor.core.instruments import Asset
from monitor.core.kernels_adl import BINANCE_V2, HYPERLIQUID, LEVERAGE_PNL_2019, NO_LIGHT, score_holders, write_costs
from monitor.core.store_columns import F8, HELD_COUNT, HELD_START, I8, U1, U4, Batch
from monitor.core.store_space import Space, longer
from monitor.core.store_terms import Contracts

_NUMBERS: Final[Mapping[AdlRanking, int]] = {
    AdlRanking.LEVERAGE_PNL_2019: LEVERAGE_PNL_2019,
    AdlRanking.BINANCE_V2: BINANCE_V2,
    AdlRanking.HYPERLIQUID: HYPERLIQUID,
}


class Holders(NamedTuple):
    """Hold scopes that hold a symbol, and what each is to its queues.

    `kinds` are those of `kernels_adl`, `shorts` 1 for short, `scores` NaN for who is in no queue, `errors` by how much
    a score may be off, `places` where the cell is.
    """

    scopes: U4
    kinds: U1
    shorts: U1
    scores: F8
    errors: F8
    places: I8


class AdlColumns:
    """Keep what deleveraging needs beside the cells of a store."""

    def __init__(self, space: Space, contracts: Contracts) -> None:
        self._space = space
        self._contracts = contracts
        self._costs = np.zeros(0)
        self._lights = np.zeros(0, dtype=np.uint8)
        self._exempt = np.zeros(0, dtype=np.uint8)
        self._index = np.ones(16)

    @property
    def nbytes(self) -> int:
        """The bytes reserved for these columns."""
        return self._costs.nbytes + self._lights.nbytes + self._exempt.nbytes + self._index.nbytes

    @property
    def costs(self) -> F8:
        """Q·v(entry) of every cell."""
        return self._costs

    def index_of(self, asset: int) -> float:
        """Return the index price of an asset by its number."""
        return float(self._index[asset]) if asset < len(self._index) else 1.0

    def write(self, batch: Batch, costs: Sequence[float] | F8) -> None:
        """Keep the costs of a batch that was written."""
        columns = self._space.columns
        if len(self._costs) < len(columns.codes):
            self._costs = longer(self._costs, len(columns.codes))
            self._lights = longer(self._lights, len(columns.codes), NO_LIGHT)
        where = columns.first, columns.scopes, columns.pages, columns.codes
        amounts = np.array(costs, dtype=np.float64)
        write_costs(batch.accounts, batch.scopes, batch.parts, amounts, *where, self._costs, self._lights)

    def set_index(self, asset: int, terms: Asset[Decimal] | None) -> None:
        """Set the index price of an asset by its number: what profit settled in it counts in a scope in USD."""
        if asset >= len(self._index):
            self._index = longer(self._index, 2 * asset, 1)
        index_price = None if terms is None else terms.index_price
        self._index[asset] = 1.0 if index_price is None else float(index_price)

    def set_exempt(self, account: int, *, exempt: bool) -> None:
        """Say whether an account is no counterparty, whatever it holds."""
        if account >= len(self._exempt):
            if not exempt:
                return
            self._exempt = longer(self._exempt, 2 * account + 64)
        self._exempt[account] = exempt

    def symbols(self) -> list[str]:
        """Return the symbols that somebody holds."""
        held, known = self._space.columns.symbols, self._contracts.symbols
        return [name for name, one in known.items() if one.number < len(held) and held[one.number, HELD_COUNT]]

    def holders(self, symbol: str, ranking: AdlRanking) -> Holders:
        """Return every scope that holds a symbol, as of the last judgement."""
        known, columns = self._contracts.symbols.get(symbol), self._space.columns
        if known is None or known.number >= len(columns.symbols):
            return self._score(np.zeros(0, dtype=np.uint32), [0], ranking)
        start, count = (int(columns.symbols[known.number, of]) for of in (HELD_START, HELD_COUNT))
        return self._score(columns.entries[start : start + count].copy(), [known.number], ranking)

    def holdings(self, scopes: Sequence[int], symbols: Sequence[str], ranking: AdlRanking) -> Holders:
        """Return what `holders` says of scopes, by the symbol beside each; a place is below 0 where it holds none."""
        numbers = [self._contracts.symbol(symbol).number for symbol in symbols]
        return self._score(np.array(scopes, dtype=np.uint32), numbers, ranking)

    def lights(self, places: I8) -> U1:
        """Return the lights shown of cells, `NO_LIGHT` where none was."""
        shown: U1 = self._lights[places]
        return shown

    def show(self, place: int, light: int) -> None:
        """Note the light that is shown of a cell, `NO_LIGHT` for none."""
        self._lights[place] = light

    def _score(self, scopes: U4, symbols: Sequence[int], ranking: AdlRanking) -> Holders:
        columns, count = self._space.columns, len(scopes)
        found = Holders(
            scopes,
            np.zeros(count, np.uint8),
            np.zeros(count, np.uint8),
            np.zeros(count),
            np.zeros(count),
            np.zeros(count, np.int64),
        )
        cells = columns.codes, columns.sizes, self._contracts.values, self._contracts.symbol_of_line
        rows = columns.scopes, columns.pages, columns.figures, columns.watch, columns.links
        everything: tuple[Any, ...] = (*self._mine(), *rows, *cells, *found[1:])
        score_holders(scopes, np.array(symbols, dtype=np.int64), _NUMBERS[ranking], *everything)
        return found

    def _mine(self) -> tuple[F8, U1, F8]:
        return self._index, self._exempt, self._costs
