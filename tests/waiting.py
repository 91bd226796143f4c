"""Waiting for what happens elsewhere: until a condition holds or a deadline has passed, never for a fixed time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.app.ports import Log, LogReader, LogUnavailable, Record, TopicSpec

DEADLINE_SECONDS = 20.0


async def until(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Return when `condition` holds; raise `TimeoutError` after the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is anybody's
            await asyncio.sleep(0.01)


async def holds(condition: Callable[[], bool], seconds: float = 2 * DEADLINE_SECONDS) -> None:
    """Do the same of a condition that takes a while to look at: of a process, of its files."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - processes set no event
            await asyncio.sleep(0.05)


async def read(reader: LogReader, count: int, *, max_records: int = 500) -> list[Record]:
    """Return the next `count` records or more, or whatever came before the deadline."""
    found: list[Record] = []
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECONDS
    while len(found) < count and loop.time() < deadline:
        found += await reader.poll(max_records, 200)
    return found


async def create(log: Log, spec: TopicSpec) -> None:
    """Create a topic as soon as the log can: a broker that has just started or thawed takes a moment."""
    admin = await log.admin()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                refused = await admin.create([spec])
                if not refused or spec.name in await admin.describe([spec.name]):
                    return
            except LogUnavailable:
                refused = {}
            # a try that was given up may have made it all the same, and what is made is seen a moment later
            assert not refused or "TopicAlreadyExistsError" in refused[spec.name], refused
            await asyncio.sleep(0.05)
