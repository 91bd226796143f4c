"""A shard: one partition of the accounts, owned by this instance as long as the group and the log say so.

Its life lives here: take over, judge and commit step after step, let go. What a step does is in `step`, how it is
committed in `ledger`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing

from monitor.app.adl_publishing import AdlPublisher
from monitor.app.asked import requests_to
from monitor.app.auditing import ShardAudit, StoreDamaged
from monitor.app.feed import Cursor
from monitor.app.heartbeats import Turn
from monitor.app.image import DamagedState
from monitor.app.intake import Intake
from monitor.app.ledger import Ledger, LedgerSettings, OwnershipLost
from monitor.app.letting_go import LetGo, unless_let_go
from monitor.app.ports import CorruptRecord, LogUnavailable, PositionLost, Record, TopicPartition
from monitor.app.pulse import TermEnded
from monitor.app.reading import FeedEntry, Reading
from monitor.app.records import RecordMaker, split
from monitor.app.restoring import name_of
from monitor.app.results import Step, StepResult
from monitor.app.shared import Shared
from monitor.app.step import CLOCK_MS, StepMaker
from monitor.app.takeover import ENTRIES_AT_ONCE, RECORDS_AT_ONCE, Takeover
from monitor.app.turns import one_ahead
from monitor.app.warm_copy import UnfitCopy, WarmCopy

log = logging.getLogger(__name__)

BACKOFF_SECONDS = 1.0
"""Wait after losing a shard: longer than a heartbeat, so that the group can tell us who owns it."""
IDLE_COMMIT_SECONDS = 5.0
"""A shard with nothing to tell commits its positions this often: each commit costs every reader of the changelog."""
CONSUMED_SECONDS = 1.0
"""Group offsets, which only lag tools read, are added to a transaction this often."""
GRACE_SECONDS = 5.0
"""A shard that must let go waits this long for the commit under way; the next owner finds out what became of it."""


class Shard:
    """Own one partition; `run` returns when it was asked to let go."""

    def __init__(self, number: int, shared: Shared, warm: WarmCopy | None = None) -> None:
        self.number = number
        self._warm = warm
        self.is_steady = False
        self._shared = shared
        self._accounts = TopicPartition(shared.topics.account_events, number)
        self._letting_go = asyncio.Event()
        self._work = asyncio.Event()
        self._positions: dict[TopicPartition, int] = {}
        self._cursor = Cursor()
        self._records: list[Record] = []
        self._committed_at = 0.0
        self._consumed_at = 0.0
        self._term = shared.pulse.term
        self._times_ms: dict[TopicPartition, int] = {}
        self._corrupt: CorruptRecord | None = None
        self.lived_at = self.steady_at = shared.pulse.clock()
        self.turn: Turn | None = None

    def let_go(self) -> None:
        """Ask the shard to finish its step and end."""
        self._letting_go.set()
        self._work.set()

    async def run(self) -> None:
        """Own the shard until asked to let go, taking it over again whenever another writer had it meanwhile."""
        while not self._letting_go.is_set():
            try:
                await self._own()
            except (OwnershipLost, TermEnded) as lost:
                log.warning("shard %d lost: %s", self.number, lost)
            except (PositionLost, LogUnavailable) as fault:
                log.warning("shard %d takes over again: %s", self.number, fault)
            except StoreDamaged as damage:
                log.critical("shard %d takes over again: %s", self.number, damage)
            except CorruptRecord as fault:
                log.critical("shard %d cannot go on: %s", self.number, fault)
                self._corrupt = fault
            except UnfitCopy as why:
                log.warning("shard %d is taken over cold, its warm copy is not fit: %s", self.number, why)
                continue
            except DamagedState as damage:
                self._shared.observer.state_damaged(self.number)
                log.critical("shard %d is not judged, its changelog is damaged: %s", self.number, damage)
            self.is_steady, self.turn = False, None
            self._shared.observer.shard(self.number, None if self._letting_go.is_set() else "waiting")
            if not self._letting_go.is_set():
                await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(BACKOFF_SECONDS):
                await self._letting_go.wait()
        except TimeoutError:
            return

    async def _own(self) -> None:
        shared = self._shared
        maker = RecordMaker(self.number, shared.shards, shared.topics, shared.codec)
        settings = LedgerSettings(shared.group, shared.shards, self.number, shared.topics.state)
        self._term, self._times_ms = shared.pulse.term, {}
        ledger = Ledger(
            settings,
            shared.log,
            shared.codec,
            maker,
            shared.writer_id,
            shared.observer,
            shared.now_ms,
            self._permit,
        )
        warm, self._warm = self._warm, None
        engine = shared.make_engine() if warm is None else warm.engine
        queue_read = None if shared.adl is None else shared.adl.caught_up
        publisher = AdlPublisher(self.number, shared.shards, shared.topics, engine, queue_read, shared.observer)
        if shared.adl is not None:
            engine.adl.join(shared.adl.queue, self.number)
            engine.desk.selector.join(shared.adl.queue, shared.shards, engine.adl.alarm)
        admission = shared.feed.reading.admission
        reading = Reading(shared.feed.settings, shared.codec, shared.now_ms, admission)
        steps = StepMaker(
            self.number,
            shared.shards,
            shared.topics,
            engine,
            shared.codec,
            maker,
            reading,
            shared.observer,
            shared.limits,
        )
        self._records = []
        try:
            takeover = Takeover(shared, ledger, steps, self._cursor, warm)
            self._positions = await unless_let_go(takeover.run(), self._letting_go, grace_seconds=0)
            audit = ShardAudit(self.number, shared.shards, shared.audit, engine, steps, shared.observer)
            await self._live(ledger, steps, publisher, audit)
        except LetGo:
            log.info("shard %d let go before its work was committed", self.number)
        finally:
            shared.feed.drop(self._cursor)
            await ledger.close()

    async def _live(self, ledger: Ledger, steps: StepMaker, publisher: AdlPublisher, audit: ShardAudit) -> None:
        shared = self._shared
        asked = requests_to(self.number, shared.topics)
        intake = Intake(shared.log, asked, RECORDS_AT_ONCE, self._work.set, shared.observer, shared.inputs)
        stop_listening = shared.feed.listen(self._work.set)
        intake.start({where: self._positions.get(where, 0) for where in (self._accounts, *asked)})
        self.is_steady, self.steady_at = True, shared.pulse.clock()
        shared.observer.shard(self.number, "steady")
        log.info("shard %d is steady", self.number)
        try:
            while not self._letting_go.is_set():
                await self._wait_for_work(steps, intake, audit, publisher)
                await self._step(ledger, steps, intake)
                await self._rank(ledger, publisher)
                await self._look_over(ledger, steps, audit, intake)
                shared.snapshots.consider(name_of(ledger.settings), ledger.image)
                self._end_turn(ledger)
            shared.snapshots.consider(name_of(ledger.settings), ledger.image, last=True)
        finally:
            stop_listening()
            await intake.stop()

    def _has_work(self, steps: StepMaker, intake: Intake) -> bool:
        has_come = bool(self._records) or not intake.is_empty
        return has_come or steps.is_behind or self._cursor.next < self._shared.feed.end

    async def _wait_for_work(
        self, steps: StepMaker, intake: Intake, audit: ShardAudit, publisher: AdlPublisher
    ) -> None:
        if self._has_work(steps, intake):
            return
        self._work.clear()
        now = asyncio.get_running_loop().time()
        seconds = min(CLOCK_MS / 1000, audit.wait_seconds(now), publisher.wait_seconds(now))
        try:
            async with asyncio.timeout(seconds):
                await self._work.wait()
        except TimeoutError:
            return

    async def _permit(self) -> None:
        await self._shared.pulse.permit(self._term)

    def _end_turn(self, ledger: Ledger) -> None:
        """Note that a step is done: nothing but this says that the shard lives.

        A shard that comes to life only to meet the same corrupt batch again does not.
        """
        if self._corrupt is not None and self._positions.get(self._corrupt.where, 0) <= self._corrupt.position:
            return
        self._corrupt, self.lived_at = None, self._shared.pulse.clock()
        number = 1 if self.turn is None else self.turn.number + 1
        times_ms = dict(self._times_ms)
        self.turn = Turn(number, ledger.meta.counter, dict(self._positions), times_ms, self._shared.now_ms())

    async def _step(self, ledger: Ledger, steps: StepMaker, intake: Intake) -> None:
        if self._cursor.is_lost:
            raise PositionLost(TopicPartition(self._shared.topics.mark_prices, 0), self._cursor.next)
        self._shared.pulse.check(self._term)
        entries = self._shared.feed.entries(self._cursor.next, ENTRIES_AT_ONCE)
        records = self._records or intake.take()
        # all that was judged before is committed by now, so what the engine has shown stands in the log
        ledger.shown_before = max(ledger.shown_before, steps.engine.shown_before(ledger.image.next_offset))
        judged = steps.judge(entries, records, self._shared.now_ms())
        await unless_let_go(self._tell(ledger, judged, entries, records), self._letting_go, GRACE_SECONDS)

    async def _tell(
        self, ledger: Ledger, judged: Iterator[Step], entries: Sequence[FeedEntry], records: list[Record]
    ) -> None:
        """Write what is judged of messages, step after step; a storm is written while it is judged."""
        started, first, is_told = time.perf_counter(), self._cursor.next, False
        async with aclosing(one_ahead(judged, self._shared.on_kernel_thread)) as steps:
            async for step in steps:
                self._cursor.next += step.entries
                self._records = records[step.records :]
                for result in step.results:
                    await self._write(ledger, result)
                    is_told |= bool(result.groups)
                if step.goes_on:
                    self._end_turn(ledger)
        done = len(records) - len(self._records)
        self._times_ms |= _times_ms(entries[: self._cursor.next - first], records[:done])
        if is_told:
            self._shared.observer.step(time.perf_counter() - started)

    async def _rank(self, ledger: Ledger, publisher: AdlPublisher) -> None:
        """Take a turn at ranking; tell the other shards what has come of it, in a transaction of its own."""
        loop = asyncio.get_running_loop()
        if publisher.wait_seconds(loop.time()) > 0:
            return
        positions, now_ms = dict(self._positions), self._shared.now_ms()
        result = await self._shared.on_kernel_thread(lambda: publisher.turn(positions, now_ms))
        publisher.rest(loop.time())
        if result.groups:
            await self._commit(ledger, result)

    async def _look_over(self, ledger: Ledger, steps: StepMaker, audit: ShardAudit, intake: Intake) -> None:
        """Take a turn at the audit where nothing else is to be done; tell what has come of it."""
        now, now_ms = asyncio.get_running_loop().time(), self._shared.now_ms()
        if audit.is_due(now, is_busy=self._has_work(steps, intake)):
            step = await self._shared.on_kernel_thread(lambda: audit.turn(now, now_ms))
            for result in step.results:
                await self._commit(ledger, result)

    async def _commit(self, ledger: Ledger, result: StepResult) -> None:
        await unless_let_go(self._write(ledger, result), self._letting_go, GRACE_SECONDS)

    async def _write(self, ledger: Ledger, result: StepResult) -> None:
        """Write what whole messages brought about: much of it in several transactions, the positions with the last."""
        before, goes_on = dict(self._positions), result.goes_on
        reached = before | result.inputs
        if not goes_on:
            self._positions = reached
        now = asyncio.get_running_loop().time()
        if not result.groups and (goes_on or now - self._committed_at < IDLE_COMMIT_SECONDS):
            return
        is_news = reached != ledger.meta.inputs or ledger.image.has_shown_more(ledger.shown_before)
        if not result.groups and not is_news:
            return
        parts = split(result.groups, self._shared.limits.max_transaction_records)
        await ledger.commit_parts(parts, before, reached, None if goes_on else self._consumed(now), goes_on=goes_on)
        self._committed_at = now
        self._observe(result)

    def _consumed(self, now: float) -> dict[TopicPartition, int] | None:
        if now - self._consumed_at < CONSUMED_SECONDS or self._accounts not in self._positions:
            return None
        self._consumed_at = now
        return {self._accounts: self._positions[self._accounts]}

    def _observe(self, result: StepResult) -> None:
        for event_type in result.event_types:
            self._shared.observer.event(event_type)
        for topic, code in result.dead_letters:
            self._shared.observer.dead_letter(topic, code)


def _times_ms(entries: Iterable[FeedEntry], records: Iterable[Record]) -> dict[TopicPartition, int]:
    """Return the log's time of the last message of each input."""
    found = {entry.where: entry.timestamp_ms for entry in entries}
    return found | {TopicPartition(record.topic, record.partition): record.timestamp_ms for record in records}
