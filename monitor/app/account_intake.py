"""Account messages of a shard: decoded, given to the engine in runs, and made results of whole messages.

A run holds records with different keys, so that no two of them are about one account. What a step is made of is in
`step`, how results become transactions in `results`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from monitor.app.codec import BadMessage, Codec, WrongPartition
from monitor.app.observing import Observer
from monitor.app.ports import Record, TopicPartition
from monitor.app.reading import Fault
from monitor.app.records import RecordMaker
from monitor.app.results import StepResult
from monitor.core.account_runs import MOST, OfAccount, Taken
from monitor.core.book import AccountBook
from monitor.core.inputs import AccountMessage, Origin, RejectedMessage
from monitor.core.outcome import Outcome
from monitor.core.partitioning import partition_of
from monitor.core.scopes import PORTFOLIO
from monitor.core.showing import PORTFOLIO_WEIGHT
from monitor.core.stated import StatedRun

Apply = Callable[[Sequence[Taken], int], Outcome]
"""The engine's way to take inputs: judging after each, or not at all."""

_FIRST: Final = 32
"""Messages of the first run, before it is known how much they cause."""
_MANY: Final = 4
"""Messages of a run that are looked at together: of fewer each has its object sooner."""
_LITTLE: Final = 4
"""Records a message may cause on the average of a run, that the next one may be twice as long."""
_MUCH: Final = 1_000
"""Records after which the next run is shorter: the time of a step is looked at between runs only."""


class AccountIntake:
    """Make results of account messages."""

    def __init__(
        self, shard: int, shards: int, codec: Codec, maker: RecordMaker, book: AccountBook, observer: Observer
    ) -> None:
        self._shard = shard
        self._shards = shards
        self._codec = codec
        self._maker = maker
        self._book = book
        self._observer = observer
        self._most = _FIRST

    def run_at(self, records: Sequence[Record], start: int) -> Sequence[Record]:
        """Return the records of one run: those from `start` on of the same partition, up to a key that comes again."""
        topic, partition = records[start][:2]
        keys: set[bytes | None] = set()
        for record in records[start : start + self._most]:
            if record.key in keys or record.topic != topic or record.partition != partition:
                break
            keys.add(record.key)
        return records[start : start + len(keys)]

    def take(self, run: Sequence[Record], apply: Apply, now_ms: int, room: int) -> list[StepResult]:
        """Apply a run; return one result where it has room, that many records being left of it, else one a message."""
        faults: dict[int, Fault] = {}
        began = time.thread_time()
        inputs = self.inputs(run, faults)
        decoded = time.thread_time()
        outcome = apply(inputs, now_ms)
        self._observer.stage("decode", decoded - began)
        self._observer.stage("apply", time.thread_time() - decoded)
        at = {record.offset: record for record in run} if outcome.refusals else {}
        for refusal in outcome.refusals:
            offset = refusal.origin.offset
            faults[offset] = Fault(at[offset], refusal.code, f"{refusal.path}: {refusal.why}")
        size = outcome.size
        self._pace(outcome, size, len(run))
        if len(run) > 1 and size + len(faults) >= room:
            return [
                self._result([record], part, faults) for record, part in zip(run, _parts(outcome, run), strict=True)
            ]
        return [self._result(run, outcome, faults)]

    def inputs(self, run: Sequence[Record], faults: dict[int, Fault]) -> list[Taken]:
        """Return what a run says: all of it together where some is plain, else an object for each message.

        Why messages are refused is added to `faults` by their offsets.
        """
        values, keys = [record.value for record in run], [record.key for record in run]
        stated = self._codec.stated(values, keys) if len(run) >= _MANY else None
        if stated is None or not stated.plain.any():
            return [item for record in run if (item := self._input(record, faults)) is not None]
        plain = stated.plain.tolist()
        ids = [key.decode() if key and is_plain else None for key, is_plain in zip(keys, plain, strict=True)]
        origins = [Origin(record.topic, record.partition, record.offset) for record in run]
        return [StatedRun(stated, ids, origins, lambda place: self._input(run[place], faults))]

    def _input(self, record: Record, faults: dict[int, Fault]) -> OfAccount | None:
        origin = Origin(record.topic, record.partition, record.offset)
        try:
            event = self._codec.account_event(record.value, record.key)
            self._check_partition(event.account_id)
        except BadMessage as bad:
            faults[record.offset] = Fault(record, bad.code, str(bad))
            account_id = _readable(record.key)
            return None if account_id is None else RejectedMessage(account_id, origin)
        return AccountMessage(event, origin)

    def _check_partition(self, account_id: str) -> None:
        """Refuse an account whose key another partitioner has sent here: its chain would have two writers."""
        if self._book.number_of(account_id) is not None:
            return
        right = partition_of(account_id.encode(), self._shards)
        if right != self._shard:
            raise WrongPartition(f"murmur2 of the key gives partition {right} of {self._shards}")

    def _result(self, run: Sequence[Record], outcome: Outcome, faults: dict[int, Fault]) -> StepResult:
        last = run[-1]
        result = StepResult(outcome, inputs={TopicPartition(last.topic, last.partition): last.offset + 1})
        if faults:
            result.set_aside([faults[record.offset] for record in run if record.offset in faults], self._maker)
        return result

    def _pace(self, outcome: Outcome, size: int, messages: int) -> None:
        """Let the next run be longer where messages cause little, shorter where they cause much."""
        portfolios = sum(PORTFOLIO in one.statuses for one in outcome.accounts.values() if one.statuses)
        records = size + portfolios * PORTFOLIO_WEIGHT
        if records >= _MUCH:
            self._most = max(1, min(self._most, messages) // 4)
        elif records <= _LITTLE * messages:
            self._most = min(MOST, 2 * self._most)


def _parts(outcome: Outcome, run: Sequence[Record]) -> list[Outcome]:
    """Return what each message of a run has brought about; counts, and what it did to others, go with the first."""
    parts = [Outcome() for _ in run]
    place_of = {_readable(record.key): place for place, record in enumerate(run)}
    offset_of = {record.offset: place for place, record in enumerate(run)}
    for account_id, account in outcome.accounts.items():
        parts[place_of.get(account_id, 0)].accounts[account_id] = account
    for refusal in outcome.refusals:
        parts[offset_of[refusal.origin.offset]].refusals.append(refusal)
    first = parts[0]
    first.duplicates, first.account_events = outcome.duplicates, outcome.account_events
    first.scopes_judged, first.samples, first.funds = outcome.scopes_judged, outcome.samples, outcome.funds
    return parts


def _readable(key: bytes | None) -> str | None:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return None
