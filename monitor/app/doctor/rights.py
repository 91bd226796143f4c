"""Rights: what each process must be allowed to do in Kafka, what of it is refused, and the command that mends it.

`kafka-acls.sh` comes with Kafka; which operations it knows is Kafka's documentation, "Authorization and ACLs".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.app.doctor.findings import Finding, failure, good, listed, warning
from monitor.app.doctor.seen import GroupSeen, Operation, TopicSeen
from monitor.app.topics import TopicNames

ABOUT = "rights"


@dataclass(frozen=True, slots=True)
class Needs:
    """Hold what a process reads and writes, the group it joins, and what its transactional ids begin with."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    group: str = ""
    transactions: str = ""


def needs_of_daemon(names: TopicNames, group: str) -> Needs:
    """Return what `liqmon run` needs; `group` has the prefix before it."""
    inputs = (names.mark_prices, names.instruments, names.assets, names.insurance_funds, names.account_events)
    internal = (names.state, names.fund, names.adl, names.adl_queue, names.heartbeats)
    outputs = (names.margin_calls, names.liquidations, names.adl_events, names.account_status)
    complaints = (names.dead_letters, names.data_quality)
    return Needs(inputs + internal, outputs + complaints + internal, group, f"{group}-")


def needs_of_feed(names: TopicNames, *, has_accounts: bool) -> Needs:
    """Return what `liqmon feed` needs."""
    market = (names.mark_prices, names.instruments, names.assets, names.heartbeats)
    return Needs(writes=(*market, names.account_events) if has_accounts else market)


def needs_of_gateway(names: TopicNames) -> Needs:
    """Return what `liqmon gateway` needs."""
    return Needs((names.margin_calls, names.liquidations, names.adl_events, names.account_status))


def needs_of_webhooks(names: TopicNames, sender_id: str) -> Needs:
    """Return what `liqmon webhooks` needs; the one that sends is chosen in a group."""
    own = (names.webhooks, names.webhooks_parked)
    reads = (names.margin_calls, names.liquidations, names.adl_events, names.webhooks)
    return Needs(reads, own, sender_id, f"{sender_id}-")


@dataclass(frozen=True, slots=True)
class Mender:
    """Make the commands that grant what is missing; `principal` is whom the broker takes us for."""

    bootstrap_servers: str
    principal: str

    def command(self, what: str) -> str:
        """Return the command that grants `what`, given as options."""
        begin = f"kafka-acls.sh --bootstrap-server {self.bootstrap_servers} --command-config admin.properties"
        return f"{begin} --add --allow-principal '{self.principal}' {what}"


def judge_rights(
    process: str,
    needs: Needs,
    topics: Mapping[str, TopicSeen],
    group: GroupSeen | None,
    transactions: Mapping[str, bool],
    mender: Mender,
) -> Iterator[Finding]:
    """Yield what is refused to a process, or that nothing is.

    `topics` holds those that exist or are hidden; of others nothing can be said. `transactions` says of ids that the
    process would write under whether we may.
    """
    refused = list(_refused(process, needs, topics, group, transactions, mender))
    yield from refused
    known = [name for name in {*needs.reads, *needs.writes} if name in topics and not topics[name].is_hidden]
    if [name for name in known if topics[name].rights is None]:
        seen = f"{process}: the brokers do not say what is allowed (they are older than Kafka 2.3)"
        yield warning(ABOUT, seen, "look at the rules with kafka-acls.sh --list")
    elif not refused and known:
        parts = [f"read {len(needs.reads)} topics" if needs.reads else "", f"write {len(needs.writes)}"]
        parts += [f"join {needs.group}" if needs.group else ""]
        parts += [f"transactions as {needs.transactions}*" if needs.transactions else ""]
        said = [part for part in parts if part and part != "write 0"]
        missing = len({*needs.reads, *needs.writes}) - len(known)
        but = f"; {missing} topics do not exist yet" if missing else ""
        yield good(ABOUT, f"{process} may {', '.join(said)}{but}")


def _refused(
    process: str,
    needs: Needs,
    topics: Mapping[str, TopicSeen],
    group: GroupSeen | None,
    transactions: Mapping[str, bool],
    mender: Mender,
) -> Iterator[Finding]:
    for operation, names in ((Operation.READ, needs.reads), (Operation.WRITE, needs.writes)):
        missing = [name for name in names if name in topics and not _may(topics[name], operation)]
        if missing:
            what = " ".join([f"--operation {operation}", *(f"--topic {name}" for name in missing)])
            seen = f"{process} may not {operation.lower()} {listed(missing)}"
            yield failure(ABOUT, seen, mender.command(what))
    if needs.group and group is not None and (group.is_hidden or _lacks(group.rights, Operation.READ)):
        seen = f"{process} may not join the group {needs.group}: it would be given no shard"
        yield failure(ABOUT, seen, mender.command(f"--operation Read --group {needs.group}"))
    if needs.transactions and (barred := [name for name, is_allowed in transactions.items() if not is_allowed]):
        seen = f"{process} may not write transactions as {listed(barred)}"
        what = "--operation Write --operation Describe --resource-pattern-type prefixed"
        yield failure(ABOUT, seen, mender.command(f"{what} --transactional-id {needs.transactions}"))


def _may(topic: TopicSeen, operation: Operation) -> bool:
    return not topic.is_hidden and not _lacks(topic.rights, operation)


def _lacks(rights: frozenset[Operation] | None, operation: Operation) -> bool:
    return rights is not None and operation not in rights
