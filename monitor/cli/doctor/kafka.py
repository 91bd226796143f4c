"""Kafka looked at: servers first, then everything that can only be asked of one that answers.

Each part that fails is a finding, and the others are looked at all the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.app.doctor.cluster import KAFKA, judge_servers, judge_topics
from monitor.app.doctor.findings import Finding, failure, warning
from monitor.app.doctor.market import PRICES, judge_clocks, judge_prices
from monitor.app.doctor.memory import Population, daemon_bytes, gateway_bytes, judge_memory
from monitor.app.doctor.rights import Mender, judge_rights
from monitor.app.doctor.seen import GroupSeen, Operation, TopicSeen
from monitor.app.doctor.shards import judge_feeds, judge_shards
from monitor.app.ports import LogForbidden, LogUnavailable
from monitor.app.topics import topic_specs
from monitor.cli.doctor.machine import memory
from monitor.cli.doctor.processes import PROCESSES
from monitor.cli.doctor.reading import Sight, count_population, look
from monitor.cli.kafka_log import open_kafka

if TYPE_CHECKING:
    from monitor.adapters.kafka import KafkaLog
    from monitor.adapters.kafka.inspection import Inspection
    from monitor.config import Settings

_BY_THE_LOG = "LogAppendTime"
_AWAY = (LogForbidden, LogUnavailable)
_IDS = ("0", "doctor")
"""What ids end in that are asked about: one that is written under, and one that only a rule on prefixes allows."""


async def look_at_kafka(settings: Settings, processes: Sequence[str], seconds: float) -> list[Finding]:
    """Return what is found of the configured Kafka; each answer may take so many seconds."""
    if settings.kafka.bootstrap_servers is None:
        do = "set kafka.bootstrap_servers; without it `liqmon run` works on a log in memory, for trying out"
        return [warning(KAFKA, "no Kafka is configured: there is nothing to look at", do)]
    patience_ms = min(settings.kafka.request_timeout_ms, max(1, round(1000 * seconds)))
    settings = replace(settings, kafka=replace(settings.kafka, request_timeout_ms=patience_ms))
    try:
        log = open_kafka(settings)
    except LogForbidden as fault:
        return [failure(KAFKA, str(fault), "kafka.sasl_password_file, kafka.ssl_*: files this user can read")]
    examination = _Examination(settings, processes, seconds, log)
    try:
        return [finding async for finding in examination.findings()]
    finally:
        examination.inspection.close()
        await log.close()


class _Examination:
    """Hold one look at a Kafka."""

    def __init__(self, settings: Settings, processes: Sequence[str], seconds: float, log: KafkaLog) -> None:
        self._settings = settings
        self._processes = processes
        self._seconds = seconds
        self._log = log
        self._names = settings.topics.names()
        self._group_id = settings.topics.prefix + settings.kafka.group_id
        self.inspection: Inspection = log.inspection()

    async def findings(self) -> AsyncIterator[Finding]:
        """Yield everything that is found, in the order in which one depends on the other."""
        asked, told = await self.inspection.servers()
        for finding in judge_servers(asked, told):
            yield finding
        if all(server.fault is not None for server in asked):
            do = "mend that first; topics, rights, clocks, prices and shards could not be looked at"
            yield failure(KAFKA, "no server answers", do)
            return
        try:
            topics = await self._topics()
            group = await self.inspection.group(self._group_id, self._names.account_events)
        except _AWAY as fault:
            yield failure(KAFKA, f"stopped answering: {fault}", "look again; --timeout gives more time")
            return
        needs = [PROCESSES[name].needs(self._settings) for name in self._processes]
        needed = {name for one in needs for name in (*one.reads, *one.writes)}
        for finding in judge_topics(self._settings.topics, topics, needed):
            yield finding
        async for finding in self._rights(topics):
            yield finding
        async for finding in self._contents(topics, group):
            yield finding

    async def _topics(self) -> dict[str, TopicSeen]:
        found = await self.inspection.topics([spec.name for spec in topic_specs(self._settings.topics)])
        visible = [name for name, topic in found.items() if not topic.is_hidden]
        settings = await self.inspection.topic_settings(visible) if visible else {}
        return {name: replace(topic, settings=settings.get(name)) for name, topic in found.items()}

    async def _rights(self, topics: Mapping[str, TopicSeen]) -> AsyncIterator[Finding]:
        mender = Mender(self._settings.kafka.bootstrap_servers or "", self._principal())
        for name in self._processes:
            needs = PROCESSES[name].needs(self._settings)
            group: GroupSeen | None = None
            allowed: dict[str, bool] = {}
            try:
                if needs.group:
                    group = await self.inspection.group(needs.group, self._names.account_events)
                if needs.transactions:
                    ids = [f"{needs.transactions}{end}" for end in _IDS]
                    allowed = {one: await self.inspection.may_write_as(one) for one in ids}
            except _AWAY as fault:
                yield failure("rights", f"{name}: of groups and transactions nothing is known: {fault}", "look again")
            for finding in judge_rights(name, needs, topics, group, allowed, mender):
                yield finding

    def _principal(self) -> str:
        kafka = self._settings.kafka
        if kafka.uses_sasl:
            return f"User:{kafka.sasl_username}"
        return "User:<subject of kafka.ssl_certfile>" if kafka.ssl_certfile else "User:ANONYMOUS"

    async def _contents(self, topics: Mapping[str, TopicSeen], group: GroupSeen) -> AsyncIterator[Finding]:
        """Yield what the records of the topics say, as far as they may be read."""
        prices, names = self._settings.prices, self._names
        counts = {name: topic.partitions for name, topic in topics.items() if _is_readable(topic)}
        dates = (topics[names.mark_prices].settings or {}) if names.mark_prices in topics else {}
        is_dating = dates.get("message.timestamp.type", _BY_THE_LOG) == _BY_THE_LOG
        sight = Sight(max(prices.unknown_after_ms, prices.max_age_ms), self._settings.limits, dates=is_dating)
        population = None
        try:
            await look(self._log, names, sight, counts, self._seconds)
            if status_partitions := counts.get(names.account_status):
                population = await count_population(self._log, names.account_status, status_partitions, self._seconds)
        except _AWAY as fault:
            yield failure(PRICES, f"the topics could not be read: {fault}", "look again; --timeout gives more time")
            return
        for finding in (*self._said(sight, topics, counts, group), *self._memory(population)):
            yield finding

    def _said(
        self, sight: Sight, topics: Mapping[str, TopicSeen], counts: Mapping[str, int], group: GroupSeen
    ) -> Iterator[Finding]:
        names, watchdog = self._names, self._settings.watchdog
        if {names.mark_prices, names.instruments} <= counts.keys():
            yield from judge_prices(sight.market, self._settings.prices)
        if names.mark_prices in counts:
            yield from judge_clocks(sight.market, self._settings.prices)
        yield from judge_feeds(sight.beats)
        if names.account_events in topics and topics[names.account_events].partitions:
            silent_ms = watchdog.unowned_ms if watchdog.heartbeat_ms and names.heartbeats in counts else 0
            shards = topics[names.account_events].partitions
            yield from judge_shards(self._group_id, group, shards, sight.beats, silent_ms)

    def _memory(self, population: Population | None) -> Iterator[Finding]:
        if population is None:
            return
        if "run" in self._processes:
            yield from judge_memory("run with all shards", daemon_bytes(population), population, memory())
        if "gateway" in self._processes:
            needed = gateway_bytes(population, self._settings.gateway.backlog_bytes)
            yield from judge_memory("gateway", needed, population, memory())


def _is_readable(topic: TopicSeen) -> bool:
    allowed = topic.rights is None or Operation.READ in topic.rights
    return allowed and not topic.is_hidden and not topic.headless
