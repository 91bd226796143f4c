"""The image of a changelog: the latest value of every key, read back, kept current and counted.

A shard keeps the image of what it has committed, so that the hash of the next transaction and a snapshot of the last
one can be had; a standby keeps one from the changelog alone. What the values mean is not known here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from monitor.app.changelog import (
    FACTS,
    FUND_CLAIM,
    FUND_WINDOW,
    INSTRUMENT,
    MEMORY,
    META_KEY,
    OWN_CLAIMS,
    PRICE,
    PROMISES,
    RULES,
    SAMPLES,
    ForeignState,
    Meta,
    weight,
)
from monitor.app.codec import Codec
from monitor.app.ports import LogReader, OutputRecord, Record, TopicPartition

_READ_AT_ONCE = 2_000
_POLL_MS = 500
_ALIKE: Final = 4_096
"""So many values are kept once however many keys have them: what was told of most accounts is the same few bytes."""


class DamagedState(Exception):
    """The live records of a changelog do not have the hash its `__meta__` states: something was lost or changed."""


@dataclass(slots=True)
class Image:
    """Hold what a changelog says: the latest value of every key, by kind.

    `next_offset`: every record before it is in the image (later ones may be, taking them again changes nothing).
    `hash` is that of the live records, None until it was counted; from then on it is kept current. `touched` holds the
    accounts that may not have been shown since their facts were written: the offset of these (or one before it) says
    whether, their time no more than when they are due.
    """

    touched: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict)
    meta: Meta | None = None
    next_offset: int = 0
    hash: int | None = None
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
    _alike: dict[bytes, bytes] = field(default_factory=dict)

    def take(self, record: Record, codec: Codec) -> None:
        """Take one record over what was known."""
        key, value = record.key or b"", record.value
        self.next_offset = record.offset + 1
        if key == META_KEY:
            self._go_on(None if value is None else Meta.of(codec.decode(value)))
            return
        if self.hash is not None:
            self.hash = self.hash_after([(key, value)])
        self._put(key, value, (record.offset, record.timestamp_ms))

    def accept(self, records: Sequence[OutputRecord], meta: Meta, now_ms: int) -> None:
        """Take over a transaction of this shard's writer that was committed, and ended with `meta`.

        `next_offset` moves by what it took up at least: a try that failed before it has taken up more.
        """
        facts, touched = self.facts, self.touched
        for offset, record in enumerate(records, self.next_offset):
            key, value = record.key or b"", record.value
            if value is not None and key[:2] == FACTS:  # one for each message of an account
                name = key[2:].decode()
                facts[name] = value
                touched[name] = offset, now_ms
                touched.move_to_end(name)
            else:
                self._put(key, value, (offset, now_ms))
        self.next_offset += len(records) + 2  # `__meta__`, and the log's mark of the commit
        self._go_on(meta)
        self.hash = meta.hash

    def hash_after(self, records: Iterable[tuple[bytes, bytes | None]]) -> int:
        """Return the hash of the live records once these, by key and value, have been taken; it must be counted."""
        assert self.hash is not None, "an image is counted before it goes on"
        total, facts = self.hash, self.facts
        for key, value in dict(records).items():
            old = (facts if key[:2] == FACTS else self._kept(key)).get(key[2:].decode())
            if old == value:
                continue
            if old is not None:
                total ^= weight(key, old)
            if value is not None:
                total ^= weight(key, value)
        return total

    def count(self) -> int:
        """Count the hash of the live records from nothing; takes a microsecond a record."""
        total = 0
        for key, value in self.live():
            total ^= weight(key, value)
        self.hash = total
        return total

    def live(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of every live record but `__meta__`."""
        for kind, kept in self.kinds().items():
            for name, value in kept.items():
                yield kind + name.encode(), value

    def check(self) -> None:
        """Raise `DamagedState` where `__meta__` states another hash than the live records have."""
        stated = None if self.meta is None else self.meta.hash
        if stated is not None and stated != self.hash:
            raise DamagedState(f"the live records have the hash {self.hash or 0:016x}, __meta__ states {stated:016x}")

    def frozen(self) -> Image:
        """Return a copy that stays as it is; the values are shared, so a million accounts take some 30 ms."""
        found: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "_alike"}
        copies: dict[str, Any] = {name: kept.copy() if isinstance(kept, dict) else kept for name, kept in found.items()}
        return Image(**copies)

    def once(self, value: bytes) -> bytes:
        """Return the one copy of a value that many keys have."""
        if len(self._alike) < _ALIKE:
            return self._alike.setdefault(value, value)
        return self._alike.get(value, value)

    def kinds(self) -> dict[bytes, dict[str, bytes]]:
        """Return the values of each kind of key, by the rest of the key."""
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

    def _kept(self, key: bytes) -> dict[str, bytes]:
        match key[:2]:
            case b"f|":  # nearly all records are of these two kinds
                return self.facts
            case b"s|":
                return self.memory
        kept = self.kinds().get(key[:2])
        if kept is None:
            raise ForeignState(f"the changelog holds a key this version does not know: {key[:40]!r}")
        return kept

    def _put(self, key: bytes, value: bytes | None, written: tuple[int, int]) -> None:
        kept, name = self._kept(key), key[2:].decode()
        if value is None:
            kept.pop(name, None)
        elif kept is self.memory:
            kept[name] = self.once(value)
        else:
            kept[name] = value
        if kept is self.facts:
            self.touched[name] = written
            self.touched.move_to_end(name)

    def has_shown_more(self, shown_before: int) -> bool:
        """Return whether somebody touched would be forgotten by a line that states this."""
        return bool(self.touched) and self.touched[next(iter(self.touched))][0] < shown_before

    def _go_on(self, meta: Meta | None) -> None:
        """Take `__meta__` over; forget who was touched and has been shown since."""
        self.meta = meta
        while meta is not None and self.has_shown_more(meta.shown_before):
            self.touched.popitem(last=False)  # of a plain dict the first is found past all that were before it


async def read_image(reader: LogReader, where: TopicPartition, codec: Codec) -> Image:
    """Return what a changelog partition says up to its present end; the reader is left assigned to it."""
    image = Image()
    image.next_offset = (await reader.beginning_offsets([where]))[where]
    await follow(reader, where, codec, image)
    return image


async def follow(reader: LogReader, where: TopicPartition, codec: Codec, image: Image) -> None:
    """Bring an image to the present end of its changelog partition; the reader is left assigned to it."""
    end = (await reader.end_offsets([where]))[where]
    reader.assign({where: image.next_offset})
    while reader.position(where) < end:
        for record in await reader.poll(_READ_AT_ONCE, _POLL_MS):
            image.take(record, codec)
    image.next_offset = max(image.next_offset, reader.position(where))
