"""`python -m tests.telling.gap`: all prices fall at once on a whole instance; when what comes of it can be read.

Real threads and clocks on the embedded log: what a broker adds is not in these figures. Times count from the moment the
price is in its topic.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from monitor.adapters.embedded import EmbeddedLog
from monitor.adapters.embedded.journal import Change
from monitor.app.instance import Instance
from monitor.app.observing import SilentObserver
from monitor.app.topics import TopicNames, create_topics
from monitor.cli.assembly import KernelThread, assemble
from monitor.cli.clock import now_ms
from monitor.cli.warm import warm
from monitor.config import load
from tests.telling.book import FALL, RATIOS, Book

EVENT_TYPE = re.compile(rb'"event_type":"([a-z_]+)"')
WORST = {b"liquidation", b"critical", b"takeover", b"bankrupt"}
CHAIN = {*WORST, b"watch", b"warning", b"margin_call"}
AHEAD = 2_000
"""So many accounts are sent before the first of them is shown."""
LOOK_SECONDS = 0.005


@dataclass
class Readable:
    """Stand for the journal of the log: note when what kind of event could be read."""

    topics: TopicNames
    events: list[tuple[float, bytes]] = field(default_factory=list)
    transactions: list[tuple[float, int]] = field(default_factory=list)
    size = 0
    statuses = 0

    def append(self, change: Change) -> None:
        """Note a change."""
        now, chains = time.perf_counter(), self._chains
        for topic, *_, value, _headers in change.records:
            self.statuses += topic == self.topics.account_status
            found = EVENT_TYPE.search(value, 0, 200) if topic in chains and value else None
            if found is not None and found[1] in CHAIN:
                self.events.append((now, found[1]))
        self.transactions.append((now, len(change.records)))

    @property
    def _chains(self) -> set[str]:
        return {self.topics.margin_calls, self.topics.liquidations, self.topics.adl_events}

    def forget(self) -> None:
        """Forget what was noted."""
        self.events, self.transactions, self.statuses = [], [], 0


class Lag:
    """Note how late the event loop's timers are."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def run(self) -> None:
        """Note it for ever."""
        while True:
            due = time.perf_counter() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.seconds.append(time.perf_counter() - due)


async def until(condition: Callable[[], bool], seconds: float = 600.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is anybody's
            await asyncio.sleep(0.02)


def report(readable: Readable, begun: float, lag: Lag, cpu: float, options: argparse.Namespace) -> str:
    """Return what was seen as text."""
    worst = [at - begun for at, kind in readable.events if kind in WORST]
    everything = [at - begun for at, _ in readable.events]
    late = sorted(lag.seconds)
    records = sum(count for _, count in readable.transactions)
    rows = {
        "changes": f"{len(everything):,}, {len(worst):,} of them liquidations and worse",
        "records": f"{records:,} in {len(readable.transactions)} transactions",
        "first liquidation readable": f"{min(worst) * 1e3:.0f} ms",
        "last of liquidations and worse": f"{max(worst) * 1e3:.0f} ms",
        "everything": f"{max(everything) * 1e3:.0f} ms",
        "processor time": f"{cpu * 1e3:.0f} ms, {cpu / len(everything) * 1e6:.0f} us a change",
        "timers late": f"p50 {late[len(late) // 2] * 1e3:.1f} ms, p99 {late[int(len(late) * 0.99)] * 1e3:.1f} ms, "
        f"at most {late[-1] * 1e3:.1f} ms",
        "again": f"python -m tests.telling.gap --seed {options.seed} --changes {' '.join(map(str, options.changes))} "
        f"--shards {options.shards} --turn {options.turn}",
    }
    return "".join(f"{name:32}{text}\n" for name, text in rows.items())


async def storm(options: argparse.Namespace) -> str:
    """Take accounts in, let all prices fall, and return what was seen."""
    overrides: dict[str, Any] = {"topics.partitions": options.shards, "limits.max_turn_scopes": options.turn}
    overrides |= {"prices.max_age_ms": 0, "prices.unknown_after_ms": 0}
    settings = load(None, environment={}, overrides=overrides)
    topics, log = settings.topics.names(), EmbeddedLog(now_ms)
    assert await create_topics(await log.admin(), settings.topics) == []
    book = Book(options.seed)
    counts = dict(zip(RATIOS, options.changes, strict=True))
    accounts = [one for kind, count in counts.items() for one in book.accounts(kind, count, options.positions)]
    readable, kernel, aside = Readable(topics), KernelThread(), KernelThread("aside")
    journal: Any = readable
    log._store.journal = journal
    for name, value in book.instruments():
        log.produce(topics.instruments, name.encode(), value)
    log.produce(topics.insurance_funds, b"main", book.fund())
    log.produce(topics.mark_prices, b"all", book.marks(1.0, now_ms(), funding=False))
    instance: Instance = assemble(settings, topics, log, options.shards, SilentObserver(), kernel, now_ms, aside)
    running = asyncio.create_task(instance.run())
    await until(lambda: not instance.why_not_ready())
    for start in range(0, len(accounts), AHEAD):
        for name, value in accounts[start : start + AHEAD]:
            log.produce(topics.account_events, name.encode(), value)
        await until(lambda: readable.statuses >= start)  # noqa: B023 - awaited here
    await until(lambda: readable.statuses >= len(accounts))
    await asyncio.sleep(2 * settings.status.publish_interval_ms / 1000)
    gc.collect()
    readable.forget()
    lag = Lag()
    watching = asyncio.create_task(lag.run())
    await asyncio.sleep(0.1)
    begun, cpu = time.perf_counter(), time.process_time()
    log.produce(topics.mark_prices, b"all", book.marks(FALL, now_ms(), funding=False))
    await until(lambda: len(readable.events) >= len(accounts))
    cpu = time.process_time() - cpu
    watching.cancel()
    instance.stop()
    await running
    for thread in (kernel, aside):
        thread.close()
    await asyncio.gather(watching, return_exceptions=True)
    return report(readable, begun, lag, cpu, options)


def main() -> int:
    """Run one storm and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.telling.gap", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    kinds = ", ".join(RATIOS)
    parser.add_argument("--changes", type=int, nargs=3, default=[60_000, 8_000, 2_000], help=f"of each kind: {kinds}")
    parser.add_argument("--positions", type=int, default=5)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--turn", type=int, default=500, help="limits.max_turn_scopes")
    options = parser.parse_args()
    warm()
    sys.stdout.write(asyncio.run(storm(options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
