"""Writing steps: in their order and one at a time, while the kernel thread judges the next.

So the engine may be a step ahead of the log. Where a write fails for good whoever writes drops the engine: the next
owner judges again what was not written. How a transaction is written is in `ledger`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.app.input_watch import times_of
from monitor.app.ledger import Ledger
from monitor.app.observing import Observer
from monitor.app.ports import Record, TopicPartition
from monitor.app.reading import FeedEntry
from monitor.app.records import split
from monitor.app.results import Step, StepResult

IDLE_COMMIT_SECONDS = 5.0
"""A shard with nothing to tell commits its positions this often: each commit costs every reader of the changelog."""
CONSUMED_SECONDS = 1.0
"""Group offsets, which only lag tools read, are added to a transaction this often."""
PATIENCE_SECONDS = 0.1
"""A step is written by then, though messages of accounts wait: many in one transaction cost less each."""


@dataclass(slots=True)
class Draft:
    """Hold a step on its way, and what its writer must know of how it came about.

    Attributes:
        started: when it was begun, in seconds of `time.perf_counter`.
        shown_before: before which place of the changelog all facts had been shown by then.
        times_ms: the log's time of the last message of each input that it used up.
        has_prices: whether it holds what a message of the market brought about.
    """

    step: Step = field(default_factory=Step)
    started: float = field(default_factory=time.perf_counter)
    shown_before: int = 0
    times_ms: dict[TopicPartition, int] = field(default_factory=dict)
    has_prices: bool = False

    def may_wait(self, seconds: float) -> bool:
        """Tell whether a step of that age need not be written yet: larger ones cost less, but prices are waited for."""
        return not self.has_prices and seconds < PATIENCE_SECONDS

    def add(self, step: Step, entries: Sequence[FeedEntry], records: Iterable[Record]) -> None:
        """Take a step over that messages were added to."""
        self.step = step
        self.has_prices = self.has_prices or bool(entries)
        self.times_ms |= {entry.where: entry.timestamp_ms for entry in entries}
        self.times_ms |= times_of(records)


class StepWriter:
    """Write the steps of one shard, at most one under way; `on_written` is called when that has ended.

    `positions` are those past all that is written, or brought about nothing to write; `reached` those past all that was
    handed over.
    """

    def __init__(
        self,
        ledger: Ledger,
        observer: Observer,
        most_records: int,
        own: TopicPartition,
        positions: Mapping[TopicPartition, int],
        on_written: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._observer = observer
        self._most_records = most_records
        self._own = own
        self._on_written = on_written
        self.positions = dict(positions)
        self.reached = dict(positions)
        self.times_ms: dict[TopicPartition, int] = {}
        self._under_way: asyncio.Task[None] | None = None
        self._committed_at = 0.0
        self._consumed_at = 0.0

    async def hand_over(self, draft: Draft) -> None:
        """Begin to write a finished step once the last is written. Raises what writing that one has raised."""
        await self.settled()
        for result in draft.step.results:
            if not result.goes_on:
                self.reached |= result.inputs
        self._under_way = asyncio.create_task(self._write(draft))
        self._under_way.add_done_callback(lambda _: self._on_written())

    @property
    def is_busy(self) -> bool:
        """Whether something is under way."""
        return self._under_way is not None and not self._under_way.done()

    async def settled(self) -> None:
        """Wait until what was handed over is written. Raises what writing it has raised."""
        if self._under_way is not None:
            await asyncio.wait({self._under_way})
            task, self._under_way = self._under_way, None
            task.result()

    async def close(self) -> None:
        """Give up what is under way: what becomes of it the next owner finds out."""
        task, self._under_way = self._under_way, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _write(self, draft: Draft) -> None:
        # all that was judged before this step is written by now, so what had been shown by then stands in the log
        self._ledger.shown_before = max(self._ledger.shown_before, draft.shown_before)
        for result in draft.step.results:
            await self._write_result(result)
        self.times_ms |= draft.times_ms
        if any(result.groups for result in draft.step.results):
            self._observer.step(time.perf_counter() - draft.started)

    async def _write_result(self, result: StepResult) -> None:
        """Write what whole messages brought about: much of it in several transactions, the positions with the last."""
        before, goes_on = self.positions, result.goes_on
        reached = before | result.inputs
        now = asyncio.get_running_loop().time()
        if self._is_worth_it(result, reached, now):
            parts = split(result.groups, self._most_records)
            consumed = None if goes_on else self._consumed(reached, now)
            await self._ledger.commit_parts(parts, before, reached, consumed, goes_on=goes_on)
            self._committed_at = now
            self._observe(result)
        if not goes_on:
            self.positions = reached

    def _is_worth_it(self, result: StepResult, reached: Mapping[TopicPartition, int], now: float) -> bool:
        """Tell whether there are records, or positions that were not committed for long enough."""
        if result.groups:
            return True
        if result.goes_on or now - self._committed_at < IDLE_COMMIT_SECONDS:
            return False
        return reached != self._ledger.meta.inputs or self._ledger.image.has_shown_more(self._ledger.shown_before)

    def _consumed(self, reached: Mapping[TopicPartition, int], now: float) -> dict[TopicPartition, int] | None:
        if now - self._consumed_at < CONSUMED_SECONDS or self._own not in reached:
            return None
        self._consumed_at = now
        return {self._own: reached[self._own]}

    def _observe(self, result: StepResult) -> None:
        for event_type in result.event_types:
            self._observer.event(event_type)
        for topic, code in result.dead_letters:
            self._observer.dead_letter(topic, code)
