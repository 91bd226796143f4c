"""Account messages as a venue sends them: one position changed, closed or opened, and the wallet with it.

Drawn from a population with a seed; every batch names each of its accounts once, with versions that rise.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from bench import facts
from bench.population import WALLET_DECIMALS, Population

CHANGED, CLOSED = 0.6, 0.8
"""Below the first a position changes its size, below the second it is closed, above it one is opened."""
_FIRST_VERSION: Final = 2


class Message(NamedTuple):
    """Hold the key and the value of a record."""

    key: bytes
    value: bytes


class Venue:
    """Draw batches of account messages."""

    def __init__(self, population: Population, seed: int) -> None:
        self._population = population
        self._rng = np.random.default_rng(seed)
        self._version = _FIRST_VERSION

    def batch(self, count: int) -> list[Message]:
        """Return messages about `count` accounts, each once."""
        accounts = self._rng.choice(self._population.sizes.accounts, count, replace=False).tolist()
        kinds, version = self._rng.random(count).tolist(), self._version
        self._version += 1
        return [self._message(account, kind, version) for account, kind in zip(accounts, kinds, strict=True)]

    def _message(self, account: int, kind: float, version: int) -> Message:
        population, rng = self._population, self._rng
        venue, begin, end = population.venue, int(population.ends[account]), int(population.ends[account + 1])
        if kind < CLOSED and begin < end:
            place = int(rng.integers(begin, end))
            rank, lots, entry = (
                int(column[place]) for column in (population.symbols, population.quantities, population.entries)
            )
            quantity = lots * int(rng.integers(50, 150)) // 100 if kind < CHANGED else 0
        else:
            rank, entry = int(rng.integers(len(venue.names))), 0
            quantity = int(rng.choice([-1, 1])) * max(
                1, round(500 / venue.prices(0)[rank] * 10.0 ** int(venue.lots[rank]))
            )
        entry = entry or int(venue.marks[0][rank])
        position: dict[str, str] = {"symbol": venue.names[rank], "quantity": _text(quantity, int(venue.lots[rank]))}
        if quantity:
            position["entry_price"] = _text(entry, int(venue.decimals[rank]))
        body = {
            "account_id": facts.account_id(account),
            "version": version,
            "event_time_ms": facts.START_MS + version,
            "balances": {"USDT": _text(int(population.wallets[account]) + version, WALLET_DECIMALS)},
            "positions": [position],
        }
        return Message(facts.account_id(account).encode(), json.dumps(body, separators=(",", ":")).encode())


def _text(number: int, decimals: int) -> str:
    return f"{Decimal(number).scaleb(-decimals):f}"
