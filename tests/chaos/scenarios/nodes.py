"""Three nodes as a scenario sees them: which of them coordinates what, and when all replicas are together again.

How nodes are started and ended is `tests.broker`'s business; here they get the verbs of `tests.chaos.cluster`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaError

from tests.broker import new_cluster

ISR_SECONDS = 60.0
LOOK_SECONDS = 0.2


class ThreeNodes:
    """Run a cluster of three in a folder."""

    replication_factor = 3

    def __init__(self, folder: Path) -> None:
        """Start the nodes; raise `NoKafka` where there is no Java or Maven."""
        self._cluster: Any = new_cluster(folder)
        self.bootstrap_servers: str = self._cluster.bootstrap_servers

    def nodes(self) -> Sequence[int]:
        """Return the numbers of the nodes."""
        return tuple(self._cluster.nodes)

    def start(self, node: int) -> None:
        """Start a node and wait until it listens."""
        self._cluster.nodes[node].start()

    def kill(self, node: int) -> None:
        """Kill a node."""
        self._cluster.nodes[node].kill()

    def stop(self, node: int) -> None:
        """Stop a node in an orderly way: it hands over what it leads first."""
        self._cluster.nodes[node].stop()

    def freeze(self, node: int) -> None:
        """Freeze a node."""
        self._cluster.nodes[node].freeze()

    def thaw(self, node: int) -> None:
        """Let a node go on."""
        self._cluster.nodes[node].thaw()

    def close(self) -> None:
        """Kill all nodes."""
        self._cluster.kill()

    def said(self) -> str:
        """Return the last lines the nodes logged."""
        return "\n".join(f"node {number}:\n{node.said()}" for number, node in self._cluster.nodes.items())


async def group_coordinator(servers: str, group: str) -> int:
    """Return the node that coordinates a consumer group."""
    return await _asked(servers, lambda client: client.coordinator_lookup(CoordinationType.GROUP, group))


async def transaction_coordinator(servers: str, transactional_id: str) -> int:
    """Return the node that coordinates the transactions of an id."""
    return await _asked(
        servers, lambda client: client.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id)
    )


async def leader(servers: str, topic: str, partition: int) -> int:
    """Return the node that leads a partition."""

    async def ask(client: Any) -> int:
        cluster = await client.fetch_all_metadata()
        found = cluster.leader_for_partition(TopicPartition(topic, partition))
        return -1 if found is None else int(found)

    return await _asked(servers, ask)


async def _asked(servers: str, ask: Callable[[Any], Any]) -> int:
    """Ask until a node is named: while a coordinator moves there is none."""
    deadline = time.monotonic() + ISR_SECONDS
    while True:
        client = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=3_000)
        try:
            await client.start()
            found = int(await ask(client._client))
        except (KafkaError, TimeoutError, OSError):
            found = -1
        finally:
            await client.close()
        if found >= 0:
            return found
        if time.monotonic() > deadline:
            raise RuntimeError("nobody is named")
        await asyncio.sleep(LOOK_SECONDS)


async def until_in_sync(servers: str, replicas: int) -> float:
    """Wait until every partition has so many replicas in sync; return how long it took."""
    began = time.monotonic()
    while True:
        client = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=3_000)
        try:
            await client.start()
            topics = await client.describe_topics()
            counts = [len(part["isr"]) for topic in topics for part in topic["partitions"]]
        except (KafkaError, TimeoutError, OSError):
            counts = [0]
        finally:
            await client.close()
        if min(counts) >= replicas:
            return time.monotonic() - began
        if time.monotonic() - began > ISR_SECONDS:
            raise RuntimeError(f"not in sync within {ISR_SECONDS:.0f} s: {sorted(set(counts))} replicas")
        await asyncio.sleep(LOOK_SECONDS)
