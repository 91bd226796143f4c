"""Inspection: a cluster looked at for the doctor, server by server, without writing and without joining anything.

What is seen is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka.conn import collect_hosts
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.transaction import EndTxnRequest

from monitor.adapters.kafka.clients import Clients
from monitor.adapters.kafka.faults import bounded, fault_of
from monitor.adapters.kafka.questions import GroupQuestion, MetadataQuestion, operations_of
from monitor.app.doctor.seen import GroupSeen, Member, Server, TopicSeen
from monitor.app.ports import LogFault

_UNKNOWN_TOPIC, _TOPIC_REFUSED = 3, 29
_REFUSED = (30, 53)
"""Of a group, of a transactional id."""
_COMING = (14, 15, 16)
"""The coordinator loads, is not there yet, or is another."""
_LEADER_MISSING = 5
_NO_LEADER = -1
_TOPIC_RESOURCE = 2
_OF_GROUP, _OF_TRANSACTION = 0, 1
_TRIES = 8
_PAUSE_SECONDS = 0.3
_FETCH, _FETCH_LEAST_OF_4 = 1, 4
_RELEASES = ((18, "4.1 or newer"), (17, "3.9"), (16, "3.7 or 3.8"), (15, "3.5 or 3.6"), (13, "3.1 to 3.4"))
"""The newest version of fetch requests that releases know, and the releases."""


class Inspection:
    """Ask brokers over connections of its own; every answer within the clients' time for requests."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._first: Any = None
        self._brokers: dict[int, tuple[str, int]] = {}

    async def servers(self) -> tuple[list[Server], list[Server]]:
        """Return how the configured servers answer, and those that the brokers name beside them.

        The first that answers is asked everything that follows.
        """
        asked = [(host, port) for host, port, _ in collect_hosts(self._clients.settings.bootstrap_servers)]
        answers = await asyncio.gather(*(self._reached(*address) for address in sorted(asked)))
        if self._first is None:
            return list(answers), []
        told = {address for address in self._brokers.values() if address not in asked}
        return list(answers), list(await asyncio.gather(*(self._reached(*address) for address in sorted(told))))

    async def topics(self, names: Iterable[str]) -> dict[str, TopicSeen]:
        """Return those of the topics that exist, or that may not be seen."""
        answer = (await self._ask(self._first, MetadataQuestion([*names]), "asking for topics")).to_object()
        found = {}
        for topic in answer["topics"]:
            code = topic["error_code"]
            if code == _TOPIC_REFUSED:
                found[topic["topic"]] = TopicSeen(is_hidden=True)
            elif code not in (_UNKNOWN_TOPIC, 0, _LEADER_MISSING):
                raise fault_of(for_code(code)(), f"asking for {topic['topic']}")
            elif topic["partitions"]:
                found[topic["topic"]] = _topic(topic)
        return found

    async def topic_settings(self, names: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Return the settings of those of the topics whose settings may be read."""
        resources = [(_TOPIC_RESOURCE, name, None) for name in names]
        answer = await self._ask(self._first, DescribeConfigsRequest(resources, False), "asking for settings")
        return {
            name: {entry[0]: entry[1] for entry in entries if entry[1] is not None}
            for code, _, _, name, entries in answer.resources
            if not code
        }

    async def group(self, group_id: str, topic: str) -> GroupSeen:
        """Return the group that shares out the partitions of `topic`."""
        answer = await self._ask_coordinator(group_id, _OF_GROUP, GroupQuestion(group_id), _code_of_group)
        if answer is None:
            return GroupSeen(is_hidden=True)
        [(_, _, state, _, _, members, bits)] = answer.groups
        found = tuple(Member(name, host, _assigned(work, topic)) for _, name, host, _, work in members)
        return GroupSeen(state=state, members=found, rights=operations_of(bits))

    async def may_write_as(self, transactional_id: str) -> bool:
        """Return whether transactions under an id are allowed to us.

        The broker is asked to end a transaction of a producer that does not exist: rights are looked at first, and
        nothing of whoever writes under that id is touched.
        """
        question = EndTxnRequest(transactional_id, -1, -1, transaction_result=False)
        answer = await self._ask_coordinator(transactional_id, _OF_TRANSACTION, question, _code_of_transaction)
        return answer is not None

    def close(self) -> None:
        """Let the connection go."""
        if self._first is not None:
            self._first.close()

    async def _reached(self, host: str, port: int) -> Server:
        began = time.monotonic()
        try:
            connection = await self._clients.connect(host, port)
        except LogFault as fault:
            return Server(f"{host}:{port}", time.monotonic() - began, fault)
        server = Server(f"{host}:{port}", time.monotonic() - began, None, _release(connection))
        if self._first is not None:
            connection.close()
            return server
        self._first = connection
        brokers = (await self._ask(connection, MetadataQuestion([]), "asking for brokers")).to_object()["brokers"]
        self._brokers = {broker["node_id"]: (broker["host"], broker["port"]) for broker in brokers}
        return server

    async def _ask_coordinator(self, key: str, kind: int, question: Any, code_of: Callable[[Any], int]) -> Any:
        """Return what the broker answers that coordinates a group or an id; None where we are refused."""
        doing, tries = f"asking who coordinates {key}", 0
        while True:
            answer = await self._ask(self._first, FindCoordinatorRequest(key, kind), doing)
            code = answer.error_code
            if not code:
                connection = await self._clients.connect(answer.host, answer.port)
                try:
                    answer = await self._ask(connection, question, f"asking about {key}")
                finally:
                    connection.close()
                code = code_of(answer)
            if code in _REFUSED:
                return None
            if not code:
                return answer
            tries += 1
            if code not in _COMING or tries == _TRIES:
                raise fault_of(for_code(code)(), f"asking about {key}")
            await asyncio.sleep(_PAUSE_SECONDS)  # a new cluster makes the topics of coordinators first

    async def _ask(self, connection: Any, question: Any, doing: str) -> Any:
        async with bounded(self._clients.request_seconds, doing):
            return await connection.send(question)


def _topic(topic: Mapping[str, Any]) -> TopicSeen:
    parts = topic["partitions"]
    return TopicSeen(
        partitions=len(parts),
        replicas=min(len(part["replicas"]) for part in parts),
        headless=tuple(sorted(part["partition"] for part in parts if part["leader"] == _NO_LEADER)),
        short=tuple(sorted(part["partition"] for part in parts if len(part["isr"]) < len(part["replicas"]))),
        least_in_sync=min(len(part["isr"]) for part in parts),
        rights=operations_of(topic.get("authorized_operations")),
    )


def _assigned(work: bytes, topic: str) -> frozenset[int]:
    if not work:
        return frozenset()
    assignment = ConsumerProtocolMemberAssignment.decode(work).assignment
    return frozenset(number for name, numbers in assignment if name == topic for number in numbers)


def _release(connection: Any) -> str:
    least, most = connection._versions.get(_FETCH, (0, 0))  # noqa: SLF001 - the handshake has asked already
    release = next((name for version, name in _RELEASES if most >= version), "3.0 or older")
    return "4.0" if least >= _FETCH_LEAST_OF_4 and release == "3.9" else release


def _code_of_group(answer: Any) -> int:
    return int(answer.groups[0][0])


def _code_of_transaction(answer: Any) -> int:
    """Return why it was not ended, but for what we have looked for: that there is no such producer."""
    code = int(answer.error_code)
    return code if code in (*_REFUSED, *_COMING) else 0
