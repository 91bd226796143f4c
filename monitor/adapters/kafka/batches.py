"""Batches: records handed to a producer partition by partition, and producers let go; used by all who write."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice
from typing import Any

from aiokafka import errors

from monitor.adapters.kafka.clients import STOP_SECONDS, finish
from monitor.app.ports import OutputRecord, RecordRefused, RecordTooLarge

_ABORT_SECONDS = 1.0
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)

Sent = tuple[asyncio.Future[Any], list[OutputRecord]]


class BatchTooLarge(Exception):
    """A topic takes no batch so large; its records go one by one from now on."""


async def send_batches(producer: Any, records: Sequence[OutputRecord], one_by_one: Collection[str]) -> list[Sent]:
    """Hand all records over in batches, a batch of each partition in turn; return the futures of their acknowledgement.

    Every one of them must be awaited before the commit: a commit succeeds although a batch was refused. Records of the
    topics `one_by_one` get a batch each.
    """
    sent: list[Sent] = []
    queues = {where: deque(group) for where, group in _by_partition(records).items()}
    while queues:
        for (topic, partition), queue in queues.items():
            batch, inside = _fill(producer, queue, 1 if topic in one_by_one else len(queue))
            try:
                future = await producer.send_batch(batch, topic, partition=partition)
            except AssertionError as error:
                raise RecordRefused(f"{topic}[{partition}] does not exist") from error
            future.add_done_callback(look_at)
            sent.append((future, inside))
        queues = {where: queue for where, queue in queues.items() if queue}
        await asyncio.sleep(0)
    return sent


async def acknowledged(sent: Iterable[Sent], one_by_one: set[str]) -> None:
    """Wait for batches. Where a topic takes none so large it is added to `one_by_one`.

    Raises `BatchTooLarge` then, `RecordTooLarge` where the batch is a single record, and whatever else the client does.
    """
    await asyncio.gather(*(_acknowledged(*each, one_by_one) for each in sent))


async def _acknowledged(batch: asyncio.Future[Any], records: Sequence[OutputRecord], one_by_one: set[str]) -> None:
    try:
        await batch
    except _TOO_LARGE as error:
        topic, *_ = largest = max(records, key=_size_of)
        if len(records) == 1:
            what = f"a record of {_size_of(largest)} bytes is too large for {topic}"
            raise RecordTooLarge(largest, what) from error
        one_by_one.add(topic)
        raise BatchTooLarge(f"a batch of {len(records)} records is too large for {topic}") from error


def _by_partition(records: Iterable[OutputRecord]) -> dict[tuple[str, int], list[OutputRecord]]:
    """Return the records of each partition in their order, partitions in the order of their names."""
    found: dict[tuple[str, int], list[OutputRecord]] = {}
    for record in records:
        found.setdefault(record[:2], []).append(record)
    return dict(sorted(found.items()))


def _fill(producer: Any, queue: deque[OutputRecord], most: int) -> tuple[Any, list[OutputRecord]]:
    """Move as many records as fit, at most `most`, from the queue to a new batch, at least one."""
    batch = producer.create_batch()
    append, inside = batch.append, 0
    for topic, _, key, value, headers in islice(queue, most):
        if key is None and value is None:
            raise RecordRefused(f"a record for {topic} has neither key nor value")
        if append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
            break
        inside += 1
    batch.close()
    return batch, [queue.popleft() for _ in range(inside)]


def _size_of(record: OutputRecord) -> int:
    """Return the bytes of a record's contents; the log adds a few."""
    return len(record.key or b"") + len(record.value or b"") + sum(len(k) + len(v) for k, v in record.headers)


def look_at(future: asyncio.Future[Any]) -> None:
    """Take note of an exception nobody may come to await: asyncio complains about those."""
    if not future.cancelled():
        future.exception()


def _fail_unsent(producer: Any) -> None:
    """Fail the batches that are not sent: `stop()` would wait for them. Nobody waits for them any more either."""
    accumulator = producer._message_accumulator  # noqa: SLF001
    batches = [*chain.from_iterable(accumulator._batches.values()), *accumulator._pending_batches]  # noqa: SLF001
    accumulator.fail_all(errors.ProducerClosed())
    for batch in batches:
        look_at(batch.future)
        look_at(batch._drain_waiter)  # noqa: SLF001


async def retire(producer: Any, *, abort: bool) -> None:
    """Stop a producer in whatever state; with `abort` give up what it has open first, so that readers need not wait."""
    if abort:
        await finish(producer.abort_transaction(), _ABORT_SECONDS)
    _fail_unsent(producer)
    if not await finish(producer.stop(), STOP_SECONDS):
        await producer._sender.end(STOP_SECONDS)  # noqa: SLF001
        await finish(producer.client.close(), STOP_SECONDS)
