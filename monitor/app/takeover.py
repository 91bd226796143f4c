"""Taking a shard over: fence, restore what was remembered, catch up unjudged, judge what was missed, then everybody.

The order of these steps is the whole of this room; the steady life that follows is in `shard`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from functools import partial

from monitor.app.asked import requests_to
from monitor.app.changelog import ahead_of, check_owner
from monitor.app.feed import Cursor, behind
from monitor.app.image import Image
from monitor.app.ledger import RETRY_SECONDS, Ledger
from monitor.app.ports import LogReader, LogUnavailable, PositionLost, Record, TopicPartition
from monitor.app.reading import FeedEntry
from monitor.app.records import split
from monitor.app.restoring import restored_image
from monitor.app.results import Step
from monitor.app.second_thread import SecondThread
from monitor.app.shared import Shared
from monitor.app.step import StepMaker
from monitor.app.turns import one_ahead
from monitor.app.warm_copy import UnfitCopy, WarmCopy
from monitor.core.inputs import FundTerms

log = logging.getLogger(__name__)

ENTRIES_AT_ONCE = 500
RECORDS_AT_ONCE = 500
MISSED_AT_ONCE = 25
"""A price message costs a large shard about 20 ms."""
_POLL_MS = 200


class Takeover:
    """Bring one shard's engine from nothing to where it may live on; one object for one takeover."""

    def __init__(self, shared: Shared, ledger: Ledger, steps: StepMaker, cursor: Cursor, warm: WarmCopy | None) -> None:
        self._shard = shard = ledger.settings.shard
        self._shared = shared
        self._ledger = ledger
        self._engine = steps.engine
        self._steps = steps
        self._cursor = cursor
        self._warm = warm
        self._base_positions: dict[TopicPartition, int] = {}
        self._accounts = TopicPartition(shared.topics.account_events, shard)
        self._positions: dict[TopicPartition, int] = {}

    async def run(self) -> dict[TopicPartition, int]:
        """Take over; return the positions of all inputs. The cursor then stands before the next feed entry."""
        observer = self._shared.observer
        observer.shard(self._shard, "fencing")
        await self._ledger.fence()
        observer.shard(self._shard, "restoring")
        image = await restored_image(self._shared, self._ledger.settings, self._warm)
        check_owner(image.meta, self._ledger.settings.group, self._ledger.settings.shards)
        self._ledger.begin(image)
        self._positions = dict(self._ledger.meta.inputs)
        was_judged = any(where != self._accounts for where in self._positions)
        await self._wait_for_feed()
        await self._restore(image)
        observer.shard(self._shard, "catching_up")
        if was_judged:
            await self._catch_up_accounts()
            await self._report_unjudged()
        if self._steps.owns_globals:
            await self._tell_missed_faults()
        await self._finish_what_was_begun()
        await self._take_missed(judging=was_judged)
        if not was_judged:  # terms first: each of them would place all of its holders anew
            await self._catch_up_accounts()
        await self._find_requests()
        turns = self._steps.judge_everybody(self._shared.now_ms())
        while (step := await self._shared.on_kernel_thread(lambda: next(turns, None))) is not None:
            await self._commit(step)
        if self._steps.owns_globals:
            await self._commit(self._steps.keep_terms(self._ledger.image.instruments))
        observer.takeover()
        return self._positions

    async def _wait_for_feed(self) -> None:
        """Wait until the feed has read the global inputs as far as the last owner had judged them."""
        await self._shared.feed.caught_up.wait()
        arrived = asyncio.Event()
        stop_listening = self._shared.feed.listen(arrived.set)
        try:
            while short := self._ahead_of(self._shared.feed.positions):
                self._shared.feed.expect(short)
                if await self._forget_recreated(short):
                    continue
                arrived.clear()
                try:
                    async with asyncio.timeout(1.0):
                        await arrived.wait()
                except TimeoutError:
                    continue
        finally:
            stop_listening()

    def _ahead_of(self, reached: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Return how far the last owner had judged inputs that are not read so far here, or not read at all yet."""
        own = {self._accounts, *requests_to(self._shard, self._shared.topics)}
        ahead = ahead_of(reached, {**self._positions, **self._ledger.meta.unfinished})
        return {where: offset for where, offset in ahead.items() if where not in own}

    async def _forget_recreated(self, ahead: Mapping[TopicPartition, int]) -> bool:
        """Go on from the log's truth where a stored position lies beyond its end: the topic was made anew."""
        reader = self._shared.log.reader()
        try:
            await reader.start()
            counts = {topic: await reader.partition_count(topic) for topic in {where.topic for where in ahead}}
            if not all(counts.values()):  # a broker that has just started may know less than all topics
                return False
            there = [where for where in ahead if where.partition < counts[where.topic]]
            ends = dict.fromkeys(ahead, 0) | await reader.end_offsets(there)
        except LogUnavailable as fault:
            self._shared.observer.log_fault(type(fault).__name__)
            return False
        finally:
            await reader.stop()
        recreated = {where: end for where, end in ends.items() if ahead[where] > end}
        if recreated and self._warm is not None:
            raise UnfitCopy(f"an input was made anew: {', '.join(where.topic for where in recreated)}")
        for where, end in recreated.items():
            log.error("position beyond the end of %s[%d]: stored %d, end %d", *where, ahead[where], end)
            del self._positions[where]
        return bool(recreated)

    async def _restore(self, image: Image) -> None:
        """Rebuild the market as it was last judged, then the accounts and what they were told.

        From here on the feed keeps what this shard has still to judge, however long that takes.
        """
        feed = self._shared.feed
        feed.place(self._cursor)
        self._base_positions = dict(feed.base_positions)
        warm, entries = self._warm, feed.entries(feed.first, feed.end)
        known = [*feed.base_inputs()]
        known += [entry.input for entry in entries if entry.input and self._is_judged(entry)]
        if warm is not None:
            known = [item for item in known if isinstance(item, FundTerms)] + warm.market.due(self._positions)
        now_ms = self._shared.now_ms()
        kept = image.fund_claims, image.fund_windows, image.promises
        desk = [{name: self._shared.codec.decode(value) for name, value in one.items()} for one in kept]

        def restore() -> None:
            if warm is None:
                self._engine.absorb(known, now_ms)
                with SecondThread() as second:
                    self._engine.restore(image.facts, image.memory, image.rules, image.samples, second.begin)
            self._engine.claimant.restore(image.own_claims)
            self._engine.desk.restore(*desk)
            self._engine.refresh(image.touched, now_ms)
            self._engine.shown_before(image.next_offset)

        if warm is not None:
            await warm.complete(known, now_ms, self._shared.on_kernel_thread)
        # a cold engine is nobody's but ours: filling it must not hold up the shards that are judged
        await (self._shared.aside if warm is None else self._shared.on_kernel_thread)(restore)

    def _is_judged(self, entry: FeedEntry) -> bool:
        return entry.offset < self._positions.get(entry.where, 0)

    async def _catch_up_accounts(self) -> None:
        """Apply the account events that stand in the log now, judging nobody before all of them are in."""
        reader = self._shared.log.reader()
        try:
            await self._start(reader)
            begin = (await reader.beginning_offsets([self._accounts]))[self._accounts]
            end = (await reader.end_offsets([self._accounts]))[self._accounts]
            offset = await self._from_where(begin, end)
            reader.assign({self._accounts: offset})
            while reader.position(self._accounts) < end:
                if records := await reader.poll(RECORDS_AT_ONCE, _POLL_MS):
                    await self._absorb(records)
            self._positions[self._accounts] = max(offset, reader.position(self._accounts))
        finally:
            await reader.stop()

    async def _start(self, reader: LogReader) -> None:
        while True:
            try:
                return await reader.start()
            except LogUnavailable as fault:
                self._shared.observer.log_fault(type(fault).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _from_where(self, begin: int, end: int) -> int:
        """Return the next account event to apply, having said aloud what is gone."""
        offset = self._positions.get(self._accounts)
        if offset is None:
            return begin
        if begin <= offset <= end:
            return offset
        log.error("account events from offset %d on are gone, the log holds %d to %d", offset, begin, end)
        source = Record(*self._accounts, offset, self._shared.now_ms(), None, None)
        work = self._shared.on_kernel_thread(lambda: self._steps.lose(source, begin, self._shared.now_ms()))
        await self._commit(await work)
        return begin

    async def _absorb(self, records: list[Record]) -> None:
        now_ms = self._shared.now_ms()
        await self._commit(await self._shared.on_kernel_thread(lambda: self._steps.absorb(records, now_ms)))

    async def _finish_what_was_begun(self) -> None:
        """Judge first the message of which the last owner told a part: what is told must not go back behind it.

        It tells no time: prices that are older may be missed still, and must not look stale.
        """
        begun, feed, now_ms = self._ledger.meta.unfinished, self._shared.feed, self._shared.now_ms()
        window = feed.entries(self._cursor.next, feed.end - self._cursor.next) if begun else ()
        entries = [one for one in window if one.offset < begun.get(one.where, 0) and not self._is_judged(one)]
        await self._commit_all(self._steps.take(entries, now_ms, judging=True))

    async def _take_missed(self, *, judging: bool) -> None:
        """Judge the messages since the last judgement one by one; before a first start nothing was missed.

        In short turns, for shards that are steady wait for the same kernel thread; what comes meanwhile is for the
        life that follows, else a takeover never ended where a commit takes longer than the next message.
        """
        feed, cursor = self._shared.feed, self._cursor
        work = self._steps.judge_missed if judging else partial(self._steps.take, judging=False)
        most, end, reached = MISSED_AT_ONCE if judging else ENTRIES_AT_ONCE, feed.end, dict(feed.positions)
        while cursor.next < end:
            if cursor.is_lost:
                raise PositionLost(TopicPartition(self._shared.topics.mark_prices, 0), cursor.next)
            entries = feed.entries(cursor.next, min(most, end - cursor.next))
            missed = [entry for entry in entries if not self._is_judged(entry)]
            await self._commit_all(work(missed, self._shared.now_ms()))
            cursor.next += len(entries)
        for where, offset in reached.items():
            self._positions[where] = max(offset, self._positions.get(where, 0))

    async def _tell_missed_faults(self) -> None:
        """Dead-letter what was bad in the global inputs since the last owner, as far as the window has lost it."""
        upto = self._base_positions
        notes = self._shared.feed.notes_before()
        reader = self._shared.log.reader()
        try:
            await self._start(reader)
            begin = await reader.beginning_offsets(upto)
            spans = {where: max(begin[where], self._positions.get(where, 0)) for where in upto}
            spans = {where: start for where, start in spans.items() if start < upto[where]}
            reader.assign(spans)
            while any(reader.position(where) < upto[where] for where in spans):
                records = await reader.poll(RECORDS_AT_ONCE, _POLL_MS)
                missed = [record for record in records if record.offset < upto[TopicPartition(*record[:2])]]
                now_ms = self._shared.now_ms()
                work = self._shared.on_kernel_thread(lambda: self._steps.refuse(missed, notes, now_ms))  # noqa: B023
                await self._commit(await work)
        finally:
            await reader.stop()

    async def _find_requests(self) -> None:
        """Begin at the oldest request of other shards where none was ever taken."""
        unknown = [where for where in requests_to(self._shard, self._shared.topics) if where not in self._positions]
        if not unknown:
            return
        reader = self._shared.log.reader()
        try:
            await self._start(reader)
            self._positions |= await reader.beginning_offsets(unknown)
        finally:
            await reader.stop()

    async def _report_unjudged(self) -> None:
        """Say which prices lie before the window; their positions are used up with it, except where faults follow."""
        topic = self._shared.topics.mark_prices
        missed = behind(self._base_positions, self._positions).items()
        prices = {where: count for where, count in missed if where.topic == topic}
        if not prices:
            return
        log.warning("price messages too far back to be judged: %s", prices)
        self._shared.observer.unjudged(sum(prices.values()))
        stretches = {
            str(where.partition): {"first": self._positions.get(where, 0), "count": count}
            for where, count in prices.items()
        }
        past = {} if self._steps.owns_globals else {where: self._base_positions[where] for where in prices}
        await self._commit(self._steps.report_unjudged(stretches, past, self._shared.now_ms()))

    async def _commit_all(self, judged: Iterator[Step]) -> None:
        async with aclosing(one_ahead(judged, self._shared.on_kernel_thread)) as steps:
            async for step in steps:
                await self._commit(step)

    async def _commit(self, step: Step) -> None:
        for result in step.results:
            before, reached = self._positions, self._positions | result.inputs
            if not result.goes_on:
                self._positions = reached
            parts = split(result.groups, self._shared.limits.max_transaction_records)
            if parts[-1] or (self._positions != self._ledger.meta.inputs and not result.goes_on):
                await self._ledger.commit_parts(parts, before, reached, goes_on=result.goes_on)
