"""The load of a chaos run: writes the messages of a seed with an idempotent producer, and keeps a ledger of them.

A producer that fails is replaced and writes again what was not acknowledged, in order; what then stands in the log
twice is for the judge to see there. The messages themselves are made in `market` and `people`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.market import Market
from tests.chaos.messages import Message
from tests.chaos.people import People

MOST_UNACKNOWLEDGED = 400
SEND_SECONDS = 10.0
PEOPLE_SHARE = 0.4


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Ledger:
    """Hold everything that was written: its kind, and where the log has acknowledged it."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.acknowledged: dict[int, tuple[str, int, int]] = {}
        self.producers = 0

    def counts(self) -> Counter[str]:
        """Return how many messages of each kind were written."""
        return Counter(self.kinds)


class Load:
    """Write the messages of one seed, at a rate, until told to stop."""

    def __init__(
        self, seed: int, servers: str, partitions: int, *, rate: float, witnesses: int = 30, people: int = 60
    ) -> None:
        dice = random.Random(f"load {seed}")
        self.ledger = Ledger()
        self.witnesses = witnesses
        self._dice = dice
        self._market = Market(dice)
        self._people = People(dice, partitions, witnesses, people)
        self._servers = servers
        self._rate = rate
        self._producer: AIOKafkaProducer | None = None
        self._waiting: deque[tuple[int, Message, Any]] = deque()

    async def open(self) -> None:
        """Write what stands in the topics before anything happens, and wait until all of it is acknowledged."""
        now = now_ms()
        for message in [*self._market.opening(now), *self._people.opening(now)]:
            await self._write(message)
        await self.settle()

    async def run(self, stop: asyncio.Event) -> None:
        """Write at the rate until told to stop; what the log's absence has kept back is not made up for."""
        due = time.monotonic()
        while not stop.is_set():
            now = now_ms()
            about_people = self._dice.random() < PEOPLE_SHARE
            for message in self._people.next(now) if about_people else self._market.next(now):
                await self._write(message)
            due = max(due + self._dice.expovariate(self._rate), time.monotonic() - 1)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.monotonic())):
                    await stop.wait()

    async def finish(self) -> None:
        """Write one price of every symbol, so that none is old when everything is judged."""
        await self._write(self._market.settling(now_ms()))
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything written is acknowledged."""
        while self._waiting:
            await self._await_oldest()

    async def close(self) -> None:
        """Let the producer go."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(5):
                    await producer.stop()

    async def _write(self, message: Message) -> None:
        number = len(self.ledger.kinds)
        self.ledger.kinds.append(message.kind)
        self._waiting.append((number, message, await self._send(number, message)))
        while self._waiting and (self._waiting[0][2].done() or len(self._waiting) > MOST_UNACKNOWLEDGED):
            await self._await_oldest()

    async def _send(self, number: int, message: Message) -> Any:
        """Hand a message to the producer; return the future of its acknowledgement, failed where it was not taken."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                producer = await self._connected()
                return await producer.send(
                    message.topic,
                    message.value,
                    message.key,
                    partition=message.partition,
                    headers=[message.note(number)],
                )
        except (KafkaError, TimeoutError) as error:
            failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    async def _await_oldest(self) -> None:
        number, _, future = self._waiting[0]
        try:
            async with asyncio.timeout(SEND_SECONDS):
                found = await asyncio.shield(future)
        except (KafkaError, TimeoutError):
            await self._begin_again()
            return
        self._waiting.popleft()
        self.ledger.acknowledged[number] = (found.topic, found.partition, found.offset)

    async def _begin_again(self) -> None:
        """Write everything that is not acknowledged again, in order, with a new producer."""
        await self.close()
        again = [(number, message) for number, message, _ in self._waiting]
        for _, _, future in self._waiting:
            if future.done() and not future.cancelled():
                future.exception()
        self._waiting.clear()
        await asyncio.sleep(0.5)
        for number, message in again:
            self._waiting.append((number, message, await self._send(number, message)))

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                enable_idempotence=True,
                acks="all",
                linger_ms=2,
                request_timeout_ms=5_000,
                retry_backoff_ms=100,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer, self.ledger.producers = producer, self.ledger.producers + 1
        return self._producer
