"""The changelog of a shard: its keys, its `__meta__` line, and the hash of what it holds.

What a shard must remember to go on where another left off is listed here. Reading it back is in `image`, when it is
written the ledger's business, what the packed records mean the core's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from struct import Struct
from typing import Any

from monitor.app.codec import Codec
from monitor.app.ports import LogReader, Record, TopicPartition

META_KEY = b"__meta__"
FACTS = b"f|"
MEMORY = b"s|"
RULES = b"r|"
SAMPLES = b"w|"
INSTRUMENT = b"i|"
PRICE = b"p|"
OWN_CLAIMS = b"c|"
FUND_CLAIM = b"o|"
FUND_WINDOW = b"h|"
PROMISES = b"x|"
SCHEMA = 1
_READ_AT_ONCE = 2_000
_POLL_MS = 500
_TAIL = 64
_U32, _U64 = Struct("<I").pack, Struct("<Q").unpack
_NOTHING = blake2b(digest_size=8)

Positions = Mapping[TopicPartition, int]


class ForeignState(Exception):
    """The changelog belongs to another group, shard count or schema: running on it would be silently wrong."""


@dataclass(frozen=True, slots=True)
class Meta:
    """Say how far a shard had come when it last committed.

    `inputs` holds the next offset of every input: the account events consumed, and every global input judged.
    `incarnation` is a random id that the first line of a changelog gives it, "" in lines of versions that gave none.
    `closed` says why nobody may judge on this changelog any more, or not yet; "" where somebody may.
    `shown_before` is an offset of the changelog: accounts whose facts stand before it have been shown since they were
    written there. It is no time, for the clocks of those who write and read are not one; 0 says nothing of anybody.
    `hash` is that of all live records (see `weight`) as of this line, None in lines of versions that counted none.
    `unfinished` is where the inputs will stand once the message is told whole of which a part has been told: whoever
    goes on judges it before any other, for what stands in the log may already follow from it.
    """

    group: str
    shards: int
    writer: str
    counter: int = 0
    inputs: Positions = field(default_factory=dict)
    schema: int = SCHEMA
    incarnation: str = ""
    hash: int | None = None
    closed: str = ""
    shown_before: int = 0
    unfinished: Positions = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the line as it is written."""
        return {
            "group": self.group,
            "shards": self.shards,
            "schema": self.schema,
            "writer": self.writer,
            "counter": self.counter,
            "inputs": _by_topic(self.inputs),
            "incarnation": self.incarnation,
            **({} if self.hash is None else {"hash": f"{self.hash:016x}"}),
            **({"closed": self.closed} if self.closed else {}),
            "shown_before": self.shown_before,
            **({"unfinished": _by_topic(self.unfinished)} if self.unfinished else {}),
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Meta:
        """Return the line a body states."""
        counted = body.get("hash")
        return cls(
            body["group"],
            body["shards"],
            body["writer"],
            body["counter"],
            _by_place(body["inputs"]),
            body["schema"],
            body.get("incarnation", ""),
            None if counted is None else int(counted, 16),
            body.get("closed", ""),
            body.get("shown_before", 0),
            _by_place(body.get("unfinished", {})),
        )

    def next(self, writer: str, inputs: Positions, total: int, shown_before: int, unfinished: Positions) -> Meta:
        """Return the line of the next transaction, after which the live records have the hash `total`."""
        return replace(
            self,
            writer=writer,
            counter=self.counter + 1,
            inputs=inputs,
            hash=total,
            shown_before=shown_before,
            unfinished=ahead_of(inputs, {**self.unfinished, **unfinished}),
        )


def ahead_of(reached: Positions, places: Positions) -> dict[TopicPartition, int]:
    """Return the places that lie beyond those reached."""
    return {where: offset for where, offset in places.items() if reached.get(where, 0) < offset}


def _by_topic(places: Positions) -> dict[str, dict[str, int]]:
    by_topic: dict[str, dict[str, int]] = {}
    for where, offset in sorted(places.items()):
        by_topic.setdefault(where.topic, {})[str(where.partition)] = offset
    return by_topic


def _by_place(by_topic: Mapping[str, Mapping[str, int]]) -> dict[TopicPartition, int]:
    return {
        TopicPartition(topic, int(partition)): offset
        for topic, offsets in by_topic.items()
        for partition, offset in offsets.items()
    }


async def read_last_meta(reader: LogReader, where: TopicPartition, codec: Codec) -> Meta | None:
    """Return the last `__meta__` line of a changelog partition, looking back from its present end."""
    begin = (await reader.beginning_offsets([where]))[where]
    end = (await reader.end_offsets([where]))[where]
    back = _TAIL
    while True:
        start = max(begin, end - back)
        lines = [record async for record in records_between(reader, where, start, end) if record.key == META_KEY]
        if lines:
            value = lines[-1].value
            return None if value is None else Meta.of(codec.decode(value))
        if start == begin:
            return None
        back *= 8


async def records_between(reader: LogReader, where: TopicPartition, start: int, end: int) -> AsyncIterator[Record]:
    """Yield the records of [start, end); the reader is left assigned to the partition."""
    reader.assign({where: start})
    while reader.position(where) < end:
        for record in await reader.poll(_READ_AT_ONCE, _POLL_MS):
            if record.offset < end:
                yield record


def foreign_parts(meta: Meta, group: str, shards: int) -> list[tuple[str, object, object]]:
    """Return what of a line is not ours: its name, what was found and what is wanted."""
    parts = (
        ("group", meta.group, group),
        ("shard count", meta.shards, shards),
        ("schema", meta.schema, SCHEMA),
    )
    return [part for part in parts if part[1] != part[2]]


def check_owner(meta: Meta | None, group: str, shards: int) -> None:
    """Raise `ForeignState` unless a changelog is ours, the same group, shard count and schema, and open."""
    if meta is None:
        return
    for name, found, wanted in foreign_parts(meta, group, shards):
        raise ForeignState(f"the changelog was written with {name} {found}, this daemon has {wanted}")
    if meta.closed:
        raise ForeignState(f"the changelog is closed: {meta.closed}")


def weight(key: bytes, value: bytes) -> int:
    """Return what one live record adds to the hash of a changelog, 64 bits of blake2b over key and value.

    The hash is the XOR of the weights of all live records but `__meta__`: a record that is lost, doubled or changed
    goes unnoticed once in 2**64 times. It guards against faults, not against somebody who may write to the topic.
    """
    counted = _NOTHING.copy()  # in four fifths of the time that making it anew takes
    counted.update(_U32(len(key)) + key + value)
    weighed: int = _U64(counted.digest())[0]
    return weighed


def facts_key(account_id: str) -> bytes:
    """Return the key of an account's facts."""
    return FACTS + account_id.encode()


def memory_key(account_id: str) -> bytes:
    """Return the key of what was told about an account."""
    return MEMORY + account_id.encode()


def rules_key(account_id: str) -> bytes:
    """Return the key of what the rules of an account remember."""
    return RULES + account_id.encode()
