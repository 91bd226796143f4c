"""The cluster: whether its servers answer, and whether the topics can be written to as they are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from monitor.app.doctor.findings import Finding, failure, good, listed, warning
from monitor.app.doctor.seen import Server, TopicSeen
from monitor.app.ports import LogForbidden, TopicState
from monitor.app.topics import TopicSettings, differences, topic_specs

KAFKA, TOPICS = "kafka", "topics"

_ASKED = "asked by kafka.bootstrap_servers"
_TOLD = "where the brokers send their clients (advertised.listeners)"


def judge_servers(asked: Sequence[Server], told: Sequence[Server]) -> Iterator[Finding]:
    """Yield how each server answered: those that are configured, and those that brokers name beside them."""
    some_answer = any(server.fault is None for server in asked)
    for servers, how in ((asked, _ASKED), (told, _TOLD)):
        for server in servers:
            if server.fault is None:
                took = f"{server.address} answers in {1000 * server.seconds:.0f} ms"
                yield good(KAFKA, f"{took}, with the protocol of Kafka {server.release}")
            elif isinstance(server.fault, LogForbidden):
                yield failure(KAFKA, f"refused, {how}: {server.fault}", _OF_REFUSAL)
            elif server in told:
                yield failure(KAFKA, f"away, {how}: {server.fault}", _OF_TOLD)
            else:
                yield (warning if some_answer else failure)(KAFKA, f"away, {how}: {server.fault}", _OF_AWAY)


_OF_REFUSAL = (
    "compare kafka.security_protocol, kafka.sasl_* and kafka.ssl_* with the listener at that port and its users; "
    "a certificate that is not trusted needs kafka.ssl_cafile"
)
_OF_AWAY = (
    "is a broker running there, does a firewall let this machine through, is kafka.security_protocol that of the "
    "listener? `make kafka` starts one for trying out"
)
_OF_TOLD = "name addresses in the brokers' advertised.listeners that this machine can resolve and reach"


def judge_topics(settings: TopicSettings, seen: Mapping[str, TopicSeen], needed: Collection[str]) -> Iterator[Finding]:
    """Yield what differs from the topics as they should be, and what keeps them from being written to.

    Topics that may not be seen are no news unless they are `needed`: others may have users of their own.
    """
    specs = topic_specs(settings)
    missing = [spec.name for spec in specs if spec.name not in seen]
    if len(missing) == len(specs):
        yield failure(TOPICS, "none of the topics exists", "`liqmon topics create` makes them")
        return
    seen = {spec.name: seen[spec.name] for spec in specs if spec.name in seen}
    visible = {name: topic for name, topic in seen.items() if not topic.is_hidden}
    found = {
        name: TopicState(topic.partitions, topic.replicas, topic.settings)
        for name, topic in visible.items()
        if topic.settings is not None
    }
    wrong = [said for said in differences(settings, found) if not said.endswith("does not exist")]
    if missing:
        yield failure(TOPICS, f"missing: {listed(missing)}", "`liqmon topics create` makes what is missing")
    for said in wrong:
        yield failure(TOPICS, said, _remedy(said))
    yield from _hidden([name for name in seen if name not in visible and name in needed], visible)
    yield from _placement(visible)
    if alone := [name for name, topic in visible.items() if topic.replicas == 1]:
        said = f"one replica, lost with its broker: {listed(alone)}"
        yield warning(TOPICS, said, "topics.replication_factor = 3 where there are three brokers")
    if found and not missing and not wrong:
        yield good(TOPICS, f"{len(found)} topics compared, {settings.partitions} shards")


def _remedy(said: str) -> str:
    topic, _, rest = said.partition(": ")
    if "partitions instead of" in rest:
        return (
            "topics.partitions must be what the topics have; to change their number, `liqmon migrate-shards`: adding "
            "partitions to a topic would tear accounts from their state"
        )
    if "replicas instead of" in rest:
        return "kafka-reassign-partitions.sh gives a topic more replicas"
    key, _, wanted = rest.partition(" is ")
    value = wanted.rpartition(" instead of ")[2]
    return f"kafka-configs.sh --bootstrap-server … --alter --topic {topic} --add-config {key}={value}"


def _hidden(hidden: Sequence[str], visible: Mapping[str, TopicSeen]) -> Iterator[Finding]:
    if hidden:
        yield warning(TOPICS, f"may not be seen: {listed(hidden)}", "see what is said of rights")
    if unread := [name for name, topic in visible.items() if topic.settings is None]:
        yield warning(
            TOPICS,
            f"settings may not be read, so retention, compaction and sizes are not compared: {listed(unread)}",
            "grant DescribeConfigs on them, or let whoever may run `liqmon topics check`",
        )


def _placement(visible: Mapping[str, TopicSeen]) -> Iterator[Finding]:
    if headless := [f"{name}[{topic.headless[0]}]" for name, topic in visible.items() if topic.headless]:
        yield failure(TOPICS, f"no broker leads {listed(headless)}", "start the brokers that have them")
    starved = [
        name
        for name, topic in visible.items()
        if not topic.headless and topic.least_in_sync < int((topic.settings or {}).get("min.insync.replicas", "1"))
    ]
    if starved:
        yield failure(
            TOPICS,
            f"fewer replicas in sync than min.insync.replicas: {listed(starved)}",
            "writes are refused until enough brokers are back; start them",
        )
    short = [name for name, topic in visible.items() if topic.short and name not in starved and not topic.headless]
    if short:
        yield warning(TOPICS, f"replicas are not in sync: {listed(short)}", "look at the brokers that have them")
