"""A shard: one partition of the accounts, owned by this instance as long as the group and the log say so.

Its life lives here: take over, judge and commit step after step, let go. What a step does is in `step`, how it is
committed in `ledger`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

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
from monitor.app.reading import Reading
from monitor.app.records import RecordMaker
from monitor.app.restoring import name_of
from monitor.app.results import Step
from monitor.app.shared import Shared
from monitor.app.step import CLOCK_MS, StepMaker
from monitor.app.step_writing import Draft, StepWriter
from monitor.app.takeover import ENTRIES_AT_ONCE, RECORDS_AT_ONCE, Takeover
from monitor.app.warm_copy import UnfitCopy, WarmCopy

log = logging.getLogger(__name__)

BACKOFF_SECONDS = 1.0
"""Wait after losing a shard: longer than a heartbeat, so that the group can tell us who owns it."""
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
        self._cursor = Cursor()
        self._records: list[Record] = []
        self._is_alone = False
        self._term = shared.pulse.term
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
        self._term = shared.pulse.term
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
            positions = await unless_let_go(takeover.run(), self._letting_go, grace_seconds=0)
            audit = ShardAudit(self.number, shared.shards, shared.audit, engine, steps, shared.observer)
            most = shared.limits.max_transaction_records
            writer = StepWriter(ledger, shared.observer, most, self._accounts, positions, self._work.set)
            await self._live(ledger, writer, steps, publisher, audit)
        except LetGo:
            log.info("shard %d let go before its work was committed", self.number)
        finally:
            shared.feed.drop(self._cursor)
            await ledger.close()

    async def _live(
        self, ledger: Ledger, writer: StepWriter, steps: StepMaker, publisher: AdlPublisher, audit: ShardAudit
    ) -> None:
        shared = self._shared
        asked = requests_to(self.number, shared.topics)
        intake = Intake(shared.log, asked, RECORDS_AT_ONCE, self._work.set, shared.observer, shared.inputs)
        stop_listening = shared.feed.listen(self._work.set)
        intake.start({where: writer.positions.get(where, 0) for where in (self._accounts, *asked)})
        self.is_steady, self.steady_at = True, shared.pulse.clock()
        shared.observer.shard(self.number, "steady")
        log.info("shard %d is steady", self.number)
        try:
            while not self._letting_go.is_set():
                await self._wait_for_work(steps, intake, audit, publisher)
                await self._unless_let_go(self._step(ledger, writer, steps, intake))
                await self._rank(writer, publisher)
                await self._look_over(writer, audit, is_busy=self._has_work(steps, intake))
                shared.snapshots.consider(name_of(ledger.settings), ledger.image)
                self._end_turn(ledger, writer)
            await self._unless_let_go(writer.settled())
            shared.snapshots.consider(name_of(ledger.settings), ledger.image, last=True)
        finally:
            stop_listening()
            await writer.close()
            await intake.stop()

    async def _unless_let_go(self, work: Coroutine[Any, Any, None]) -> None:
        await unless_let_go(work, self._letting_go, GRACE_SECONDS)

    def _has_work(self, steps: StepMaker, intake: Intake) -> bool:
        return self._is_behind(intake) or steps.is_behind or self._cursor.next < self._shared.feed.end

    def _is_behind(self, intake: Intake) -> bool:
        return bool(self._records) or not intake.is_empty

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

    def _end_turn(self, ledger: Ledger, writer: StepWriter) -> None:
        """Note that a step is done: nothing but this says that the shard lives.

        A shard that comes to life only to meet the same corrupt batch again does not.
        """
        if self._corrupt is not None and writer.positions.get(self._corrupt.where, 0) <= self._corrupt.position:
            return
        self._corrupt, self.lived_at = None, self._shared.pulse.clock()
        number = 1 if self.turn is None else self.turn.number + 1
        positions, times_ms = dict(writer.positions), dict(writer.times_ms)
        self.turn = Turn(number, ledger.meta.counter, positions, times_ms, self._shared.now_ms())

    async def _step(self, ledger: Ledger, writer: StepWriter, steps: StepMaker, intake: Intake) -> None:
        """Judge what comes while the last step is being written, for a bounded time; then begin to write that."""
        self._shared.pulse.check(self._term)
        draft = Draft(shown_before=steps.engine.shown_before(ledger.image.next_offset))
        while True:
            draft = await self._judge(ledger, writer, steps, intake, draft)
            self._end_turn(ledger, writer)
            if self._letting_go.is_set() or not self._may_grow(draft, writer, intake):
                break
            if not self._has_work(steps, intake):
                self._work.clear()
                await self._work.wait()  # for messages, or for the writer
        await self._shared.on_kernel_thread(lambda: steps.finish(draft.step))
        await writer.hand_over(draft)

    def _may_grow(self, draft: Draft, writer: StepWriter, intake: Intake) -> bool:
        """Return whether more may be added to a step: as it cannot be written yet, or for a moment as messages wait."""
        seconds = time.perf_counter() - draft.started
        if not draft.step.is_whole or seconds >= self._shared.limits.max_transaction_ms / 2000:
            return False
        return writer.is_busy or (self._is_behind(intake) and draft.may_wait(seconds))

    async def _judge(self, ledger: Ledger, writer: StepWriter, steps: StepMaker, intake: Intake, draft: Draft) -> Draft:
        """Add what has come to a step; a storm's turns are handed over one by one, what comes behind is returned."""
        if self._cursor.is_lost:
            raise PositionLost(TopicPartition(self._shared.topics.mark_prices, 0), self._cursor.next)
        entries = self._shared.feed.entries(self._cursor.next, ENTRIES_AT_ONCE)
        # prices alone, the next time with what has waited meanwhile: neither can keep the other waiting for long
        self._is_alone = bool(entries) and not self._is_alone
        self._records = self._records or intake.take()
        records = [] if self._is_alone else self._records
        judged = steps.judge(entries, records, self._shared.now_ms(), draft.step)
        while True:
            step = await self._shared.on_kernel_thread(lambda: next(judged))
            self._records = self._records[step.records :]
            draft.add(step, entries[: step.entries], records[: step.records])
            self._cursor.next += step.entries
            entries = entries[step.entries :]
            if not step.goes_on:
                return draft
            await writer.hand_over(draft)
            self._end_turn(ledger, writer)
            draft = Draft(shown_before=draft.shown_before)

    async def _rank(self, writer: StepWriter, publisher: AdlPublisher) -> None:
        """Take a turn at ranking; tell the other shards what has come of it, in a transaction of its own."""
        loop = asyncio.get_running_loop()
        if publisher.wait_seconds(loop.time()) > 0:
            return
        draft, positions, now_ms = Draft(), dict(writer.reached), self._shared.now_ms()
        result = await self._shared.on_kernel_thread(lambda: publisher.turn(positions, now_ms))
        publisher.rest(loop.time())
        if result.groups:
            draft.step = Step([result])
            await self._unless_let_go(writer.hand_over(draft))

    async def _look_over(self, writer: StepWriter, audit: ShardAudit, *, is_busy: bool) -> None:
        """Take a turn at the audit where nothing else is to be done; tell what has come of it."""
        now, now_ms = asyncio.get_running_loop().time(), self._shared.now_ms()
        if audit.is_due(now, is_busy=is_busy):
            draft = Draft(await self._shared.on_kernel_thread(lambda: audit.turn(now, now_ms)))
            await self._unless_let_go(writer.hand_over(draft))
