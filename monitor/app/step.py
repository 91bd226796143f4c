"""One step of a shard: decode what has come, let the engine judge it, and make the records that tell it.

Everything here is synchronous and runs in the kernel thread; reading and committing are done around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf

from monitor.app.account_intake import AccountIntake, Apply
from monitor.app.asked import AskedIntake
from monitor.app.codec import Codec
from monitor.app.observing import Observer
from monitor.app.ports import Record, TopicPartition
from monitor.app.quiet_prices import QuietPrices
from monitor.app.reading import FeedEntry, Note, Reading
from monitor.app.records import RecordMaker
from monitor.app.results import Step, StepResult
from monitor.app.topics import TopicNames
from monitor.core.engine import MarginEngine
from monitor.core.everybody import judged_in_turns
from monitor.core.inputs import Clock, Input, InstrumentTerms, Origin, RejectedMessage
from monitor.core.intervals import has_passed
from monitor.core.limits import Limits
from monitor.core.outcome import Outcome
from monitor.core.partitioning import partition_of

CLOCK_MS = 200
OWN_SECONDS = 0.025
"""Messages of accounts are judged for so long at once: prices wait for them."""
_CENSUS_MS = 5_000

InTurns = Callable[[Input, int], Iterator[Outcome]]
"""The engine's way to take an input that may change many scopes: what each turn of judging has brought about."""


