"""How members of the group tell what they own and learn what they get; the sharing itself is `core.partitioning`'s.

The leader of the group shares out; every member hands it what it owned and in which of our generations, and what its
standby keeps warm. Anything raised here would repeat at every join and keep the group from working, so what cannot be
understood counts as no claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import structlog
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from monitor.core.partitioning import Claim, share_out

_log = structlog.get_logger(__name__)
_PROTOCOL_VERSION = 0
_LANGUAGE = 1


class Statement(msgspec.Struct, frozen=True):
    """Hold what travels as user data: what a member owns, as of a generation, and keeps warm.

    Leaders send the generation alone. Members of versions without standbys leave out what is warm, and skip it.
    """

    language: int = _LANGUAGE
    generation: int = -1
    owned: dict[str, list[int]] = {}
    warm: dict[str, list[int]] = {}


def _read(user_data: bytes | None) -> Statement:
    try:
        statement = msgspec.json.decode(user_data or b"{}", type=Statement)
    except msgspec.DecodeError:
        return Statement()
    return statement if statement.language == _LANGUAGE else Statement()


class StickyAssignor(AbstractPartitionAssignor):
    """Share partitions so that as few as possible move; the state lives in the instance, one for each member."""

    name = "liqmon-sticky"

    def __init__(self) -> None:
        self._mine = Statement()
        self.warm: frozenset[int] = frozenset()

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return what this member tells the leader."""
        names = list(topics)
        mine = msgspec.structs.replace(self._mine, warm={name: sorted(self.warm) for name in names if self.warm})
        return ConsumerProtocolMemberMetadata(_PROTOCOL_VERSION, names, msgspec.json.encode(mine))

    def on_assignment(self, assignment: Any) -> None:
        """Remember what this member was given."""
        owned = {topic: sorted(partitions) for topic, partitions in assignment.assignment}
        self._mine = Statement(generation=_read(assignment.user_data).generation, owned=owned)

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return what every member gets: of each topic only members that subscribe to it; never raises."""
        try:
            return self._assign(cluster, members)
        except Exception:  # noqa: BLE001 - an error here would repeat at every join
            _log.exception("assignment_failed", members=len(members))
            return {name: ConsumerProtocolMemberAssignment(_PROTOCOL_VERSION, [], b"") for name in members}

    def _assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        said = {name: _read(member.user_data) for name, member in members.items()}
        topics = sorted({topic for member in members.values() for topic in member.subscription})
        given: dict[str, list[tuple[str, list[int]]]] = {name: [] for name in members}
        for topic in topics:
            partitions = cluster.partitions_for_topic(topic)
            if not partitions:
                _log.error("assignment_topic_missing", topic=topic)
                continue
            claims = {
                name: Claim(
                    said[name].generation,
                    frozenset(said[name].owned.get(topic, ())),
                    frozenset(said[name].warm.get(topic, ())),
                )
                for name, member in members.items()
                if topic in member.subscription
            }
            for name, share in share_out(len(partitions), claims).items():
                given[name].append((topic, sorted(share)))
        if len(topics) > 1:
            _log.error("group_shared_by_different_topics", topics=topics)
        generation = max((statement.generation for statement in said.values()), default=-1) + 1
        note = msgspec.json.encode(Statement(generation=generation))
        return {name: ConsumerProtocolMemberAssignment(_PROTOCOL_VERSION, given[name], note) for name in members}
