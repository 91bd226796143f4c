"""One step of a shard: decode what has come, let the engine judge it, and make the records that tell it.

Everything here is synchronous and runs in the kernel thread; reading and committing are done around it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.app.codec import BadMessage, Codec
from monitor.app.feed import LOOKBACK_MS, Fault, FeedEntry, Reading
from monitor.app.observing import Observer
from monitor.app.ports import OutputRecord, Record, TopicPartition
from monitor.app.records import RecordMaker
from monitor.app.topics import TopicNames
from monitor.core.engine import MarginEngine
from monitor.core.inputs import AccountMessage, Clock, Input, InstrumentTerms, Origin, RejectedMessage
from monitor.core.outcome import Outcome
from monitor.core.partitioning import partition_of

CLOCK_MS = 200
QUIET_MS = LOOKBACK_MS // 2
_QUIET_CHECK_MS = 60_000


@dataclass(slots=True)
class StepResult:
    """Hold what a step wants written: groups of records that belong together, the worst first, and the positions."""

    groups: list[list[OutputRecord]] = field(default_factory=list)
    inputs: dict[TopicPartition, int] = field(default_factory=dict)
    event_types: list[str] = field(default_factory=list)
    dead_letters: list[tuple[str, str]] = field(default_factory=list)


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
    ) -> None:
        self._reading = reading
        self._shard = shard
        self._shards = shards
        self._topics = topics
        self._engine = engine
        self._codec = codec
        self._maker = maker
        self._observer = observer
        self._clock_ms = 0
        self._quiet_ms = 0
        self._stored_quiet: dict[str, int] = {}

    @property
    def owns_globals(self) -> bool:
        """Whether this shard speaks for the inputs that all shards read."""
        return self._shard == 0

    def judge(self, entries: Sequence[FeedEntry], records: Sequence[Record], now_ms: int) -> StepResult:
        """Apply messages one after the other, each judged before the next; then let the clock move on."""
        result = StepResult()
        inputs = [*self._global_inputs(entries, result, now_ms), *self._account_inputs(records, result)]
        if now_ms - self._clock_ms >= CLOCK_MS:
            self._clock_ms = now_ms
            inputs.append(Clock(now_ms))
        started = time.perf_counter()
        outcome = self._engine.apply(inputs, now_ms)
        self._observer.kernel(time.perf_counter() - started)
        self._finish(outcome, records, result)
        if self.owns_globals and now_ms - self._quiet_ms >= _QUIET_CHECK_MS:
            self._quiet_ms = now_ms
            result.groups += self._quiet_prices(now_ms)
        return result

    def absorb(self, records: Sequence[Record], now_ms: int) -> StepResult:
        """Apply account messages without judging anybody."""
        result = StepResult()
        outcome = self._engine.absorb(self._account_inputs(records, result), now_ms)
        self._finish(outcome, records, result)
        return result

    def judge_missed(self, entries: Sequence[FeedEntry], now_ms: int) -> StepResult:
        """Judge messages that came while nobody judged, in their order; the clock stands still meanwhile."""
        result = StepResult()
        self._finish(self._engine.apply(self._global_inputs(entries, result, now_ms), now_ms), (), result)
        return result

    def take_unjudged(self, entries: Sequence[FeedEntry], now_ms: int) -> StepResult:
        """Apply messages from before the first start without judging anybody."""
        result = StepResult()
        self._finish(self._engine.absorb(self._global_inputs(entries, result, now_ms), now_ms), (), result)
        return result

    def refuse(self, records: Sequence[Record]) -> StepResult:
        """Dead-letter what is bad among records of the global inputs, and apply nothing."""
        result = StepResult()
        for record in records:
            result.inputs[TopicPartition(record.topic, record.partition)] = record.offset + 1
            self._dead_letter(self._reading.entry(record).faults, result)
        return result

    def report_unjudged(self, stretches: Mapping[str, Mapping[str, int]], now_ms: int) -> StepResult:
        """Say which price messages lay too far back to be judged one by one."""
        record = self._maker.unjudged(self._topics.mark_prices, stretches, now_ms)
        return StepResult(groups=[[record]])

    def judge_everybody(self, now_ms: int) -> StepResult:
        """Judge every scope against what was told."""
        result = StepResult()
        self._clock_ms = now_ms
        clock = self._engine.apply([Clock(now_ms)], now_ms)
        self._finish(clock, (), result)
        self._finish(self._engine.judge_everybody(now_ms), (), result)
        return result

    def lose(self, source: Record, first: int, now_ms: int) -> StepResult:
        """Say that account messages are gone for ever: every account is suspect until its next snapshot."""
        origin = Origin(source.topic, source.partition, source.offset)
        lost = [RejectedMessage(account_id, origin) for account_id in self._engine.book.ids()]
        result = StepResult(groups=[self._maker.lost(source, first, now_ms)])
        result.dead_letters.append((source.topic, "gap"))
        self._finish(self._engine.absorb(lost, now_ms), (), result)
        result.inputs[TopicPartition(source.topic, source.partition)] = first
        return result

    def _global_inputs(self, entries: Iterable[FeedEntry], result: StepResult, now_ms: int) -> list[Input]:
        inputs: list[Input] = []
        for entry in entries:
            result.inputs[entry.where] = entry.offset + 1
            if entry.input is not None:
                inputs.append(entry.input)
            if self.owns_globals:
                self._dead_letter(entry.faults, result)
                if entry.held is not None:
                    result.groups.append([self._maker.held(entry.held, now_ms)])
                if isinstance(entry.input, InstrumentTerms):
                    result.groups.append([self._maker.instrument(entry.input.symbol, entry.input.terms)])
        return inputs

    def _account_inputs(self, records: Iterable[Record], result: StepResult) -> list[Input]:
        inputs: list[Input] = []
        for record in records:
            origin = Origin(record.topic, record.partition, record.offset)
            result.inputs[TopicPartition(record.topic, record.partition)] = record.offset + 1
            try:
                event = self._codec.account_event(record.value, record.key)
                self._check_partition(event.account_id)
            except BadMessage as bad:
                self._dead_letter([Fault(record, bad.code, str(bad))], result)
                account_id = _readable(record.key)
                if account_id is not None:
                    inputs.append(RejectedMessage(account_id, origin))
            else:
                inputs.append(AccountMessage(event, origin))
        return inputs

    def _check_partition(self, account_id: str) -> None:
        """Refuse an account whose key another partitioner has sent here: its chain would have two writers."""
        if self._engine.book.number_of(account_id) is not None:
            return
        right = partition_of(account_id.encode(), self._shards)
        if right != self._shard:
            why = f"murmur2 of the key gives partition {right} of {self._shards}"
            raise BadMessage("wrong_partition", "", why)

    def _dead_letter(self, faults: Iterable[Fault], result: StepResult) -> None:
        for fault in faults:
            result.groups.append([self._maker.dead_letter(fault)])
            result.dead_letters.append((fault.record.topic, fault.code))

    def _finish(self, outcome: Outcome, records: Sequence[Record], result: StepResult) -> None:
        """Turn an outcome into records and observations."""
        by_offset = {record.offset: record for record in records}
        for refusal in outcome.refusals:
            why = f"{refusal.path}: {refusal.why}"
            self._dead_letter([Fault(by_offset[refusal.origin.offset], "contradiction", why)], result)
        for account in outcome.worst_first():
            result.groups.append(self._maker.account(account))
            result.event_types += [event.body["event_type"] for event in account.events]
        self._observer.judged(outcome.scopes_screened)
        for _ in range(outcome.duplicates):
            self._observer.duplicate(self._topics.account_events)

    def _quiet_prices(self, now_ms: int) -> list[list[OutputRecord]]:
        """Return changelog records of prices so old that the topic may soon forget them."""
        groups: list[list[OutputRecord]] = []
        for symbol, quote in self._engine.board.quotes.items():
            if now_ms - quote.timestamp_ms > QUIET_MS and self._stored_quiet.get(symbol) != quote.offset:
                self._stored_quiet[symbol] = quote.offset
                groups.append([self._maker.price(symbol, quote)])
        return groups


def _readable(key: bytes | None) -> str | None:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return None

