"""What must hold before accounts are moved to other shards, and the complaint where it does not.

Everything here only looks; what is done once nothing is amiss is in `moving`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields

from monitor.app.changelog import Meta, Positions, foreign_parts
from monitor.app.ports import LogReader, TopicPartition
from monitor.app.topics import GLOBAL_INPUTS, OF_ONE_SENDER, TopicNames

OWN = tuple(role.name for role in fields(TopicNames) if role.name not in (*GLOBAL_INPUTS, *OF_ONE_SENDER))
"""The roles of the topics that have a partition for each shard."""
FED = ("account_events",)
"""Own topics that others write to: the new ones may be written to before the accounts arrive."""
_READ_AT_ONCE = 2_000
_POLL_MS = 200


class Refused(Exception):
    """Something is not as a migration needs it; `complaints` names all that was found."""

    def __init__(self, complaints: Iterable[str]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(self.complaints))


def refuse_if(complaints: Iterable[str]) -> None:
    """Raise `Refused` when there is any complaint."""
    if found := tuple(complaints):
        raise Refused(found)


def name_complaints(old: TopicNames, new: TopicNames) -> list[str]:
    """Return what is wrong with the names: global inputs stay, every other topic is a new one."""
    before = {role: getattr(old, role) for role in (*GLOBAL_INPUTS, *OWN)}
    after = {role: getattr(new, role) for role in (*GLOBAL_INPUTS, *OWN)}
    wrong = [
        f"topics.{role}: is {after[role]} in the new configuration and {before[role]} in the old one; all shards read"
        " it, it has to stay"
        for role in GLOBAL_INPUTS
        if after[role] != before[role]
    ]
    taken = set(before.values())
    wrong += [
        f"topics.{role}: is {after[role]} in both configurations; partitions are never added to a topic, the new one"
        " needs another name"
        for role in OWN
        if after[role] in taken
    ]
    return wrong


def count_complaints(names: TopicNames, counts: Mapping[str, int], which: str) -> list[str]:
    """Return what is wrong with the partition counts of the topics that have one partition for each shard."""
    found = {getattr(names, role): counts[getattr(names, role)] for role in OWN}
    if missing := sorted(name for name, count in found.items() if not count):
        return [f"the {which} topics {', '.join(missing)} do not exist; `liqmon topics create` makes them"]
    if len(set(found.values())) > 1:
        return [f"the {which} topics have different partition counts: {found}"]
    return []


class Inspection:
    """Look into topics through one reader."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    async def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Return the partition count of each topic, 0 for one that does not exist."""
        return {name: await self._reader.partition_count(name) for name in names}

    async def used(self, names: TopicNames, shards: int) -> list[str]:
        """Return a complaint for each new topic in which something stands already."""
        wrong: list[str] = []
        for topic in (getattr(names, role) for role in OWN if role not in FED):
            partitions = [TopicPartition(topic, number) for number in range(shards)]
            begins = await self._reader.beginning_offsets(partitions)
            ends = await self._reader.end_offsets(partitions)
            if any(ends[where] > begins[where] for where in partitions):
                wrong.append(f"{topic} is not empty: accounts are moved into topics that nobody has written to")
        return wrong

    async def unread(self, positions: Positions) -> list[str]:
        """Return a complaint for each input that holds records its shard has not used up yet."""
        wrong: list[str] = []
        ends = await self._reader.end_offsets(positions)
        for where, position in sorted(positions.items()):
            name = f"{where.topic}[{where.partition}]"
            if position > ends[where]:
                wrong.append(f"{name} ends at {ends[where]}, before the stored position {position}: it was made anew")
                continue
            count = await self._count(where, position, ends[where])
            if count:
                wrong.append(
                    f"{name} holds {count} records that were not used up; stop what writes to it, let the"
                    " monitor read to the end, stop it and come again"
                )
            if waiting := self._reader.unresolved(where):
                wrong.append(f"{name} has {waiting} offsets behind an open transaction")
        return wrong

    async def _count(self, where: TopicPartition, position: int, end: int) -> int:
        """Count records; what stands between may be markers of transactions, which are none."""
        begin = (await self._reader.beginning_offsets([where]))[where]
        self._reader.assign({where: max(begin, position)})
        count = 0
        while self._reader.position(where) < end:
            count += len(await self._reader.poll(_READ_AT_ONCE, _POLL_MS))
        return count + len(await self._reader.poll(1, _POLL_MS))


def meta_complaints(shard: int, meta: Meta | None, group: str, shards: int) -> list[str]:
    """Return what is wrong with the last line of an old changelog."""
    if meta is None:
        return [f"shard {shard} has never committed: there is nothing to say how far it came"]
    return [
        f"the changelog of shard {shard} was written with {name} {found}, not {wanted}"
        for name, found, wanted in foreign_parts(meta, group, shards)
    ]
