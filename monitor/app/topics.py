"""The topics the monitor lives on: names, partitions, settings, and what differs in a log; printing is elsewhere.

Source of the settings: the contract's table of topics. Each is the least (or the most) with which the promises hold, so
a log that keeps more, or holds larger records, does not differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from monitor.app.ports import TopicAdmin, TopicSpec, TopicState

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_MIB = 1024 * 1024

INPUT_MESSAGE_BYTES = _MIB
OUTPUT_MESSAGE_BYTES = 4 * _MIB

_COMPACT = {"cleanup.policy": "compact"}
_DELETE = {"cleanup.policy": "delete"}
_INPUT = {"max.message.bytes": str(INPUT_MESSAGE_BYTES)}
_OUTPUT = {"max.message.bytes": str(OUTPUT_MESSAGE_BYTES)}
# A compacted log that is restored from, or read whole by newcomers, must stay close to what is alive in it.
_TIGHT = {
    **_COMPACT,
    **_OUTPUT,
    "segment.bytes": str(64 * _MIB),
    "segment.ms": str(10 * _MINUTE_MS),
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(_DAY_MS),
}


def _kept(days: float) -> dict[str, str]:
    return {**_DELETE, "retention.ms": str(int(days * _DAY_MS))}


_SETTINGS: Mapping[str, Mapping[str, str]] = {
    # prices of an hour; without short segments "an hour" can mean days; age is judged by the log's clock
    "mark_prices": {
        **_DELETE,
        **_INPUT,
        "retention.ms": str(_HOUR_MS),
        "segment.ms": str(5 * _MINUTE_MS),
        "message.timestamp.type": "LogAppendTime",
    },
    # never compacted: a kept message without the partial ones before it is a phantom
    "account_events": {**_kept(7), **_INPUT},
    "instruments": {**_COMPACT, **_INPUT},
    "assets": {**_COMPACT, **_INPUT},
    "insurance_funds": {**_COMPACT, **_INPUT},
    "margin_calls": {**_kept(7), **_OUTPUT},
    "liquidations": {**_kept(30), **_OUTPUT},
    "adl_events": {**_kept(30), **_OUTPUT},
    "account_status": _TIGHT,
    "data_quality": {**_kept(7), **_OUTPUT},
    "dead_letters": {**_kept(30), **_OUTPUT},
    "state": {**_TIGHT, "unclean.leader.election.enable": "false"},
    "fund": {**_kept(7), **_OUTPUT},
    "adl": {**_kept(7), **_OUTPUT},
    "adl_queue": _TIGHT,
    # what was told to whom, and what waits: as exact as the state of a shard, and as tight
    "webhooks": {**_TIGHT, "unclean.leader.election.enable": "false"},
    "webhooks_parked": {**_kept(30), **_OUTPUT},
    "heartbeats": {**_DELETE, **_OUTPUT, "retention.ms": str(_HOUR_MS), "segment.ms": str(10 * _MINUTE_MS)},
}
# Read whole by every instance, so partitions would divide nothing; one also gives prices a single order.
GLOBAL_INPUTS = ("mark_prices", "instruments", "assets", "insurance_funds")
# One sender keeps the order of each target, so its memory is one sequence of transactions.
OF_ONE_SENDER = ("webhooks", "webhooks_parked")
_SINGLE = (*GLOBAL_INPUTS, *OF_ONE_SENDER)

_RULES: Mapping[str, Callable[[str, str], bool]] = {
    "retention.ms": lambda wanted, found: int(found) < 0 or int(found) >= int(wanted),
    "delete.retention.ms": lambda wanted, found: int(found) >= int(wanted),
    "max.message.bytes": lambda wanted, found: int(found) >= int(wanted),
    "min.insync.replicas": lambda wanted, found: int(found) >= int(wanted),
    "segment.ms": lambda wanted, found: int(found) <= int(wanted),
    "segment.bytes": lambda wanted, found: int(found) <= int(wanted),
    "min.cleanable.dirty.ratio": lambda wanted, found: float(found) <= float(wanted),
}


@dataclass(frozen=True, slots=True)
class TopicNames:
    """Hold the full name of every topic."""

    mark_prices: str = "mark-prices"
    account_events: str = "account-events"
    instruments: str = "instruments"
    assets: str = "assets"
    insurance_funds: str = "insurance-funds"
    margin_calls: str = "margin-calls"
    liquidations: str = "liquidations"
    adl_events: str = "adl-events"
    account_status: str = "account-status"
    data_quality: str = "data-quality"
    dead_letters: str = "dead-letters"
    state: str = "liqmon-state"
    fund: str = "liqmon-fund"
    adl: str = "liqmon-adl"
    adl_queue: str = "liqmon-adl-queue"
    heartbeats: str = "liqmon-heartbeats"
    webhooks: str = "liqmon-webhooks"
    webhooks_parked: str = "webhooks-parked"


@dataclass(frozen=True, slots=True)
class TopicSettings(TopicNames):
    """Hold the configured names, the prefix before all of them, and what `topics create` is to make.

    `partitions` is the number of shards: account events, every output and the internal topics have as many, but the
    two of webhooks, which have one sender.
    """

    prefix: str = ""
    partitions: int = 8
    replication_factor: int = 1

    def __post_init__(self) -> None:
        if self.partitions < 1 or self.replication_factor < 1:
            raise ValueError("partitions and replication_factor must be at least 1")
        names = [getattr(self, field.name) for field in fields(TopicNames)]
        if not all(names):
            raise ValueError("every topic needs a name")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two topics have the same name: {', '.join(twice)}")

    def names(self) -> TopicNames:
        """Return the names with the prefix before them."""
        return TopicNames(**{field.name: self.prefix + getattr(self, field.name) for field in fields(TopicNames)})


def topic_specs(settings: TopicSettings) -> list[TopicSpec]:
    """Return every topic as it should be."""
    names = settings.names()
    safe = {"min.insync.replicas": "2"} if settings.replication_factor >= 3 else {}
    return [
        TopicSpec(
            name=getattr(names, role),
            partitions=1 if role in _SINGLE else settings.partitions,
            replication_factor=settings.replication_factor,
            settings=MappingProxyType({**wanted, **safe}),
        )
        for role, wanted in _SETTINGS.items()
    ]


async def create_topics(admin: TopicAdmin, settings: TopicSettings) -> list[str]:
    """Create the topics that are missing; return what is wrong afterwards, empty when nothing is.

    What exists is never changed. When a topic that exists has the wrong number of partitions nothing is created: the
    new ones would not fit it. Raises what the admin raises.
    """
    specs = topic_specs(settings)
    found = await admin.describe([spec.name for spec in specs])
    if wrong := _partition_differences(settings, specs, found):
        return wrong
    refused = await admin.create([spec for spec in specs if spec.name not in found])
    return [f"{name}: {reason}" for name, reason in refused.items()] or await check_topics(admin, settings)


async def check_topics(admin: TopicAdmin, settings: TopicSettings) -> list[str]:
    """Return in words what differs from `topic_specs`, empty when nothing does. Raises what the admin raises."""
    specs = topic_specs(settings)
    found = await admin.describe([spec.name for spec in specs])
    return differences(settings, found)


def differences(settings: TopicSettings, found: Mapping[str, TopicState]) -> list[str]:
    """Return in words what differs between the topics as they should be and as they were found."""
    specs = topic_specs(settings)
    wrong = [f"{spec.name}: does not exist" for spec in specs if spec.name not in found]
    wrong += _partition_differences(settings, specs, found)
    for spec in specs:
        if spec.name in found:
            wrong += _setting_differences(spec, found[spec.name])
    return wrong


def warnings(settings: TopicSettings, found: Mapping[str, TopicState]) -> list[str]:
    """Return in words what is allowed but unwise: topics that a single broker can lose."""
    alone = [name for name in _names(topic_specs(settings)) if name in found and found[name].replication_factor == 1]
    if not alone:
        return []
    return [f"{len(alone)} topics have one replica: they are lost with their broker ({', '.join(alone)})"]


def _names(specs: Iterable[TopicSpec]) -> list[str]:
    return [spec.name for spec in specs]


def _partition_differences(
    settings: TopicSettings, specs: Iterable[TopicSpec], found: Mapping[str, TopicState]
) -> list[str]:
    """Compare partition counts: those of global inputs are free, all others are the number of shards."""
    names = settings.names()
    free = {getattr(names, role) for role in GLOBAL_INPUTS}
    return [
        f"{spec.name}: has {found[spec.name].partitions} partitions instead of {spec.partitions}"
        for spec in specs
        if spec.name in found and spec.name not in free and found[spec.name].partitions != spec.partitions
    ]


def _setting_differences(spec: TopicSpec, state: TopicState) -> list[str]:
    wrong = []
    for name, wanted in spec.settings.items():
        value = state.settings.get(name)
        fits = _RULES.get(name, str.__eq__)
        if value is None or not fits(wanted, value):
            wrong.append(f"{spec.name}: {name} is {value or 'not set'} instead of {wanted}")
    if state.replication_factor < spec.replication_factor:
        wrong.append(f"{spec.name}: has {state.replication_factor} replicas instead of {spec.replication_factor}")
    return wrong
