"""Account events: applied and re-judged through the engine, decoded and not; and what of that the store takes.

The book they change is a book of their own.
"""

from __future__ import annotations

from itertools import count
from typing import Final

import numpy as np

from bench import facts
from bench import rounds as timing
from bench.equality import against_exact
from bench.inside import writing_of
from bench.loading import LADDER
from bench.measures import Goal, Measure, Result
from bench.messages import Message, Venue
from bench.parts.context import Context
from bench.rounds import Case, Ratio
from bench.sizes import LINEAR
from monitor.adapters.wire.accounts import decode_account_event
from monitor.core.inputs import AccountMessage, Origin
from monitor.core.limits import Limits
from monitor.core.outcome import Outcome
from monitor.core.rows import rows_of
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
        self._decoded: list[AccountMessage] = []
        self._raw: list[Message] = []

    def check(self) -> list[str]:
        """Apply some batches; compare a sample, which the touched accounts are part of, with exact arithmetic."""
        faults = []
        for _ in range(_BATCHES_CHECKED):
            outcome = self._apply(self._decode(self._venue.batch(self._batch)))
            if outcome.account_events != self._batch:
                faults.append(f"{outcome.account_events} of {self._batch} account events were applied")
        return faults + against_exact(self._book, min(_SAMPLE, self._book.population.sizes.accounts), 4)

    def measure(self, rounds: int) -> Result:
        """Time batches of messages; every round has new ones."""
        store, size = self._book.store, self._batch
        numbers = np.random.default_rng(5).choice(self._book.population.sizes.accounts, size, replace=False).tolist()
        accounts = [(number, self._book.engine.book.account(number)) for number in numbers]
        board, ladders = self._book.engine.board, Ladders.same(LADDER)
        scopes = [(number, rows_of(account, (), board, ladders)) for number, account in accounts]
        writing = writing_of(store, scopes)
        cases = [
            Case(_APPLY, size, lambda _: self._apply(self._decoded), self._next_decoded),
            Case(_DECODE, size, lambda _: self._apply(self._decode(self._raw)), self._next_raw),
            Case(_ONLY_DECODE, size, lambda _: self._decode(self._raw), self._next_raw),
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
                for name in (_ONLY_DECODE, _PUT, _WRITE, _JUDGE)
            ),
        )
        return Result("events", measures, timings, "message")

    def _next_raw(self, which: int) -> None:
        del which
        self._raw = self._venue.batch(self._batch)

    def _next_decoded(self, which: int) -> None:
        self._next_raw(which)
        self._decoded = self._decode(self._raw)

    def _decode(self, messages: list[Message]) -> list[AccountMessage]:
        return [
            AccountMessage(decode_account_event(value, key, _LIMITS), Origin("account-events", 0, next(self._offsets)))
            for key, value in messages
        ]

    def _apply(self, messages: list[AccountMessage]) -> Outcome:
        return self._book.engine.apply(messages, facts.START_MS)


_APPLY: Final = "account events applied and re-judged"
_DECODE: Final = "account messages decoded, validated, applied"
_ONLY_DECODE: Final = "of that: decoding and validating"
_PUT: Final = "of that: rows made of facts and written, in one batch"
_WRITE: Final = "of that: their kernel alone"
_JUDGE: Final = "of that: the accounts judged in one batch"


def _micros(seconds: Ratio) -> Ratio:
    return Ratio(seconds.minima * 1e6, seconds.median * 1e6)
