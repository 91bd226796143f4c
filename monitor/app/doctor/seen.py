"""What may be seen of a cluster, as plain facts: servers, topics and our rights on them, a group; nothing is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.app.ports import LogFault


class Operation(StrEnum):
    """Name what an access rule allows, as `kafka-acls.sh` calls it."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


Rights = frozenset[Operation] | None
"""The operations we are granted; None where the broker does not say."""


@dataclass(frozen=True, slots=True)
class Server:
    """Hold how one address answered: a fault, or after how many seconds and with the protocol of which release."""

    address: str
    seconds: float
    fault: LogFault | None = None
    release: str = ""


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """Hold one topic that exists, or that we may not even see (`is_hidden`).

    `headless` are partitions nobody leads, `short` those that miss a replica in sync, `least_in_sync` the fewest
    replicas in sync of any partition. `settings` is None where they may not be read.
    """

    is_hidden: bool = False
    partitions: int = 0
    replicas: int = 0
    headless: tuple[int, ...] = ()
    short: tuple[int, ...] = ()
    least_in_sync: int = 0
    rights: Rights = None
    settings: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Hold one member of a group and the partitions it is assigned of the topic that is shared out."""

    client: str
    host: str
    partitions: frozenset[int]


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """Hold a group; `is_hidden` where we may not see it."""

    is_hidden: bool = False
    state: str = ""
    members: tuple[Member, ...] = ()
    rights: Rights = None
