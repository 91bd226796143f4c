"""The bench of a scenario: topics on a cluster, daemons as processes, and a hand that writes and looks at answers.

What a scenario does with it, and what must be true afterwards, is its own business.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from tests.chaos.dump import Record, read_all
from tests.chaos.fleet import Fleet, Worker
from tests.chaos.messages import EVENTS, STATE, dumped, partition_of
from tests.chaos.processes import ROOT, Nursery
from tests.chaos.scenarios.answers import CONFIG, get
from tests.chaos.scenarios.stairs import Account, Walk, terms
from tests.chaos.verdict import Verdict

PATIENCE_SECONDS = 90.0
SEND_SECONDS = 5.0
STOP_SECONDS = 3.0
NUDGE_SECONDS = 0.7
BAD_INPUT = 2


class Bench:
    """Hold everything of one scenario on brokers that listen at `servers`."""

    def __init__(
        self,
        folder: Path,
        servers: str,
        *,
        partitions: int = 2,
        prefix: str = "",
        replication: int = 1,
        more: str = "",
        verbose: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.servers, self.prefix, self.partitions = servers, prefix, partitions
        self.folder = folder
        self.config = folder / "monitor.toml"
        text = CONFIG.format(servers=servers, prefix=prefix, partitions=partitions, replication=replication)
        self.config.write_text(text + more, encoding="utf-8")
        self._nursery = Nursery(folder)
        self.fleet = Fleet(self.config, folder, self._nursery)
        self.verdict = Verdict()
        self.story: list[str] = []
        self._nudges = 0
        self._began = time.monotonic()
        self._verbose = verbose
        self._producer: AIOKafkaProducer | None = None

    def say(self, text: str) -> None:
        """Note what happens."""
        self.story.append(f"{time.monotonic() - self._began:8.2f}  {text}")
        if self._verbose:
            sys.stderr.write(self.story[-1] + "\n")

    async def create_topics(self) -> None:
        """Create the topics as an operator does, waiting for brokers that have just started."""
        await self.until(self._created, "the topics are there")

    async def _created(self) -> bool:
        done = await asyncio.to_thread(self.liqmon, "topics", "create", "--config", str(self.config))
        if done.returncode == BAD_INPUT:
            raise RuntimeError(done.stderr)
        return done.returncode == 0

    def liqmon(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        command = [sys.executable, "-m", "monitor.cli.main", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    # ------------------------------------------------------------------------------------------------- writing
    async def send(self, topic: str, key: str, body: Any, partition: int | None = None) -> Any:
        """Write one message and return where it stands."""
        value = body if body is None or isinstance(body, bytes) else dumped(body)
        if partition is None:
            partition = self.home_of(key) if topic == "account-events" else 0
        async with asyncio.timeout(SEND_SECONDS):
            producer = await self._connected()
            return await producer.send_and_wait(self.prefix + topic, value, key.encode(), partition=partition)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.servers, enable_idempotence=True, acks="all", retry_backoff_ms=50
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def reconnect(self) -> None:
        """Let the producer go; the next message gets a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await producer.stop()

    async def walk(self, steps: Walk, stop: asyncio.Event, rate: float = 20.0) -> None:
        """Write prices until told to stop; one that the log does not take is left out, what counts is what stands."""
        while not stop.is_set():
            symbol, body = steps.next()
            try:
                await self.send("mark-prices", symbol, body)
            except (KafkaError, TimeoutError):
                await self.reconnect()
            with suppress(TimeoutError):
                async with asyncio.timeout(1 / rate):
                    await stop.wait()

    async def walk_for(self, steps: Walk, count: int) -> None:
        """Write so many prices."""
        for _ in range(count):
            symbol, body = steps.next()
            await self.send("mark-prices", symbol, body)

    async def open(self, symbols: Sequence[str], accounts: Sequence[Account]) -> None:
        """Write terms, a first price of 100 and every account."""
        for symbol in symbols:
            await self.send("instruments", symbol, terms(symbol))
            await self.price(symbol, 100)
        await asyncio.gather(*(self.send("account-events", one.name, one.body()) for one in accounts))

    async def price(self, symbol: str, mark: Any, partition: int = 0) -> None:
        """Write a price."""
        body = {"symbol": symbol, "mark_price": str(mark), "event_time_ms": time.time_ns() // 1_000_000}
        await self.send("mark-prices", symbol, body, partition)

    # ------------------------------------------------------------------------------------------------- reading
    async def records(self, *topics: str) -> list[Record]:
        """Return the committed records of topics, each partition in order."""
        dump = await read_all(self.servers, [self.prefix + topic for topic in topics])
        return [record for topic in topics for record in dump.of(self.prefix + topic)]

    async def bodies(self, *topics: str) -> list[dict[str, Any]]:
        """Return the values of topics."""
        return [json.loads(record.value) for record in await self.records(*topics) if record.value]

    async def chains(self) -> list[Record]:
        """Return the records of all event topics."""
        return await self.records(*EVENTS)

    async def positions(self) -> dict[int, Mapping[str, Mapping[str, int]]]:
        """Return the inputs of the last `__meta__` of every shard."""
        lines = [record for record in await self.records(STATE) if record.key == b"__meta__" and record.value]
        return {record.partition: json.loads(record.value or b"")["inputs"] for record in lines}

    async def shown(self, names: Iterable[str]) -> bool:
        """Return whether all accounts stand in account-status."""
        keys = {(record.key or b"").decode().partition("|")[0] for record in await self.records("account-status")}
        return keys >= set(names)

    async def used_up(self) -> bool:
        """Return whether every shard has committed positions past the last record of each of its inputs."""
        ends = {
            (topic, record.partition): record.offset + 1
            for topic in ("mark-prices", "account-events", "instruments")
            for record in await self.records(topic)
        }
        stands = await self.positions()
        return all(
            stands.get(shard, {}).get(self.prefix + topic, {}).get(str(partition), 0) >= end
            for (topic, partition), end in ends.items()
            for shard in range(self.partitions)
            if topic != "account-events" or shard == partition
        )

    async def settle(self, what: str) -> float:
        """Wait until all inputs are used up, with a message to every shard now and then: an idle one commits seldom."""
        began = last = time.monotonic()

        async def reached() -> bool:
            nonlocal last
            if time.monotonic() - last > NUDGE_SECONDS:
                last = time.monotonic()
                await self._nudge()
            return await self.used_up()

        await self.until(reached, what)
        return time.monotonic() - began

    async def _nudge(self) -> None:
        """Write to an account of each shard that has nothing to lose."""
        self._nudges += 1
        for shard in range(self.partitions):
            name = next(n for n in map("nudge-{}".format, range(999)) if self.home_of(n) == shard)
            body = {"account_id": name, "version": self._nudges, "event_time_ms": 1, "balances": {"USDT": "1"}}
            await self.send("account-events", name, body | {"snapshot": True})

    def home_of(self, name: str) -> int:
        """Return the partition of an account."""
        return partition_of(name.encode(), self.partitions)

    # ------------------------------------------------------------------------------------------------- daemons
    async def ready(self, worker: Worker) -> bool:
        """Return whether a daemon answers 200 at /readyz."""
        return (await self.ask(worker, "/readyz"))[0] == http.client.OK

    async def live(self, worker: Worker) -> bool:
        """Return whether a daemon answers 200 at /livez."""
        return (await self.ask(worker, "/livez"))[0] == http.client.OK

    async def ask(self, worker: Worker, path: str) -> tuple[int, str]:
        """Return what a daemon answers, 0 where it does not."""
        return await asyncio.to_thread(get, worker, path)

    async def metric(self, worker: Worker, name: str) -> list[tuple[str, float]]:
        """Return the samples of a metric."""
        _, text = await self.ask(worker, "/metrics")
        lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith(name)]
        return [(labels, float(value)) for labels, _, value in lines]

    def log_of(self, worker: Worker) -> str:
        """Return what a daemon has logged."""
        return worker.log.read_text(errors="replace")

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> float:
        """Wait until a condition holds, awaited where it is to be; return how long it took."""
        began = time.monotonic()
        while True:
            try:
                found = condition()
                if await found if asyncio.iscoroutine(found) else found:
                    return time.monotonic() - began
            except (KafkaError, TimeoutError, OSError):
                pass
            if time.monotonic() - began > seconds:
                tails = "\n".join(f"worker {one.number}:\n{one.tail()}" for one in self.fleet.alive())
                raise RuntimeError(f"not within {seconds:.0f} s: {what}\n{tails}")
            self.fleet.look(0)
            await asyncio.sleep(0.1)

    async def finish(self) -> None:
        """Wait until all inputs are used up, stop the daemons as a supervisor does, and note what they did wrong."""
        await self.settle("all inputs are used up")
        await self.fleet.stop_all()
        for kind, complaints in self.fleet.verdict.complaints.items():
            self.verdict.complaints[kind] += complaints
        self.verdict.figures += self.fleet.read_logs()

    async def close(self) -> None:
        """End everything."""
        self.fleet.close()
        self._nursery.close()
        await self.reconnect()

    # ------------------------------------------------------------------------------------------------- topics
    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Open an admin client for a moment."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await client.start()
        try:
            yield client
        finally:
            await client.close()

    async def set_topic(self, topic: str, **settings: Any) -> None:
        """Change settings of a topic, leaving the others as they are; underscores stand for dots."""
        name = self.prefix + topic
        async with self.admin() as client:
            (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
            # source 1: set for this topic
            kept = {entry[0]: entry[1] for entry in answer.resources[0][4] if entry[3] == 1}
            kept |= {key.replace("_", "."): str(value) for key, value in settings.items()}
            await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=kept)])

    def where(self, topic: str, partition: int) -> TopicPartition:
        """Return a partition by its full name."""
        return TopicPartition(self.prefix + topic, partition)
