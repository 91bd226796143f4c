"""Account events: applied and re-judged through the engine, decoded and not; and what of that the store takes.

The book they change is a book of their own.
"""

from __future__ import annotations

import sys
from itertools import count
from typing import Final

import numpy as np

from bench import facts
from bench import rounds as timing
from bench.equality import against_exact
from bench.inside import writing_of
from bench.loading import LADDER
from bench.measures import Goal, Measure, Result
from bench.messages import Venue
from bench.parts.context import Context
from bench.rounds import Case, Ratio
from bench.sizes import LINEAR
from monitor.adapters.wire import WireCodec
from monitor.adapters.wire.accounts import decode_account_event
from monitor.app.account_intake import AccountIntake
from monitor.app.changelog import Meta
from monitor.app.image import Image
from monitor.app.observing import SilentObserver
from monitor.app.ports import Record
from monitor.app.records import RecordMaker
from monitor.app.topics import TopicNames
from monitor.core.account_runs import Taken
from monitor.core.amending import amended_run
from monitor.core.amendment import amended
from monitor.core.limits import Limits
from monitor.core.outcome import Outcome
from monitor.core.rows import rows_of
from monitor.core.stated import StatedRun
from monitor.core.verdict import Ladders

BATCH: Final = 500
"""Messages handed to the engine at once."""
_LIMITS: Final = Limits()
_SAMPLE: Final = 200
_BATCHES_CHECKED: Final = 4


class AccountEvents:
    """Measure what an account event costs."""

    def __init__(self, context: Context) -> None:
        self._book = context.load(LINEAR, context.mixed)
        self._venue = Venue(self._book.population, context.mixed.seed + 1)
        self._batch = min(BATCH, context.mixed.accounts)
        self._offsets = count()
        self._decoded: list[Taken] = []
        self._raw: list[Record] = []
        codec, engine = WireCodec(_LIMITS), self._book.engine
        self._topics = TopicNames()
        self._maker = RecordMaker(0, 1, self._topics, codec)
        self._intake = AccountIntake(0, 1, codec, self._maker, engine.book, SilentObserver())
        self._image = Image(hash=0)

    def check(self) -> list[str]:
        """Apply some batches; compare a sample, which the touched accounts are part of, with exact arithmetic."""
        faults = []
        for _ in range(_BATCHES_CHECKED):
            outcome = self._apply(self._decode(self._batch_of_records()))
            if outcome.account_events != self._batch:
                faults.append(f"{outcome.account_events} of {self._batch} account events were applied")
        return faults + against_exact(self._book, min(_SAMPLE, self._book.population.sizes.accounts), 4)

    def measure(self, rounds: int) -> Result:
        """Time batches of messages; every round has new ones."""
        store, size = self._book.store, self._batch
        numbers = np.random.default_rng(5).choice(self._book.population.sizes.accounts, size, replace=False).tolist()
        book = self._book.engine.book
        records = [book.record(number) for number in numbers]
        board, ladders = self._book.engine.board, Ladders.same(LADDER)
        scopes = [(number, rows_of(book.account(number), (), board, ladders)) for number in numbers]
        writing, reader = writing_of(store, scopes), store.packed_reader(0, brings_names=False)
        cases = [
            Case(_APPLY, size, lambda _: self._apply(self._decoded), self._next_decoded),
            Case(_DECODE, size, lambda _: self._apply(self._decode(self._raw)), self._next_raw),
            Case(SHARD, size, lambda _: self._take(), self._next_raw),
            Case(_ONLY_DECODE, size, lambda _: self._decode(self._raw), self._next_raw),
            Case(_AMEND, size, lambda _: self._amend(), self._next_decoded),
            Case(_OBJECTS, size, lambda _: self._one_by_one(), self._next_raw),
            Case(_PACKED, size, lambda _: reader.replace(numbers, records)),
            Case(_PUT, size, lambda _: store.put_many(scopes)),
            Case(_WRITE, size, lambda _: writing()),
            Case(_JUDGE, size, lambda _: store.judge_accounts(numbers)),
        ]
        timings = timing.run(cases, rounds)
        decoding = timings.least(_DECODE)
        rate = Ratio(1 / decoding.minima, 1 / decoding.median)
        measures = (
            Measure("events", _APPLY, _micros(timings.least(_APPLY)), Goal(0.8, is_least=False), "µs each"),
            Measure("events", _DECODE, rate, Goal(200_000), "/s on one core"),
            *(
                Measure("events", name, _micros(timings.least(name)), None, "µs each")
                for name in (SHARD, _ONLY_DECODE, _AMEND, _OBJECTS, _PACKED, _PUT, _WRITE, _JUDGE)
            ),
        )
        return Result("events", measures, timings, "message")

    def _next_raw(self, which: int) -> None:
        del which
        self._raw = self._batch_of_records()

    def _next_decoded(self, which: int) -> None:
        self._next_raw(which)
        self._decoded = self._decode(self._raw)

    def _batch_of_records(self) -> list[Record]:
        topic, offsets = self._topics.account_events, self._offsets
        messages = self._venue.batch(self._batch)
        return [Record(topic, 0, next(offsets), facts.START_MS, key, value) for key, value in messages]

    def _decode(self, records: list[Record]) -> list[Taken]:
        return self._intake.inputs(records, {})

    def _amend(self) -> None:
        """Make the facts after each message, and keep none."""
        [run] = self._decoded
        assert isinstance(run, StatedRun), "the messages are plain"
        amended_run([self._record_of(account_id) for account_id in run.ids], run.stated, _LIMITS)

    def _one_by_one(self) -> None:
        """Do the same with an object for each message."""
        for record in self._raw:
            event = decode_account_event(record.value, record.key, _LIMITS)
            amended(self._record_of(event.account_id), event, _LIMITS)

    def _record_of(self, account_id: str | None) -> bytes:
        book = self._book.engine.book
        number = None if account_id is None else book.number_of(account_id)
        assert number is not None, "the messages are about accounts of the book"
        return book.record(number)

    def _take(self) -> None:
        """Do with messages what a shard does, from records to records, but for what the client of the log does."""
        [result] = self._intake.take(self._raw, self._book.engine.apply, facts.START_MS, sys.maxsize)
        made = [record for account in result.outcome.worst_first() for record in self._maker.account(account)]
        kept = [record for record in made if record.topic == self._topics.state]
        total = self._image.hash_after((record.key or b"", record.value) for record in kept)
        self._image.accept(kept, Meta("bench", 1, "bench", hash=total), facts.START_MS)

    def _apply(self, messages: list[Taken]) -> Outcome:
        return self._book.engine.apply(messages, facts.START_MS)


_APPLY: Final = "account events applied and re-judged"
_DECODE: Final = "account messages decoded, validated, applied"
SHARD: Final = "the same by a shard, with the changelog's records and their hash"
_ONLY_DECODE: Final = "of that: stated in columns, validated"
_AMEND: Final = "of that: packed facts amended"
_OBJECTS: Final = "the long way: both with an object of each message"
_PACKED: Final = "of that: rows read from packed facts and written, in one batch"
_PUT: Final = "the long way: rows made of facts and written, in one batch"
_WRITE: Final = "its kernel alone"
_JUDGE: Final = "of that: the accounts judged in one batch"


def _micros(seconds: Ratio) -> Ratio:
    return Ratio(seconds.minima * 1e6, seconds.median * 1e6)
