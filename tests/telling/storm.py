"""One storm: accounts taken in by the daemon's own path, all prices down at once, what that costs and what was written.

The path is that of a shard: `StepMaker` with engine, codec and record maker, `Ledger` on the embedded log.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field

from monitor.adapters.embedded import EmbeddedLog
from monitor.app.ledger import Ledger, LedgerSettings
from monitor.app.observing import SilentObserver
from monitor.app.ports import OutputRecord, Record, TopicPartition
from monitor.app.reading import FeedEntry, FeedSettings, Reading
from monitor.app.records import RecordMaker, split
from monitor.app.step import StepMaker
from monitor.app.topics import create_topics
from monitor.cli.assembly import codec_of, new_engine
from monitor.config import Settings, load
from tests.telling.book import FALL, Book
from tests.telling.stages import Clock

NOW_MS = 1_700_000_000_000
TAKEN_AT_ONCE = 200


@dataclass
class Findings:
    """Hold what a storm has cost, CPU seconds, and what it has written."""

    changes: int = 0
    judging: float = 0.0
    committing: float = 0.0
    transactions: int = 0
    records: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    outputs: list[OutputRecord] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)

    def note(self, records: list[OutputRecord]) -> None:
        """Count records."""
        self.outputs += records
        for record in records:
            self.records[record.topic] += 1
            self.sizes[record.topic] += len(record.value or b"")


class Storm:
    """Hold one shard with its accounts, before the storm."""

    def __init__(self, seed: int, kind: str, accounts: int, positions: int, *, funding: bool) -> None:
        self.settings: Settings = load(None, environment={}, overrides={"topics.partitions": 1})
        self.topics = self.settings.topics.names()
        self._funding = funding
        self._book = Book(seed)
        codec = codec_of(self.settings)
        self._codec, self._observer = codec, SilentObserver()
        reading = Reading(FeedSettings(self.topics), codec, lambda: NOW_MS)
        self._reading = reading
        self._maker = RecordMaker(0, 1, self.topics, codec)
        self.engine = new_engine(self.settings)
        self.steps = StepMaker(
            0, 1, self.topics, self.engine, codec, self._maker, reading, self._observer, self.settings.limits
        )
        self._offset = 0
        terms = [self._entry(self.topics.instruments, name, value) for name, value in self._book.instruments()]
        fund = self._entry(self.topics.insurance_funds, "main", self._book.fund())
        self._take([*terms, fund, self._prices(1.0)], [])
        records = [
            Record(self.topics.account_events, 0, number, NOW_MS, name.encode(), value)
            for number, (name, value) in enumerate(self._book.accounts(kind, accounts, positions))
        ]
        for start in range(0, len(records), TAKEN_AT_ONCE):
            self._take([], records[start : start + TAKEN_AT_ONCE])

    def _take(self, entries: list[FeedEntry], records: list[Record]) -> None:
        """Have messages judged; a step does as many as its time allows."""
        while entries or records:
            for step in self.steps.judge(entries, records, NOW_MS):
                entries, records = entries[step.entries :], records[step.records :]

    def _entry(self, topic: str, key: str, value: bytes) -> FeedEntry:
        self._offset += 1
        return self._reading.entry(Record(topic, 0, self._offset, NOW_MS, key.encode(), value))

    def _prices(self, left: float) -> FeedEntry:
        marks = self._book.marks(left, NOW_MS + self._offset, funding=self._funding)
        return self._entry(self.topics.mark_prices, "all", marks)

    def forget(self) -> None:
        """Let the price go back and everybody recover: what is made once for all storms is made by then."""
        self._take([self._prices(1.0)], [])

    def break_loose(self, clock: Clock | None = None) -> Findings:
        """Let all prices fall at once, write what comes of it; with a clock, by stage (which costs time itself)."""
        found, entry = Findings(), self._prices(FALL)
        started = time.process_time()
        with nullcontext() if clock is None else clock.watching():
            steps = list(self.steps.judge([entry], [], NOW_MS))
            self.steps.finish(steps[-1])
        found.judging = time.process_time() - started
        groups = [group for step in steps for result in step.results for group in result.groups]
        found.changes = len([one for one in groups if any(record.topic in self._chains for record in one)])
        parts = split(groups, self.settings.limits.max_transaction_records)
        found.transactions = len(parts)
        for part in parts:
            found.note(part)
        found.committing = asyncio.run(self._committed(parts))
        return found

    @property
    def _chains(self) -> set[str]:
        return {self.topics.margin_calls, self.topics.liquidations, self.topics.adl_events}

    async def _committed(self, parts: list[list[OutputRecord]]) -> float:
        log = EmbeddedLog(lambda: NOW_MS)
        await create_topics(await log.admin(), self.settings.topics)
        settings = LedgerSettings("telling", 1, 0, self.topics.state)
        ledger = Ledger(settings, log, self._codec, self._maker, "w", self._observer, lambda: NOW_MS)
        await ledger.fence()
        positions = {TopicPartition(self.topics.account_events, 0): 0}
        started = time.process_time()
        await ledger.commit_parts(parts, positions, positions)
        seconds = time.process_time() - started
        await ledger.close()
        await log.close()
        return seconds