class StepMaker:
    """Make the steps of one shard, on one engine."""

    def __init__(
        self,
        shard: int,
        shards: int,
        topics: TopicNames,
        engine: MarginEngine,
        codec: Codec,
        maker: RecordMaker,
        reading: Reading,
        observer: Observer,
        limits: Limits,
    ) -> None:
        self._reading = reading
        self._shard = shard
        self._shards = shards
        self._topics = topics
        self.engine = engine
        self._codec = codec
        self._maker = maker
        self._observer = observer
        self._limits = limits
        self._accounts = AccountIntake(shard, shards, codec, maker, engine.book, observer)
        self._asked = AskedIntake(codec, maker)
        self._clock_ms = 0
        self.is_behind = False  # whether there is more to show than the last step could: the next is due at once
        self._census_ms = 0
        self._quiet = QuietPrices(engine.board, maker)

    @property
    def owns_globals(self) -> bool:
        """Whether this shard speaks for the inputs that all shards read."""
        return self._shard == 0

    def judge(
        self, entries: Sequence[FeedEntry], records: Sequence[Record], now_ms: int, opened: Step | None = None
    ) -> Iterator[Step]:
        """Judge messages one after the other, of both kinds until their time is up; then let the clock move on.

        Steps are committed in their order. All but the last `goes_on` and are finished; the last, which begins with
        what `opened` holds where there are no others, may be opened again and is to be finished before it is written.
        """
        started, most_seconds = time.perf_counter(), self._limits.max_transaction_ms / 2000
        if opened is not None:
            opened.entries = opened.records = 0
        judging = self._work_through(entries, self._in_turns, now_ms, most_seconds, opened)
        while (step := next(judging)).goes_on:
            self.finish(step)
            self._observer.kernel(time.perf_counter() - started)
            yield step
            started = time.perf_counter()
        own_seconds = min(most_seconds, OWN_SECONDS)
        step.records = self._work_through_own(records, self.engine.apply, now_ms, own_seconds, step)
        if has_passed(CLOCK_MS, self._clock_ms, now_ms) or self.is_behind:
            self._clock_ms = now_ms
            self._add(StepResult(next(self._in_turns(Clock(now_ms), now_ms))), step)
            self.is_behind = self.engine.is_behind(now_ms)
        if has_passed(_CENSUS_MS, self._census_ms, now_ms):
            self._census_ms = now_ms
            self._observer.scopes(self._shard, *self.engine.census())
            own = [each for each in self.engine.desk.figures(now_ms) if self._is_own(each.fund)]
            self._observer.funds(self._shard, own)
        if self.owns_globals and (kept := self._quiet.due(now_ms)):
            self._add(StepResult(tail=kept), step)
        self._observer.kernel(time.perf_counter() - started)
        yield step

    def absorb(self, records: Sequence[Record], now_ms: int) -> Step:
        """Apply account messages without judging anybody."""
        step = Step()
        done = 0
        while done < len(records):
            done += self._take_run(records, done, self.engine.absorb, now_ms, step)
        return self.finish(step)

    def judge_missed(self, entries: Sequence[FeedEntry], now_ms: int) -> Iterator[Step]:
        """Judge messages that came while nobody judged; prices tell the time, and are as old as they were then."""
        return map(self.finish, self._work_through(self._aged(entries), self.engine.in_turns, now_ms))

    def take(self, entries: Sequence[FeedEntry], now_ms: int, *, judging: bool) -> Iterator[Step]:
        """Apply messages at the time at which the engine stands; those from before the first start judge nobody."""
        in_turns = self.engine.in_turns if judging else self._unjudged
        return map(self.finish, self._work_through(entries, in_turns, now_ms))

    def refuse(self, records: Sequence[Record], notes: Mapping[Origin, Sequence[Note]], now_ms: int) -> Step:
        """Dead-letter what is bad among records of the global inputs, tell what is noted of them, apply nothing."""
        step = Step()
        for record in records:
            entry = self._reading.entry(record)
            result = StepResult(inputs={entry.where: entry.offset + 1})
            result.set_aside(entry.faults, self._maker)
            origin = Origin(record.topic, record.partition, record.offset)
            result.tail += [self._maker.note(note, now_ms) for note in notes.get(origin, ())]
            self._add(result, step)
        return self.finish(step)

    def report_unjudged(
        self, stretches: Mapping[str, Mapping[str, int]], inputs: Mapping[TopicPartition, int], now_ms: int
    ) -> Step:
        """Say which price messages lay too far back to be judged one by one; `inputs` are the positions past them."""
        report = self._maker.unjudged(self._topics.mark_prices, stretches, now_ms)
        return self.finish(Step([StepResult(tail=[report], inputs=dict(inputs))]))

    def keep_terms(self, kept: Mapping[str, bytes]) -> Step:
        """Remember the accepted terms wherever the changelog does not hold them as they are."""
        accepted = self.engine.board.instruments
        records = {symbol: self._maker.instrument(symbol, accepted.get(symbol)) for symbol in {*accepted, *kept}}
        new = [record for symbol, record in sorted(records.items()) if record.value != kept.get(symbol)]
        return self.finish(Step([StepResult(tail=new)]))

    def tell(self, outcome: Outcome) -> Step:
        """Make the records of what the engine has done of its own accord."""
        self._add(StepResult(outcome), step := Step())
        return self.finish(step)

    def judge_everybody(self, now_ms: int) -> Iterator[Step]:
        """Judge every scope against what was told, in short turns."""
        self._clock_ms = now_ms
        yield self.tell(self.engine.apply([Clock(now_ms)], now_ms))
        for outcome in judged_in_turns(self.engine, now_ms):
            yield self.tell(outcome)

    def lose(self, source: Record, first: int, now_ms: int) -> Step:
        """Say that account messages are gone for ever: every account is suspect until its next snapshot."""
        origin = Origin(source.topic, source.partition, source.offset)
        lost = [RejectedMessage(account_id, origin) for account_id in self.engine.book.ids()]
        result = StepResult(self.engine.absorb(lost, now_ms), self._maker.lost(source, first, now_ms))
        result.dead_letters.append((source.topic, "gap"))
        result.inputs[TopicPartition(source.topic, source.partition)] = first
        return self.finish(Step([result]))

    def _work_through(
        self,
        entries: Iterable[FeedEntry],
        in_turns: InTurns,
        now_ms: int,
        most_seconds: float = inf,
        opened: Step | None = None,
    ) -> Iterator[Step]:
        """Work through global inputs until their time is up; yield a step for each turn but the last, and the rest."""
        until, step = time.perf_counter() + most_seconds, opened or Step()
        for entry in entries:
            for result in self._global_input(entry, in_turns, now_ms):
                self._add(result, step)
                if result.goes_on:
                    yield step
                    step = Step()
            step.entries += 1
            if time.perf_counter() >= until:
                break
        yield step

    def _aged(self, entries: Iterable[FeedEntry]) -> Iterator[FeedEntry]:
        """Yield messages, each when prices are as old as they were when it came."""
        for entry in entries:
            is_price = entry.where.topic == self._topics.mark_prices  # others may be read before prices that are older
            if is_price and entry.timestamp_ms - self._clock_ms >= CLOCK_MS:
                self._clock_ms = entry.timestamp_ms
                self.engine.age(entry.timestamp_ms)
            yield entry

    def _work_through_own(
        self, records: Sequence[Record], apply: Apply, now_ms: int, most_seconds: float, step: Step
    ) -> int:
        """Do the same with records of this shard's own partitions: an account's, a fund's, or what others ask for."""
        until, done = time.perf_counter() + most_seconds, 0
        while done < len(records) and (done == 0 or time.perf_counter() < until):
            record = records[done]
            if record.topic == self._topics.fund:
                self._add(self._asked.of_fund(record, apply, now_ms), step)
                done += 1
            elif record.topic == self._topics.adl:
                self._add(self._asked.of_account(record), step)
                done += 1
            else:
                done += self._take_run(records, done, apply, now_ms, step)
        return done

    def _take_run(self, records: Sequence[Record], start: int, apply: Apply, now_ms: int, step: Step) -> int:
        """Take a run of account messages; return how many."""
        run = self._accounts.run_at(records, start)
        for result in self._accounts.take(run, apply, now_ms, step.room(self._limits.max_transaction_records)):
            self._add(result, step)
        return len(run)

    def _in_turns(self, item: Input, now_ms: int) -> Iterator[Outcome]:
        """Have the engine judge what is not an account's message, and note what each turn takes."""
        turns, goes_on = self.engine.in_turns(item, now_ms), True
        while goes_on:
            started = time.thread_time()
            outcome = next(turns)
            self._observer.stage("judge", time.thread_time() - started)
            yield outcome
            goes_on = outcome.goes_on

    def _unjudged(self, item: Input, now_ms: int) -> Iterator[Outcome]:
        yield self.engine.absorb([item], now_ms)

    def finish(self, step: Step) -> Step:
        """Make the records of a step, worst first, what goes with the positions last."""
        started = time.thread_time()
        for result in step.results:
            accounts = result.outcome.worst_first()
            result.groups = [self._maker.account(account) for account in accounts]
            result.event_types = [event.body["event_type"] for account in accounts for event in account.events]
            result.event_types += result.asked
            result.groups += self._maker.samples(result.outcome.samples)
            if last := self._maker.funds(result.outcome.funds, result.fund_windows) + result.tail:
                result.groups.append(last)
        self._observer.stage("encode", time.thread_time() - started)
        return step

    def _add(self, result: StepResult, step: Step) -> None:
        self._observe(result.outcome)
        own = [fund for fund in sorted(result.outcome.funds.windows) if self._is_own(fund)]
        result.fund_windows = {fund: self.engine.desk.window(fund) for fund in own}
        step.add(result, self._limits.max_transaction_records)

    def _observe(self, outcome: Outcome) -> None:
        self._observer.judged(outcome.scopes_judged)
        for applied in outcome.prices_applied:
            self._observer.price_message(applied)
        topics = self._topics
        late = {topics.mark_prices: outcome.late_prices, topics.insurance_funds: outcome.funds.late}
        for topic, count in (late | {topics.account_events: outcome.duplicates}).items():
            for _ in range(count):
                self._observer.duplicate(topic)
        for kind, count in outcome.funds.decisions.items():
            self._observer.fund_decisions(kind, count)
        if outcome.account_events:
            self._observer.account_events(outcome.account_events)

    def _global_input(self, entry: FeedEntry, in_turns: InTurns, now_ms: int) -> Iterator[StepResult]:
        """Have a message judged; yield what each turn wants written, with the last what goes with the position."""
        past = {entry.where: entry.offset + 1}
        outcome, pegs = Outcome(), []
        for outcome in () if entry.input is None else in_turns(entry.input, now_ms):
            pegs += outcome.pegs
            if outcome.goes_on:
                yield StepResult(outcome, inputs=past)
        result = StepResult(outcome, inputs=past)
        if self.owns_globals:
            result.set_aside(entry.faults, self._maker)
            result.tail += [self._maker.note(note, now_ms) for note in entry.notes]
            result.tail += [self._maker.peg(change) for change in pegs]
            if isinstance(entry.input, InstrumentTerms):
                result.tail.append(self._maker.instrument(entry.input.symbol, entry.input.terms))
        yield result

    def _is_own(self, fund: str) -> bool:
        return partition_of(fund.encode(), self._shards) == self._shard
