"""Tests of batches: what is handed to the client, and in which order; no broker is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from monitor.adapters.kafka.batches import send_batches
from monitor.app.ports import OutputRecord, RecordRefused

ROOM = 3


@dataclass
class Batch:
    """Stand in for a batch of the client that holds a few records."""

    inside: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = field(default_factory=list)
    is_closed: bool = False

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> object | None:
        """Take a record, None where there is no room."""
        assert timestamp is None
        assert not self.is_closed
        assert type(headers) is list, "the compiled client takes nothing else"
        if len(self.inside) == ROOM:
            return None
        self.inside.append((key, value, headers))
        return self

    def close(self) -> None:
        """Take no more."""
        self.is_closed = True


class Producer:
    """Stand in for the client."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, Batch]] = []

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Note what is sent."""
        assert batch.is_closed
        self.sent.append((topic, partition, batch))
        return asyncio.get_running_loop().create_future()


def record(topic: str, partition: int, number: int, headers: Sequence[tuple[str, bytes]] = ()) -> OutputRecord:
    """Return a record that can be told from the others."""
    return OutputRecord(topic, partition, str(number).encode(), b"v", tuple(headers))


async def test_records_keep_their_order_in_each_partition_and_none_is_lost_or_doubled() -> None:
    """Partitions take turns, a batch each, in the order of their names; records of a topic that must go one by one."""
    places = [("b", 1), ("a", 0), ("b", 0), ("c", 0)]
    records = [record(*places[number * 7 % 4], number, [("h", b"1")] * (number % 3)) for number in range(29)]
    producer = Producer()
    sent = await send_batches(producer, records, {"c"})
    for (topic, partition, batch), (_, inside) in zip(producer.sent, sent, strict=True):
        assert all(one[:2] == (topic, partition) for one in inside)
        assert batch.inside == [(one.key, one.value, [*one.headers]) for one in inside]
    for topic, partition in places:
        wanted = [(one.key, one.value, [*one.headers]) for one in records if one[:2] == (topic, partition)]
        batches = [batch.inside for at, number, batch in producer.sent if (at, number) == (topic, partition)]
        assert [one for batch in batches for one in batch] == wanted
        assert [len(batch) for batch in batches[:-1]] == [1 if topic == "c" else ROOM] * (len(batches) - 1)
    assert [where[:2] for where in producer.sent[:4]] == sorted(places)


async def test_a_record_without_key_and_value_is_refused() -> None:
    """The log has no such record: whoever made it is told which topic it was for."""
    with pytest.raises(RecordRefused, match="a record for b has neither key nor value"):
        await send_batches(Producer(), [record("a", 0, 1), OutputRecord("b", 0, None, None)], set())
