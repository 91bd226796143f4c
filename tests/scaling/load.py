"""The load of a scaling run: one account a shard that every price moves over a line and back, and ballast beside it.

So each price message causes one event in every shard: their times tell when a shard was judged, and by whom.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

MARKS = ("100", "94")
"""Marks between which the price swings: at the first the swinging accounts have 200 % of their requirement."""
_AT_ONCE = 2_000


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as the client has it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def _terms(symbol: str) -> dict[str, Any]:
    brackets = [{"floor": "0", "rate": "0.1", "max_leverage": "10"}]
    return {"symbol": symbol, "contract": "linear", "settle_asset": "USDT", "brackets": brackets}


class Load:
    """Write to the topics of one run."""

    def __init__(self, servers: str, prefix: str, partitions: int, tick_seconds: float) -> None:
        self._servers = servers
        self._prefix = prefix
        self._partitions = partitions
        self._tick_seconds = tick_seconds
        self._producer: AIOKafkaProducer | None = None
        self.first_tick = 0
        self.ticks = 0

    async def open(self, ballast: int) -> None:
        """Write the market and all accounts: one that swings in each shard, `ballast` others in all."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._servers, enable_idempotence=True, linger_ms=2, max_batch_size=1 << 18
        )
        await self._producer.start()
        for symbol in ("SWING", "CALM"):
            await self._send("instruments", symbol, _terms(symbol), partition=0)
        await self._price("CALM", MARKS[0])
        await self._price("SWING", MARKS[0])
        found: dict[int, str] = {}
        number = 0
        while len(found) < self._partitions:
            name = f"swing-{number}"
            if found.setdefault(partition_of(name.encode(), self._partitions), name) == name:
                await self._account(name, "200", {"SWING": "10"})
            number += 1
        for start in range(0, ballast, _AT_ONCE):
            futures = [
                await self._account(f"calm-{one}", "100000", {"CALM": "10"}, wait=False)
                for one in range(start, min(ballast, start + _AT_ONCE))
            ]
            await asyncio.gather(*futures)

    async def run(self, stop: asyncio.Event) -> None:
        """Let the price swing until told to stop."""
        due = time.monotonic()
        while not stop.is_set():
            self.ticks += 1
            offset = await self._price("SWING", MARKS[self.ticks % 2])
            self.first_tick = self.first_tick or offset
            due += self._tick_seconds
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def close(self) -> None:
        """Let the producer go."""
        if self._producer is not None:
            await self._producer.stop()

    async def _price(self, symbol: str, mark: str) -> int:
        now = time.time_ns() // 1_000_000
        body = {"symbol": symbol, "mark_price": mark, "event_time_ms": now}
        done = await (await self._send("mark-prices", symbol, body, partition=0, wait=False))
        return int(done.offset)

    async def _account(self, name: str, balance: str, held: dict[str, str], *, wait: bool = True) -> Any:
        positions = [{"symbol": symbol, "quantity": size, "entry_price": "100"} for symbol, size in held.items()]
        body = {
            "account_id": name,
            "version": 1,
            "event_time_ms": 1,
            "snapshot": True,
            "balances": {"USDT": balance},
            "positions": positions,
        }
        partition = partition_of(name.encode(), self._partitions)
        return await self._send("account-events", name, body, partition=partition, wait=wait)

    async def _send(self, topic: str, key: str, body: Any, *, partition: int, wait: bool = True) -> Any:
        assert self._producer is not None
        value = json.dumps(body).encode()
        future = await self._producer.send(self._prefix + topic, value, key.encode(), partition=partition)
        return await future if wait else future
