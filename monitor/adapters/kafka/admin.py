"""Creating and describing topics, and looking at groups; which topics there should be is decided elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from monitor.adapters.kafka.clients import Clients
from monitor.adapters.kafka.faults import bounded, fault_of
from monitor.app.ports import LogForbidden, LogUnavailable, TopicSpec, TopicState

_SETTLE_SECONDS = 0.05


class KafkaAdmin:
    """Open a client for each call: topics are looked at rarely."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def describe(self, names: Iterable[str]) -> dict[str, TopicState]:
        """Return the topics that exist among `names`."""
        async with self._client("describing topics") as client:
            return await _describe(client, frozenset(names))

    async def create(self, specs: Iterable[TopicSpec]) -> dict[str, str]:
        """Create topics and wait until they are seen; return an error text per topic that was refused."""
        wanted = {spec.name: spec for spec in specs}
        if not wanted:
            return {}
        new = [
            NewTopic(spec.name, spec.partitions, spec.replication_factor, topic_configs=dict(spec.settings))
            for spec in wanted.values()
        ]
        async with self._client("creating topics") as client:
            if client._client.cluster.controller is None:  # noqa: SLF001 - the client would trip over it
                raise LogUnavailable("creating topics: the brokers name no controller")
            response = await client.create_topics(new)
            refused = {
                topic: f"{for_code(code).__name__}: {text or 'no reason given'}"
                for topic, code, text in response.topic_errors
                if code
            }
            unseen = wanted.keys() - refused.keys()
            while unseen:
                unseen -= (await _describe(client, unseen)).keys()
                await asyncio.sleep(_SETTLE_SECONDS if unseen else 0)
        return refused

    async def members(self, group_id: str) -> int:
        """Return how many members a group has now, 0 for a group nobody knows."""
        async with self._client("describing a group") as client:
            found = [group for answer in await client.describe_consumer_groups([group_id]) for group in answer.groups]
        count = 0
        for code, _, _, _, _, members, *_ in found:
            if code:
                raise fault_of(for_code(code)(), f"the group {group_id} cannot be described")
            count += len(members)
        return count

    @asynccontextmanager
    async def _client(self, doing: str) -> AsyncIterator[Any]:
        client = self._clients.admin()
        await self._clients.open(client, doing)
        try:
            async with bounded(2 * self._clients.request_seconds, doing):
                yield client
        finally:
            await self._clients.discard(client)


async def _describe(client: Any, names: Iterable[str]) -> dict[str, TopicState]:
    """Ask for all topics and choose: asking for one by name makes some brokers create it."""
    found = {topic["topic"]: topic["partitions"] for topic in await client.describe_topics()}
    there = sorted(found.keys() & set(names))
    if not there:
        return {}
    settings = await _settings(client, there)
    return {
        name: TopicState(len(found[name]), min(len(part["replicas"]) for part in found[name]), settings.get(name, {}))
        for name in there
        if found[name]
    }


async def _settings(client: Any, names: list[str]) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings: dict[str, dict[str, str]] = {}
    for response in await client.describe_configs(asked):
        for code, text, _, name, entries in response.resources:
            if code:
                raise LogForbidden(f"the settings of {name} cannot be read: {for_code(code).__name__} {text or ''}")
            settings[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return settings
