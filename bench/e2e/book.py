"""The book of a run: a population as the messages that bring it to the daemon, and all that is said about it later.

Amounts stay integers until they are written as decimal texts, so that what is sent is exact. Who is to change status,
and when, is decided by the parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np
from aiokafka.partitioner import DefaultPartitioner

from bench import facts
from bench.e2e.clients import Message
from bench.population import WALLET_DECIMALS, Population
from bench.venue import I8
from monitor.core.document import instrument_object

FUND: Final = "USDT"
FUND_BALANCE: Final = "1000000000000"
_encode = msgspec.json.encode


def text(number: int, places: int) -> str:
    """Return number·10^-places as a plain decimal."""
    if not places:
        return str(number)
    digits = str(abs(number)).rjust(places + 1, "0")
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"


class Book:
    """Hold a population and write its messages."""

    def __init__(self, population: Population, shards: int) -> None:
        self.population = population
        self.shards = shards
        self.keys = [facts.account_id(number).encode() for number in range(population.sizes.accounts)]
        self.numbers = {key.decode(): number for number, key in enumerate(self.keys)}
        divide, every = DefaultPartitioner(), list(range(shards))
        self.partitions = [int(divide(key, every, every)) for key in self.keys]
        self.versions = [1] * len(self.keys)
        self.wallets: list[int] = population.wallets.tolist()
        self.ends: list[int] = population.ends.tolist()
        self.quantities: list[int] = population.quantities.tolist()
        venue, ranks = population.venue, population.symbols.tolist()
        decimals, self._lots = venue.decimals.tolist(), venue.lots[population.symbols].tolist()
        self._heads = [
            f'{{"symbol":"{venue.names[rank]}","entry_price":"{text(entry, decimals[rank])}","quantity":"'
            for rank, entry in zip(ranks, population.entries.tolist(), strict=True)
        ]

    def terms(self) -> Iterator[Message]:
        """Yield the contracts."""
        for terms in self.population.venue.instruments:
            body: dict[str, Any] = {**instrument_object(terms), "symbol": terms.symbol}
            yield terms.symbol.encode(), _encode(body)

    def fund(self, now_ms: int) -> Message:
        """Return an insurance fund that stands for everything."""
        body = {"fund": FUND, "asset": FUND, "balance": FUND_BALANCE, "event_time_ms": now_ms}
        return FUND.encode(), _encode(body)

    def prices(self, marks: I8, now_ms: int) -> Message:
        """Return one message with the mark of every contract, given in its last decimal."""
        venue = self.population.venue
        parts = zip(venue.names, marks.tolist(), venue.decimals.tolist(), strict=True)
        body = ",".join(
            f'{{"symbol":"{name}","mark_price":"{text(mark, places)}","event_time_ms":{now_ms}}}'
            for name, mark, places in parts
        )
        return b"all", f"[{body}]".encode()

    def snapshot(self, account: int, now_ms: int) -> Message:
        """Return the whole account."""
        places = range(self.ends[account], self.ends[account + 1])
        positions = ",".join(self._position(place) for place in places)
        return self.keys[account], self._message(account, now_ms, f',"snapshot":true,"positions":[{positions}]')

    def traded(self, account: int, place: int, quantity: int, now_ms: int) -> Message:
        """Return the message of a position that has another size now, the wallet with it."""
        self.quantities[place] = quantity
        return self.keys[account], self._message(account, now_ms, f',"positions":[{self._position(place)}]')

    def paid(self, account: int, wallet: int, now_ms: int) -> Message:
        """Return the message of a wallet that holds another amount now."""
        self.wallets[account] = wallet
        return self.keys[account], self._message(account, now_ms, "")

    def _position(self, place: int) -> str:
        return f'{self._heads[place]}{text(self.quantities[place], self._lots[place])}"}}'

    def _message(self, account: int, now_ms: int, more: str) -> bytes:
        version = self.versions[account]
        self.versions[account] = version + 1
        return (
            f'{{"account_id":"{self.keys[account].decode()}","version":{version},"event_time_ms":{now_ms},'
            f'"balances":{{"{FUND}":"{text(self.wallets[account], WALLET_DECIMALS)}"}}{more}}}'
        ).encode()


def wallet_of(dollars: np.ndarray[Any, np.dtype[np.float64]]) -> I8:
    """Return amounts in a wallet's last decimal."""
    return np.rint(dollars * 10.0**WALLET_DECIMALS).astype(np.int64)
