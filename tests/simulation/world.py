"""The world of a simulation: the laboratory's, with couriers before its topics and a log that has troubles of its own.

What happens when is the story's choice; here are the means.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from monitor.adapters.embedded.partition import Partition
from monitor.app.ports import OutputRecord, TopicPartition
from monitor.app.topics import create_topics
from monitor.config import load
from tests.app.lab import World
from tests.simulation.courier import Courier
from tests.simulation.draws import Draws

LOOK_SECONDS = 0.1
FOREIGN = "a producer of somebody else"


class SimulatedWorld(World):
    """Hold the topics, the couriers and the instances of one story; `tally` counts what happened."""

    def __init__(self, draws: Draws, seed: int, tally: Counter[str]) -> None:
        overrides = {"topics.partitions": draws.partitions, **draws.settings}
        self.draws = draws
        self.tally = tally
        self._pace = random.Random(f"kernel {seed}")
        super().__init__(load(None, environment={}, overrides=overrides), self._kernel_of)
        chance = random.Random(f"courier {seed}")
        self.courier = Courier(chance, self._deliver, tally)
        self._reliable = True
        self.on_look: Callable[[], None] = lambda: None
        """Called again and again while the world is waited for."""

    async def open(self) -> None:
        """Make the topics."""
        assert await create_topics(await self.log.admin(), self.settings.topics) == []

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Let time pass until `condition` holds, looking seldom; raise `TimeoutError` after so many seconds."""
        for _ in range(round(seconds / LOOK_SECONDS)):
            if condition():
                return
            self.on_look()
            await asyncio.sleep(LOOK_SECONDS)
        raise TimeoutError("the world has not come to rest")

    def trouble_couriers(self) -> None:
        """Have messages lost, doubled, late and poisoned from now on, as often as was drawn."""
        courier, draws = self.courier, self.draws
        courier.lost, courier.doubled, courier.late = draws.lost, draws.doubled, draws.late
        courier.poisoned = draws.poisoned
        self._reliable = False

    def calm_couriers(self) -> None:
        """Deliver what is on its way, and everything else at once from now on."""
        self._reliable = True
        self.courier.flush()

    async def _kernel_of(self, work: Callable[[], Any]) -> Any:
        """Stand for the kernel thread: it takes its time before the work and after it."""
        longest = self.draws.kernel_seconds
        await asyncio.sleep(self._pace.random() * longest if longest else 0)
        result = work()
        if longest:
            await asyncio.sleep(self._pace.random() * longest)
        return result

    def put(self, topic: str, key: str | None, body: Any, partition: int | None = None) -> TopicPartition:
        """Give a message to the courier of an input topic."""
        value = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        message = (topic, None if key is None else key.encode(), value, partition)
        if self._reliable:
            self._deliver(*message)
        else:
            self.courier.send(*message)
        return TopicPartition(getattr(self.topics, topic), partition or 0)

    def _deliver(self, topic: str, key: bytes | None, value: bytes | None, partition: int | None) -> None:
        if key is None and value is None:
            return
        self.tally[f"input {topic}"] += 1
        self.log.produce(getattr(self.topics, topic), key, value, partition)

    def price_partitions(self) -> int:
        """Return how many partitions prices come through now."""
        return len(self.log._store.topics[self.topics.mark_prices].partitions)

    def grow_prices(self) -> None:
        """Give the prices one more partition."""
        self.log._store.topics[self.topics.mark_prices].partitions.append(Partition())

    def leave_foreign_transaction(self, topic: str, partition: int) -> None:
        """Have somebody begin a transaction on an input and not end it: nothing behind it can be read."""
        record = OutputRecord(getattr(self.topics, topic), partition, b"x", b"{}")
        self.log._store.leave_open(FOREIGN, [record])

    def resolve_foreign(self) -> None:
        """Have the log abort whatever others have left open."""
        self.log._store.take_over(FOREIGN)

    def corrupt_somewhere(self, chance: random.Random) -> TopicPartition | None:
        """Let the last record of some partition fail its checksum until `heal`."""
        names = (self.topics.state, self.topics.mark_prices, self.topics.account_events, self.topics.instruments)
        name = chance.choice(names)
        partitions = self.log._store.topics[name].partitions
        index = chance.randrange(len(partitions))
        if not partitions[index].records:
            return None
        where = TopicPartition(name, index)
        self.log.faults.corrupt[where] = partitions[index].records[-1].offset
        return where

    def heal(self) -> None:
        """Take every standing trouble of the log away."""
        self.log.faults.corrupt.clear()
        self.log.faults.unavailable = False
        self.resolve_foreign()

    def compact(self, chance: random.Random) -> None:
        """Compact what is compacted in some partition, tombstones and all."""
        name = chance.choice((self.topics.state, self.topics.state, self.topics.account_status, self.topics.adl_queue))
        self.log.compact(TopicPartition(name, chance.randrange(self.settings.topics.partitions)), 0)
