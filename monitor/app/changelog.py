"""The changelog of a shard: its keys, its `__meta__` line, and reading it back.

What a shard must remember to go on where another left off is listed here; when it is written is the ledger's business,
what the packed records mean the core's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
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

Positions = Mapping[TopicPartition, int]


class ForeignState(Exception):
    """The changelog belongs to another group, shard count or schema: running on it would be silently wrong."""


@dataclass(frozen=True, slots=True)
class Meta:
    """Say how far a shard had come when it last committed.

    `inputs` holds the next offset of every input: the account events consumed, and every global input judged.
    """

    group: str
    shards: int
    writer: str
    counter: int = 0
    inputs: Positions = field(default_factory=dict)
    schema: int = SCHEMA

    def body(self) -> dict[str, Any]:
        """Return the line as it is written."""
        inputs: dict[str, dict[str, int]] = {}
        for where, offset in sorted(self.inputs.items()):
            inputs.setdefault(where.topic, {})[str(where.partition)] = offset
        return {
            "group": self.group,
            "shards": self.shards,
            "schema": self.schema,
            "writer": self.writer,
            "counter": self.counter,
            "inputs": inputs,
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Meta:
        """Return the line a body states."""
        inputs = {
            TopicPartition(topic, int(partition)): offset
            for topic, offsets in body["inputs"].items()
            for partition, offset in offsets.items()
        }
        return cls(body["group"], body["shards"], body["writer"], body["counter"], inputs, body["schema"])

    def next(self, writer: str, inputs: Positions) -> Meta:
        """Return the line of the next transaction."""
        return replace(self, writer=writer, counter=self.counter + 1, inputs=inputs)


@dataclass(slots=True)
class Image:
    """Hold what a changelog says: the latest value of every key, by kind.

    `touched` holds the accounts whose facts were written within the last `touched_within_ms` of it, and when.
    """

    touched_within_ms: int = 0
    touched: dict[str, int] = field(default_factory=dict)
    meta: Meta | None = None
    facts: dict[str, bytes] = field(default_factory=dict)
    memory: dict[str, bytes] = field(default_factory=dict)
    rules: dict[str, bytes] = field(default_factory=dict)
    samples: dict[str, bytes] = field(default_factory=dict)
    instruments: dict[str, bytes] = field(default_factory=dict)
    prices: dict[str, bytes] = field(default_factory=dict)
    own_claims: dict[str, bytes] = field(default_factory=dict)
    fund_claims: dict[str, bytes] = field(default_factory=dict)
    fund_windows: dict[str, bytes] = field(default_factory=dict)
    promises: dict[str, bytes] = field(default_factory=dict)

    def take(self, record: Record, codec: Codec) -> None:
        """Take one record over what was known."""
        self._forget_until(record.timestamp_ms - self.touched_within_ms)
        key, value = record.key or b"", record.value
        if key == META_KEY:
            self.meta = None if value is None else Meta.of(codec.decode(value))
            return
        kept = self._kinds().get(key[:2])
        if kept is None:
            raise ForeignState(f"the changelog holds a key this version does not know: {key[:40]!r}")
        name = key[2:].decode()
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
        if kept is self.facts:
            self.touched.pop(name, None)
            self.touched[name] = record.timestamp_ms

    def _kinds(self) -> dict[bytes, dict[str, bytes]]:
        return {
            FACTS: self.facts,
            MEMORY: self.memory,
            RULES: self.rules,
            SAMPLES: self.samples,
            INSTRUMENT: self.instruments,
            PRICE: self.prices,
            OWN_CLAIMS: self.own_claims,
            FUND_CLAIM: self.fund_claims,
            FUND_WINDOW: self.fund_windows,
            PROMISES: self.promises,
        }

    def _forget_until(self, oldest_ms: int) -> None:
        """Forget who was touched until a time: whoever lived on so long after it has shown them since."""
        while self.touched and (oldest := next(iter(self.touched.items())))[1] <= oldest_ms:
            del self.touched[oldest[0]]


async def read_image(reader: LogReader, where: TopicPartition, codec: Codec, touched_within_ms: int = 0) -> Image:
    """Return what a changelog partition says up to its present end; the reader is left assigned to it."""
    image = Image(touched_within_ms)
    begin = (await reader.beginning_offsets([where]))[where]
    end = (await reader.end_offsets([where]))[where]
    reader.assign({where: begin})
    while reader.position(where) < end:
        for record in await reader.poll(_READ_AT_ONCE, _POLL_MS):
            image.take(record, codec)
    return image


async def read_last_meta(reader: LogReader, where: TopicPartition, codec: Codec) -> Meta | None:
    """Return the last `__meta__` line of a changelog partition, looking back from its present end."""
    begin = (await reader.beginning_offsets([where]))[where]
    end = (await reader.end_offsets([where]))[where]
    back = _TAIL
    while True:
        start = max(begin, end - back)
        lines = [record async for record in _between(reader, where, start, end) if record.key == META_KEY]
        if lines:
            value = lines[-1].value
            return None if value is None else Meta.of(codec.decode(value))
        if start == begin:
            return None
        back *= 8


async def _between(reader: LogReader, where: TopicPartition, start: int, end: int) -> AsyncIterator[Record]:
    reader.assign({where: start})
    while reader.position(where) < end:
        for record in await reader.poll(_READ_AT_ONCE, _POLL_MS):
            if record.offset < end:
                yield record


def check_owner(meta: Meta | None, group: str, shards: int) -> None:
    """Raise `ForeignState` unless a changelog is ours: the same group, shard count and schema."""
    if meta is None:
        return
    for name, found, wanted in (
        ("group", meta.group, group),
        ("shard count", meta.shards, shards),
        ("schema", meta.schema, SCHEMA),
    ):
        if found != wanted:
            raise ForeignState(f"the changelog was written with {name} {found}, this daemon has {wanted}")


def facts_key(account_id: str) -> bytes:
    """Return the key of an account's facts."""
    return FACTS + account_id.encode()


def memory_key(account_id: str) -> bytes:
    """Return the key of what was told about an account."""
    return MEMORY + account_id.encode()


def rules_key(account_id: str) -> bytes:
    """Return the key of what the rules of an account remember."""
    return RULES + account_id.encode()
